//! AssumeRoleWithWebIdentity: whose word counts, for whom, and what comes of it.

mod issuer;
mod roles;
mod tokens;

use std::sync::Arc;

use serde_json::{Value, json};
use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_api_sts::{AssumeRoleWithWebIdentityRequest, AssumeRoleWithWebIdentityResponse, Sts as _};
use strongroom_iam::Sts;
use strongroom_identity::{Caller, Principal, Vouched, WebIdentity};
use strongroom_secret::Secret;
use strongroom_service::ApiError;
use strongroom_testkit::TestDatabase;

use crate::fixture::iam::{ACCOUNT, Client, serve_with};
use crate::fixture::open;
use issuer::{AUDIENCE, Documents, ISSUER, Key, claims, token};

const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/idp.example.com/tenant";

/// An account with a provider, whose documents are these, and a role `r` that trusts its job 7.
async fn account(database: &TestDatabase, documents: &Arc<Documents>) -> Client {
    let server = serve_with(&open(database).await, |iam| iam.with_providers(documents.clone()));
    let client = Client::new(&server, ACCOUNT);
    let input = iam::CreateOpenIDConnectProviderRequest {
        url: ISSUER.to_owned(),
        client_id_list: Some(vec!["other".to_owned(), AUDIENCE.to_owned()]),
        ..Default::default()
    };
    client.iam().create_open_id_connect_provider(&client.changing(), input).await.unwrap();
    client.create_role("r", &trusting(&["sts:AssumeRoleWithWebIdentity"])).await.unwrap();
    client
}

/// An account whose provider has one RSA key, `k`.
async fn usual(database: &TestDatabase) -> Client {
    account(database, &Documents::of(&[Key::rsa().published("k")])).await
}

/// The trust policy of the sample under "Configuring a role for OIDC": audience and subject.
fn trusting(actions: &[&str]) -> String {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Federated": PROVIDER},
        "Action": actions,
        "Condition": {"StringEquals": {
            "idp.example.com/tenant:aud": AUDIENCE,
            "idp.example.com/tenant:sub": "job:7",
        }},
    }]})
    .to_string()
}

/// The token of an RSA key `k` with the usual claims but for these.
fn saying(others: &Value) -> String {
    token(&Key::rsa(), &json!({"alg": "RS256", "kid": "k"}), &claims(others))
}

fn asked(role: &str, token: &str) -> AssumeRoleWithWebIdentityRequest {
    AssumeRoleWithWebIdentityRequest {
        role_arn: format!("arn:aws:iam::{ACCOUNT}:role/{role}"),
        role_session_name: "build".to_owned(),
        web_identity_token: Secret::new(token.to_owned()),
        ..Default::default()
    }
}

/// The answer, and who the caller turned out to be.
async fn assume(
    client: &Client,
    input: AssumeRoleWithWebIdentityRequest,
) -> (Result<AssumeRoleWithWebIdentityResponse, ApiError>, Option<Vouched>) {
    let mut context = client.context();
    context.caller = Caller::new(Principal::WebIdentity(WebIdentity::unknown(client.account)), "");
    let answer = Sts::new(client.server.iam.clone()).assume_role_with_web_identity(&context, input).await;
    let Principal::WebIdentity(web) = &context.caller.principal else { panic!("another caller") };
    (answer, web.vouched().cloned())
}
