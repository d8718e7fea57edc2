//! Services and operations.

use crate::Schema;

/// One AWS service, as its model describes it.
#[derive(Debug)]
pub struct ServiceSchema {
    /// The name of our `api` crate and of the model's folder, for example `kms`.
    pub name: &'static str,
    /// The name in error texts, for example `AWS Key Management Service`.
    pub full_name: &'static str,
    /// The name that requests are signed for, for example `kms`; often, not always, the endpoint's name.
    pub signing_name: &'static str,
    /// Where a global service's calls are made and recorded, whatever Region they are signed for, for example
    /// `us-east-1`. Other services have none.
    pub home_region: Option<&'static str>,
    /// The API version, for example `2014-11-01`.
    pub api_version: &'static str,
    /// The part of `X-Amz-Target` before the point, in the JSON protocols.
    pub target_prefix: Option<&'static str>,
    /// The namespace of its shapes in Smithy's model, for example `com.amazonaws.kms`: what CBOR errors put before
    /// an error's name.
    pub shape_namespace: &'static str,
    /// Every protocol that the model declares; a request may use any of them.
    pub protocols: &'static [Protocol],
    /// JSON and CBOR errors also carry the code that the query protocol would give.
    pub query_compatible: bool,
    /// The namespace of XML answers.
    pub xml_namespace: Option<&'static str>,
    /// `eventSource` of its records, for example `kms.amazonaws.com`.
    pub event_source: &'static str,
    /// The member that holds the message of its errors in the JSON protocols, unless a model names it:
    /// `message`, or `Message` as of CloudTrail.
    pub error_message: &'static str,
    /// The code of an input that breaks the model's constraints, in the JSON protocols: `ValidationException`, or
    /// `InvalidParameterException` as of CloudWatch Logs.
    pub invalid_input: &'static str,
    /// The names of operations that AWS has and our trimmed model has not, ordered, so that such a call answers "not
    /// implemented". It serves services whose requests name their operation; where the path tells it, as in
    /// [`Protocol::RestXml`], the list is there for completeness only.
    pub left_out: &'static [&'static str],
    /// The operations, ordered by name.
    pub operations: &'static [Operation],
}

impl ServiceSchema {
    /// The position of an operation in [`ServiceSchema::operations`].
    pub fn position(&self, operation: &str) -> Option<usize> {
        self.operations.binary_search_by_key(&operation, |known| known.name).ok()
    }

    /// Whether AWS has an operation of that name that is not among [`ServiceSchema::operations`].
    pub fn leaves_out(&self, operation: &str) -> bool {
        self.left_out.binary_search(&operation).is_ok()
    }

    /// Whether the model of an operation lists an error of that name.
    pub fn models_error(&self, name: &str) -> bool {
        self.operations.iter().any(|operation| operation.errors.iter().any(|error| error.name == name))
    }
}

/// A wire protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `application/x-amz-json-1.0`.
    Json10,
    /// `application/x-amz-json-1.1`.
    Json11,
    /// Smithy RPC v2 with CBOR.
    RpcV2Cbor,
    /// Form in, XML out.
    Query,
    /// EC2's variant of [`Protocol::Query`].
    Ec2,
    /// XML in both directions, bound to HTTP.
    RestXml,
}

/// One operation of a service.
#[derive(Debug)]
pub struct Operation {
    /// Its name, for example `CreateKey`.
    pub name: &'static str,
    /// Method and path.
    pub http: HttpBinding,
    /// The input; [`crate::Unit::SCHEMA`] where there is none.
    pub input: &'static Schema,
    /// The output; [`crate::Unit::SCHEMA`] where there is none.
    pub output: &'static Schema,
    /// Whether the model gives an output shape at all: without one, JSON answers have an empty body.
    pub has_output: bool,
    /// The element that wraps the output in XML answers, for example `GetCallerIdentityResult`; of rest-xml the root, where
    /// the output has no payload member.
    pub result_wrapper: Option<&'static str>,
    /// The modelled errors.
    pub errors: &'static [&'static ErrorShape],
    /// `readOnly` of its records.
    pub read_only: bool,
    /// Its records are data events and no management events.
    pub data_event: bool,
    /// May be called without a signature (`AssumeRoleWithWebIdentity`).
    pub unsigned: bool,
}

/// How an operation is bound to HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpBinding {
    /// The method.
    pub method: &'static str,
    /// The path template, with the query string that belongs to it: `/{Bucket}/{Key+}?acl`.
    pub uri: &'static str,
    /// The status of answers.
    pub code: u16,
}

/// A modelled error.
#[derive(Debug)]
pub struct ErrorShape {
    /// Its name in the model, which is its code in the JSON and CBOR protocols.
    pub name: &'static str,
    /// Its code and status in the query protocols, where the model gives them.
    pub query: Option<QueryError>,
    /// Whose fault it is.
    pub fault: Fault,
    /// Its members.
    pub schema: &'static Schema,
}

/// An error's face in the query protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// The code.
    pub code: &'static str,
    /// The HTTP status.
    pub http_status: u16,
}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller's.
    Client,
    /// The service's.
    Server,
}
