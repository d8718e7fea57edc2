//! Basic event selectors.

use serde::{Deserialize, Serialize};
use strongroom_api_cloudtrail::{DataResource, EventSelector, ReadWriteType};
use strongroom_journal::Record;

use super::{invalid_value, refused};
use crate::error::Refusal;

/// Selectors of one trail, and data resources in all of them.
const MOST_SELECTORS: usize = 5;
const MOST_RESOURCES: usize = 250;

/// Kinds of resources whose data events basic selectors know, with how their ARNs begin. `arn:aws:s3` alone stands for
/// all buckets.
const KINDS: [(&str, &str); 3] = [
    ("AWS::S3::Object", "arn:aws:s3"),
    ("AWS::Lambda::Function", "arn:aws:lambda"),
    ("AWS::DynamoDB::Table", "arn:aws:dynamodb"),
];

/// Services whose management events can be left out.
const EXCLUDABLE: [&str; 2] = ["kms.amazonaws.com", "rdsdata.amazonaws.com"];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum ReadWrite {
    #[default]
    All,
    ReadOnly,
    WriteOnly,
}

/// A basic event selector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Basic {
    read_write: ReadWrite,
    includes_management: bool,
    resources: Vec<Resources>,
    excluded_sources: Vec<String>,
}

/// Data events of some resources of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Resources {
    kind: String,
    /// How their ARNs begin.
    values: Vec<String>,
}

impl Default for Basic {
    fn default() -> Self {
        Self {
            read_write: ReadWrite::All,
            includes_management: true,
            resources: Vec::new(),
            excluded_sources: Vec::new(),
        }
    }
}

impl Basic {
    pub(crate) fn parse_all(given: Vec<EventSelector>) -> Result<Vec<Self>, Refusal> {
        if given.len() > MOST_SELECTORS {
            return Err(refused(format!(
                "The number of event selectors exceeds the limit of {MOST_SELECTORS}."
            )));
        }
        let read: Vec<_> = given.into_iter().map(Self::parse).collect::<Result<_, _>>()?;
        let resources = read.iter().flat_map(|selector| &selector.resources);
        if resources.map(|resources| resources.values.len()).sum::<usize>() > MOST_RESOURCES {
            return Err(refused(format!(
                "The number of data resources exceeds the limit of {MOST_RESOURCES}."
            )));
        }
        Ok(read)
    }

    fn parse(given: EventSelector) -> Result<Self, Refusal> {
        let read_write = match given.read_write_type {
            None | Some(ReadWriteType::All) => ReadWrite::All,
            Some(ReadWriteType::ReadOnly) => ReadWrite::ReadOnly,
            Some(ReadWriteType::WriteOnly) => ReadWrite::WriteOnly,
            Some(ReadWriteType::Unknown(other)) => return Err(invalid_value(&other, "ReadWriteType")),
        };
        let resources = given.data_resources.unwrap_or_default().into_iter().map(Resources::parse);
        let excluded_sources = given.exclude_management_event_sources.unwrap_or_default();
        if let Some(other) = excluded_sources.iter().find(|source| !EXCLUDABLE.contains(&source.as_str())) {
            return Err(invalid_value(other, "ExcludeManagementEventSources"));
        }
        let includes_management = given.include_management_events.unwrap_or(true);
        if !includes_management && !excluded_sources.is_empty() {
            return Err(refused(
                "ExcludeManagementEventSources can only be used when IncludeManagementEvents is true.",
            ));
        }
        Ok(Self {
            read_write,
            includes_management,
            resources: resources.collect::<Result<_, _>>()?,
            excluded_sources,
        })
    }

    pub(super) fn has(&self, record: &Record) -> bool {
        let is_wanted = match self.read_write {
            ReadWrite::All => true,
            ReadWrite::ReadOnly => record.read_only,
            ReadWrite::WriteOnly => !record.read_only,
        };
        is_wanted
            && if record.management {
                self.includes_management && !self.excluded_sources.contains(&record.event_source)
            } else {
                self.resources.iter().any(|resources| resources.have(record))
            }
    }

    /// As GetEventSelectors answers it.
    pub(crate) fn shown(&self) -> EventSelector {
        let read_write = match self.read_write {
            ReadWrite::All => ReadWriteType::All,
            ReadWrite::ReadOnly => ReadWriteType::ReadOnly,
            ReadWrite::WriteOnly => ReadWriteType::WriteOnly,
        };
        let resources = self.resources.iter().map(|Resources { kind, values }| DataResource {
            r#type: Some(kind.clone()),
            values: Some(values.clone()),
        });
        EventSelector {
            read_write_type: Some(read_write),
            include_management_events: Some(self.includes_management),
            data_resources: Some(resources.collect()),
            exclude_management_event_sources: Some(self.excluded_sources.clone()),
        }
    }
}

impl Resources {
    fn parse(given: DataResource) -> Result<Self, Refusal> {
        let kind = given.r#type.unwrap_or_default();
        let Some((_, beginning)) = KINDS.iter().find(|(known, _)| *known == kind) else {
            return Err(invalid_value(&kind, "DataResources.Type"));
        };
        let values = given.values.unwrap_or_default();
        // A bucket's name has no wildcard: all of S3 is `arn:aws:s3`.
        let is_whole = |value: &str| value == *beginning;
        let is_one = |value: &str| {
            value.strip_prefix(beginning).is_some_and(|rest| rest.starts_with(':') && rest.len() > 3)
                && !value.contains('*')
        };
        match values.iter().find(|value| !is_whole(value) && !is_one(value)) {
            Some(other) => Err(invalid_value(other, "DataResources.Values")),
            None => Ok(Self { kind, values }),
        }
    }

    fn have(&self, record: &Record) -> bool {
        let resources = record.resources.iter().flatten();
        let of_kind = resources.filter(|resource| resource.kind.as_deref() == Some(self.kind.as_str()));
        of_kind.into_iter().any(|resource| self.values.iter().any(|value| resource.arn.starts_with(value)))
    }
}
