//! Where the configuration file is.

use std::env;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::error::CliError;

/// Names the file, before all else.
pub(crate) const VARIABLE: &str = "STRONGROOM_CLOUDHSM_CONFIG";
/// AWS's place for it.
const AWS_FOLDER: &str = "/opt/cloudhsm/etc";
/// Its name.
const FILE: &str = "cloudhsm-cli.cfg";
/// The certificate of the cluster's authority, in AWS's place.
pub(crate) const CUSTOMER_CA: &str = "/opt/cloudhsm/etc/customerCA.crt";

/// The file to read: the one that is named, else AWS's where it may be written, else the user's own if it is there,
/// else AWS's.
pub(crate) fn to_read(named: Option<&Path>) -> PathBuf {
    if let Some(named) = named_place(named) {
        return named;
    }
    let aws = Path::new(AWS_FOLDER).join(FILE);
    match users() {
        Some(own) if !is_writable(&aws) && (own.exists() || !aws.exists()) => own,
        _ => aws,
    }
}

/// The file to write: the one that is named, else AWS's where it may be written, else the user's own.
pub(crate) fn to_write(named: Option<&Path>) -> Result<PathBuf, CliError> {
    if let Some(named) = named_place(named) {
        return Ok(named);
    }
    let aws = Path::new(AWS_FOLDER).join(FILE);
    if is_writable(&aws) {
        return Ok(aws);
    }
    users().ok_or_else(|| {
        CliError::usage(format!(
            "there is no place for the configuration file: {AWS_FOLDER} cannot be written, and HOME is not set; \
             name a file in {VARIABLE}"
        ))
    })
}

fn named_place(named: Option<&Path>) -> Option<PathBuf> {
    let variable = || env::var_os(VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from);
    named.map(Path::to_path_buf).or_else(variable)
}

/// Whether the file may be written, or made in a folder that is there.
fn is_writable(path: &Path) -> bool {
    match path.parent() {
        _ if path.exists() => access(path, Access::WRITE_OK).is_ok(),
        Some(folder) => access(folder, Access::WRITE_OK).is_ok(),
        None => false,
    }
}

/// The user's own file.
fn users() -> Option<PathBuf> {
    let folder = match env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env::var_os("HOME").filter(|home| !home.is_empty())?).join(".config"),
    };
    Some(folder.join("strongroom").join(FILE))
}
