//! Services as the server sees them.

use std::any::Any;

use async_trait::async_trait;
use strongroom_identity::RequestContext;
use strongroom_schema::{ServiceSchema, Structure};

use crate::ApiError;

/// One AWS service, reached by operation position.
#[async_trait]
pub trait Service: Send + Sync {
    /// The service's schema.
    fn schema(&self) -> &'static ServiceSchema;

    /// An empty input for the operation at `operation`, to be filled by a codec.
    fn new_input(&self, operation: usize) -> Box<dyn Structure>;

    /// Runs the operation at `operation`. The input is of the type that [`Service::new_input`] gave, and
    /// has been validated against the schema.
    async fn call(
        &self,
        context: &RequestContext,
        operation: usize,
        input: Box<dyn Structure>,
    ) -> Result<Box<dyn Structure>, ApiError>;
}

/// The input as the type that the operation takes.
pub fn typed_input<T: Structure>(input: Box<dyn Structure>) -> Result<T, ApiError> {
    let input: Box<dyn Any> = input;
    match input.downcast::<T>() {
        Ok(input) => Ok(*input),
        Err(_) => Err(ApiError::internal("an operation was given the input of another")),
    }
}
