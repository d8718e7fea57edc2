//! From a certificate up to one that is trusted.

use strongroom_pki::Certificate;

/// The longest way from a leaf to an anchor, in certificates between them.
const MOST_BETWEEN: usize = 4;
/// The most certificates that a peer may show.
pub(super) const MOST_SHOWN: usize = 8;

/// Whether `leaf` leads to one of `anchors`, over `between` where needed. The certificates between have to be
/// authorities, and say so; a leaf and an anchor may be of version 1, which says nothing. `is_usable` is asked of
/// the leaf and of every certificate between.
pub(super) fn leads_to(
    leaf: &Certificate,
    between: &[Certificate],
    anchors: &[Certificate],
    is_usable: impl Fn(&Certificate) -> bool,
) -> bool {
    let mut current = leaf;
    let mut unused: Vec<&Certificate> = between.iter().take(MOST_SHOWN).collect();
    // How many authorities stand below the next issuer. Those that only renew their own key do not count (RFC 5280,
    // 4.2.1.9).
    let mut below = 0;
    for step in 0..=MOST_BETWEEN {
        if !is_usable(current) {
            return false;
        }
        below += u32::from(step > 0 && !current.is_self_issued());
        if anchors.iter().any(|anchor| is_in_reach(anchor, below) && is_signed_by(current, anchor)) {
            return true;
        }
        let next = unused.iter().position(|issuer| may_sign(issuer, below) && is_signed_by(current, issuer));
        let Some(next) = next else { return false };
        current = unused.swap_remove(next);
    }
    false
}

fn is_signed_by(certificate: &Certificate, issuer: &Certificate) -> bool {
    certificate.names_issuer(issuer) && certificate.verify_signed_by(issuer).is_ok()
}

/// Whether a certificate that a peer showed may sign another, with so many authorities below it.
fn may_sign(certificate: &Certificate, below: u32) -> bool {
    certificate.basic_constraints().is_some_and(|constraints| constraints.ca)
        && certificate.may_sign_certificates() != Some(false)
        && !certificate.has_unknown_critical_extension()
        && is_in_reach(certificate, below)
}

/// Whether an issuer allows so many authorities below it.
fn is_in_reach(issuer: &Certificate, below: u32) -> bool {
    let most = issuer.basic_constraints().and_then(|constraints| constraints.path_length);
    most.is_none_or(|most| below <= most)
}
