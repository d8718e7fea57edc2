//! What a token says.

use std::time::Duration;

use serde_json::{Map, Value};
use strongroom_api_sts::Tag;
use strongroom_api_sts::errors::{EXPIRED_TOKEN_EXCEPTION, IDP_REJECTED_CLAIM_EXCEPTION};

use super::invalid;
use super::jwt::missing;
use crate::error::Refusal;

/// The claims that carry session tags, nested in one or one by one (IAM User Guide, "Passing session tags using
/// AssumeRoleWithWebIdentity"), and the source identity ("Monitor and control actions taken with assumed roles").
const TAGS: &str = "https://aws.amazon.com/tags";
const TAG: &str = "https://aws.amazon.com/tags/principal_tags/";
const TRANSITIVE_TAG_KEYS: &str = "https://aws.amazon.com/tags/transitive_tag_keys";
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";

/// How far the clock of a provider may be ahead of ours, in seconds.
const LEEWAY: i64 = 300;

/// Bounds of STS's model: characters of a subject, of a tag's key and value, of a source identity; and the number of
/// tags.
const LONGEST_SUBJECT: usize = 255;
const LONGEST_TAG_KEY: usize = 128;
const LONGEST_TAG_VALUE: usize = 256;
const SOURCE_IDENTITY_LENGTH: std::ops::RangeInclusive<usize> = 2..=64;
const MOST_TAGS: usize = 50;

/// The claims of a verified token that we know.
#[derive(Debug)]
pub(super) struct Claims {
    /// The one of its audiences that the provider is known to issue tokens for.
    pub(super) audience: String,
    pub(super) subject: String,
    /// `amr`: how whoever it is about was authenticated.
    pub(super) methods: Option<Vec<String>>,
    pub(super) tags: Vec<Tag>,
    pub(super) transitive_tag_keys: Vec<String>,
    pub(super) source_identity: Option<String>,
}

impl Claims {
    /// Reads and checks the claims of a token from a provider that has these client ids.
    pub(super) fn read(
        claims: &Map<String, Value>,
        client_ids: &[String],
        now_ms: i64,
    ) -> Result<Self, Refusal> {
        let audiences = claims.get("aud").and_then(texts).ok_or_else(|| missing("aud"))?;
        let audience = audiences.into_iter().find(|audience| client_ids.contains(audience));
        let audience = audience.ok_or_else(|| invalid("Incorrect token audience"))?;
        expect_current(claims, now_ms.div_euclid(1000))?;
        let subject = claims.get("sub").and_then(Value::as_str).ok_or_else(|| missing("sub"))?;
        if subject.is_empty() || subject.chars().count() > LONGEST_SUBJECT {
            return Err(rejected("sub"));
        }
        let (tags, transitive_tag_keys) = read_tags(claims)?;
        Ok(Self {
            audience,
            subject: subject.to_owned(),
            methods: claims.get("amr").and_then(texts),
            tags,
            transitive_tag_keys,
            source_identity: claims.get(SOURCE_IDENTITY).map(source_identity).transpose()?,
        })
    }
}

/// Refuses what is over, and what has not begun. Ends and beginnings are seconds since 1970, by real time.
fn expect_current(claims: &Map<String, Value>, now: i64) -> Result<(), Refusal> {
    let moment = |claim: &str| match claims.get(claim) {
        None => Ok(None),
        Some(value) => seconds(value).map(Some).ok_or_else(|| rejected(claim)),
    };
    let end = moment("exp")?.ok_or_else(|| missing("exp"))?;
    let issued = moment("iat")?.ok_or_else(|| missing("iat"))?;
    if now >= end {
        // Text: answers of AWS quoted in public issue threads.
        let text =
            format!("Token expired: current date/time {now} must be before the expiration date/time {end}");
        return Err(Refusal::Modelled(&EXPIRED_TOKEN_EXCEPTION, text));
    }
    let begins = moment("nbf")?.unwrap_or(issued).max(issued);
    if begins > now.saturating_add(LEEWAY) {
        return Err(invalid(format!(
            "Token not yet valid: current date/time {now} must be after the date/time {begins}"
        )));
    }
    Ok(())
}

/// A NumericDate (RFC 7519, 2), which may have a fraction.
fn seconds(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let whole = Duration::try_from_secs_f64(value.as_f64()?).ok()?.as_secs();
        i64::try_from(whole).ok()
    })
}

/// The tags, from whichever form they come in, and which of them go on.
fn read_tags(claims: &Map<String, Value>) -> Result<(Vec<Tag>, Vec<String>), Refusal> {
    let nested = match claims.get(TAGS) {
        None => None,
        Some(nested) => Some(nested.as_object().ok_or_else(|| rejected(TAGS))?),
    };
    let within = match nested.and_then(|nested| nested.get("principal_tags")) {
        None => None,
        Some(tags) => Some(tags.as_object().ok_or_else(|| rejected(TAGS))?),
    };
    let within = within.into_iter().flatten().map(|(key, value)| (key.as_str(), value));
    let alone = claims.iter().filter_map(|(claim, value)| Some((claim.strip_prefix(TAG)?, value)));
    let tags = within.chain(alone).map(|(key, value)| tag(key, value).ok_or_else(|| rejected(TAGS)));
    let tags: Vec<_> = tags.collect::<Result<_, _>>()?;
    if tags.len() > MOST_TAGS {
        return Err(rejected(TAGS));
    }
    let transitive = nested.and_then(|nested| nested.get("transitive_tag_keys"));
    let transitive = match transitive.or_else(|| claims.get(TRANSITIVE_TAG_KEYS)) {
        None => Vec::new(),
        Some(keys) => texts(keys).ok_or_else(|| rejected(TAGS))?,
    };
    Ok((tags, transitive))
}

/// A tag has one value, which stands alone or in a list.
fn tag(key: &str, value: &Value) -> Option<Tag> {
    let [value] = texts(value)?.try_into().ok()?;
    let fits = !key.is_empty()
        && key.chars().count() <= LONGEST_TAG_KEY
        && value.chars().count() <= LONGEST_TAG_VALUE;
    fits.then(|| Tag { key: key.to_owned(), value })
}

fn source_identity(value: &Value) -> Result<String, Refusal> {
    let text = value.as_str().filter(|text| {
        let is_of_name = |character: char| character.is_ascii_alphanumeric() || "_+=,.@-".contains(character);
        SOURCE_IDENTITY_LENGTH.contains(&text.len()) && text.chars().all(is_of_name)
    });
    text.map(str::to_owned).ok_or_else(|| rejected(SOURCE_IDENTITY))
}

/// One text or a list of texts.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(list) => list.iter().map(|text| text.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// A claim that says what it cannot say. AWS's text is not known.
fn rejected(claim: &str) -> Refusal {
    Refusal::Modelled(&IDP_REJECTED_CLAIM_EXCEPTION, format!("The claim {claim} in the token is not valid"))
}
