//! `strongroom restore`, and `strongroom backup verify`, which does the same in a folder that it throws away.
//!
//! First the whole backup is read: that it opens, that it is whole, that each row that grants authority has its MAC. Only
//! then is anything made, under a mark that keeps every server from it until the end. What is there then is tested as a
//! server would use it: the seal against the store, everything sealed opened, the journal verified. What was altered or
//! damaged before the backup was made is told, and restored as it was if whoever restores accepts it: a server refuses such
//! a row when it comes to it, and serves for the rest.

mod checking;
mod findings;
mod mark;
mod opening;
mod placing;
mod recording;
mod testing;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use self::checking::Checked;
use self::findings::{Findings, Wrong};
use self::mark::Mark;
pub(crate) use self::mark::{refuse, refuse_store};
use self::opening::Opened;
use crate::cli::{RestoreOptions, VerifyBackupOptions};
use crate::data_dir::DataDir;
use crate::node::{Foundation, Offline, open_store};
use crate::process;
use crate::settings::{JournalChoices, Place, SealPlace, Settings, StorePlace};

/// `strongroom restore FILE`.
pub(crate) fn run(options: &RestoreOptions) -> Result<ExitCode> {
    process::prepare();
    let settings = Settings::read(&options.config.config)?;
    let place = Place::of(&settings);
    let opened = Opened::read(&options.file, &place.seal)?;
    let lock = place.data.try_lock()?;
    let lock = lock.with_context(|| {
        format!(
            "another strongroom works in {}; a backup is restored where nobody does",
            place.data.path().display()
        )
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if runtime.block_on(mark::has_ended(&place))? {
        println!(
            "A restore that was cut off here had come to its end before: what is there is whole, and serves."
        );
        return Ok(ExitCode::SUCCESS);
    }
    runtime.block_on(mark::expect_nothing(&place, &opened))?;
    let accepted = options.accept_findings;
    let findings = runtime.block_on(restore(&opened, &place, &settings.journal.options(), accepted))?;
    drop(lock);
    println!("{}", findings.text_of_restore(&options.file, &options.config.config));
    Ok(ExitCode::SUCCESS)
}

/// `strongroom backup verify FILE`.
pub(crate) fn rehearse(options: &VerifyBackupOptions) -> Result<ExitCode> {
    process::prepare();
    let settings = Settings::read(&options.config.config)?;
    let real = Place::of(&settings);
    let opened = Opened::read(&options.file, &real.seal)?;
    let beside = options.file.parent().filter(|folder| *folder != Path::new(""));
    let within = options.scratch.as_deref().or(beside).unwrap_or(Path::new("."));
    let scratch = opening::scratch_folder(Some(within))?;
    eprintln!(
        "working in {}, which goes at the end; if this is cut off, remove it: it holds who may do what, and the record of calls",
        scratch.path().display()
    );
    let data = DataDir::at(&scratch.path().join("data"));
    let seal = SealPlace { dir: scratch.path().join("seal"), settings: real.seal.settings.clone() };
    let (store, objects) = (StorePlace::Sqlite(data.database()), data.objects());
    let place = Place { data, seal, store, objects };
    opening::make_folder(place.data.path())?;
    opening::make_folder(&place.seal.dir)?;
    opening::link_slot_key(&real.seal, &place.seal.dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // With nothing of the real journal's settings: its checkpoints are copied nowhere.
    let checked = check(&opened)?;
    let findings = runtime.block_on(async {
        let (findings, offline) =
            place_and_test(&opened, checked, &place, None, &JournalChoices::default()).await?;
        offline.close().await?;
        Ok::<_, anyhow::Error>(findings)
    })?;
    println!("{}", findings.text_of_rehearsal(&options.file));
    findings.wrong.tell();
    Ok(if findings.wrong.is_nothing() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn restore(
    opened: &Opened,
    place: &Place,
    journal: &JournalChoices,
    is_accepted: bool,
) -> Result<Findings> {
    let checked = check(opened)?;
    let wrong = Wrong::in_backup(&checked);
    if !is_accepted {
        wrong.tell();
    }
    wrong.expect_accepted(is_accepted)?;
    let mark = Mark::make(place)?;
    let (mut findings, offline) = place_and_test(opened, checked, place, Some(&mark), journal).await?;
    findings.wrong.tell();
    if let Err(refused) = findings.wrong.expect_accepted(is_accepted) {
        offline.close().await?;
        return Err(refused);
    }
    let recorded = recording::record(&offline.parts, opened, &findings).await;
    let stream = offline.parts.ground.journal.stream().to_string();
    offline.close().await?;
    findings.accounts = recorded?;
    findings.goes_on_in = Some(stream);
    mark.done(place).await?;
    Ok(findings)
}

/// Reads the whole backup. Nothing has been made so far.
fn check(opened: &Opened) -> Result<Checked> {
    eprintln!("reading the backup ...");
    checking::check(opened)
}

/// Puts everything where it belongs, and tests it there.
async fn place_and_test(
    opened: &Opened,
    checked: Checked,
    place: &Place,
    mark: Option<&Mark>,
    journal: &JournalChoices,
) -> Result<(Findings, Offline)> {
    eprintln!("writing {} rows and {} files ...", checked.totals.rows, checked.totals.files);
    opened.put_slots(&place.seal.dir)?;
    let db = open_store(&place.store).await?;
    placing::place(opened, &db, mark, place).await?;
    db.close().await.context("closing the store")?;
    // As a server opens it: the seal against the store, tables brought to where this program has them.
    let foundation = Foundation::open(place).await.context("opening what was restored")?;
    eprintln!("testing what is there now ...");
    let report = testing::verify_journal(&foundation, place)?;
    // From here on it is as when a server starts: the journal goes on in a new stream.
    let offline = Offline::on(foundation, place, journal).await?;
    match testing::open_everything(&offline.parts).await {
        Ok(totals) => Ok((Findings::of(opened, checked, &report, &totals), offline)),
        Err(error) => {
            offline.close().await?;
            Err(error)
        }
    }
}

/// Refuses a name that is none.
fn expect_file(file: &Path) -> Result<()> {
    if file.is_file() { Ok(()) } else { bail!("there is no file {}", file.display()) }
}
