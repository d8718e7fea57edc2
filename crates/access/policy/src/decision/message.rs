//! Refusals as `sts:DecodeAuthorizationMessage` tells them: a JSON object with the statements that denied, and the
//! request (STS API Reference, "DecodeAuthorizationMessage"; member names as answers of AWS quoted in public have them).

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{Decision, Facts, Layer, Policies, Request};
use crate::document::Effect;
use crate::keys::ContextKeys as _;
use crate::policy::{Policy, Statement, text_of};

/// The longest message, in bytes: sealed and written in base64 it stays below the 10,240 characters that
/// DecodeAuthorizationMessage takes.
pub const MESSAGE_LIMIT: usize = 7000;

/// Values of a list, and bytes of a text, that are shown.
const MOST_ITEMS: usize = 20;
const LONGEST_TEXT: usize = 256;

/// Bytes of the ARN of a resource that are shown: no ARN of AWS's is as long.
const LONGEST_ARN: usize = 2048;

/// What is told of every request, if it has it.
const ALWAYS: [&str; 7] = [
    "aws:CurrentTime",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalAccount",
    "aws:RequestedRegion",
    "aws:ResourceAccount",
    "aws:SecureTransport",
    "aws:SourceIp",
];

/// What came of a request that is not allowed. `stated` are the names of the keys that its input states. The text is no
/// longer than [`MESSAGE_LIMIT`]: conditions of the request that have no room are left out.
pub fn message<'n>(
    request: &Request<'_>,
    policies: &Policies<'_>,
    decision: &Decision<'_>,
    stated: impl Iterator<Item = &'n str>,
) -> String {
    let facts = Facts::new(request, policies);
    let denying = denying(policies, decision);
    let lower = |name: &str| shown(name).to_ascii_lowercase();
    let mut names: BTreeSet<String> = ALWAYS.into_iter().map(lower).collect();
    names.extend(stated.map(lower));
    names.extend(asked_about(policies, &facts).map(lower));
    // Names are told as people write them, where that is known.
    let spelt = |name: &str| ALWAYS.iter().find(|known| known.eq_ignore_ascii_case(name)).copied();
    let conditions = names.iter().filter_map(|name| {
        let values = facts.values(name)?;
        let values = values.as_slice().iter().take(MOST_ITEMS).map(|value| shown(&text_of(value)));
        Some(json!({"key": spelt(name).unwrap_or(name), "values": items(values)}))
    });
    let told = |matched: Option<&Statement>, conditions: &[Json]| {
        let subject = request.subject;
        let mut principal = json!({"id": subject.user_id(), "arn": subject.arn()});
        if let (Some(name), Some(members)) = (subject.user_name(), principal.as_object_mut()) {
            members.insert("name".to_owned(), name.into());
        }
        let matched: Vec<_> = matched.iter().map(|statement| of_statement(statement, &principal)).collect();
        let message = json!({
            "allowed": decision.is_allowed(),
            "explicitDeny": matches!(decision, Decision::ExplicitlyDenied { .. }),
            "matchedStatements": {"items": matched},
            "failures": {"items": []},
            "context": {
                "principal": principal,
                "action": request.action,
                "resource": beginning(request.resource, LONGEST_ARN),
                "conditions": {"items": conditions},
            },
        });
        message.to_string()
    };
    // The statement goes first if there is no room: it may list whatever fits a policy.
    let denying = denying.filter(|_| told(denying, &[]).len() <= MESSAGE_LIMIT);
    let mut room = MESSAGE_LIMIT.saturating_sub(told(denying, &[]).len());
    let with_comma = |condition: &Json| condition.to_string().len() + 1;
    let conditions: Vec<Json> = conditions
        .map_while(|condition| {
            room = room.checked_sub(with_comma(&condition))?;
            Some(condition)
        })
        .collect();
    told(denying, &conditions)
}

/// The statement that denies.
fn denying<'p>(policies: &Policies<'p>, decision: &Decision<'p>) -> Option<&'p Statement> {
    let Decision::ExplicitlyDenied { layer, source, .. } = decision else { return None };
    let find = |policy: &'p Policy| {
        (policy.name() == source.policy).then(|| policy.statements().get(source.statement?)).flatten()
    };
    let denies = |statement: &&'p Statement| statement.effect == Effect::Deny;
    match layer {
        Layer::Identity => policies.identity().filter_map(find).find(denies),
        Layer::Session => policies.session()?.filter_map(find).find(denies),
        Layer::Boundary => policies.boundary.and_then(find),
        Layer::Resource | Layer::Trust => policies.guard.policy().and_then(|(_, policy)| find(policy)),
        Layer::Grant | Layer::Root => None,
    }
}

/// The keys that conditions ask about, of statements about the action.
fn asked_about<'p>(policies: &Policies<'p>, facts: &Facts<'_>) -> impl Iterator<Item = &'p str> {
    let session = policies.session().into_iter().flatten();
    let guard = policies.guard.policy().map(|(_, policy)| policy);
    let all = guard.into_iter().chain(policies.identity()).chain(policies.boundary).chain(session);
    let asked = facts.asked();
    all.flat_map(Policy::statements)
        .filter(move |statement| statement.is_about(asked))
        .flat_map(|statement| statement.tests.iter().map(|test| test.written.key.as_str()))
}

fn of_statement(statement: &Statement, principal: &Json) -> Json {
    let conditions = statement.tests.iter().map(|test| {
        let values = test.written.values.iter().map(|value| shown(value));
        json!({"key": shown(&test.written.key), "values": items(values)})
    });
    json!({
        "statementId": statement.sid.as_deref().map(shown).unwrap_or_default(),
        "effect": "DENY",
        "principals": items([principal.get("id").cloned().unwrap_or_default()]),
        "principalGroups": {"items": []},
        "actions": items(statement.actions().map(shown)),
        "resources": items(statement.resources().map(shown)),
        "conditions": {"items": conditions.take(MOST_ITEMS).collect::<Vec<_>>()},
    })
}

fn items<T: Into<Json>>(values: impl IntoIterator<Item = T>) -> Json {
    let values = values.into_iter().take(MOST_ITEMS);
    json!({"items": values.map(|value| json!({"value": value.into()})).collect::<Vec<_>>()})
}

fn shown(text: &str) -> String {
    beginning(text, LONGEST_TEXT).to_owned()
}

/// A text, or its beginning.
fn beginning(text: &str, longest: usize) -> &str {
    text.get(..text.floor_char_boundary(longest)).unwrap_or(text)
}
