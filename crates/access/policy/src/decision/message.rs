//! Refusals as `sts:DecodeAuthorizationMessage` tells them: a JSON object with the statements that denied, and the
//! request (STS API Reference, "DecodeAuthorizationMessage"; member names as answers of AWS quoted in public have them).

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{Decision, Facts, Layer, Policies, Request};
use crate::document::Effect;
use crate::keys::ContextKeys as _;
use crate::policy::{Policy, Statement, text_of};

/// The longest message, in bytes: sealed and written in base64 it takes some three kilobytes of the answer's header, and
/// proxies before a server commonly take four for all of it (nginx, `proxy_buffer_size`). DecodeAuthorizationMessage takes
/// 10,240 characters.
pub const MESSAGE_LIMIT: usize = 2200;

/// Values of a list, and bytes of a text, that are shown.
const MOST_ITEMS: usize = 20;
const LONGEST_TEXT: usize = 256;

/// Bytes of an ARN that are shown. Those of users and roles with the longest path and name have 600.
const LONGEST_ARN: usize = 640;

/// Items of the statement's lists that are shown: as many as there is room for.
const STATEMENT_ITEMS: [usize; 3] = [MOST_ITEMS, 5, 1];

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
/// longer than [`MESSAGE_LIMIT`]: what the statement's lists hold, and conditions of the request, is left out where it has no
/// room.
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
        Some(json!({"key": spelt(name).unwrap_or(name), "values": items(values, MOST_ITEMS)}))
    });
    let told = |matched: Option<(&Statement, usize)>, conditions: &[Json]| {
        let subject = request.subject;
        let mut principal = json!({"id": subject.user_id(), "arn": beginning(subject.arn(), LONGEST_ARN)});
        if let (Some(name), Some(members)) = (subject.user_name(), principal.as_object_mut()) {
            members.insert("name".to_owned(), name.into());
        }
        let matched: Vec<_> =
            matched.iter().map(|(statement, most)| of_statement(statement, *most, &principal)).collect();
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
    // The statement may list whatever fits a policy.
    let denying = denying.and_then(|statement| {
        let shorter = STATEMENT_ITEMS.into_iter().map(|most| (statement, most));
        shorter.into_iter().find(|shown| told(Some(*shown), &[]).len() <= MESSAGE_LIMIT)
    });
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

/// A statement, with so many items of each list at most.
fn of_statement(statement: &Statement, most: usize, principal: &Json) -> Json {
    let conditions = statement.tests.iter().map(|test| {
        let values = test.written.values.iter().map(|value| shown(value));
        json!({"key": shown(&test.written.key), "values": items(values, most)})
    });
    json!({
        "statementId": statement.sid.as_deref().map(shown).unwrap_or_default(),
        "effect": "DENY",
        "principals": items([principal.get("id").cloned().unwrap_or_default()], most),
        "principalGroups": {"items": []},
        "actions": items(statement.actions().map(shown), most),
        "resources": items(statement.resources().map(shown), most),
        "conditions": {"items": conditions.take(most).collect::<Vec<_>>()},
    })
}

fn items<T: Into<Json>>(values: impl IntoIterator<Item = T>, most: usize) -> Json {
    let values = values.into_iter().take(most);
    json!({"items": values.map(|value| json!({"value": value.into()})).collect::<Vec<_>>()})
}

fn shown(text: &str) -> String {
    beginning(text, LONGEST_TEXT).to_owned()
}

/// A text, or as much of its beginning as JSON writes in so many bytes.
fn beginning(text: &str, longest: usize) -> &str {
    let mut room = longest;
    let end = text.char_indices().find(|(_, character)| {
        let written = match character {
            '"' | '\\' => 2,
            '\0'..='\x1f' => 6,
            _ => character.len_utf8(),
        };
        room.checked_sub(written).map(|left| room = left).is_none()
    });
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}
