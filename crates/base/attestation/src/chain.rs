//! The chain from a root that is trusted to the certificate that signs a document (RFC 5280, 6.1, as far as AWS's
//! certificates go: no name constraints, no policies; revocation lists are not fetched).

use strongroom_pki::Certificate;

use crate::NotBelieved;

/// The most certificates above the one that signs. AWS's chains have four: root, Region, zone, instance.
pub(crate) const MAX_AUTHORITIES: usize = 8;

/// Reads the certificate that signs, and proves that it comes from one of `roots`. `bundle` is the root first, then each
/// that the one before it issued. `now` is in seconds since 1970.
pub(crate) fn verified(
    certificate: &[u8],
    bundle: &[&[u8]],
    roots: &[Certificate],
    now: i64,
) -> Result<Certificate, NotBelieved> {
    let leaf = read(certificate)?;
    let authorities = bundle.iter().map(|der| read(der)).collect::<Result<Vec<_>, _>>()?;
    let root = authorities.first().ok_or(NotBelieved::Malformed)?;
    if !roots.iter().any(|trusted| trusted.as_der() == root.as_der()) {
        return Err(NotBelieved::Untrusted);
    }
    for (place, authority) in authorities.iter().enumerate() {
        let below = authorities.len() - 1 - place;
        expect_authority(authority, below)?;
    }
    let issued = authorities.iter().skip(1).chain([&leaf]);
    for (issuer, issued) in authorities.iter().zip(issued) {
        if !issued.names_issuer(issuer) || issued.verify_signed_by(issuer).is_err() {
            return Err(NotBelieved::Untrusted);
        }
    }
    let is_authority = leaf.basic_constraints().is_some_and(|constraints| constraints.ca);
    if is_authority || leaf.has_unknown_critical_extension() {
        return Err(NotBelieved::Untrusted);
    }
    if !authorities.iter().chain([&leaf]).all(|certificate| certificate.is_valid_at(now)) {
        return Err(NotBelieved::Expired);
    }
    Ok(leaf)
}

/// A CA that may sign certificates, with `below` more CAs under it in this chain.
fn expect_authority(certificate: &Certificate, below: usize) -> Result<(), NotBelieved> {
    let constraints = certificate.basic_constraints().filter(|constraints| constraints.ca);
    let fits = constraints.is_some_and(|constraints| {
        constraints.path_length.is_none_or(|most| below as u64 <= u64::from(most))
    });
    let may_sign = certificate.may_sign_certificates() != Some(false);
    if fits && may_sign && !certificate.has_unknown_critical_extension() {
        Ok(())
    } else {
        Err(NotBelieved::Untrusted)
    }
}

fn read(der: &[u8]) -> Result<Certificate, NotBelieved> {
    Certificate::from_der(der).map_err(|_| NotBelieved::Malformed)
}
