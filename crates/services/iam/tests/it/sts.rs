//! STS: temporary credentials, through the same doors as requests.

mod assume_role;
mod messages;
mod restrictions;
mod session_policies;
mod session_tags;
mod session_token;
mod web_identity;

use std::sync::Arc;

use strongroom_api_iam as iam;
use strongroom_api_sts::{self as sts, GetCallerIdentityRequest, Sts as _};
use strongroom_iam::Sts;
use strongroom_identity::{Caller, Credential, Credentials as _, NoCredential, RequestContext};
use strongroom_service::ApiError;

use crate::fixture::iam::{Client, Server};

/// Whoever signs with some credentials.
pub(super) struct Actor {
    client: Client,
    caller: Caller,
}

impl Actor {
    /// The root user.
    pub(super) fn root(client: &Client) -> Self {
        Self { client: client.clone(), caller: client.context().caller }
    }

    /// A user with that name and a new access key.
    pub(super) async fn user(client: &Client, name: &str) -> Self {
        client.create_user(name).await.unwrap();
        Self::with_key(client, &client.create_access_key(name).await.unwrap()).await
    }

    async fn with_key(client: &Client, key: &iam::AccessKey) -> Self {
        let id = key.access_key_id.as_str();
        let credential = client.server.keys.find(id, None).await.unwrap().unwrap();
        assert_eq!(credential.secret.expose(), key.secret_access_key.expose());
        Self::new(client, id, credential)
    }

    /// Who has temporary credentials.
    pub(super) async fn with(client: &Client, credentials: &sts::Credentials) -> Self {
        let found = find(&client.server, &credentials.access_key_id, Some(&credentials.session_token)).await;
        let credential = found.unwrap();
        assert_eq!(credential.secret.expose(), credentials.secret_access_key.expose());
        Self::new(client, &credentials.access_key_id, credential)
    }

    /// The same after his policies have changed: they come with each request.
    pub(super) async fn anew(&self) -> Self {
        let id = self.caller.access_key_id.as_str();
        let credential = self.client.server.keys.find(id, None).await.unwrap().unwrap();
        Self::new(&self.client, id, credential)
    }

    fn new(client: &Client, access_key_id: &str, credential: Credential) -> Self {
        let Credential { principal, session, permissions, .. } = credential;
        let access_key_id = access_key_id.to_owned();
        Self { client: client.clone(), caller: Caller { principal, access_key_id, session, permissions } }
    }

    pub(super) fn context(&self) -> RequestContext {
        let mut context = self.client.context();
        context.caller = self.caller.clone();
        context
    }

    pub(super) fn sts(&self) -> Sts {
        Sts::new(self.client.server.iam.clone())
    }

    pub(super) async fn get_session_token(
        &self,
        input: sts::GetSessionTokenRequest,
    ) -> Result<sts::Credentials, ApiError> {
        Ok(self.sts().get_session_token(&self.context(), input).await?.credentials.unwrap())
    }

    pub(super) async fn assume(
        &self,
        input: sts::AssumeRoleRequest,
    ) -> Result<sts::AssumeRoleResponse, ApiError> {
        self.sts().assume_role(&self.context(), input).await
    }

    /// The session of a role that he may assume, of the same account.
    pub(super) async fn session(&self, input: sts::AssumeRoleRequest) -> Self {
        let answer = self.assume(input).await.unwrap();
        Self::with(&self.client, &answer.credentials.unwrap()).await
    }

    /// The ARN and unique id, as GetCallerIdentity tells them.
    pub(super) async fn identity(&self) -> (String, String) {
        let answer =
            self.sts().get_caller_identity(&self.context(), GetCallerIdentityRequest {}).await.unwrap();
        assert_eq!(answer.account, Some(self.client.account.to_string()));
        (answer.arn.unwrap(), answer.user_id.unwrap())
    }
}

/// What a server finds for an access key that comes with that token.
pub(super) async fn find(
    server: &Arc<Server>,
    id: &str,
    token: Option<&str>,
) -> Result<Credential, NoCredential> {
    server.keys.find(id, token).await.unwrap()
}

/// A trust policy that lets a principal do an action.
pub(super) fn trusting(principal: &str, action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":["{principal}"]}},"Action":["{action}"]}}]}}"#
    )
}

/// A policy that allows an action.
pub(super) fn allowing(action: &str, resource: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":["{action}"],"Resource":"{resource}"}}]}}"#
    )
}
