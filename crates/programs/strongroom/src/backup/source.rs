//! What goes into a backup, and in which order.
//!
//! The store is read as it was at one moment, then the journal up to a later one: each effect that is in the store has its
//! record in the journal, and the store names no place in the journal that is not there. Checkpoints are listed before the
//! journal's end is, so that none speaks of more than there is. The slots are read before and after the store's moment, and
//! have to be the same: everything in the store is sealed under a root key that they have.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_backup::{
    BackupError, Kept, OpenPart, Origin, Progress, Sink, Totals, Writing, engine_name, kept_in,
};
use strongroom_crypto::{hex, random};
use strongroom_journal::Reader;
use strongroom_s3::{Folder, hold_files};
use strongroom_seal::{Epoch, Purpose, slots_in};
use strongroom_secret::SecretString;
use strongroom_store::Snapshot;

use super::{Made, RowCheck};
use crate::control::{Answer, Answers, Parts};
use crate::settings::Place;

/// The file of the slots, in the folder of the seal.
pub(crate) const SLOTS: &str = "root.slots";
/// The folder of the journal, in a backup.
pub(crate) const JOURNAL: &str = "journal";
/// The folder of S3's objects, in a backup.
pub(crate) const OBJECTS: &str = "objects";
/// The folder of checkpoints, in that of the journal.
const CHECKPOINTS: &str = "checkpoints";

/// How often the store's moment is chosen anew because the slots changed meanwhile.
const TRIES: u32 = 10;
/// Bytes of a piece that is handed over, before it is written in base 64.
const PIECE: usize = 192 << 10;
/// Bytes of files between two lines of progress.
const PROGRESS_EVERY: u64 = 64 << 20;

/// Makes a backup, and hands it over.
pub(crate) async fn make(parts: &Parts, answers: &Answers) -> Result<SecretString> {
    let ground = &parts.ground;
    // The journal's files stay where they are, and as they are, until this is done.
    let _hold = ground.keeping.holds().hold();
    // Nor does any server on the store remove objects' files.
    let held = hold_files(&ground.db, &ground.clocks).await;
    let _objects_hold = held.context("holding the files of objects")?;
    let Moment { slots, epoch, snapshot, objects } = moment_with_objects(parts).await?;
    let checkpoints = ground_files(&parts.place.data.journal().join(CHECKPOINTS))?;
    let name = server_name(parts)?;
    let segments = segments(&ground.journal.own_reader())?;

    let id: [u8; 16] = random::bytes()?;
    let open_part = OpenPart {
        slots,
        check_value: check_value(parts, epoch)?,
        epoch: epoch.number(),
        id: id.to_vec(),
        made_ms: ground.clocks.domain_now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let missing = missing(parts);
    let origin = Origin {
        engine: engine_name(snapshot.engine()).to_owned(),
        stream: ground.journal.stream().to_string(),
        missing: missing.clone(),
    };
    let key = ground.root.subkey(Purpose::Backup, epoch)?;
    let mut handing = Handing { answers, told_bytes: 0 };
    let mut writing = Writing::begin(&mut handing, &key, &open_part, origin).await?;
    let mut macs = RowCheck::new(&ground.root);
    writing.store(snapshot, &mut |table, row| macs.look(table, row)).await?;
    for file in name.iter().chain(&checkpoints).chain(&segments).chain(objects.values()) {
        if !writing.file(file).await? {
            bail!("{} was removed while the backup was made; make it again", file.at.display());
        }
    }
    let Totals { tables, rows, files, bytes } = writing.finish().await?;
    let findings = macs.findings();
    for finding in &findings {
        tracing::warn!(backup = hex::encode(&id), "a backup holds {finding}");
    }
    let made =
        Made { backup_id: hex::encode(&id), tables, rows, files, file_bytes: bytes, findings, missing };
    tracing::info!(backup = made.backup_id, rows, files, "a backup was made");
    Ok(SecretString::new(serde_json::to_string(&made)?))
}

/// What a backup is of: the store at one moment, with the slots of that moment, the epoch of the root key in them, and all
/// objects' files that the store's rows may name.
struct Moment {
    slots: Vec<u8>,
    epoch: Epoch,
    snapshot: Snapshot,
    objects: BTreeMap<String, Kept>,
}

/// A moment for which all files stay. A server may have been about to remove one as the hold began: no row of a later moment
/// needs that one. What is removed from then on all the same is missed, and not left out.
async fn moment_with_objects(parts: &Parts) -> Result<Moment> {
    let listed = || -> Result<BTreeMap<String, Kept>> {
        Ok(objects(&parts.place)?.into_iter().map(|kept| (kept.path.clone(), kept)).collect())
    };
    let (mut before, mut tries) = (listed()?, 0);
    loop {
        let (slots, epoch, snapshot) = moment(parts, &parts.place.seal.dir).await?;
        let after = listed()?;
        tries += 1;
        if tries == TRIES || before.keys().all(|path| after.contains_key(path)) {
            before.extend(after);
            return Ok(Moment { slots, epoch, snapshot, objects: before });
        }
        before = after;
    }
}

/// The store at one moment, with the slots of that moment and the epoch of the root key in them.
async fn moment(parts: &Parts, seal_dir: &Path) -> Result<(Vec<u8>, Epoch, Snapshot)> {
    for _ in 0..TRIES {
        let before = read_slots(seal_dir)?;
        let snapshot = parts.ground.db.snapshot().await.context("reading the store")?;
        let (epoch, _) = slots_in(seal_dir).context("reading the slots of the seal")?;
        if read_slots(seal_dir)? == before {
            return Ok((before, epoch, snapshot));
        }
    }
    bail!("the seal changes again and again; make the backup when it is at rest")
}

fn read_slots(seal_dir: &Path) -> Result<Vec<u8>> {
    let path = seal_dir.join(SLOTS);
    std::fs::read(&path).with_context(|| format!("reading {}", path.display()))
}

fn check_value(parts: &Parts, epoch: Epoch) -> Result<Vec<u8>> {
    let check = parts.ground.root.check_value_of(epoch);
    Ok(check
        .context("the seal's slots hold a root key that this server has not taken over yet; try again")?
        .as_bytes()
        .to_vec())
}

fn ground_files(folder: &Path) -> Result<Vec<Kept>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    kept_in(folder, &format!("{JOURNAL}/{CHECKPOINTS}"))
        .with_context(|| format!("listing {}", folder.display()))
}

/// The files of the journal's segments, as far as they are durable now. What lies in the store is in the snapshot of it.
fn segments(reader: &Reader) -> Result<Vec<Kept>> {
    let mut files = Vec::new();
    for listed in reader.segments().context("listing the journal")? {
        let file = reader.segment_file(listed.id).context("listing the journal")?;
        match file {
            Some(file) => {
                files.push(Kept {
                    at: file.at,
                    path: format!("{JOURNAL}/{}", file.path),
                    length: file.length,
                });
            }
            None if reader.segment(listed.id).context("listing the journal")?.is_some() => {}
            None => bail!("a part of the journal was removed meanwhile; make the backup again"),
        }
    }
    Ok(files)
}

/// The files of S3's objects that are finished, which are all that rows name, and the folder's id.
fn objects(place: &Place) -> Result<Vec<Kept>> {
    if !place.objects.exists() {
        return Ok(Vec::new());
    }
    let listing = || format!("listing {}", place.objects.display());
    let files = Folder::open(&place.objects).and_then(|folder| folder.copied()).with_context(listing)?;
    let kept = |(at, path, length)| Kept { at, path: format!("{OBJECTS}/{path}"), length };
    Ok(files.into_iter().map(kept).collect())
}

/// The name that the server has among those on its store, if it has one: under it the store keeps how far the journal was
/// read.
fn server_name(parts: &Parts) -> Result<Option<Kept>> {
    let at = parts.place.data.server_name();
    let Some(path) = at.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
        return Ok(None);
    };
    match std::fs::metadata(&at) {
        Ok(metadata) => Ok(Some(Kept { at, path, length: metadata.len() })),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", at.display())),
    }
}

/// What no backup has, for people.
fn missing(parts: &Parts) -> Vec<String> {
    let data = &parts.place.data;
    let mut missing = vec![
        "what opens the seal: the key file (slot-file.key), or the passphrase".to_owned(),
        "the configuration, the certificate and its key".to_owned(),
    ];
    if data.device_root().exists() {
        let folder = data.device_root();
        missing.push(format!(
            "the HSM host's own keys, without which no cluster comes back: {}",
            folder.display()
        ));
    }
    missing
}

/// Hands a backup over to whoever asked for it.
struct Handing<'a> {
    answers: &'a Answers,
    told_bytes: u64,
}

#[async_trait]
impl Sink for Handing<'_> {
    async fn take(&mut self, bytes: Vec<u8>) -> Result<(), BackupError> {
        for piece in bytes.chunks(PIECE) {
            let piece = Answer::Piece(STANDARD.encode(piece));
            self.answers.send(piece).await.map_err(gone)?;
        }
        Ok(())
    }

    async fn hear(&mut self, progress: &Progress) -> Result<(), BackupError> {
        let Progress { now, done } = progress;
        let due = done.bytes >= self.told_bytes + PROGRESS_EVERY;
        if !due && done.files > 0 {
            return Ok(());
        }
        self.told_bytes = done.bytes;
        self.answers
            .send(Answer::Progress(format!(
                "{now}, after {} rows and {} bytes of files",
                done.rows, done.bytes
            )))
            .await
            .map_err(gone)
    }
}

fn gone(error: anyhow::Error) -> BackupError {
    BackupError::io("the backup cannot be handed over")(std::io::Error::other(error))
}
