//! Reading certificates never panics, whoever made them, and what `InitializeCluster` is given is judged or
//! refused. What was read is written and read again as the same.
//!
//! The data is the signed certificate in PEM, a zero byte and the trust anchor in PEM; or, when there is no zero
//! byte or no PEM, DER.

#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_pki::{Certificate, check_cluster_certificate};

/// The request whose certificate the seeds hold.
const REQUEST: &str = include_str!("../seeds/request_read/cluster");

/// A moment at which the seeds are valid.
const NOW: i64 = 1_800_000_000;

fuzz_target!(|data: &[u8]| {
    if let Ok(certificate) = Certificate::from_der(data) {
        look_at(&certificate);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (signed, anchor) = text.split_once('\0').unwrap_or((text, text));
    for certificate in Certificate::chain_from_pem(anchor).unwrap_or_default() {
        look_at(&certificate);
    }
    match check_cluster_certificate(REQUEST, signed, anchor, NOW) {
        Ok(accepted) => {
            assert!(accepted.trust_anchor().last().is_some_and(Certificate::is_self_signed));
            assert!(accepted.certificate().is_valid_at(NOW));
        }
        Err(problem) => drop(problem.to_string()),
    }
});

fn look_at(certificate: &Certificate) {
    assert_eq!(Certificate::from_pem(&certificate.to_pem()).as_ref(), Ok(certificate));
    let _ = (certificate.subject(), certificate.serial(), certificate.fingerprint());
    let _ = (certificate.public_key_kind(), certificate.is_self_signed());
}
