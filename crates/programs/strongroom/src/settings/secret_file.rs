//! A file with one secret: its first line, readable by nobody else.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use strongroom_secret::{SecretBytes, SecretString};

/// The bytes of such a file, at most.
const MOST_BYTES: u64 = 4096;

/// The permission bits of others. A group may read: systemd gives credentials so, and secrets that are mounted.
const STRANGERS: u32 = 0o007;

/// Reads the secret in the file at `path`. A line's end at its end does not belong to it.
pub(crate) fn read(path: &Path) -> Result<SecretString> {
    let named = path.display();
    let mut file = File::open(path).with_context(|| format!("reading {named}"))?;
    let metadata = file.metadata().with_context(|| format!("reading {named}"))?;
    let mode = metadata.permissions().mode();
    if mode & STRANGERS != 0 {
        bail!("everyone may read {named}, which has a secret; run: chmod o-rwx {named}");
    }
    if !metadata.is_file() || metadata.len() > MOST_BYTES {
        bail!("{named} is no file with one secret of at most {MOST_BYTES} bytes");
    }
    let bytes = SecretBytes::filled(metadata.len() as usize, |bytes| file.read_exact(bytes))
        .with_context(|| format!("reading {named}"))?;
    let Ok(text) = std::str::from_utf8(bytes.expose()) else { bail!("{named} is not in UTF-8") };
    let text = text.strip_suffix('\n').unwrap_or(text);
    let secret = text.strip_suffix('\r').unwrap_or(text);
    if secret.is_empty() || secret.contains('\n') {
        bail!("{named} must have one line, the secret");
    }
    Ok(SecretString::new(secret.to_owned()))
}
