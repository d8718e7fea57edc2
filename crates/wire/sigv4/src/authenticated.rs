//! The witness.

use std::fmt;

use crate::CredentialScope;

/// Proof that a request was signed with an access key's secret. Only [`crate::Claim::verify`] makes one.
///
/// It says nothing of what the caller may do, nor that a session token it carries is good.
pub struct Authenticated {
    pub(crate) scope: CredentialScope,
    pub(crate) session_token: Option<String>,
    pub(crate) signed_at_ms: i64,
    pub(crate) presigned: bool,
}

impl Authenticated {
    /// The access key id whose secret signed.
    pub fn access_key_id(&self) -> &str {
        self.scope.access_key_id()
    }

    /// The Region that the signature is for.
    pub fn region(&self) -> &str {
        self.scope.region()
    }

    /// The signing name of the service that the signature is for.
    pub fn service(&self) -> &str {
        self.scope.service()
    }

    /// The session token that came with the request.
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }

    /// When the request says it was signed, in epoch milliseconds.
    pub const fn signed_at_ms(&self) -> i64 {
        self.signed_at_ms
    }

    /// Tells whether the signature came in the URL.
    pub const fn is_presigned(&self) -> bool {
        self.presigned
    }
}

impl fmt::Debug for Authenticated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticated")
            .field("scope", &self.scope)
            .field("signed_at_ms", &self.signed_at_ms)
            .field("presigned", &self.presigned)
            .finish_non_exhaustive()
    }
}
