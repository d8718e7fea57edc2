//! Certificates made, read and judged, through the public API of `strongroom-pki` and against the `openssl`
//! command: what one makes the other must read.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

mod answer;
mod certificate;
mod cluster;
mod enveloped;
mod issue;
mod openssl;
mod pem;
mod request;

use std::sync::LazyLock;

use strongroom_crypto::rsa;
use strongroom_pki::{Identity, Kind, Name, Validity};

/// The time of these tests: 1 January 2026, in seconds since 1970.
const NOW: i64 = 1_767_225_600;
const DAY: i64 = 86_400;

/// A cluster's key: RSA keys take a while to make, so there is one.
static CLUSTER_KEY: LazyLock<rsa::PrivateKey> =
    LazyLock::new(|| rsa::PrivateKey::generate(2048, 65_537).unwrap());

fn validity() -> Validity {
    Validity { not_before: NOW - DAY, not_after: NOW + 365 * DAY }
}

fn root(name: &str) -> Identity {
    let name = Name::new().country("US").organization("Example").common_name(name);
    Identity::new(name, Kind::Authority { path_length: None }, validity())
}

fn endpoint(name: &str) -> Identity {
    Identity::new(Name::new().common_name(name), Kind::Endpoint, validity())
}

/// The subject of CloudHSM's requests.
fn cluster_name() -> Name {
    Name::new()
        .country("US")
        .state("CA")
        .organization("Cavium")
        .unit("N3FIPS")
        .locality("SanJose")
        .common_name("HSM:EXAMPLE1:PARTN:1, for FIPS mode")
}
