//! What is sent to endpoints, as AWS writes it, and the text of it that is signed (SNS Developer Guide, "Parsing Amazon SNS
//! message formats" and "Verifying the signatures of Amazon SNS messages").

use std::fmt::Write as _;

use serde_json::{Value, json};
use strongroom_crypto::digest::Hash;
use strongroom_schema::Timestamp;

use super::message::Attribute;

/// How messages are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// With SHA-1.
    One,
    /// With SHA-256.
    Two,
}

impl Version {
    pub(crate) fn hash(self) -> Hash {
        match self {
            Self::One => Hash::Sha1,
            Self::Two => Hash::Sha256,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
        }
    }
}

/// What kind of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What somebody has published.
    Notification,
    /// Whoever has the endpoint is asked to confirm.
    SubscriptionConfirmation,
    /// Whoever has the endpoint is told that the subscription has ended.
    UnsubscribeConfirmation,
}

impl Kind {
    /// As messages and headers name it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Notification => "Notification",
            Self::SubscriptionConfirmation => "SubscriptionConfirmation",
            Self::UnsubscribeConfirmation => "UnsubscribeConfirmation",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Notification, Self::SubscriptionConfirmation, Self::UnsubscribeConfirmation]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// A message as it goes to one endpoint, without its signature.
#[derive(Clone, Debug)]
pub(crate) struct Notification<'n> {
    pub(crate) kind: Kind,
    pub(crate) message_id: &'n str,
    pub(crate) topic_arn: String,
    pub(crate) subject: Option<&'n str>,
    pub(crate) message: &'n str,
    pub(crate) published_ms: i64,
    /// Of confirmations.
    pub(crate) token: Option<&'n str>,
    /// Where confirmations are confirmed, and notifications ended.
    pub(crate) link: String,
    pub(crate) attributes: &'n [(String, Attribute)],
}

impl Notification<'_> {
    fn timestamp(&self) -> String {
        Timestamp::from_millis(self.published_ms).to_iso8601_millis()
    }

    /// The text that is signed: names and values, each on a line.
    pub(crate) fn signed_text(&self) -> String {
        let timestamp = self.timestamp();
        let mut fields = vec![("Message", self.message), ("MessageId", self.message_id)];
        if self.kind == Kind::Notification {
            fields.extend(self.subject.map(|subject| ("Subject", subject)));
            fields.push(("Timestamp", &timestamp));
        } else {
            fields.push(("SubscribeURL", &self.link));
            fields.push(("Timestamp", &timestamp));
            fields.push(("Token", self.token.unwrap_or_default()));
        }
        fields.push(("TopicArn", &self.topic_arn));
        fields.push(("Type", self.kind.as_str()));
        fields.iter().fold(String::new(), |mut text, (name, value)| {
            // Writing to a String does not fail.
            let _ = write!(text, "{name}\n{value}\n");
            text
        })
    }

    /// The whole message: members in AWS's order and its spaces.
    pub(crate) fn envelope(&self, version: Version, signature: &str, certificate_url: &str) -> String {
        let timestamp = self.timestamp();
        let mut members = vec![("Type", self.kind.as_str()), ("MessageId", self.message_id)];
        members.extend(self.token.map(|token| ("Token", token)));
        members.push(("TopicArn", &self.topic_arn));
        members.extend(self.subject.map(|subject| ("Subject", subject)));
        members.push(("Message", self.message));
        if self.kind != Kind::Notification {
            members.push(("SubscribeURL", &self.link));
        }
        members.push(("Timestamp", &timestamp));
        members.push(("SignatureVersion", version.as_str()));
        members.push(("Signature", signature));
        members.push(("SigningCertURL", certificate_url));
        if self.kind == Kind::Notification {
            members.push(("UnsubscribeURL", &self.link));
        }
        let mut lines: Vec<_> = members
            .into_iter()
            .map(|(name, value)| format!("  \"{name}\" : {}", Value::from(value)))
            .collect();
        if !self.attributes.is_empty() {
            let attributes: Vec<_> = self
                .attributes
                .iter()
                .map(|(name, attribute)| {
                    let value = json!({ "Type": attribute.data_type, "Value": attribute.shown() });
                    format!("    {} : {value}", Value::from(name.as_str()))
                })
                .collect();
            lines.push(format!("  \"MessageAttributes\" : {{\n{}\n  }}", attributes.join(",\n")));
        }
        format!("{{\n{}\n}}", lines.join(",\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notification() -> Notification<'static> {
        Notification {
            kind: Kind::Notification,
            message_id: "m",
            topic_arn: "arn:aws:sns:us-east-1:111122223333:t".to_owned(),
            subject: Some("s"),
            message: "a \"b\"\nc",
            published_ms: 1_700_000_000_120,
            token: None,
            link: "https://x/?Action=Unsubscribe".to_owned(),
            attributes: &[],
        }
    }

    #[test]
    fn the_signed_text_is_the_guides() {
        let text = notification().signed_text();
        assert_eq!(
            text,
            "Message\na \"b\"\nc\nMessageId\nm\nSubject\ns\nTimestamp\n2023-11-14T22:13:20.120Z\nTopicArn\n\
             arn:aws:sns:us-east-1:111122223333:t\nType\nNotification\n"
        );
        let confirmation = Notification {
            kind: Kind::SubscriptionConfirmation,
            subject: None,
            token: Some("k"),
            ..notification()
        };
        assert_eq!(
            confirmation.signed_text(),
            "Message\na \"b\"\nc\nMessageId\nm\nSubscribeURL\nhttps://x/?Action=Unsubscribe\nTimestamp\n\
             2023-11-14T22:13:20.120Z\nToken\nk\nTopicArn\narn:aws:sns:us-east-1:111122223333:t\nType\n\
             SubscriptionConfirmation\n"
        );
    }

    #[test]
    fn members_stand_in_their_order() {
        let names = |envelope: &str| {
            let members: serde_json::Map<String, Value> = serde_json::from_str(envelope).unwrap();
            members.keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(
            names(&notification().envelope(Version::One, "g", "u")),
            [
                "Type",
                "MessageId",
                "TopicArn",
                "Subject",
                "Message",
                "Timestamp",
                "SignatureVersion",
                "Signature",
                "SigningCertURL",
                "UnsubscribeURL"
            ]
        );
        let confirmation = Notification {
            kind: Kind::UnsubscribeConfirmation,
            subject: None,
            token: Some("k"),
            ..notification()
        };
        assert_eq!(
            names(&confirmation.envelope(Version::Two, "g", "u")),
            [
                "Type",
                "MessageId",
                "Token",
                "TopicArn",
                "Message",
                "SubscribeURL",
                "Timestamp",
                "SignatureVersion",
                "Signature",
                "SigningCertURL"
            ]
        );
    }
}
