//! How the two query protocols name things.

use std::borrow::Cow;

use strongroom_schema::Member;

/// The query protocol itself, or EC2's form of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `Tags.member.1.Key`: members under the names that their XML has, a level between a list and its items.
    /// Parameters that nothing takes are passed over.
    Query,
    /// `Tag.1.Key`: members under their query name, else their XML name with a capital; lists always flattened;
    /// no maps. Parameters that nothing takes are refused.
    /// <https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html>
    Ec2,
}

impl Dialect {
    /// What requests call a member.
    pub(crate) fn name(self, member: &Member) -> Cow<'static, str> {
        let traits = &member.traits;
        let name = traits.wire_name.unwrap_or(member.name);
        match self {
            Self::Query => Cow::Borrowed(name),
            Self::Ec2 => traits.query_name.map_or_else(|| capitalised(name), Cow::Borrowed),
        }
    }

    /// Whether the items of a member's list stand right below it.
    pub(crate) fn flattens(self, member: &Member) -> bool {
        self == Self::Ec2 || member.traits.flattened
    }
}

fn capitalised(name: &'static str) -> Cow<'static, str> {
    let mut letters = name.chars();
    match letters.next() {
        Some(first) if first.is_ascii_lowercase() => {
            Cow::Owned(format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
        }
        _ => Cow::Borrowed(name),
    }
}

/// Whether a parameter belongs to every request: what it asks for, and how it is signed.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html>
pub(super) fn is_common(name: &str) -> bool {
    matches!(
        name,
        "Action"
            | "Version"
            | "AWSAccessKeyId"
            | "Expires"
            | "SecurityToken"
            | "Signature"
            | "SignatureMethod"
            | "SignatureVersion"
            | "Timestamp"
    ) || name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("X-Amz-"))
}
