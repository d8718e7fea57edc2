//! The configuration file: what whoever starts an HSM tells it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde::Deserialize;
use strongroom_pki::Certificate;
use strongroom_secret::SecretString;

/// The permission bits of group and others.
const OTHERS: u32 = 0o077;
/// The longest configuration file, in bytes.
const LONGEST_FILE: u64 = 64 << 10;
/// The most addresses of the control plane.
const MOST_PLANES: usize = 16;
/// The longest id of an HSM, in bytes.
const LONGEST_ID: usize = 64;

/// The configuration of one HSM. Those with a default may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Which HSM this is, `hsm-...`.
    pub(crate) hsm_id: String,
    /// The folder of everything that the HSM keeps. Made if it is not there; one HSM at a time uses it.
    pub(crate) state: PathBuf,
    /// The folder of the host's device root, with which devices of this host are certified. Made on first use.
    pub(crate) device_root: PathBuf,
    /// Where the control plane listens for HSMs; the first one that answers is taken.
    pub(crate) planes: Vec<SocketAddr>,
    /// The control plane's certificate, as PEM. No other is believed.
    plane_certificate: String,
    /// The one-time token that lets this HSM in for the first time.
    #[serde(default)]
    enrolment_token: String,
    /// Where clients connect: the address of the HSM's network interface, and port 2223.
    pub(crate) listen: SocketAddr,
    /// Whether this is a development server's HSM, whose clock may be moved.
    #[serde(default)]
    pub(crate) dev: bool,
    /// What is logged, in the syntax of tracing's filters.
    #[serde(default = "info")]
    pub(crate) log: String,
    /// Whether log lines are JSON.
    #[serde(default)]
    pub(crate) log_json: bool,
    /// After how many entries the log is compacted; 0 leaves it to the program.
    #[serde(default)]
    pub(crate) compact_after: u64,
    /// The certificate, read.
    #[serde(skip)]
    plane: Option<Certificate>,
}

fn info() -> String {
    "info".to_owned()
}

impl Config {
    /// Reads a configuration file, which only its owner may read: it holds the token.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        let name = path.display();
        let metadata = std::fs::metadata(path).with_context(|| format!("reading {name}"))?;
        let mode = metadata.permissions().mode();
        ensure!(
            mode & OTHERS == 0,
            "others may read {name}, which holds a token; close it with: chmod 600 {name}"
        );
        ensure!(metadata.len() <= LONGEST_FILE, "{name} is longer than {LONGEST_FILE} bytes");
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {name}"))?;
        Self::parse(&text).with_context(|| format!("in {name}"))
    }

    fn parse(text: &str) -> Result<Self> {
        let mut config: Self = toml::from_str(text)?;
        if !is_id(&config.hsm_id) {
            bail!("hsm_id: \"{}\" is not 1 to {LONGEST_ID} letters, digits and hyphens", config.hsm_id);
        }
        for (field, path) in [("state", &config.state), ("device_root", &config.device_root)] {
            ensure!(path.is_absolute(), "{field}: \"{}\" is not an absolute path", path.display());
        }
        ensure!(
            !config.device_root.starts_with(&config.state) && !config.state.starts_with(&config.device_root),
            "device_root: it lies within `state` or the other way round; they are wiped apart"
        );
        ensure!(!config.planes.is_empty(), "planes: at least one address is needed");
        ensure!(config.planes.len() <= MOST_PLANES, "planes: at most {MOST_PLANES} addresses");
        let plane = Certificate::from_pem(&config.plane_certificate);
        config.plane = Some(plane.map_err(|error| anyhow!("plane_certificate: {error}"))?);
        ensure!(!config.listen.ip().is_unspecified(), "listen: an HSM listens on one address, not on all");
        Ok(config)
    }

    /// The control plane's certificate.
    pub(crate) fn plane(&self) -> Result<&Certificate> {
        self.plane.as_ref().context("plane_certificate: it was not read")
    }

    /// The token, out of the configuration's hands.
    pub(crate) fn take_token(&mut self) -> SecretString {
        SecretString::new(std::mem::take(&mut self.enrolment_token))
    }
}

fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use strongroom_crypto::ec::{Curve, PrivateKey};
    use strongroom_pki::{Identity, Kind, Name, Validity, self_sign};

    use super::*;

    /// A good configuration with one line in the place of another.
    fn parse_with(field: &str, line: &str) -> Result<Config> {
        let key = PrivateKey::generate(Curve::P256).unwrap();
        let validity = Validity { not_before: 1_600_000_000, not_after: 4_000_000_000 };
        let identity = Identity::new(Name::new().common_name("plane"), Kind::Endpoint, validity);
        let certificate = self_sign(&identity, &key).unwrap().to_pem();
        let good = [
            ("hsm_id", "hsm_id = 'hsm-1'".to_owned()),
            ("state", "state = '/srv/hsm/state'".to_owned()),
            ("device_root", "device_root = '/srv/hsm/root'".to_owned()),
            ("planes", "planes = ['127.0.0.1:7443', '[::1]:7443']".to_owned()),
            ("plane_certificate", format!("plane_certificate = '''\n{certificate}'''")),
            ("enrolment_token", "enrolment_token = 'once'".to_owned()),
            ("listen", "listen = '127.31.0.5:2223'".to_owned()),
        ];
        let lines = good.map(|(name, good)| if name == field { line.to_owned() } else { good });
        Config::parse(&lines.join("\n"))
    }

    #[test]
    fn a_good_file_is_read() {
        let mut config = parse_with("", "").unwrap();
        assert_eq!((config.hsm_id.as_str(), config.planes.len(), config.dev), ("hsm-1", 2, false));
        assert_eq!(config.listen.to_string(), "127.31.0.5:2223");
        assert_eq!(config.plane().unwrap().common_name(), Some("plane"));
        assert_eq!(config.take_token().expose(), "once");
        assert!(config.take_token().expose().is_empty());
        // An HSM that is enrolled needs no token.
        parse_with("enrolment_token", "").unwrap();
    }

    #[test]
    fn mistakes_are_told_with_their_field() {
        for (field, line, told) in [
            ("hsm_id", "hsm_id = 'hsm/../1'", "hsm_id: \"hsm/../1\" is not"),
            ("hsm_id", "", "missing field `hsm_id`"),
            ("state", "state = 'state'", "state: \"state\" is not an absolute path"),
            ("device_root", "device_root = '/srv/hsm/state/root'", "device_root: it lies within"),
            ("planes", "planes = []", "planes: at least one"),
            ("planes", "planes = ['plane.example:7443']", "planes"),
            ("plane_certificate", "plane_certificate = 'none'", "plane_certificate: it is not PEM"),
            ("listen", "listen = '0.0.0.0:2223'", "listen: an HSM listens on one address"),
            ("listen", "listen = '127.31.0.5'", "invalid socket address"),
            ("listen", "listen = '127.31.0.5:2223'\nlistn = 1", "unknown field `listn`"),
        ] {
            let error = parse_with(field, line).err().map(|error| format!("{error:#}")).unwrap_or_default();
            assert!(error.contains(told), "{line}: {error}");
        }
    }
}
