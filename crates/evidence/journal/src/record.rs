//! One audited call, as the journal keeps it: CloudTrail's facts without CloudTrail's JSON.
//!
//! Field meanings and limits: "CloudTrail record contents for management, data, and network activity events"
//! in the AWS CloudTrail User Guide.

use std::fmt;

pub(crate) mod codec;
mod fields;
mod packed;

pub use codec::RecordError;

/// Longest `userAgent`, `errorCode` and `errorMessage`, in bytes; what is longer is cut.
pub const SHORT_TEXT_LIMIT: usize = 1024;

/// Longest request parameters, response elements and service event details, in bytes; what is longer is left
/// out.
pub const JSON_LIMIT: usize = 100 * 1024;

/// Longest additional event data, in bytes; what is longer is left out.
pub const ADDITIONAL_DATA_LIMIT: usize = 28 * 1024;

/// Longest traces of decisions, in bytes; what is longer is left out.
pub const DECISIONS_LIMIT: usize = 24 * 1024;

/// Longest record, in bytes of its encoding: CloudTrail's bound on one event.
pub const RECORD_LIMIT: usize = 256 * 1024;

/// One audited call.
///
/// Every secret has been left out by the caller: the journal writes what it is given. Texts named JSON hold
/// one compact JSON value each and go into the CloudTrail event as they are. Encoding applies CloudTrail's
/// limits ([`SHORT_TEXT_LIMIT`], [`JSON_LIMIT`], [`ADDITIONAL_DATA_LIMIT`]), and [`DECISIONS_LIMIT`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// `eventID`, unique among all records.
    pub event_id: EventId,
    /// `eventTime`: when the call was completed, in domain time, milliseconds since 1970 UTC.
    pub event_time_ms: i64,
    /// `eventSource`, for example `kms.amazonaws.com`.
    pub event_source: String,
    /// `eventName`, the operation.
    pub event_name: String,
    /// `awsRegion`.
    pub aws_region: String,
    /// `recipientAccountId`: the account whose event history this record belongs to.
    pub account_id: String,
    /// `userIdentity`: who called.
    pub identity: Identity,
    /// `sourceIPAddress`: an address, or the host name of a calling service.
    pub source_ip: String,
    /// `userAgent`.
    pub user_agent: Option<String>,
    /// `errorCode`, when the call was refused or failed.
    pub error_code: Option<String>,
    /// `errorMessage`, when the call was refused or failed.
    pub error_message: Option<String>,
    /// `requestParameters` as JSON, redacted.
    pub request_parameters: Option<String>,
    /// `responseElements` as JSON, redacted; none for reads.
    pub response_elements: Option<String>,
    /// `additionalEventData` as JSON.
    pub additional_event_data: Option<String>,
    /// `serviceEventDetails` as JSON, for [`EventType::AwsServiceEvent`].
    pub service_event_details: Option<String>,
    /// `requestID`; events that a service makes have none.
    pub request_id: Option<String>,
    /// `readOnly`.
    pub read_only: bool,
    /// `resources`; `None` where AWS shows no list, which differs from an empty one.
    pub resources: Option<Vec<Resource>>,
    /// `eventType`.
    pub event_type: EventType,
    /// `apiVersion`, where AWS shows one.
    pub api_version: Option<String>,
    /// `managementEvent`; also decides `eventCategory`.
    pub management: bool,
    /// `tlsDetails`.
    pub tls: Option<TlsDetails>,
    /// `sharedEventID`: equal in the records that several accounts get of one call.
    pub shared_event_id: Option<EventId>,
    /// How it was decided that the call is refused, for whoever runs the server: a JSON array of traces, whose
    /// form is their maker's. No CloudTrail event shows it, since it tells of policies that the caller may not
    /// be allowed to read.
    pub decisions: Option<String>,
}

impl Record {
    /// What LookupEvents calls the user name: the session's name for an assumed role and a federated user,
    /// `root` for an account's root, else the user's name, else the calling service.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        let identity = &self.identity;
        match identity.kind {
            Some(IdentityKind::Root) => Some("root"),
            Some(IdentityKind::AssumedRole | IdentityKind::FederatedUser) => {
                identity.principal_id.as_deref()?.split_once(':').map(|(_, session)| session)
            }
            _ => identity.user_name.as_deref().or(identity.invoked_by.as_deref()),
        }
    }
}

/// A 128-bit id, shown as a UUID.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct EventId(pub [u8; 16]);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `userIdentity`: who made the call ("CloudTrail userIdentity element" in the AWS CloudTrail User Guide).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// `type`; events of AWS's own (`AWS Internal`) have none.
    pub kind: Option<IdentityKind>,
    /// `principalId`: `AIDA..`, `AROA..:session`, or the account for root.
    pub principal_id: Option<String>,
    /// `arn`.
    pub arn: Option<String>,
    /// `accountId` of the caller.
    pub account_id: Option<String>,
    /// `accessKeyId` that signed the call.
    pub access_key_id: Option<String>,
    /// `userName`, for users and for those whom an identity provider knows; assumed roles have none.
    pub user_name: Option<String>,
    /// `sessionContext`, for temporary credentials.
    pub session: Option<SessionContext>,
    /// `invokedBy`: the AWS service that called on the identity's behalf or its own.
    pub invoked_by: Option<String>,
    /// `identityProvider`: who vouches for a caller without credentials of AWS.
    pub identity_provider: Option<String>,
}

/// `userIdentity.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityKind {
    /// The root user of an account.
    Root,
    /// An IAM user.
    IamUser,
    /// A session of an IAM role.
    AssumedRole,
    /// A role, as an issuer or a service-linked caller.
    Role,
    /// A session made by GetFederationToken.
    FederatedUser,
    /// Another account.
    AwsAccount,
    /// An AWS service.
    AwsService,
    /// Somebody for whom an OpenID Connect provider vouches.
    WebIdentityUser,
    /// Who called without a signature, and did not become known.
    Unknown,
}

impl IdentityKind {
    /// Returns the name that CloudTrail shows.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "Root",
            Self::IamUser => "IAMUser",
            Self::AssumedRole => "AssumedRole",
            Self::Role => "Role",
            Self::FederatedUser => "FederatedUser",
            Self::AwsAccount => "AWSAccount",
            Self::AwsService => "AWSService",
            Self::WebIdentityUser => "WebIdentityUser",
            Self::Unknown => "Unknown",
        }
    }
}

/// `sessionContext`: where temporary credentials came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionContext {
    /// `sessionIssuer`: the role or user that issued the credentials.
    pub issuer: Option<SessionIssuer>,
    /// `attributes.creationDate`, milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// `attributes.mfaAuthenticated`.
    pub mfa_authenticated: bool,
    /// `sourceIdentity`.
    pub source_identity: Option<String>,
    /// `webIdFederationData.federatedProvider`: the OpenID Connect provider that vouched for the session.
    pub federated_provider: Option<String>,
}

/// `sessionContext.sessionIssuer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionIssuer {
    /// `type`.
    pub kind: IdentityKind,
    /// `principalId`.
    pub principal_id: String,
    /// `arn`.
    pub arn: String,
    /// `accountId`.
    pub account_id: String,
    /// `userName`: the role's or user's name.
    pub user_name: Option<String>,
}

/// One of `resources`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// `accountId` of the owner.
    pub account_id: Option<String>,
    /// `type`, for example `AWS::KMS::Key`.
    pub kind: Option<String>,
    /// `ARN`.
    pub arn: String,
}

/// `eventType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventType {
    /// A call of a public API.
    #[default]
    AwsApiCall,
    /// Something a service did by itself.
    AwsServiceEvent,
    /// Something done in the console that is no API call.
    AwsConsoleAction,
    /// A sign-in to the console.
    AwsConsoleSignIn,
}

impl EventType {
    /// Returns the name that CloudTrail shows.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwsApiCall => "AwsApiCall",
            Self::AwsServiceEvent => "AwsServiceEvent",
            Self::AwsConsoleAction => "AwsConsoleAction",
            Self::AwsConsoleSignIn => "AwsConsoleSignIn",
        }
    }
}

/// `tlsDetails`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsDetails {
    /// `tlsVersion`, for example `TLSv1.3`.
    pub version: Option<String>,
    /// `cipherSuite`, for example `TLS_AES_256_GCM_SHA384`.
    pub cipher_suite: Option<String>,
    /// `clientProvidedHostHeader`.
    pub host: Option<String>,
}
