//! What IAM keeps sealed, sealed afresh after a rotation of the seal.
//!
//! A directory is one whole: its digest is over the MACs of all its entities, and passwords and seeds stand in documents.
//! So an account's directory is one step, and its change goes the way of every change to it.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_identity::AccountId;
use strongroom_resealing::{Aim, Binding, BoxError, Kept, KeptStep, SealedColumn};
use strongroom_seal::{Purpose, SealError, Sealer};
use strongroom_store::{RowMac, StoreError};

use crate::access_keys;
use crate::domain::directory::{Directory, Entry};
use crate::domain::mfa::Device;
use crate::error::Refusal;
use crate::identities::IdentityManagement;
use crate::passwords;
use crate::repo::directories;

/// The sealed columns of IAM.
pub const SEALED: &[SealedColumn] = &[SealedColumn {
    table: "iam_access_keys",
    column: "sealed_secret",
    purpose: Purpose::Secrets,
    bound_to: |row| Binding::from(row.text("access_key_id").map(access_keys::sealing_context)),
}];

/// The directories of all accounts.
pub struct SealedDirectories(pub Arc<IdentityManagement>);

#[async_trait]
impl Kept for SealedDirectories {
    fn name(&self) -> &'static str {
        "iam_directories"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["iam_directories", "iam_entities"]
    }

    async fn step(&self, aim: Aim, after: Option<&str>) -> Result<KeptStep, BoxError> {
        let iam = &*self.0;
        let mut step = KeptStep::default();
        let after = after.unwrap_or_default();
        let Some((name, mac)) = directories::account_after(&iam.directories.db, after).await? else {
            return Ok(step);
        };
        step.next = Some(name.clone());
        let Ok(account) = name.parse::<AccountId>() else {
            step.refused.push(format!("iam_directories {name}"));
            return Ok(step);
        };
        step.looked = 1;
        let directory = match iam.directories.current(account).await {
            Ok(directory) => directory,
            Err(StoreError::Corrupt { .. } | StoreError::Column { .. }) => {
                step.refused.push(format!("iam_directories {name}"));
                return Ok(step);
            }
            Err(error) => return Err(error.into()),
        };
        for entry in directory.entries() {
            if open_all(&iam.sealer, entry).is_err() {
                step.refused.push(format!("iam_entities {}", entry.id()));
            }
        }
        if aim == Aim::Reseal && is_old(iam, &mac, &directory)? {
            // Whoever changes the directory meanwhile makes this run again, on what he wrote.
            let done = iam.commit(account, None, |_| Ok(()), |edit| reseal(&iam.sealer, edit)).await;
            done.map_err(Refusal::into_cause)?;
            step.resealed = 1;
        }
        Ok(step)
    }
}

/// Whether an older epoch has sealed anything of a directory. (What does not open is told, and left.)
fn is_old(iam: &IdentityManagement, root: &[u8], directory: &Directory) -> Result<bool, BoxError> {
    let head = RowMac::head_of(iam.sealer.current_epoch());
    if !root.starts_with(&head) || directory.macs.values().any(|mac| !mac.starts_with(&head)) {
        return Ok(true);
    }
    for entry in directory.entries() {
        if resealed(&iam.sealer, entry)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Puts all entities anew, which gives their rows new MACs.
fn reseal(sealer: &Sealer, edit: &mut crate::domain::edit::Edit) -> Result<(), Refusal> {
    let entries: Vec<_> = edit.entries().cloned().collect();
    for entry in entries {
        let new = resealed(sealer, &entry)?;
        edit.put(new.unwrap_or_else(|| Entry::clone(&entry)));
    }
    Ok(())
}

/// The entity with everything in it sealed afresh; `None` if nothing has to be. What does not open stays.
fn resealed(sealer: &Sealer, entry: &Entry) -> Result<Option<Entry>, SealError> {
    match entry {
        Entry::User(user) => {
            let mut new = user.clone();
            let Some(login) = &mut new.login else { return Ok(None) };
            let context = passwords::sealing_context(&user.id);
            for hash in std::iter::once(&mut login.sealed_hash).chain(&mut login.previous) {
                afresh(sealer, &context, hash)?;
            }
            Ok((new != *user).then_some(Entry::User(new)))
        }
        Entry::Device(device) => {
            let mut new = device.clone();
            afresh(sealer, &Device::sealing_context(&device.id), &mut new.sealed_seed)?;
            Ok((new != *device).then_some(Entry::Device(new)))
        }
        Entry::Group(_) | Entry::Role(_) | Entry::Policy(_) | Entry::Provider(_) | Entry::Settings(_) => {
            Ok(None)
        }
    }
}

fn afresh(sealer: &Sealer, context: &[u8], text: &mut String) -> Result<(), SealError> {
    let Ok(sealed) = STANDARD.decode(&*text) else { return Ok(()) };
    match sealer.reseal(context, &sealed) {
        Ok(Some(new)) => *text = STANDARD.encode(new),
        Ok(None) | Err(SealError::Crypto(_) | SealError::UnknownEpoch { .. }) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Opens what is sealed in an entity.
fn open_all(sealer: &Sealer, entry: &Entry) -> Result<(), BoxError> {
    let open = |context: &[u8], text: &str| -> Result<(), BoxError> {
        drop(sealer.open(context, &STANDARD.decode(text)?)?);
        Ok(())
    };
    match entry {
        Entry::User(user) => {
            let Some(login) = &user.login else { return Ok(()) };
            let context = passwords::sealing_context(&user.id);
            std::iter::once(&login.sealed_hash)
                .chain(&login.previous)
                .try_for_each(|hash| open(&context, hash))
        }
        Entry::Device(device) => open(&Device::sealing_context(&device.id), &device.sealed_seed),
        Entry::Group(_) | Entry::Role(_) | Entry::Policy(_) | Entry::Provider(_) | Entry::Settings(_) => {
            Ok(())
        }
    }
}
