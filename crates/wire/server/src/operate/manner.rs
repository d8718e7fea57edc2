//! How a call came, and so how it is shown and answered.

use std::sync::Arc;

use strongroom_identity::RequestContext;
use strongroom_protocols::envelope::Framing;
use strongroom_protocols::rest::{self, Called};
use strongroom_protocols::trail::{self, Extra};
use strongroom_schema::{Operation, Structure, Value};

use crate::authenticate::Signature;
use crate::upload::Progress;

/// How a call came.
pub(crate) enum Manner {
    /// As a message that names its operation.
    Framed(Framing),
    /// By method and path.
    ByPath(Box<Pathway>),
}

/// What is known of a call by path beside its input.
pub(crate) struct Pathway {
    pub(crate) called: Called,
    pub(crate) host: Option<String>,
    pub(crate) signature: Signature,
    pub(crate) progress: Arc<Progress>,
}

impl Manner {
    pub(crate) fn framing(&self) -> Framing {
        match self {
            Self::Framed(framing) => *framing,
            Self::ByPath(_) => Framing::RestXml,
        }
    }

    /// How far the body is, of calls whose operations read it themselves.
    pub(super) fn progress(&self) -> Option<Arc<Progress>> {
        match self {
            Self::Framed(_) => None,
            Self::ByPath(pathway) => Some(pathway.progress.clone()),
        }
    }

    /// What the record shows of the input.
    pub(super) fn parameters(&self, operation: &Operation, input: &dyn Structure) -> Option<String> {
        match self {
            Self::Framed(Framing::Ec2) => trail::write_ec2(input),
            Self::Framed(_) => trail::write(input),
            Self::ByPath(pathway) => {
                let host = pathway.host.as_deref();
                Some(trail::write_rest_parameters(operation, &pathway.called, host, input))
            }
        }
    }

    /// What the record shows of the output.
    pub(super) fn response(&self, operation: &Operation, output: &dyn Structure) -> Option<String> {
        match self {
            Self::Framed(Framing::Ec2) => trail::write_ec2(output),
            Self::Framed(_) => trail::write(output),
            Self::ByPath(_) => trail::write_rest_response(operation, output),
        }
    }

    /// What the record shows beside.
    pub(super) fn additional(
        &self,
        context: &RequestContext,
        noted: Vec<(&str, Extra<'_>)>,
        output: Option<&mut dyn Structure>,
    ) -> Option<String> {
        let Self::ByPath(pathway) = self else { return trail::extend(None, &noted) };
        let sent = output.and_then(|output| output.stream()?.as_ref()?.length()).unwrap_or_default();
        let number = |bytes: u64| Extra::Value(Value::Integer(i64::try_from(bytes).unwrap_or(i64::MAX)));
        let mut shown = vec![("SignatureVersion", Extra::Value(Value::String(pathway.signature.version)))];
        if let Some(tls) = &context.tls {
            shown.push(("CipherSuite", Extra::Value(Value::String(tls.cipher_suite))));
        }
        let method = if pathway.signature.presigned { "QueryString" } else { "AuthHeader" };
        shown.push(("bytesTransferredIn", number(pathway.progress.bytes())));
        shown.push(("AuthenticationMethod", Extra::Value(Value::String(method))));
        shown.push(("x-amz-id-2", Extra::Text(rest::host_id(&context.request_id.to_string()))));
        shown.push(("bytesTransferredOut", number(sent)));
        shown.extend(noted);
        trail::extend(None, &shown)
    }
}
