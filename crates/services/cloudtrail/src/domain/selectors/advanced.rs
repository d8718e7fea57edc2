//! Advanced event selectors: fields that all hold, of selectors of which one does.

use serde::{Deserialize, Serialize};
use strongroom_api_cloudtrail::{AdvancedEventSelector, AdvancedFieldSelector};
use strongroom_journal::Record;

use super::{invalid_value, refused};
use crate::error::Refusal;

/// Values in all selectors of a trail.
const MOST_VALUES: usize = 500;
/// Characters of one value, and of a selector's name.
const LONGEST_VALUE: usize = 2048;
const LONGEST_NAME: usize = 1000;

/// An advanced event selector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Advanced {
    name: Option<String>,
    fields: Vec<FieldSelector>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FieldSelector {
    field: Field,
    equals: Vec<String>,
    starts_with: Vec<String>,
    ends_with: Vec<String>,
    not_equals: Vec<String>,
    not_starts_with: Vec<String>,
    not_ends_with: Vec<String>,
}

/// A field of records that selectors can ask about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Field {
    ReadOnly,
    EventSource,
    EventName,
    EventCategory,
    EventType,
    ErrorCode,
    ResourcesType,
    ResourcesArn,
    UserIdentityArn,
    SessionCredentialFromConsole,
    VpcEndpointId,
}

/// The fields as they are spelled.
const FIELDS: [(&str, Field); 11] = [
    ("readOnly", Field::ReadOnly),
    ("eventSource", Field::EventSource),
    ("eventName", Field::EventName),
    ("eventCategory", Field::EventCategory),
    ("eventType", Field::EventType),
    ("errorCode", Field::ErrorCode),
    ("resources.type", Field::ResourcesType),
    ("resources.ARN", Field::ResourcesArn),
    ("userIdentity.arn", Field::UserIdentityArn),
    ("sessionCredentialFromConsole", Field::SessionCredentialFromConsole),
    ("vpcEndpointId", Field::VpcEndpointId),
];

/// Categories of events; Strongroom makes records of the first two. With the fields that their selectors may have beside the
/// category (CloudTrail API Reference, "AdvancedEventSelector").
const CATEGORIES: [(&str, &[Field]); 3] = [
    (
        "Management",
        &[
            Field::EventName,
            Field::EventSource,
            Field::EventType,
            Field::ReadOnly,
            Field::SessionCredentialFromConsole,
            Field::UserIdentityArn,
        ],
    ),
    (
        "Data",
        &[
            Field::EventName,
            Field::EventSource,
            Field::EventType,
            Field::ReadOnly,
            Field::ResourcesArn,
            Field::ResourcesType,
            Field::SessionCredentialFromConsole,
            Field::UserIdentityArn,
        ],
    ),
    (
        "NetworkActivity",
        &[
            Field::ErrorCode,
            Field::EventName,
            Field::EventSource,
            Field::UserIdentityArn,
            Field::VpcEndpointId,
        ],
    ),
];

impl Advanced {
    pub(crate) fn parse_all(given: Vec<AdvancedEventSelector>) -> Result<Vec<Self>, Refusal> {
        let read: Vec<_> = given.into_iter().map(Self::parse).collect::<Result<_, _>>()?;
        let values = read.iter().flat_map(|selector| &selector.fields).map(|field| field.values().count());
        if values.sum::<usize>() > MOST_VALUES {
            return Err(refused(format!(
                "The number of values for all advanced event selectors exceeds the limit of {MOST_VALUES}."
            )));
        }
        Ok(read)
    }

    fn parse(given: AdvancedEventSelector) -> Result<Self, Refusal> {
        let name = given.name.filter(|name| !name.is_empty());
        if name.as_ref().is_some_and(|name| name.chars().count() > LONGEST_NAME) {
            return Err(refused("The name of an advanced event selector is too long."));
        }
        let fields: Vec<FieldSelector> =
            given.field_selectors.into_iter().map(FieldSelector::parse).collect::<Result<_, _>>()?;
        let one = |wanted: Field| -> Result<Option<&FieldSelector>, Refusal> {
            let mut found = fields.iter().filter(|field| field.field == wanted);
            match (found.next(), found.next()) {
                (found, None) => Ok(found),
                (_, Some(_)) => Err(refused(format!("Field {} is given more than once.", wanted.as_str()))),
            }
        };
        for (_, field) in FIELDS {
            one(field)?;
        }
        let Some([category]) = one(Field::EventCategory)?.map(|field| field.equals.as_slice()) else {
            return Err(refused(
                "Each advanced event selector must have one eventCategory, which Equals one value.",
            ));
        };
        let Some((_, allowed)) = CATEGORIES.iter().find(|(name, _)| name == category) else {
            return Err(invalid_value(category, "eventCategory"));
        };
        let is_allowed = |field: &Field| *field == Field::EventCategory || allowed.contains(field);
        if let Some(other) = fields.iter().map(|selector| selector.field).find(|field| !is_allowed(field)) {
            return Err(refused(format!(
                "Field {} is not supported for the eventCategory {category}.",
                other.as_str()
            )));
        }
        let kind = one(Field::ResourcesType)?;
        if category == "Data" && kind.is_none_or(|kind| kind.equals.len() != 1) {
            return Err(refused(
                "Advanced event selectors for Data events must have one resources.type, which Equals one value.",
            ));
        }
        let source = one(Field::EventSource)?;
        if category == "NetworkActivity" && source.is_none_or(|source| source.equals.len() != 1) {
            return Err(refused(
                "Advanced event selectors for NetworkActivity events must have one eventSource, which Equals one value.",
            ));
        }
        Ok(Self { name, fields })
    }

    pub(super) fn has(&self, record: &Record) -> bool {
        self.fields.iter().all(|field| field.holds(record))
    }

    /// As GetEventSelectors answers it.
    pub(crate) fn shown(&self) -> AdvancedEventSelector {
        let fields = self.fields.iter().map(FieldSelector::shown);
        AdvancedEventSelector { name: self.name.clone(), field_selectors: fields.collect() }
    }
}

impl Field {
    fn as_str(self) -> &'static str {
        FIELDS.iter().find(|(_, field)| *field == self).map_or("", |(name, _)| name)
    }

    /// What a record says in that field: nothing, one value, or several.
    fn values(self, record: &Record) -> Vec<&str> {
        let resources = record.resources.iter().flatten();
        match self {
            Self::ReadOnly => vec![if record.read_only { "true" } else { "false" }],
            Self::EventSource => vec![&record.event_source],
            Self::EventName => vec![&record.event_name],
            Self::EventCategory => vec![if record.management { "Management" } else { "Data" }],
            Self::EventType => vec![record.event_type.as_str()],
            Self::ErrorCode => record.error_code.as_deref().into_iter().collect(),
            Self::ResourcesType => resources.filter_map(|resource| resource.kind.as_deref()).collect(),
            Self::ResourcesArn => resources.map(|resource| resource.arn.as_str()).collect(),
            Self::UserIdentityArn => record.identity.arn.as_deref().into_iter().collect(),
            // No session of a console, and no endpoint in a VPC, calls here.
            Self::SessionCredentialFromConsole | Self::VpcEndpointId => Vec::new(),
        }
    }
}

impl FieldSelector {
    fn parse(given: AdvancedFieldSelector) -> Result<Self, Refusal> {
        let Some((_, field)) = FIELDS.iter().find(|(name, _)| *name == given.field) else {
            return Err(invalid_value(&given.field, "Field"));
        };
        let read = Self {
            field: *field,
            equals: given.equals.unwrap_or_default(),
            starts_with: given.starts_with.unwrap_or_default(),
            ends_with: given.ends_with.unwrap_or_default(),
            not_equals: given.not_equals.unwrap_or_default(),
            not_starts_with: given.not_starts_with.unwrap_or_default(),
            not_ends_with: given.not_ends_with.unwrap_or_default(),
        };
        let count = read.values().count();
        if count == 0 {
            return Err(refused(format!("Field {} has no operator.", field.as_str())));
        }
        let equals_only = matches!(field, Field::ReadOnly | Field::EventCategory | Field::ResourcesType);
        if equals_only && count != read.equals.len() {
            return Err(refused(format!("Field {} supports the operator Equals only.", field.as_str())));
        }
        if let Some(long) = read.values().find(|value| value.is_empty() || value.len() > LONGEST_VALUE) {
            return Err(invalid_value(long, field.as_str()));
        }
        if *field == Field::ReadOnly
            && let Some(other) = read.equals.iter().find(|value| !matches!(value.as_str(), "true" | "false"))
        {
            return Err(invalid_value(other, "readOnly"));
        }
        Ok(read)
    }

    fn values(&self) -> impl Iterator<Item = &String> {
        let operators = [
            &self.equals,
            &self.starts_with,
            &self.ends_with,
            &self.not_equals,
            &self.not_starts_with,
            &self.not_ends_with,
        ];
        operators.into_iter().flatten()
    }

    /// One of the positive operators fits, if there are any, and none of the negative.
    fn holds(&self, record: &Record) -> bool {
        let found = self.field.values(record);
        let is_one = |value: &&str, listed: &[String]| listed.iter().any(|one| one == value);
        let begins =
            |value: &&str, listed: &[String]| listed.iter().any(|one| value.starts_with(one.as_str()));
        let ends = |value: &&str, listed: &[String]| listed.iter().any(|one| value.ends_with(one.as_str()));
        let asks = !self.equals.is_empty() || !self.starts_with.is_empty() || !self.ends_with.is_empty();
        let fits = found.iter().any(|value| {
            is_one(value, &self.equals) || begins(value, &self.starts_with) || ends(value, &self.ends_with)
        });
        let is_excluded = found.iter().any(|value| {
            is_one(value, &self.not_equals)
                || begins(value, &self.not_starts_with)
                || ends(value, &self.not_ends_with)
        });
        (!asks || fits) && !is_excluded
    }

    fn shown(&self) -> AdvancedFieldSelector {
        let given = |values: &Vec<String>| (!values.is_empty()).then(|| values.clone());
        AdvancedFieldSelector {
            field: self.field.as_str().to_owned(),
            equals: given(&self.equals),
            starts_with: given(&self.starts_with),
            ends_with: given(&self.ends_with),
            not_equals: given(&self.not_equals),
            not_starts_with: given(&self.not_starts_with),
            not_ends_with: given(&self.not_ends_with),
        }
    }
}
