//! The control plane's own certificate, and what is said of those that owners bring.

use strongroom_crypto::ec::{Curve, PrivateKey};
use strongroom_pki::{Certificate, CertificateProblem, Identity, Kind, Name, Validity, self_sign};
use strongroom_secret::SecretBytes;

use crate::error::Refusal;

/// From when and until when the control plane's certificate is valid, in seconds since 1970: since ever and
/// for ever (RFC 5280, section 4.1.2.5). HSMs pin it, and judge it by nothing else.
const SINCE_EVER: i64 = 0;
const FOR_EVER: i64 = 253_402_300_799;

/// A certificate with its key.
pub(crate) struct SelfSigned {
    pub(crate) certificate: Certificate,
    /// PKCS#8.
    pub(crate) key: SecretBytes,
}

/// Makes the certificate that HSMs know the control plane by.
pub(crate) fn self_signed() -> Result<SelfSigned, Box<dyn std::error::Error + Send + Sync>> {
    let key = PrivateKey::generate(Curve::P256)?;
    let name = Name::new().organization("Strongroom").common_name("control plane");
    let validity = Validity { not_before: SINCE_EVER, not_after: FOR_EVER };
    let certificate = self_sign(&Identity::new(name, Kind::Endpoint, validity), &key)?;
    Ok(SelfSigned { certificate, key: key.to_pkcs8()? })
}

/// What the owner of a cluster is told of certificates that are not taken. AWS does not publish its texts.
pub(crate) fn refusal(problem: CertificateProblem) -> Refusal {
    if problem == CertificateProblem::Request {
        return Refusal::Internal(problem.into());
    }
    let text = problem.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    Refusal::Invalid(format!("{first}{}.", letters.as_str()))
}
