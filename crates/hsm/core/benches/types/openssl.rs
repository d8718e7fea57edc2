//! What `openssl speed` gets. (The bench `key_specs` of the program reads it, too.)

use std::process::{Command, Stdio};

/// What it is asked for: its names of algorithms.
const ALGORITHMS: [&str; 10] = [
    "rsa2048",
    "rsa3072",
    "rsa4096",
    "ecdsap256",
    "ecdsap384",
    "ecdsap521",
    "ecdhp256",
    "ecdhp384",
    "ecdhp521",
    "ed25519",
];

/// What it printed, for machines.
pub(crate) struct Speeds(String);

impl Speeds {
    /// Runs it, a second for each operation, on as many cores at once, by their processor's time or by the clock. Without
    /// openssl there are no figures.
    pub(crate) fn measure(cores: usize, by_clock: bool) -> Self {
        let mut openssl = Command::new("openssl");
        openssl.args(["speed", "-mr", "-seconds", "1"]);
        if cores > 1 {
            openssl.args(["-multi", &cores.to_string()]);
        }
        if by_clock {
            openssl.arg("-elapsed");
        }
        let output = openssl.args(ALGORITHMS).stdin(Stdio::null()).output();
        Self(
            output.map_or_else(
                |_| String::new(),
                |output| String::from_utf8_lossy(&output.stdout).into_owned(),
            ),
        )
    }

    /// Private and public operations a second: signatures and verifications; of ECDH secrets, and nothing.
    pub(crate) fn per_second(&self, algorithm: &str) -> Option<(f64, f64)> {
        // +F2:2:2048:4946.67:80325.00 is RSA; F4 is ECDSA, +F5:3:256:34176.47:0.000029 ECDH with the time of one, and
        // +F6:0:253:Ed25519:44673.53:16156.00.
        let kinds = [("rsa", "+F2"), ("ecdsap", "+F4"), ("ecdhp", "+F5"), ("ed25519", "+F6")];
        let (kind, bits) =
            kinds.iter().find_map(|(name, kind)| Some((*kind, algorithm.strip_prefix(name)?)))?;
        // Of Ed25519 openssl says the curve's bits, which its name does not have.
        let bits = if bits.is_empty() { "253" } else { bits };
        let fields = |line: &str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
        let line = self.0.lines().map(fields).find(|line| line[0] == kind && line[2] == bits)?;
        let numbers: Vec<f64> = line[3..].iter().filter_map(|field| field.parse().ok()).collect();
        Some((*numbers.first()?, *numbers.get(1)?))
    }
}
