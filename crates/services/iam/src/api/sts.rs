//! STS.

use async_trait::async_trait;
use strongroom_api_sts::{GetCallerIdentityRequest, GetCallerIdentityResponse, Sts as StsApi};
use strongroom_identity::RequestContext;
use strongroom_service::ApiError;

/// The Security Token Service.
#[derive(Debug, Default)]
pub struct Sts {}

impl Sts {
    /// The service.
    pub fn new() -> Self {
        Self {}
    }
}

#[async_trait]
impl StsApi for Sts {
    /// Needs no permission, and no policy can deny it (STS API Reference).
    async fn get_caller_identity(
        &self,
        context: &RequestContext,
        _: GetCallerIdentityRequest,
    ) -> Result<GetCallerIdentityResponse, ApiError> {
        let principal = &context.caller.principal;
        Ok(GetCallerIdentityResponse {
            user_id: Some(principal.unique_id()),
            account: Some(principal.account().to_string()),
            arn: Some(principal.arn()),
        })
    }
}
