//! `strongroom audit verify`: with the seal, or, as a stranger, with a public key alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject as _;
use strongroom_crypto::ed25519::PublicKey;
use strongroom_journal::{Checkpoint, Progress, Report, StoreReport, Trust, verify_store};
use strongroom_seal::{Epoch, Purpose, Root};
use strongroom_secret::Key256;

use super::journals::Journals;
use crate::cli::VerifyOptions;
use crate::journal_keeping::verification_key;
use crate::settings::{Place, Settings};
use crate::{moment, process};

/// Records between two lines of progress.
const PROGRESS_EVERY: u64 = 1_000_000;
/// No file of checkpoints or keys that is handed in is longer, in bytes.
const LONGEST_FILE: u64 = 16 << 20;
/// Exit status when nothing could be verified.
const NOT_VERIFIED: u8 = 2;

/// What a verification came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Intact,
    Broken,
    /// A copy of its checkpoints that the configuration names was not compared: it may know of more than is there.
    NotCompared,
    /// Without the seal, only a checkpoint that is believed proves anything, and there is none.
    Unproven,
}

/// Walks the journal and says what is wrong with it. Exits with 0 if nothing is, with 1 if something is, and with 2 if that
/// cannot be told.
pub(crate) fn run(options: &VerifyOptions) -> ExitCode {
    process::prepare();
    match verify(options) {
        Ok(Verdict::Intact) => ExitCode::SUCCESS,
        Ok(Verdict::Broken) => ExitCode::FAILURE,
        Ok(Verdict::NotCompared | Verdict::Unproven) => ExitCode::from(NOT_VERIFIED),
        Err(error) => {
            eprintln!("strongroom: the journal was not verified: {error:#}");
            ExitCode::from(NOT_VERIFIED)
        }
    }
}

/// What a journal was verified with, beside what is in it.
#[derive(Default)]
struct Evidence {
    /// How many checkpoints that were kept elsewhere.
    compared: usize,
    /// How many folders of such could not be read.
    away: usize,
    /// Whether the seal was there, and so MACs could be checked.
    macs: bool,
}

/// The copies of checkpoints that the configuration names.
#[derive(Default)]
struct Copies {
    checkpoints: Vec<Checkpoint>,
    away: usize,
}

fn verdict(report: &Report, evidence: &Evidence) -> Verdict {
    if !report.is_intact() {
        Verdict::Broken
    } else if !evidence.macs && !report.is_signed {
        Verdict::Unproven
    } else if evidence.away == 0 {
        Verdict::Intact
    } else {
        Verdict::NotCompared
    }
}

fn verify(options: &VerifyOptions) -> Result<Verdict> {
    let keys = options.public_key.iter().map(|file| read_key(file)).collect::<Result<Vec<_>>>()?;
    let mut evidence = Evidence { macs: keys.is_empty(), ..Evidence::default() };
    let mut anchors = Vec::new();
    for path in &options.checkpoint {
        anchors.extend(read_checkpoints(path)?);
    }
    let journals = if let Some(folder) = &options.journal {
        if !folder.is_dir() {
            bail!("there is no journal in {}", folder.display());
        }
        Journals::Folder(folder.clone())
    } else {
        let copies = configured_copies(options)?;
        anchors.extend(copies.checkpoints);
        evidence.away = copies.away;
        Journals::named(&options.place)?
    };
    let trust = if keys.is_empty() { with_seal(options)? } else { Trust::public_keys(keys) };
    let mut next_line = PROGRESS_EVERY;
    let progress = |progress: &Progress| {
        if progress.records >= next_line {
            eprintln!("{} records verified ...", progress.records);
            next_line = progress.records + PROGRESS_EVERY;
        }
    };
    evidence.compared = anchors.len();
    let trust = trust.with_anchors(anchors);
    match journals {
        Journals::Folder(folder) => {
            let report = strongroom_journal::verify(&folder, &trust, progress)?;
            tell(&report, &evidence);
            Ok(verdict(&report, &evidence))
        }
        Journals::Store(stored) => {
            let StoreReport { journals, of_none } = verify_store(&stored.db, &trust, progress)?;
            let mut verdicts = Vec::new();
            for (server, report) in journals {
                println!("The journal of server {server}:");
                tell(&report, &evidence);
                verdicts.push(verdict(&report, &evidence));
            }
            for (number, time_ms) in &of_none {
                println!(
                    "CHECKPOINT {number} OF {}, which was kept elsewhere, is of no journal in the store: all that a server had \
                     recorded was removed.",
                    moment::text(*time_ms)
                );
                verdicts.push(Verdict::Broken);
            }
            let worst = [Verdict::Broken, Verdict::Unproven, Verdict::NotCompared];
            Ok(worst.into_iter().find(|worst| verdicts.contains(worst)).unwrap_or(Verdict::Intact))
        }
    }
}

fn tell(report: &Report, evidence: &Evidence) {
    for finding in &report.findings {
        println!("{finding}");
    }
    if report.notes_left_out > 0 {
        println!("and {} more notes", report.notes_left_out);
    }
    println!("{}", summary(report, evidence));
}

fn with_seal(options: &VerifyOptions) -> Result<Trust<'static>> {
    let place = Place::named(&options.place)?;
    let root = Root::open_with(&place.seal.dir, &place.seal.unlock()?).context(
        "the journal is verified with the seal that it was written under; without it, with --public-key and what \
         `strongroom audit key` has printed",
    )?;
    Ok(trust_of(&root))
}

/// What an open seal lets one trust in.
pub(crate) fn trust_of(root: &Root) -> Trust<'static> {
    let (root, signer) = (root.clone(), root.clone());
    Trust::seal(
        move |epoch| {
            let key = root.subkey(Purpose::JournalMac, Epoch::new(epoch)).ok()?;
            Some(Key256::clone(&key))
        },
        move |epoch| verification_key(&signer, Epoch::new(epoch)).ok(),
    )
}

fn read_key(file: &Path) -> Result<PublicKey> {
    let text = read(file)?;
    let der = SubjectPublicKeyInfoDer::from_pem_slice(text.as_bytes());
    der.ok().and_then(|der| PublicKey::from_spki(&der).ok()).with_context(|| {
        format!("{} has no public key of Ed25519 in PEM; `strongroom audit key` prints one", file.display())
    })
}

/// Reads the checkpoints of a file, or of all files of a folder of copies.
fn read_checkpoints(path: &Path) -> Result<Vec<Checkpoint>> {
    let files: Vec<PathBuf> = if path.is_dir() {
        let entries = fs::read_dir(path).with_context(|| format!("reading {}", path.display()))?;
        let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        files.retain(|file| file.extension().is_some_and(|suffix| suffix == "checkpoints"));
        files.sort();
        files
    } else {
        vec![path.to_owned()]
    };
    let mut checkpoints = Vec::new();
    for file in files {
        let text = read(&file)?;
        // In a copy, the last one may be cut short, or be being written; all before it counts.
        let whole = if path.is_dir() { text.rfind("\n\n").map_or(0, |end| end + 2) } else { text.len() };
        checkpoints.extend(
            Checkpoint::parse_all(text.get(..whole).unwrap_or_default())
                .with_context(|| format!("{} has no checkpoints as they are written", file.display()))?,
        );
    }
    if checkpoints.is_empty() {
        bail!("there is no checkpoint in {}; `strongroom audit checkpoint` prints one", path.display());
    }
    Ok(checkpoints)
}

/// Reads the copies that the configuration names. One that is away is no reason not to verify the rest.
fn configured_copies(options: &VerifyOptions) -> Result<Copies> {
    let folders = Settings::named(&options.place)?.map(|settings| settings.journal.copies());
    let mut copies = Copies::default();
    for folder in folders.unwrap_or_default() {
        match read_checkpoints(&folder) {
            Ok(copied) => copies.checkpoints.extend(copied),
            Err(error) => {
                println!("{} WAS NOT COMPARED: {error:#}", folder.display());
                copies.away += 1;
            }
        }
    }
    Ok(copies)
}

fn read(file: &Path) -> Result<String> {
    let reading = || format!("reading {}", file.display());
    if fs::metadata(file).with_context(reading)?.len() > LONGEST_FILE {
        bail!("{} is longer than any such file", file.display());
    }
    fs::read_to_string(file).with_context(reading)
}

fn summary(report: &Report, evidence: &Evidence) -> String {
    let &Evidence { compared, macs, .. } = evidence;
    let seen = format!(
        "{} records in {} frames, {} segments, {} streams, {} checkpoints",
        report.records, report.frames, report.segments, report.streams, report.checkpoints
    );
    let verdict = match verdict(report, evidence) {
        Verdict::Intact => format!("The journal is intact: {seen}."),
        Verdict::NotCompared => format!(
            "The journal fits together ({seen}), but WHETHER ITS END IS MISSING CANNOT BE TOLD: {} of the copies of its \
             checkpoints could not be read. Verify again when they are there.",
            evidence.away
        ),
        Verdict::Unproven => format!(
            "WHETHER THE JOURNAL IS AS IT WAS WRITTEN CANNOT BE TOLD: no checkpoint that the key has signed names what is \
             there ({seen}), and without the seal nothing else shows who wrote it. Name one that was kept with --checkpoint."
        ),
        Verdict::Broken if report.cut_short => format!(
            "THE JOURNAL IS NOT AS IT WAS WRITTEN. Verification stopped at the thousandth finding, after {seen}."
        ),
        Verdict::Broken => format!(
            "THE JOURNAL IS NOT AS IT WAS WRITTEN. As written are {seen}; the findings above name the rest."
        ),
    };
    let mut lines = vec![verdict];
    if let Some(begins) = &report.begins {
        lines.push(format!(
            "It begins with stream {}, segment {}: what was before it was removed when its time was up.",
            begins.segment.stream, begins.segment.number
        ));
    }
    lines.push(match report.newest_checkpoint {
        Some((number, time_ms)) => {
            format!("Its newest checkpoint is number {number}, of {}.", moment::text(time_ms))
        }
        None if macs => "It has no checkpoint: frames cut from its very end would not be noticed.".to_owned(),
        None => "It has no checkpoint.".to_owned(),
    });
    if compared > 0 {
        lines.push(format!("It was compared with {compared} checkpoints that were kept elsewhere."));
    }
    if !macs && report.is_signed && report.unsigned_records > 0 {
        lines.push(format!(
            "{} records come after the last checkpoint: no signature covers them, and without the seal it cannot be told \
             who wrote them.",
            report.unsigned_records
        ));
    }
    if !macs {
        lines.push("Hashes and signatures were checked; MACs can only be checked with the seal.".to_owned());
    }
    lines.join("\n")
}
