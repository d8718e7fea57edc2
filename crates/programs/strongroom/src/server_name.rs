//! The name that a server has among those on its store.
//!
//! It belongs to the data folder, and with it to the journal there: how far that journal has been read is kept in the
//! store under this name.

use std::fs;
use std::io::ErrorKind;

use anyhow::{Context as _, Result, bail};
use strongroom_crypto::{hex, random};

use crate::data_dir::DataDir;
use crate::init::files::write_new;

/// Characters of a name.
const LENGTH: usize = 32;

/// The name of the server whose data folder it is, made when it is first asked for. The caller has locked the folder.
pub(crate) fn of(data: &DataDir) -> Result<String> {
    let path = data.server_name();
    match fs::read_to_string(&path) {
        Ok(text) => {
            let name = text.trim_end();
            if name.len() != LENGTH || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                bail!("{} does not hold a server's name; remove it, and a new one is made", path.display());
            }
            Ok(name.to_owned())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let name = hex::encode(&random::bytes::<{ LENGTH / 2 }>().context("making a server's name")?);
            write_new(&path, 0o600, format!("{name}\n").as_bytes())?;
            Ok(name)
        }
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_once_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::at(folder.path());
        let name = of(&data).unwrap();
        assert_eq!((name.len(), of(&data).unwrap()), (LENGTH, name));
        fs::write(data.server_name(), "../elsewhere\n").unwrap();
        assert!(of(&data).unwrap_err().to_string().contains("does not hold a server's name"));
    }
}
