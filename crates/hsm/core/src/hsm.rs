//! One HSM.

use strongroom_hsm_proto::command::{Call, EnforcementLevel, Failure, FailureCode, TrustAnchor};
use strongroom_secret::Key256;

use crate::{AuditRecord, ConnectionId, HsmError, HsmIdentity, Now, Options, Outcome, Peer, Planned};

/// One HSM: what it knows and does, without its sockets, files and clock.
///
/// Threads share it. What the HSMs of a cluster share is changed in two steps: [`Hsm::execute`] plans a change,
/// and [`Hsm::apply`] makes it when the log has it, here as on every other HSM.
pub struct Hsm {
    identity: HsmIdentity,
    options: Options,
}

/// Signature schemes of the cluster's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClusterScheme {
    /// RSASSA-PKCS1-v1_5 with SHA-256: certificate signing requests.
    Pkcs1Sha256,
    /// RSASSA-PSS with SHA-256: TLS 1.3.
    PssSha256,
    /// RSASSA-PSS with SHA-384.
    PssSha384,
    /// RSASSA-PSS with SHA-512.
    PssSha512,
}

impl Hsm {
    /// An HSM without a partition: [`found`](Self::found), [`load`](Self::load) or [`apply`](Self::apply) gives it
    /// one, after [`set_epoch`](Self::set_epoch).
    #[must_use]
    pub fn new(identity: HsmIdentity, options: Options) -> Self {
        Self { identity, options }
    }

    /// Which HSM this is.
    pub fn identity(&self) -> &HsmIdentity {
        &self.identity
    }

    /// Its limits and policy.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Gives the HSM the key under which key tokens of an epoch are sealed: the subkey for tokens of the
    /// partition key. New tokens are sealed under the highest (incarnation, epoch).
    pub fn set_epoch(&self, _incarnation: u32, _epoch: u32, _token_key: &Key256) {}

    /// Takes away the keys of epochs before this one.
    pub fn forget_epochs_before(&self, _incarnation: u32, _epoch: u32) {}

    /// Plans a new partition: the users `admin` (not activated) and `app_user`, the cluster's key pair, the family
    /// key. Gives the effects.
    pub fn found(&self, _now: Now) -> Result<Vec<u8>, HsmError> {
        Err(HsmError::NotFounded)
    }

    /// Plans the re-sealing of at most `most` key tokens that are still of an older epoch. `None` when there are
    /// none.
    pub fn reseal(&self, _most: usize, _now: Now) -> Result<Option<Planned>, HsmError> {
        Ok(None)
    }

    /// A client has connected.
    pub fn connect(&self, _peer: Peer) -> ConnectionId {
        ConnectionId(0)
    }

    /// A client has gone: its sessions end, with their keys and quorum tokens.
    pub fn disconnect(&self, _connection: ConnectionId) {}

    /// Connections that may not stay: their trust anchor is gone, or certificates are enforced and they have none.
    pub fn unwelcome(&self) -> Vec<ConnectionId> {
        Vec::new()
    }

    /// Does what a client asks.
    pub fn execute(&self, _connection: ConnectionId, _call: &Call, _now: Now) -> Outcome {
        Outcome::Refused(Failure { code: FailureCode::Internal.into(), text: String::new() })
    }

    /// Tells whether a plan is still good: nothing that it relies on has changed since, nor is changed by
    /// `earlier`, the plans that stand before it in the same batch.
    pub fn still_holds(&self, _planned: &Planned, _earlier: &[Planned]) -> bool {
        true
    }

    /// Makes a change that the log has.
    pub fn apply(&self, _effects: &[u8], _now: Now) -> Result<(), HsmError> {
        Err(HsmError::UnknownEffect)
    }

    /// Ends a plan: its change has been applied, or (`failure`) has not been made. Records it in the audit log.
    pub fn settle(&self, _planned: Planned, _failure: Option<&Failure>, _now: Now) {}

    /// The shared state, in its one encoding.
    pub fn snapshot(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes over a shared state.
    pub fn load(&self, _snapshot: &[u8]) -> Result<(), HsmError> {
        Err(HsmError::InvalidState)
    }

    /// The SHA-256 of the shared state's encoding.
    pub fn digest(&self) -> [u8; 32] {
        [0; 32]
    }

    /// What this HSM alone must not forget (counters of failed log-ins, the audit log's position and the records
    /// that wait to be stored), if it has changed since it was last asked for. The caller writes it to disk before it sends an answer.
    pub fn unsaved_local(&self) -> Option<Vec<u8>> {
        None
    }

    /// Takes over what [`unsaved_local`](Self::unsaved_local) gave.
    pub fn load_local(&self, _local: &[u8]) -> Result<(), HsmError> {
        Ok(())
    }

    /// Whether an administrator has set the first password.
    pub fn is_activated(&self) -> bool {
        false
    }

    /// The cluster's public key, as DER SubjectPublicKeyInfo.
    pub fn cluster_public_key(&self) -> Result<Vec<u8>, HsmError> {
        Err(HsmError::NotFounded)
    }

    /// Signs with the cluster's private key: the certificate signing request, and the handshakes of TLS.
    pub fn sign_with_cluster_key(&self, _scheme: ClusterScheme, _message: &[u8]) -> Result<Vec<u8>, HsmError> {
        Err(HsmError::NotFounded)
    }

    /// The trust anchors for clients' certificates.
    pub fn trust_anchors(&self) -> Vec<TrustAnchor> {
        Vec::new()
    }

    /// Whether clients need a certificate.
    pub fn mtls_enforcement(&self) -> EnforcementLevel {
        EnforcementLevel::None
    }

    /// The oldest audit records that are not stored yet, at most `most`. They stay until [`audit_stored`](Self::audit_stored).
    pub fn drain_audit(&self, _most: usize) -> Vec<AuditRecord> {
        Vec::new()
    }

    /// All audit records up to this sequence number are stored.
    pub fn audit_stored(&self, _up_to: u64) {}
}
