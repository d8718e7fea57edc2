//! The form in which CloudTrail shows parameters and results.
//!
//! Compact JSON with member names in lower camel case (`aWSAccountId`); bytes and sensitive values are left out, as AWS
//! leaves out `password` of IAM's CreateLoginProfile and `keyStorePassword` of KMS's CreateCustomKeyStore; moments read
//! `Aug 10, 2022, 10:38:27 PM`. What a service leaves out beyond that is the service's matter.

mod rest;

pub use rest::{write_rest_parameters, write_rest_response};

use strongroom_schema::{Kind, Member, Schema, Structure, Timestamp, TimestampFormat, Value};
use time::format_description::FormatItem;
use time::macros::format_description;

use crate::json::{Style, Writer, push_string};
use crate::name::LowerCamel;
use crate::scalar;

/// CloudTrail's dates, in UTC.
const MOMENT: &[FormatItem<'_>] = format_description!(
    "[month repr:short] [day padding:none], [year], [hour repr:12 padding:none]:[minute]:[second] [period]"
);

/// Writes a structure as a record shows it; `None`, which a record shows as `null`, if nothing is left to
/// show.
pub fn write(structure: &dyn Structure) -> Option<String> {
    let mut writer = Writer::<Trail>::default();
    writer.structure(structure);
    Some(writer.finish()).filter(|shown| shown != "{}")
}

/// Writes a structure as a record of EC2 shows it: members under the names of their XML, lists as
/// `{"items":[..]}` or, without items, `{}`; `return` is called `_return`.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitor-with-cloudtrail.html>
pub fn write_ec2(structure: &dyn Structure) -> Option<String> {
    let mut writer = Writer::<Ec2>::default();
    writer.structure(structure);
    Some(writer.finish()).filter(|shown| shown != "{}")
}

/// What is shown beside the members of a model.
pub enum Extra<'a> {
    /// Text, a flag, a number or a moment.
    Value(Value<'a>),
    /// Text that was made for the record.
    Text(String),
    /// Members of its own.
    Members(Vec<(&'a str, Extra<'a>)>),
}

/// Adds members that the model does not have to what is shown, or shows them alone, under names that are CloudTrail's
/// own.
pub fn extend(shown: Option<String>, members: &[(&str, Extra<'_>)]) -> Option<String> {
    if members.is_empty() {
        return shown;
    }
    let mut out = shown.unwrap_or_else(|| "{}".to_owned());
    out.pop();
    push_members(&mut out, members);
    out.push('}');
    Some(out)
}

fn push_members(out: &mut String, members: &[(&str, Extra<'_>)]) {
    for (name, extra) in members {
        if !out.ends_with('{') {
            out.push(',');
        }
        push_string(out, name);
        out.push(':');
        match extra {
            Extra::Value(Value::String(text)) => push_string(out, text),
            Extra::Value(Value::Timestamp(moment)) => {
                Trail::push_timestamp(out, *moment, TimestampFormat::EpochSeconds);
            }
            Extra::Text(text) => push_string(out, text),
            Extra::Value(other) => scalar::push_plain(out, *other),
            Extra::Members(members) => {
                out.push('{');
                push_members(out, members);
                out.push('}');
            }
        }
    }
}

struct Trail;

impl Style for Trail {
    type Out = String;

    fn push_name(out: &mut String, member: &Member) {
        LowerCamel(member.name).push(out);
    }

    fn omits(schema: &Schema) -> bool {
        schema.sensitive || matches!(schema.kind, Kind::Blob)
    }

    fn push_timestamp(out: &mut String, moment: Timestamp, _: TimestampFormat) {
        push_string(out, &moment.to_date_time().format(MOMENT).unwrap_or_default());
    }
}

struct Ec2;

impl Style for Ec2 {
    type Out = String;

    const LIST: (&'static str, &'static str) = ("{\"items\":[", "]}");

    const EMPTY_LIST: &'static str = "{}";

    fn push_name(out: &mut String, member: &Member) {
        match member.traits.wire_name.unwrap_or(member.name) {
            "return" => out.push_str("_return"),
            name => LowerCamel(name).push(out),
        }
    }

    fn omits(schema: &Schema) -> bool {
        Trail::omits(schema)
    }

    fn push_timestamp(out: &mut String, moment: Timestamp, format: TimestampFormat) {
        Trail::push_timestamp(out, moment, format);
    }
}
