//! GetFederationToken: temporary credentials for somebody whom the caller knows.

use strongroom_api_sts::{FederatedUser, GetFederationTokenRequest, GetFederationTokenResponse, actions};
use strongroom_identity::{AccountId, ConditionKeys, Principal, RequestContext};
use strongroom_policy::Resource;

use super::session_tags::SessionTags;
use super::session_token::long_term;
use super::token::{Token, Who};
use super::trusted::TagSession;
use super::{answer, session_policies};
use crate::IdentityManagement;
use crate::error::Refusal;

/// A federated user as policies protect him: by the ARN of the session.
#[derive(Clone)]
struct Federated {
    account: AccountId,
    arn: String,
}

impl Resource for Federated {
    fn owner(&self) -> AccountId {
        self.account
    }

    fn arn(&self) -> String {
        self.arn.clone()
    }
}

pub(super) async fn get_federation_token(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: GetFederationTokenRequest,
) -> Result<GetFederationTokenResponse, Refusal> {
    let account = context.account();
    let (who, seconds) = long_term(context, "GetFederationToken", input.duration_seconds)?;
    let tags = SessionTags::parse(input.tags, None, &[])?;
    let passed = session_policies::parse(input.policy, input.policy_arns)?;
    let packed_policy_size = session_policies::packed_size(&passed, &tags)?;
    let name = input.name;
    let user = Principal::FederatedUser { account, name: name.clone(), issuer: None };
    let federated = Federated { account, arn: user.arn() };
    context.ask(tags.asked(ConditionKeys::new()));
    identities.authority.authorize::<actions::GetFederationToken, _>(context, federated.clone())?;
    if !tags.is_empty() {
        identities.authority.authorize::<TagSession, _>(context, federated)?;
    }
    let directory = identities.directories.current(account).await?;
    session_policies::expect_there(&passed, &directory)?;

    let issuer = if let Who::User(id) = who { Some(id) } else { None };
    let who = Who::Federated(name, issuer);
    let token = Token::new(account, who, context.now_ms, identities.sessions.end(seconds));
    let token = Token { passed, ..token }.with_tags(tags.into_tags());
    let issued = identities.sessions.issue(&token, input.minimum_session_token_size)?;
    Ok(GetFederationTokenResponse {
        session_token_size: Some(issued.size()),
        session_token_utilization: Some(issued.utilization()),
        credentials: Some(answer(issued)),
        federated_user: Some(FederatedUser { federated_user_id: user.unique_id(), arn: user.arn() }),
        packed_policy_size,
    })
}
