//! Request quotas, asked about before a call is run.

use std::sync::Arc;

use strongroom_api_kms::SERVICE;
use strongroom_identity::RequestContext;
use strongroom_kms::KeyManagement;
use strongroom_schema::{Operation, ServiceSchema, Structure};
use strongroom_server::Admission;
use strongroom_service::ApiError;

/// KMS's quotas; other services have none.
pub(crate) struct KmsQuotas(pub(crate) Arc<KeyManagement>);

impl Admission for KmsQuotas {
    fn admit(
        &self,
        context: &RequestContext,
        service: &'static ServiceSchema,
        operation: &'static Operation,
        input: &dyn Structure,
    ) -> Result<(), ApiError> {
        if service.name == SERVICE.name { self.0.admit(context, operation, input) } else { Ok(()) }
    }
}
