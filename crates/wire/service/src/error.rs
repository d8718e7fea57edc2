//! Errors as services give them.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use strongroom_schema::{ErrorShape, Fault, Operation, QueryError, ServiceSchema, StreamError, Structure};

/// Why an operation was not done, in AWS's terms. The code and message are what the caller reads; a source
/// is for the log only.
#[derive(Clone)]
pub struct ApiError {
    code: Cow<'static, str>,
    query: Option<QueryError>,
    status: Option<u16>,
    fault: Fault,
    message: Option<Box<str>>,
    fields: Option<Arc<dyn Structure>>,
    beside: Option<Box<Beside>>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// What few errors have beside their message.
#[derive(Clone, Default)]
struct Beside {
    authorization_message: Option<Arc<str>>,
    details: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
}

impl ApiError {
    /// An error of the service's model, with its message.
    pub fn modelled(shape: &'static ErrorShape, message: impl Into<String>) -> Self {
        Self { message: Some(message.into().into_boxed_str()), ..Self::bare(shape) }
    }

    /// An error of the service's model that AWS sends without a message.
    pub fn bare(shape: &'static ErrorShape) -> Self {
        Self {
            code: Cow::Borrowed(shape.name),
            query: shape.query,
            status: None,
            fault: shape.fault,
            message: None,
            fields: None,
            beside: None,
            source: None,
        }
    }

    /// An error that every service has and no model lists, such as `ValidationException`.
    pub fn common(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code: Cow::Borrowed(code),
            query: None,
            status: None,
            fault: Fault::Client,
            message: Some(message.into().into_boxed_str()),
            fields: None,
            beside: None,
            source: None,
        }
    }

    /// The input is not valid in a way that the schema cannot say.
    pub fn validation(message: impl Into<String>) -> Self {
        let query = Some(QueryError { code: "ValidationError", http_status: 400 });
        Self { query, ..Self::common("ValidationException", message) }
    }

    /// The caller may not do this; the message is the policy engine's.
    pub fn access_denied(message: impl fmt::Display) -> Self {
        let query = Some(QueryError { code: "AccessDenied", http_status: 403 });
        Self { query, ..Self::common("AccessDeniedException", message.to_string()) }
    }

    /// An error that the front makes for every service alike, under the code that each protocol gives it.
    pub fn front(
        code: impl Into<Cow<'static, str>>,
        query: Option<QueryError>,
        message: Option<String>,
    ) -> Self {
        let error = Self::common("", String::new());
        Self { code: code.into(), query, message: message.map(String::into_boxed_str), ..error }
    }

    /// Nothing is wrong with the call, but it cannot be served now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        let query = Some(QueryError { code: "ServiceUnavailable", http_status: 503 });
        let error = Self::common("ServiceUnavailableException", message);
        Self { query, status: Some(503), fault: Fault::Server, ..error }
    }

    /// The operation is in AWS's model and not in Strongroom yet.
    pub fn not_implemented(service: &'static ServiceSchema, operation: &'static Operation) -> Self {
        Self::feature_not_implemented(&format!("{}:{}", service.name, operation.name))
    }

    /// The operation or the part of one that `feature` names is AWS's, and not in Strongroom yet.
    pub fn feature_not_implemented(feature: &str) -> Self {
        let message =
            format!("Strongroom does not implement {feature} yet. docs/compatibility.md lists what it does.");
        let query = Some(QueryError { code: "NotImplemented", http_status: 501 });
        let error = Self::common("NotImplementedException", message);
        Self { query, status: Some(501), fault: Fault::Server, ..error }
    }

    /// A failure of ours. The caller learns that it happened, and the request id; the log learns why.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            code: Cow::Borrowed("InternalFailure"),
            query: Some(QueryError { code: "InternalFailure", http_status: 500 }),
            status: Some(500),
            fault: Fault::Server,
            message: Some("The request processing has failed because of an unknown error.".into()),
            fields: None,
            beside: None,
            source: Some(Arc::from(source.into())),
        }
    }

    /// The same error with its modelled members besides the message.
    #[must_use]
    pub fn with_fields(self, fields: impl Structure) -> Self {
        Self { fields: Some(Arc::new(fields)), ..self }
    }

    /// The same error with the encoded message of a refusal, which `sts:DecodeAuthorizationMessage` decodes.
    #[must_use]
    pub fn with_authorization_message(mut self, message: impl Into<Arc<str>>) -> Self {
        self.beside.get_or_insert_default().authorization_message = Some(message.into());
        self
    }

    /// The same error with a fact beside its message, which the XML of S3's errors shows as an element (`BucketName`).
    #[must_use]
    pub fn with_detail(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.beside.get_or_insert_default().details.push((name, value.into()));
        self
    }

    /// The same error with a header of the answer, where its protocol binds members to headers (`x-amz-delete-marker`).
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.beside.get_or_insert_default().headers.push((name, value.into()));
        self
    }

    /// The same error with the cause, for the log.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Some(Arc::from(source.into())), ..self }
    }

    /// The code, as the JSON and CBOR protocols give it.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Code and status in the query protocols, where they differ.
    pub fn query(&self) -> Option<QueryError> {
        self.query
    }

    /// The code, as the query protocols give it.
    pub fn query_code(&self) -> &str {
        self.query.map_or_else(|| self.code(), |query| query.code)
    }

    /// The HTTP status, where the protocol does not choose it.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// The message, if there is one.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The encoded message of a refusal, if there is one beside the text.
    pub fn authorization_message(&self) -> Option<&str> {
        self.beside.as_ref()?.authorization_message.as_deref()
    }

    /// The facts beside the message.
    pub fn details(&self) -> &[(&'static str, String)] {
        self.beside.as_ref().map_or(&[], |beside| &beside.details)
    }

    /// Headers of the answer, names in lower case.
    pub fn headers(&self) -> &[(&'static str, String)] {
        self.beside.as_ref().map_or(&[], |beside| &beside.headers)
    }

    /// Whether it says that the caller may not do this, in the words of whatever service.
    pub fn is_access_denied(&self) -> bool {
        self.code.contains("AccessDenied") || self.query_code() == "AccessDenied"
    }

    /// The modelled members, if there are more than the message.
    pub fn fields(&self) -> Option<&dyn Structure> {
        self.fields.as_deref()
    }
}

/// What a stream's sender did wrong is told to him; what broke on our side is for the log.
impl From<StreamError> for ApiError {
    fn from(error: StreamError) -> Self {
        let Some((code, http_status, message)) = error.refusal() else { return Self::internal(error) };
        let of_caller = Self::front(code, Some(QueryError { code, http_status }), Some(message.to_owned()));
        let details = error.details().iter();
        details.fold(of_caller, |error, (name, value)| error.with_detail(name, value.clone()))
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        self.message.as_ref().map_or(Ok(()), |message| write!(f, ": {message}"))
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        self.source.as_ref().map_or(Ok(()), |source| write!(f, " (caused by {source:?})"))
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn Error + 'static))
    }
}
