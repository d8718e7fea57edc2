//! The server's certificate and its key, read from their files; again on SIGHUP.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use strongroom_runtime::{Clocks, Shutdown};
use strongroom_secret::SecretBytes;
use strongroom_server::{Certificate, Figure, Figures, Reading};
use tokio::signal::unix::Signal;

/// The bytes of a file, at most.
const MOST_BYTES: u64 = 256 * 1024;

/// The permission bits by which strangers read. A group may: keys are often given to one.
const STRANGERS: u32 = 0o007;

/// How often it is looked when the certificate runs out, and for how long before it is said so.
const DAY: Duration = Duration::from_hours(24);
const WARNED_SECONDS: i64 = 30 * 86_400;

/// Where certificate and key are.
pub(super) struct Files {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// When the certificate that is served, or one of its chain, runs out, in seconds since 1970. Clones are the same.
#[derive(Clone)]
pub(super) struct End(Arc<AtomicI64>);

impl End {
    /// Of that chain.
    pub(super) fn of(chain: &[CertificateDer<'_>]) -> Self {
        let end = Self(Arc::default());
        end.becomes_that_of(chain);
        end
    }

    fn becomes_that_of(&self, chain: &[CertificateDer<'_>]) {
        let ends = chain.iter().filter_map(|der| strongroom_pki::Certificate::from_der(der).ok());
        // What cannot be read is no reason for alarms.
        let end = ends.map(|certificate| certificate.not_after()).min().unwrap_or(i64::MAX);
        self.0.store(end, Ordering::Relaxed);
    }

    /// In how many seconds that is; not above 0 once it was.
    fn left(&self) -> i64 {
        self.0.load(Ordering::Relaxed).saturating_sub(Clocks::system().real_now() / 1000)
    }

    /// Says so if that is soon, or was.
    fn warn(&self, certificate: &Path) {
        let (left, certificate) = (self.left(), certificate.display());
        if left <= 0 {
            tracing::error!(%certificate, "the certificate has run out: clients refuse it; renew it, and send SIGHUP");
        } else if left < WARNED_SECONDS {
            let days = left / 86_400;
            tracing::warn!(%certificate, days, "the certificate runs out soon; renew it, and send SIGHUP");
        }
    }
}

impl Figures for End {
    fn figures(&self) -> Vec<Figure> {
        vec![Figure {
            name: "tls_certificate_expires_seconds",
            help: "Seconds until the certificate that is served, or one of its chain, runs out",
            value: Reading::Gauge(self.left() as f64),
        }]
    }
}

impl Files {
    /// The chain of the certificate, its own first, and its key.
    pub(super) fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
        let named = self.certificate.display();
        let (bytes, _) = bytes_of(&self.certificate)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes.expose()).collect();
        let chain = chain.with_context(|| format!("{named} is no certificate in PEM"))?;
        if chain.is_empty() {
            bail!("{named} holds no certificate in PEM");
        }
        let named = self.key.display();
        let (bytes, mode) = bytes_of(&self.key)?;
        if mode & STRANGERS != 0 {
            bail!("everyone may read {named}, which is the key of the server; run: chmod o-rwx {named}");
        }
        let key = PrivateKeyDer::from_pem_slice(bytes.expose());
        let key =
            key.with_context(|| format!("{named} holds no private key in PEM that is not encrypted"))?;
        Ok((chain, key))
    }

    /// What to say where they do not go together.
    pub(super) fn unusable(&self) -> String {
        format!(
            "{} and {} cannot be used together; [server] names a certificate, with its chain, and its key",
            self.certificate.display(),
            self.key.display()
        )
    }
}

/// What a file holds, and its permission bits.
fn bytes_of(path: &Path) -> Result<(SecretBytes, u32)> {
    let named = path.display();
    let mut file = File::open(path).with_context(|| format!("reading {named}"))?;
    let metadata = file.metadata().with_context(|| format!("reading {named}"))?;
    if !metadata.is_file() || metadata.len() > MOST_BYTES {
        bail!("{named} is no file of at most {MOST_BYTES} bytes");
    }
    let bytes = SecretBytes::filled(metadata.len() as usize, |bytes| file.read_exact(bytes));
    Ok((bytes.with_context(|| format!("reading {named}"))?, metadata.permissions().mode()))
}

/// Reads the files again whenever the process hears SIGHUP. What cannot be used leaves the certificate that there is.
pub(super) async fn keep_fresh(
    files: Files,
    certificate: Certificate,
    end: End,
    mut hangups: Signal,
    shutdown: Shutdown,
) {
    let mut daily = tokio::time::interval(DAY);
    loop {
        tokio::select! {
            () = shutdown.begun() => return,
            // The first at once.
            _ = daily.tick() => {
                end.warn(&files.certificate);
                continue;
            }
            heard = hangups.recv() => if heard.is_none() { return },
        }
        let replaced = files.read().and_then(|(chain, key)| {
            let new = chain.clone();
            certificate.replace(chain, key).with_context(|| files.unusable())?;
            end.becomes_that_of(&new);
            Ok(())
        });
        match replaced {
            Ok(()) => {
                tracing::info!(certificate = %files.certificate.display(), "the certificate was read again");
                end.warn(&files.certificate);
            }
            Err(error) => tracing::error!("the certificate stays as it was: {error:#}"),
        }
    }
}
