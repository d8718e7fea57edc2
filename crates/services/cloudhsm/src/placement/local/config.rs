//! The file that an HSM's process is started with.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::Serialize;

use super::super::{Order, PlacementError};
use super::io;

#[derive(Serialize)]
struct Config<'o> {
    hsm_id: &'o str,
    state: &'o Path,
    device_root: &'o Path,
    listen: String,
    planes: Vec<String>,
    plane_certificate: &'o str,
    #[serde(skip_serializing_if = "Option::is_none")]
    enrolment_token: Option<&'o str>,
    dev: bool,
}

/// Writes the file, for its owner only, whole or not at all.
pub(super) fn write(
    path: &Path,
    order: &Order,
    state: &Path,
    device_root: &Path,
) -> Result<(), PlacementError> {
    let config = Config {
        hsm_id: &order.hsm_id,
        state,
        device_root,
        listen: order.listen.to_string(),
        planes: vec![order.plane.to_string()],
        plane_certificate: &order.plane_certificate,
        enrolment_token: order.enrolment_token.as_ref().map(|token| token.expose().as_str()),
        dev: order.dev,
    };
    let failed = |source| io(format!("{} cannot be written", path.display()), source);
    let text = toml::to_string(&config).map_err(|error| failed(std::io::Error::other(error)))?;
    let new = path.with_extension("new");
    let write = || {
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&new, path)
    };
    write().map_err(failed)
}
