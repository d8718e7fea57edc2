//! What surrounds a message: which protocol and operation a request names, and how answers and errors are
//! framed in each protocol.
//!
//! [`detect_head`] looks at the head of a request, [`detect_form`] at a form once its body is there. Answers
//! come from [`success`] and [`error`]; errors that the front makes itself are [`Refusal`]s.

mod answer;
mod call;
mod refusal;

pub(crate) use answer::Wiped;
pub use answer::{ErrorView, error, recorded_code, success};
pub use call::{Call, Head, Refused, Target, detect_form, detect_head};
pub use refusal::Refusal;

use strongroom_schema::Protocol;

/// The protocols that this crate frames answers in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// `application/x-amz-json-1.0`.
    Json10,
    /// `application/x-amz-json-1.1`.
    Json11,
    /// XML, as the query protocol answers.
    Query,
    /// XML, as EC2 answers.
    Ec2,
    /// CBOR, as RPC v2 answers.
    Cbor,
    /// XML and headers, as S3 answers; see [`crate::rest`].
    RestXml,
}

impl Framing {
    /// The framing of a protocol.
    pub fn of(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Json10 => Self::Json10,
            Protocol::Json11 => Self::Json11,
            Protocol::Query => Self::Query,
            Protocol::Ec2 => Self::Ec2,
            Protocol::RpcV2Cbor => Self::Cbor,
            Protocol::RestXml => Self::RestXml,
        }
    }

    /// The content type of answers, and in the JSON and CBOR protocols of requests too.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json10 => "application/x-amz-json-1.0",
            Self::Json11 => "application/x-amz-json-1.1",
            Self::Query => "text/xml",
            Self::Ec2 => "text/xml;charset=UTF-8",
            Self::Cbor => "application/cbor",
            Self::RestXml => "application/xml",
        }
    }
}
