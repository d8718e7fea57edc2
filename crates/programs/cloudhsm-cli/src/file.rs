//! Files that commands read and write.

pub(crate) mod approval;
pub(crate) mod der;
pub(crate) mod public_key;
pub(crate) mod reference;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::error::CliError;

/// The longest data that is read from a file, in bytes: what is longer is hashed elsewhere.
pub(crate) const MAX_DATA: u64 = 64 << 20;

/// Reads a whole file of at most `most` bytes.
pub(crate) fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>, CliError> {
    let fail = |error: std::io::Error| CliError::file(path, error);
    let mut content = Vec::new();
    File::open(path).map_err(fail)?.take(most + 1).read_to_end(&mut content).map_err(fail)?;
    if content.len() as u64 > most {
        return Err(CliError::file(path, format!("longer than {most} bytes")));
    }
    Ok(content)
}

/// Writes a whole file, in place of what is there.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> Result<(), CliError> {
    std::fs::write(path, content).map_err(|error| CliError::file(path, error))
}

/// Writes a file so that whoever reads it finds the old content or the new.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), CliError> {
    let fail = |error: std::io::Error| CliError::file(path, error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(fail)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let fresh = folder.join(name);
    let written = File::create(&fresh)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&fresh, path));
    written.map_err(|error| {
        // What cannot be written cannot always be removed either; the first error is the one to tell.
        let _ = std::fs::remove_file(&fresh);
        fail(error)
    })
}

/// Data that was given in base64 or in a file: exactly one of them, the grammar sees to that.
pub(crate) fn given(text: Option<&str>, path: Option<&PathBuf>, option: &str) -> Result<Vec<u8>, CliError> {
    match (text, path) {
        (Some(text), _) => BASE64.decode(text.trim()).map_err(|_| {
            CliError::usage(format!("{option} is not base64; to sign a file, use {option}-path"))
        }),
        (None, Some(path)) => read_bounded(path, MAX_DATA),
        (None, None) => Err(CliError::usage(format!("{option} or {option}-path is needed"))),
    }
}
