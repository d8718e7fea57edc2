//! Tags on alarms (CloudWatch API Reference, `Tag`).

use std::collections::BTreeMap;

use strongroom_api_cloudwatch as api;
use strongroom_identity::ConditionKeys;

use crate::error::Refusal;

/// Tags that one alarm may have.
const MOST_TAGS: usize = 50;

/// What the names of AWS's own tags begin with, in any case.
const RESERVED: &str = "aws:";

/// Reads the tags of a request. The schema has checked their lengths.
pub(crate) fn parse(given: Option<&[api::Tag]>) -> Result<BTreeMap<String, String>, Refusal> {
    let mut tags = BTreeMap::new();
    for tag in given.unwrap_or_default() {
        if tag.key.get(..RESERVED.len()).is_some_and(|head| head.eq_ignore_ascii_case(RESERVED)) {
            return Err(Refusal::value("The tag key must not begin with aws:, which is reserved."));
        }
        if tag.key.contains('\0') || tag.value.contains('\0') {
            return Err(Refusal::value("A tag contains invalid characters."));
        }
        if tags.insert(tag.key.clone(), tag.value.clone()).is_some() {
            return Err(Refusal::value(format!("Duplicate tag key: {}", tag.key)));
        }
    }
    check_number(&tags)?;
    Ok(tags)
}

/// Refuses more tags than an alarm may have.
pub(crate) fn check_number(tags: &BTreeMap<String, String>) -> Result<(), Refusal> {
    if tags.len() > MOST_TAGS {
        return Err(Refusal::value(format!("A resource may have at most {MOST_TAGS} tags.")));
    }
    Ok(())
}

/// What tags in a request say to policies.
pub(crate) fn asked(keys: ConditionKeys, tags: &BTreeMap<String, String>) -> ConditionKeys {
    keys.with_tags(tags.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// Tags as answers show them.
pub(crate) fn shown(tags: &BTreeMap<String, String>) -> Vec<api::Tag> {
    tags.iter().map(|(key, value)| api::Tag { key: key.clone(), value: value.clone() }).collect()
}
