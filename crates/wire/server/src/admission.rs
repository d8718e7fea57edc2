//! The seam to whoever may say "not now" before a call is run: rates.

use strongroom_identity::RequestContext;
use strongroom_schema::{Operation, ServiceSchema, Structure};
use strongroom_service::ApiError;

/// Asked once for each call that is known and readable, whichever service it is for, right before it is run.
pub trait Admission: Send + Sync {
    /// Lets a call in, or refuses it with the error that its caller reads. A refusal is recorded like any other.
    fn admit(
        &self,
        context: &RequestContext,
        service: &'static ServiceSchema,
        operation: &'static Operation,
        input: &dyn Structure,
    ) -> Result<(), ApiError>;
}
