//! What `openssl speed` gets on one core.

use std::process::{Command, Stdio};

use strongroom_hsm_core::KeyType;

/// What it printed, for machines.
pub(crate) struct Speeds(String);

impl Speeds {
    /// Runs it, a second for each kind; without openssl there are no figures.
    pub(crate) fn measure() -> Self {
        let kinds = [
            "rsa2048",
            "rsa3072",
            "rsa4096",
            "ecdsap256",
            "ecdsap384",
            "ecdsap521",
            "ed25519",
            "ecdhp256",
            "ecdhp384",
            "ecdhp521",
        ];
        let output = Command::new("openssl")
            .args(["speed", "-mr", "-seconds", "1"])
            .args(kinds)
            .stdin(Stdio::null())
            .output();
        Self(
            output.map_or_else(
                |_| String::new(),
                |output| String::from_utf8_lossy(&output.stdout).into_owned(),
            ),
        )
    }

    /// The time of one call, in seconds, of what it knows.
    pub(crate) fn seconds(&self, key_type: KeyType, call: &str) -> Option<f64> {
        // +F2:2:2048:4946.67:80325.00 are RSA signatures and verifications a second; F4 those of ECDSA, F5 secrets of
        // ECDH, and +F6:0:253:Ed25519:44673.53:16156.00 signatures and verifications.
        let (kind, bits) = match (key_type, call) {
            (KeyType::Rsa2048, _) => ("+F2", "2048"),
            (KeyType::Rsa3072, _) => ("+F2", "3072"),
            (KeyType::Rsa4096, _) => ("+F2", "4096"),
            (KeyType::EcP256, "agree") => ("+F5", "256"),
            (KeyType::EcP384, "agree") => ("+F5", "384"),
            (KeyType::EcP521, "agree") => ("+F5", "521"),
            (KeyType::EcP256, _) => ("+F4", "256"),
            (KeyType::EcP384, _) => ("+F4", "384"),
            (KeyType::EcP521, _) => ("+F4", "521"),
            (KeyType::Ed25519, _) => ("+F6", "253"),
            _ => return None,
        };
        let fields = |line: &str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
        let line = self.0.lines().map(fields).find(|line| line[0] == kind && line[2] == bits)?;
        let numbers: Vec<f64> = line[3..].iter().filter_map(|field| field.parse().ok()).collect();
        // RSA's private operation is a signature's and a decryption's.
        let per_second = match call {
            "sign" | "agree" | "decrypt" => numbers.first()?,
            _ => numbers.get(1)?,
        };
        Some(1.0 / per_second)
    }
}
