//! STS: temporary credentials, and who a caller is.

mod access_key_info;
mod assume_role;
mod federation_token;
mod messages;
mod recorded;
pub(crate) mod restrictions;
mod second_factor;
mod session_policies;
mod session_tags;
mod session_token;
pub(crate) mod sessions;
pub(crate) mod token;
mod trusted;
pub(crate) mod web_identity;

use std::sync::Arc;

use async_trait::async_trait;
use strongroom_api_sts::{
    AssumeRoleRequest, AssumeRoleResponse, AssumeRoleWithWebIdentityRequest,
    AssumeRoleWithWebIdentityResponse, Credentials, DecodeAuthorizationMessageRequest,
    DecodeAuthorizationMessageResponse, GetAccessKeyInfoRequest, GetAccessKeyInfoResponse,
    GetCallerIdentityRequest, GetCallerIdentityResponse, GetFederationTokenRequest,
    GetFederationTokenResponse, GetSessionTokenRequest, GetSessionTokenResponse, Sts as StsApi,
};
use strongroom_identity::RequestContext;
use strongroom_schema::Timestamp;
use strongroom_service::ApiError;

use crate::IdentityManagement;
pub use recorded::conceal_codes;
use sessions::Issued;
pub use web_identity::{ProviderDocuments, Unread};

/// The Security Token Service.
pub struct Sts {
    identities: Arc<IdentityManagement>,
}

impl Sts {
    /// The service for the users and roles of `identities`.
    pub fn new(identities: Arc<IdentityManagement>) -> Self {
        Self { identities }
    }
}

#[async_trait]
impl StsApi for Sts {
    async fn assume_role(
        &self,
        context: &RequestContext,
        input: AssumeRoleRequest,
    ) -> Result<AssumeRoleResponse, ApiError> {
        recorded::incoming_tags(context);
        let answer = assume_role::assume_role(&self.identities, context, input).await?;
        recorded::role_session(context, &answer);
        Ok(answer)
    }

    async fn assume_role_with_web_identity(
        &self,
        context: &RequestContext,
        input: AssumeRoleWithWebIdentityRequest,
    ) -> Result<AssumeRoleWithWebIdentityResponse, ApiError> {
        let answer = web_identity::assume_role_with_web_identity(&self.identities, context, input).await?;
        recorded::web_session(context, &answer);
        Ok(answer)
    }

    async fn decode_authorization_message(
        &self,
        context: &RequestContext,
        input: DecodeAuthorizationMessageRequest,
    ) -> Result<DecodeAuthorizationMessageResponse, ApiError> {
        Ok(messages::decode_authorization_message(&self.identities, context, &input)?)
    }

    async fn get_access_key_info(
        &self,
        context: &RequestContext,
        input: GetAccessKeyInfoRequest,
    ) -> Result<GetAccessKeyInfoResponse, ApiError> {
        Ok(access_key_info::get_access_key_info(&self.identities, context, input).await?)
    }

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

    async fn get_federation_token(
        &self,
        context: &RequestContext,
        input: GetFederationTokenRequest,
    ) -> Result<GetFederationTokenResponse, ApiError> {
        let answer = federation_token::get_federation_token(&self.identities, context, input).await?;
        recorded::federated_user(context, &answer);
        Ok(answer)
    }

    async fn get_session_token(
        &self,
        context: &RequestContext,
        input: GetSessionTokenRequest,
    ) -> Result<GetSessionTokenResponse, ApiError> {
        let answer = session_token::get_session_token(&self.identities, context, input).await?;
        recorded::credentials(context, answer.credentials.as_ref());
        Ok(answer)
    }
}

/// Credentials as answers show them.
fn answer(issued: Issued) -> Credentials {
    Credentials {
        access_key_id: issued.access_key_id,
        secret_access_key: issued.secret,
        session_token: issued.session_token,
        expiration: Timestamp::from_millis(issued.expires_ms),
    }
}
