//! From a certificate up to one that is trusted.

use strongroom_pki::Certificate;

/// The longest way from a leaf to an anchor, in certificates between them.
const MOST_BETWEEN: usize = 4;
/// The most certificates that a peer may show.
pub(super) const MOST_SHOWN: usize = 8;

/// Whether `leaf` leads to one of `anchors`, over `between` where needed. All certificates on the way but the leaf
/// have to be authorities. `is_usable` is asked of the leaf and of every certificate between.
pub(super) fn leads_to(
    leaf: &Certificate,
    between: &[Certificate],
    anchors: &[Certificate],
    is_usable: impl Fn(&Certificate) -> bool,
) -> bool {
    let mut current = leaf;
    let mut unused: Vec<&Certificate> = between.iter().take(MOST_SHOWN).collect();
    for _ in 0..=MOST_BETWEEN {
        if !is_usable(current) {
            return false;
        }
        if anchors.iter().any(|anchor| is_signed_by(current, anchor)) {
            return true;
        }
        let next = unused.iter().position(|issuer| may_sign(issuer) && is_signed_by(current, issuer));
        let Some(next) = next else { return false };
        current = unused.swap_remove(next);
    }
    false
}

fn is_signed_by(certificate: &Certificate, issuer: &Certificate) -> bool {
    certificate.names_issuer(issuer) && certificate.verify_signed_by(issuer).is_ok()
}

/// Whether a certificate may sign others: an authority by its extensions, or of a version that has none.
fn may_sign(certificate: &Certificate) -> bool {
    match certificate.basic_constraints() {
        Some(constraints) => constraints.ca && certificate.may_sign_certificates() != Some(false),
        None => !certificate.has_extensions(),
    }
}
