//! The certificates with which a customer takes an HSM cluster into possession (`InitializeCluster`).
//!
//! The service publishes one error for all that can be wrong, `CloudHsmInvalidRequestException`, and rules in
//! its user guide ("Initialize the cluster"): the signed certificate is the one for the cluster's request; the
//! trust anchor is self-signed, or a chain that ends with such a root, at most four certificates and 16 KB;
//! BasicConstraints where there are extensions, and no contradictions among them. Here each failure has a
//! variant of its own.

use std::fmt;

use strongroom_crypto::ec::Curve;

use crate::{Certificate, CertificateRequest, PublicKeyKind, ReadError};

/// Which of the two arguments, and where in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// `SignedCert`.
    SignedCert,
    /// A certificate of `TrustAnchor`, counted from 0.
    TrustAnchor(usize),
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignedCert => f.write_str("the signed certificate"),
            Self::TrustAnchor(0) => f.write_str("the trust anchor"),
            Self::TrustAnchor(position) => write!(f, "certificate {} of the trust anchor", position + 1),
        }
    }
}

/// Why certificates are not taken for a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateProblem {
    /// The cluster's own request cannot be read or does not verify: not the customer's fault.
    #[error("the certificate signing request of the cluster is not valid")]
    Request,
    /// `SignedCert` is not one certificate in PEM, or too long.
    #[error("the signed certificate cannot be read: {0}")]
    SignedCertUnreadable(ReadError),
    /// `TrustAnchor` is not one to four certificates in PEM, or too long.
    #[error("the trust anchor cannot be read: {0}")]
    TrustAnchorUnreadable(ReadError),
    /// The signed certificate is for another key than the request.
    #[error("the signed certificate does not match the certificate signing request of the cluster")]
    KeyMismatch,
    /// A key that is neither RSA with 2048, 3072 or 4096 bits nor on P-256, P-384 or P-521.
    #[error("{0} has a key of an unsupported kind: {1}")]
    UnsupportedKey(Which, PublicKeyKind),
    /// A signature that is neither RSA nor ECDSA with SHA-224, SHA-256, SHA-384 or SHA-512.
    #[error("{0} is signed with an unsupported algorithm")]
    UnsupportedSignature(Which),
    /// The signed certificate does not name the (first certificate of the) trust anchor as its issuer, or was
    /// not signed with its key.
    #[error("the signed certificate was not issued by the trust anchor")]
    NotIssuedByAnchor,
    /// A certificate of the chain was not issued by the next.
    #[error("{0} was not issued by the next certificate: issuers follow whom they signed, the root is last")]
    ChainBroken(Which),
    /// The last certificate of the trust anchor is not self-signed.
    #[error("the trust anchor does not end with a self-signed root certificate")]
    RootNotSelfSigned,
    /// Another than the last certificate is self-signed.
    #[error("{0} is self-signed, and only the last may be")]
    SelfSignedBeforeRoot(Which),
    /// A certificate of the trust anchor has extensions, and no BasicConstraints among them.
    #[error("{0} has extensions and no basic constraints")]
    NoBasicConstraints(Which),
    /// A certificate of the trust anchor says that it is not a CA's.
    #[error("the basic constraints of {0} say that it is no certificate authority")]
    NotAuthority(Which),
    /// More CAs follow a certificate of the trust anchor than its path length allows.
    #[error("the path length of {0} is exceeded")]
    PathTooLong(Which),
    /// Its extensions contradict one another: a CA that may not sign certificates; or one is critical and not
    /// understood.
    #[error("{0} has extensions that contradict one another or are not supported")]
    Contradiction(Which),
    /// It is not valid yet.
    #[error("{0} is not valid yet")]
    NotYetValid(Which),
    /// It has expired.
    #[error("{0} has expired")]
    Expired(Which),
}

/// Certificates that passed [`check_cluster_certificate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterCertificate {
    certificate: Certificate,
    trust_anchor: Vec<Certificate>,
}

impl ClusterCertificate {
    /// The cluster's certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its issuer, and so on; the root is last.
    #[must_use]
    pub fn trust_anchor(&self) -> &[Certificate] {
        &self.trust_anchor
    }
}

/// Checks what `InitializeCluster` is given: the certificate for the cluster's request, and the customer's
/// trust anchor. `now` is in seconds since 1970.
pub fn check_cluster_certificate(
    request_pem: &str,
    signed_cert_pem: &str,
    trust_anchor_pem: &str,
    now: i64,
) -> Result<ClusterCertificate, CertificateProblem> {
    let request = CertificateRequest::from_pem(request_pem).map_err(|_| CertificateProblem::Request)?;
    request.verify().map_err(|_| CertificateProblem::Request)?;
    let certificate =
        Certificate::from_pem(signed_cert_pem).map_err(CertificateProblem::SignedCertUnreadable)?;
    let trust_anchor =
        Certificate::chain_from_pem(trust_anchor_pem).map_err(CertificateProblem::TrustAnchorUnreadable)?;

    if !certificate.is_for_key(request.public_key()) {
        return Err(CertificateProblem::KeyMismatch);
    }
    check_algorithms(&certificate, Which::SignedCert)?;
    for (position, authority) in trust_anchor.iter().enumerate() {
        check_algorithms(authority, Which::TrustAnchor(position))?;
    }
    check_chain(&certificate, &trust_anchor)?;
    for (position, authority) in trust_anchor.iter().enumerate() {
        check_authority(authority, position)?;
    }
    if certificate.has_unknown_critical_extension() {
        return Err(CertificateProblem::Contradiction(Which::SignedCert));
    }
    check_time(&certificate, Which::SignedCert, now)?;
    for (position, authority) in trust_anchor.iter().enumerate() {
        check_time(authority, Which::TrustAnchor(position), now)?;
    }
    Ok(ClusterCertificate { certificate, trust_anchor })
}

fn check_algorithms(certificate: &Certificate, which: Which) -> Result<(), CertificateProblem> {
    match certificate.public_key_kind() {
        PublicKeyKind::Rsa(2048 | 3072 | 4096)
        | PublicKeyKind::Ec(Curve::P256 | Curve::P384 | Curve::P521) => {}
        other => return Err(CertificateProblem::UnsupportedKey(which, other)),
    }
    if certificate.signature_algorithm().is_none() {
        return Err(CertificateProblem::UnsupportedSignature(which));
    }
    Ok(())
}

fn check_chain(certificate: &Certificate, chain: &[Certificate]) -> Result<(), CertificateProblem> {
    let (root, _) = chain.split_last().ok_or(CertificateProblem::RootNotSelfSigned)?;
    if !chain.first().is_some_and(|issuer| issued(certificate, issuer)) {
        return Err(CertificateProblem::NotIssuedByAnchor);
    }
    for (position, (authority, issuer)) in chain.iter().zip(chain.iter().skip(1)).enumerate() {
        if authority.is_self_signed() {
            return Err(CertificateProblem::SelfSignedBeforeRoot(Which::TrustAnchor(position)));
        }
        if !issued(authority, issuer) {
            return Err(CertificateProblem::ChainBroken(Which::TrustAnchor(position)));
        }
    }
    if root.is_self_signed() { Ok(()) } else { Err(CertificateProblem::RootNotSelfSigned) }
}

fn issued(certificate: &Certificate, issuer: &Certificate) -> bool {
    certificate.names_issuer(issuer) && certificate.verify_signed_by(issuer).is_ok()
}

/// `position` is also how many CAs stand between the certificate and the cluster's.
fn check_authority(authority: &Certificate, position: usize) -> Result<(), CertificateProblem> {
    let which = Which::TrustAnchor(position);
    // Versions 1 and 2 have no way to say that they are a CA's.
    if !authority.has_extensions() {
        return Ok(());
    }
    let constraints = authority.basic_constraints().ok_or(CertificateProblem::NoBasicConstraints(which))?;
    if !constraints.ca {
        return Err(CertificateProblem::NotAuthority(which));
    }
    if authority.may_sign_certificates() == Some(false) || authority.has_unknown_critical_extension() {
        return Err(CertificateProblem::Contradiction(which));
    }
    if constraints.path_length.is_some_and(|length| position as u64 > u64::from(length)) {
        return Err(CertificateProblem::PathTooLong(which));
    }
    Ok(())
}

fn check_time(certificate: &Certificate, which: Which, now: i64) -> Result<(), CertificateProblem> {
    if now < certificate.not_before() {
        return Err(CertificateProblem::NotYetValid(which));
    }
    if now > certificate.not_after() {
        return Err(CertificateProblem::Expired(which));
    }
    Ok(())
}
