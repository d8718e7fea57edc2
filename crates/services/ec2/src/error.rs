//! EC2's refusals as AWS words them (codes: EC2 API Reference, "Error codes for the Amazon EC2 API"; texts:
//! answers of AWS quoted in public issue threads).

use strongroom_api_ec2::SERVICE;
use strongroom_policy::Denied;
use strongroom_schema::QueryError;
use strongroom_seal::SealError;
use strongroom_service::ApiError;
use strongroom_store::StoreError;

/// Why EC2 does not do what it was asked.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// One of EC2's many codes for what is wrong with a request, and its text.
    Client { code: &'static str, text: String },
    /// The call would have succeeded.
    DryRun,
    /// A parameter or value that is not implemented.
    NotYet(&'static str),
    /// The policy engine said no.
    Denied(Denied),
    /// The store does not answer in time.
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
    /// A failure of ours.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl Refusal {
    /// A refusal under that code.
    pub(crate) fn client(code: &'static str, text: impl Into<String>) -> Self {
        Self::Client { code, text: text.into() }
    }

    /// `InvalidParameterValue` with that text.
    pub(crate) fn invalid_value(text: impl Into<String>) -> Self {
        Self::client("InvalidParameterValue", text)
    }

    /// `InvalidParameterCombination` with that text.
    pub(crate) fn combination(text: impl Into<String>) -> Self {
        Self::client("InvalidParameterCombination", text)
    }

    /// A parameter without which the call means nothing.
    pub(crate) fn missing(parameter: &str) -> Self {
        Self::client("MissingParameter", format!("The request must contain the parameter {parameter}"))
    }

    /// A VPC or subnet that is still in use.
    pub(crate) fn has_dependencies(noun: &str, id: &str) -> Self {
        Self::client(
            "DependencyViolation",
            format!("The {noun} '{id}' has dependencies and cannot be deleted."),
        )
    }

    /// A resource of an AWS service, which its account sees and does not change.
    pub(crate) fn managed_by_service() -> Self {
        Self::client("AuthFailure", "You do not have permission to access the specified resource.")
    }

    /// A failure of ours that no caller can bring about.
    pub(crate) fn internal(text: &'static str) -> Self {
        Self::Internal(text.into())
    }

    /// The reason, for those who are not callers.
    pub(crate) fn into_cause(self) -> Box<dyn std::error::Error + Send + Sync> {
        match self {
            Self::Internal(cause) | Self::Unavailable(cause) => cause,
            other => ApiError::from(other).into(),
        }
    }

    /// The HTTP status of a client error.
    fn status(code: &str) -> u16 {
        match code {
            "DryRunOperation" => 412,
            "UnauthorizedOperation" => 403,
            "AuthFailure" => 401,
            _ => 400,
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let client = |code: &'static str, text: String| {
            Self::front(code, Some(QueryError { code, http_status: Refusal::status(code) }), Some(text))
        };
        match refusal {
            Refusal::Client { code, text } => client(code, text),
            Refusal::DryRun => {
                client("DryRunOperation", "Request would have succeeded, but DryRun flag is set.".to_owned())
            }
            Refusal::NotYet(feature) => {
                Self::feature_not_implemented(&format!("{}: {feature}", SERVICE.name))
            }
            Refusal::Denied(denied) => {
                let mut text = format!("You are not authorized to perform this operation. {denied}");
                if let Some(message) = denied.encoded_message() {
                    text.push_str(". Encoded authorization failure message: ");
                    text.push_str(message);
                }
                client("UnauthorizedOperation", text)
            }
            Refusal::Unavailable(source) => {
                let text = "The server is overloaded and can't handle the request.";
                Self::unavailable(text).with_source(source)
            }
            Refusal::Internal(source) => Self::internal(source),
        }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict | StoreError::Unavailable(_) => Self::Unavailable(error.into()),
            other => Self::Internal(other.into()),
        }
    }
}

impl From<SealError> for Refusal {
    fn from(error: SealError) -> Self {
        Self::Internal(error.into())
    }
}
