//! Trust anchors for clients' certificates, and whether clients need one.

use strongroom_crypto::{ec, rsa};
use strongroom_hsm_proto::command::{
    DeregisterTrustAnchor, Enforcement, EnforcementLevel, FailureCode, QuorumService, RegisterTrustAnchor,
    Result as Answered, SetMtlsEnforcement, TrustAnchor, TrustAnchors,
};
use strongroom_pki::Certificate;

use crate::effect::{AnchorRecord, Kind};
use crate::hsm::{ADMIN, Caller};
use crate::outcome::{Draft, Progress};
use crate::refusal::Refusal;
use crate::state::Resource;

/// The most trust anchors.
const MOST_ANCHORS: usize = 2;
/// The most bytes of a trust anchor.
const LONGEST_ANCHOR: usize = 6_980;

impl Caller<'_> {
    pub(crate) fn register_trust_anchor(&self, command: &RegisterTrustAnchor) -> Result<Progress, Refusal> {
        let administrator = self.administrator()?;
        check(&command.certificate)?;
        let state = self.hsm.state();
        if state.anchors.len() >= MOST_ANCHORS {
            return Err(Refusal::limit("The maximum number of trust anchors is reached"));
        }
        if state.anchors.values().any(|anchor| anchor.certificate == command.certificate) {
            return Err(Refusal::invalid_request("The trust anchor is registered already"));
        }
        let draft = self.approved(&state, QuorumService::Cluster, Draft::new(state.history.revision()))?;
        let anchor = AnchorRecord {
            reference: state.last_anchor.wrapping_add(1),
            certificate: command.certificate.clone(),
        };
        let shown =
            TrustAnchor { certificate_reference: anchor.reference, certificate: anchor.certificate.clone() };
        Ok(draft
            .relying_on([Resource::User(administrator), Resource::Anchors])
            .answering(Answered::TrustAnchors(TrustAnchors { anchors: vec![shown] }))
            .doing([Kind::PutAnchor(anchor)])
            .change())
    }

    pub(crate) fn deregister_trust_anchor(
        &self,
        command: &DeregisterTrustAnchor,
    ) -> Result<Progress, Refusal> {
        let administrator = self.administrator()?;
        let state = self.hsm.state();
        if !state.anchors.contains_key(&command.certificate_reference) {
            return Err(Refusal::invalid_request("There is no trust anchor with this reference"));
        }
        let enforced = state.enforcement == i32::from(EnforcementLevel::Cluster);
        if enforced && state.anchors.len() == 1 {
            return Err(Refusal::new(
                FailureCode::InUse,
                "The last trust anchor cannot be deregistered while mTLS is enforced",
            ));
        }
        let draft = self.approved(&state, QuorumService::Cluster, Draft::new(state.history.revision()))?;
        Ok(draft
            .relying_on([Resource::User(administrator), Resource::Anchors])
            .doing([Kind::DeleteAnchor(command.certificate_reference)])
            .change())
    }

    pub(crate) fn list_trust_anchors(&self) -> Progress {
        let anchors = self.hsm.state().trust_anchors();
        Progress::Done(Some(Answered::TrustAnchors(TrustAnchors { anchors })))
    }

    pub(crate) fn get_mtls_enforcement(&self) -> Result<Progress, Refusal> {
        self.user()?;
        let level = self.hsm.state().enforcement;
        Ok(Progress::Done(Some(Answered::Enforcement(Enforcement { level }))))
    }

    pub(crate) fn set_mtls_enforcement(&self, command: &SetMtlsEnforcement) -> Result<Progress, Refusal> {
        let administrator = self.administrator()?;
        let level = EnforcementLevel::try_from(command.level)
            .map_err(|_| Refusal::invalid_request("The level must be none or cluster"))?;
        if administrator.name != ADMIN {
            return Err(Refusal::forbidden("Only the user admin can set the enforcement level of mTLS"));
        }
        let anchor = self.hsm.sessions().peer(self.connection).and_then(|peer| peer.trust_anchor);
        let state = self.hsm.state();
        if anchor.is_none_or(|anchor| !state.anchors.contains_key(&anchor)) {
            return Err(Refusal::forbidden(
                "The enforcement level of mTLS can only be set over a connection with mTLS",
            ));
        }
        let draft = self.approved(&state, QuorumService::Cluster, Draft::new(state.history.revision()))?;
        Ok(draft
            .relying_on([Resource::User(administrator), Resource::Anchors])
            .doing([Kind::SetEnforcement(level.into())])
            .change())
    }
}

/// Checks a trust anchor: a certificate or a chain in order, with keys that CloudHSM takes. Whether it is in time,
/// the listener decides at each handshake.
fn check(certificate: &str) -> Result<(), Refusal> {
    if certificate.len() > LONGEST_ANCHOR {
        return Err(Refusal::invalid_data("A trust anchor has at most 6980 bytes"));
    }
    let chain = Certificate::chain_from_pem(certificate)
        .ok()
        .filter(|chain| !chain.is_empty())
        .ok_or(Refusal::invalid_data("A trust anchor is a PEM certificate or a chain of them"))?;
    let follows =
        |pair: &[Certificate]| pair[0].names_issuer(&pair[1]) && pair[0].verify_signed_by(&pair[1]).is_ok();
    if !chain.windows(2).all(follows) {
        return Err(Refusal::invalid_data(
            "The certificates of a trust anchor must be in the order of the chain",
        ));
    }
    if !chain.iter().all(is_authority) {
        return Err(Refusal::invalid_data("A trust anchor must be a certificate of an authority"));
    }
    if chain.iter().all(|certificate| has_served_key(certificate.public_key())) {
        return Ok(());
    }
    Err(Refusal::invalid_data(
        "The key of a trust anchor must be RSA of 2048, 3072 or 4096 bits, or EC on P-256, P-384 or P-521",
    ))
}

/// Whether a certificate is an authority's by its extensions, or of a version that has none.
fn is_authority(certificate: &Certificate) -> bool {
    match certificate.basic_constraints() {
        Some(constraints) => constraints.ca && certificate.may_sign_certificates() != Some(false),
        None => !certificate.has_extensions(),
    }
}

fn has_served_key(spki: &[u8]) -> bool {
    let rsa = rsa::PublicKey::from_spki(spki).is_ok_and(|key| matches!(key.bits(), 2_048 | 3_072 | 4_096));
    let ec = || {
        ec::PublicKey::from_spki(spki)
            .is_ok_and(|key| matches!(key.curve(), ec::Curve::P256 | ec::Curve::P384 | ec::Curve::P521))
    };
    rsa || ec()
}
