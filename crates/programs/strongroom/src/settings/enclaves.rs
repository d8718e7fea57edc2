//! `[enclaves]`: whose Nitro enclaves are believed.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use strongroom_pki::Certificate;

use super::AbsolutePath;

/// Whom KMS encrypts answers to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EnclaveSettings {
    /// Files with the root certificates, in PEM, of other makers of enclaves than AWS.
    roots: Vec<AbsolutePath>,
}

impl EnclaveSettings {
    /// The roots whose attestation documents are believed.
    pub(crate) fn roots(&self) -> Result<Vec<Certificate>> {
        enclave_roots(self.roots.iter().map(AbsolutePath::as_path)).context("[enclaves] roots")
    }
}

/// AWS's root, and those in `files`.
pub(crate) fn enclave_roots<'f>(files: impl IntoIterator<Item = &'f Path>) -> Result<Vec<Certificate>> {
    let mut roots = vec![strongroom_attestation::aws_root()?];
    for file in files {
        let named = file.display();
        let pem = std::fs::read_to_string(file).with_context(|| format!("reading {named}"))?;
        let root = Certificate::from_pem(&pem)
            .with_context(|| format!("{named} is to have one certificate in PEM, the root of a chain"))?;
        if !root.is_self_signed() || root.basic_constraints().is_none_or(|constraints| !constraints.ca) {
            bail!("{named} is no root: it must be the self-signed certificate of an authority");
        }
        roots.push(root);
    }
    Ok(roots)
}
