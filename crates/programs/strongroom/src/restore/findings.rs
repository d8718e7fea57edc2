//! What a restore, or its rehearsal, tells.

use std::path::Path;

use strongroom_journal::Report;
use strongroom_resealing::Totals;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::checking::Checked;
use super::opening::Opened;

/// What was found.
pub(super) struct Findings {
    id: String,
    made_ms: i64,
    version: String,
    engine: String,
    length: u64,
    rows: u64,
    tables: u64,
    with_mac: u64,
    opened: u64,
    /// The stream of the journal that was written when the backup was made.
    pub(super) stream: String,
    pub(super) records: u64,
    segments: u64,
    missing: Vec<String>,
    /// In how many accounts the restore is recorded.
    pub(super) accounts: u64,
    /// The stream that the journal goes on in.
    pub(super) goes_on_in: Option<String>,
}

impl Findings {
    pub(super) fn of(opened: &Opened, checked: Checked, journal: &Report, sealed: &Totals) -> Self {
        let Checked { origin, totals, with_mac, length } = checked;
        Self {
            id: opened.id(),
            made_ms: opened.open_part.made_ms,
            version: opened.open_part.version.clone(),
            engine: origin.engine,
            length,
            rows: totals.rows,
            tables: totals.tables,
            with_mac,
            opened: sealed.looked,
            stream: origin.stream,
            records: journal.records,
            segments: journal.segments,
            missing: origin.missing,
            accounts: 0,
            goes_on_in: None,
        }
    }

    /// Of a backup that can be restored.
    pub(super) fn text_of_rehearsal(&self, file: &Path) -> String {
        format!("{} can be restored.\n\n{}", file.display(), self.facts())
    }

    /// Of a backup that was restored.
    pub(super) fn text_of_restore(&self, file: &Path, config: &Path) -> String {
        format!(
            "{} is restored.\n\n{}\n  goes on  in stream {}, which begins with RestoreBackup in {} accounts\n\nServe it:\n\n  \
             strongroom serve --config {}",
            file.display(),
            self.facts(),
            self.goes_on_in.as_deref().unwrap_or_default(),
            self.accounts,
            config.display()
        )
    }

    fn facts(&self) -> String {
        let Self { id, version, engine, length, rows, tables, with_mac, opened, records, segments, .. } =
            self;
        let made = moment(self.made_ms);
        let missing = self.missing.iter().fold(String::new(), |text, what| text + "\n  " + what);
        format!(
            "  backup   {id}, made {made} by version {version}; {length} bytes, all of them as they were sealed
  store    {rows} rows of {tables} tables, from {engine}; {with_mac} of them carry a MAC, and each is right
  sealed   {opened} rows with sealed values or MACs were opened as a server opens them, and every one does
  journal  {records} records in {segments} segments: hashes, links, MACs and checkpoints are right

Not in it:{missing}
"
        )
    }
}

/// A moment, as people write it.
pub(super) fn moment(epoch_ms: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(epoch_ms.div_euclid(1000)).ok();
    moment.and_then(|moment| moment.format(&Rfc3339).ok()).unwrap_or_default()
}
