//! Accounts and root users.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use strongroom_iam::RootCredential;
use strongroom_identity::AccountId;
use strongroom_secret::SecretString;

use super::Parts;
use super::request::{AccountCreate, RootReset};

pub(super) async fn create(parts: &Parts, asked: AccountCreate) -> Result<SecretString> {
    let id = asked.account_id.as_deref().map(parse).transpose()?;
    let now_ms = parts.ground.clocks.domain_now();
    let made = parts.iam.create_account(&parts.ground.outbox, id, &asked.name, now_ms).await?;
    Ok(shown(&made))
}

pub(super) async fn reset_root(parts: &Parts, asked: RootReset) -> Result<SecretString> {
    let account = parse(&asked.account_id)?;
    let now_ms = parts.ground.clocks.domain_now();
    let made = parts.iam.reset_root(&parts.ground.outbox, account, now_ms).await?;
    Ok(shown(&made))
}

pub(super) async fn list(parts: &Parts) -> Result<SecretString> {
    let mut listed: Vec<Value> = Vec::new();
    let mut after = None;
    loop {
        let page = parts.iam.accounts(after).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        let shown = page.iter().map(|account| {
            json!({ "account": account.id.to_string(), "name": account.name, "created_ms": account.created_ms })
        });
        listed.extend(shown);
    }
    Ok(SecretString::new(Value::from(listed).to_string()))
}

fn parse(id: &str) -> Result<AccountId> {
    id.parse().with_context(|| format!("{id} is no account id; use 12 digits"))
}

/// A credential as JSON: ids and secrets have no character that JSON writes otherwise.
pub(crate) fn shown(made: &RootCredential) -> SecretString {
    SecretString::new(format!(
        "{{\"account\":\"{}\",\"access_key_id\":\"{}\",\"secret_access_key\":\"{}\"}}",
        made.account,
        made.access_key_id,
        made.secret.expose()
    ))
}
