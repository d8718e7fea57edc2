//! Quorum values and tokens.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use strongroom_hsm_proto::command::{QuorumService, QuorumValues, TokenDescription, TokenTimeouts};

use super::merge::coverage;
use super::words::{key_reference, service_name};

/// How many must approve.
#[derive(Debug, Serialize)]
pub(crate) struct Values {
    user: u32,
    quorum: u32,
    cluster: u32,
}

impl Values {
    pub(crate) fn of(values: &QuorumValues) -> Self {
        Self { user: values.user, quorum: values.quorum, cluster: values.cluster }
    }
}

/// For how long tokens are good.
#[derive(Debug, Serialize)]
pub(crate) struct Timeouts {
    generated: u32,
    approved: u32,
}

impl Timeouts {
    pub(crate) fn of(timeouts: &TokenTimeouts) -> Self {
        Self { generated: timeouts.generated, approved: timeouts.approved }
    }
}

/// Tokens that wait.
#[derive(Debug, Serialize)]
pub(crate) struct Tokens {
    tokens: Vec<Value>,
}

/// Puts together what each HSM says of its tokens: there is one token of a user for each service of
/// administrators, and any number for each key.
pub(crate) fn merged(lists: &[Vec<TokenDescription>]) -> Tokens {
    let mut counts: BTreeMap<(&str, i32, u64), Vec<usize>> = BTreeMap::new();
    let mut any: BTreeMap<(&str, i32, u64), &TokenDescription> = BTreeMap::new();
    for (hsm, list) in lists.iter().enumerate() {
        for token in list {
            let name = (token.username.as_str(), token.service, token.key);
            let count = counts.entry(name).or_insert_with(|| vec![0; lists.len()]);
            if let Some(count) = count.get_mut(hsm) {
                *count += 1;
            }
            // Of one token's copies, the one that ends first.
            let known = any.entry(name).or_insert(token);
            if token.seconds_left < known.seconds_left {
                *known = token;
            }
        }
    }
    let tokens = any.into_iter().map(|(name, token)| {
        let counts = counts.get(&name).map(Vec::as_slice).unwrap_or_default();
        let service = QuorumService::try_from(token.service).map_or("unknown", service_name);
        if token.key == 0 {
            let having = counts.iter().filter(|count| **count > 0).count();
            json!({
                "username": token.username,
                "service": service,
                "approvals-required": token.approvals_required,
                "number-of-approvals": token.approvals,
                "token-timeout-seconds": token.seconds_left,
                "cluster-coverage": coverage(having, lists.len()),
            })
        } else {
            json!({
                "username": token.username,
                "service": service,
                "key-reference": key_reference(token.key),
                "minimum-token-count": counts.iter().min().copied().unwrap_or(0),
            })
        }
    });
    Tokens { tokens: tokens.collect() }
}
