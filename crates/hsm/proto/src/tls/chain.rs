//! From a certificate up to one that is trusted.

use super::certificate::Certificate;

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
        if anchors.iter().any(|anchor| current.is_signed_by(anchor)) {
            return true;
        }
        let next = unused.iter().position(|issuer| issuer.may_sign() && current.is_signed_by(issuer));
        let Some(next) = next else { return false };
        current = unused.swap_remove(next);
    }
    false
}
