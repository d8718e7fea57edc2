//! The policies that are passed to a session, and the room that they and its tags take.

use strongroom_api_sts::{PolicyDescriptorType, errors};
use strongroom_policy::document::{Document, Kind};
use strongroom_seal::Sealer;

use super::session_tags::SessionTags;
use super::sessions::{LONGEST_TOKEN, SECRET_LENGTH};
use super::token::Passed;
use crate::domain::directory::Directory;
use crate::domain::document;
use crate::error::Refusal;

/// The characters of a session's policies and their ARNs together (STS API Reference, "AssumeRole").
const MOST_PLAIN: usize = 2048;

/// The managed policies that may be passed.
const MOST_MANAGED: usize = 10;

/// The room that policies, ARNs and tags have in a session token, in bytes. AWS does not say how much it has; with
/// this, the longest policies and fifty usual tags fit.
const ROOM: usize = 5 * 1024;

/// What else a token says, in bytes and at most: who acts, for whom, and since when. Names in it have 64 characters, and
/// the ARN of a provider some 300.
const BESIDE: usize = 800;

// What fits into the room fits into a request.
const _: () = assert!((Sealer::OVERHEAD + SECRET_LENGTH + ROOM + BESIDE).div_ceil(3) * 4 <= LONGEST_TOKEN);

/// Reads the policies of a request.
pub(super) fn parse(
    inline: Option<String>,
    managed: Option<Vec<PolicyDescriptorType>>,
) -> Result<Passed, Refusal> {
    if let Some(text) = inline.as_deref() {
        Document::parse(text, Kind::Session).map_err(|error| {
            Refusal::Modelled(&errors::MALFORMED_POLICY_DOCUMENT_EXCEPTION, error.iam_message())
        })?;
    }
    let managed: Vec<_> = managed.unwrap_or_default().into_iter().filter_map(|policy| policy.arn).collect();
    if managed.len() > MOST_MANAGED {
        return Err(Refusal::Validation(format!(
            "1 validation error detected: Value '{}' at 'policyArns' failed to satisfy constraint: Member must have \
             length less than or equal to {MOST_MANAGED}",
            managed.len()
        )));
    }
    let inline = inline.map(|text| document::compact(&text));
    let characters = inline.as_deref().map_or(0, document::length);
    let plain = characters + managed.iter().map(String::len).sum::<usize>();
    if plain > MOST_PLAIN {
        return Err(too_large_policy(plain, MOST_PLAIN));
    }
    Ok(Passed { inline, managed })
}

/// Refuses managed policies that the account does not have. AWS's text is not known; this is IAM's where one is to be
/// attached.
pub(super) fn expect_there(passed: &Passed, directory: &Directory) -> Result<(), Refusal> {
    match passed.managed.iter().find(|arn| directory.managed_text(arn).is_none()) {
        None => Ok(()),
        Some(arn) => Err(Refusal::Validation(format!("Policy {arn} does not exist or is not attachable."))),
    }
}

/// How much of the room policies and tags take, in percent; nothing where there are none. More than there is is
/// refused.
pub(super) fn packed_size(passed: &Passed, tags: &SessionTags) -> Result<Option<i32>, Refusal> {
    if passed.is_empty() && tags.is_empty() {
        return Ok(None);
    }
    let written = serde_json::to_vec(&(passed, tags.written()));
    let taken = written.map_err(|error| Refusal::Internal(error.into()))?.len();
    let percent = percent(taken, ROOM);
    match percent {
        0..=100 => Ok(Some(percent)),
        // Texts: AWS re:Post, "Why did I receive the PackedPolicyTooLarge error".
        _ if passed.is_empty() => Err(Refusal::Modelled(
            &errors::PACKED_POLICY_TOO_LARGE_EXCEPTION,
            format!("Packed size of session tags consumes {percent}% of allotted space."),
        )),
        _ => Err(too_large_policy(taken, ROOM)),
    }
}

fn too_large_policy(taken: usize, room: usize) -> Refusal {
    let percent = percent(taken, room);
    Refusal::Modelled(
        &errors::PACKED_POLICY_TOO_LARGE_EXCEPTION,
        format!("Packed policy consumes {percent}% of allotted space, please use smaller policy."),
    )
}

/// Rounded up: something takes at least one percent.
pub(super) fn percent(taken: usize, room: usize) -> i32 {
    i32::try_from((taken * 100).div_ceil(room)).unwrap_or(i32::MAX)
}
