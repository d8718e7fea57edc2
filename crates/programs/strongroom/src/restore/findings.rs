//! What a restore, or its rehearsal, tells.

use std::path::Path;

use anyhow::{Result, bail};
use strongroom_journal::Report;
use strongroom_resealing::Totals;

use super::checking::Checked;
use super::opening::Opened;
use crate::moment;

/// Findings of one kind that are told in full.
const MOST_TOLD: usize = 20;

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
    pub(super) wrong: Wrong,
}

/// How much is not as it should be. It was so when the backup was made: the backup itself is whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Wrong {
    /// Rows in the backup whose MAC does not fit.
    pub(super) rows: u64,
    /// Rows that a server would refuse: these, and those whose sealed values do not open.
    pub(super) refused: u64,
    /// Places of the journal that are not as they were written.
    pub(super) journal: u64,
    lines: Vec<String>,
}

impl Wrong {
    /// Of the backup's rows, before anything was written.
    pub(super) fn in_backup(checked: &Checked) -> Self {
        Self { rows: checked.macs.wrong(), lines: checked.macs.findings(), ..Self::default() }
    }

    /// The same, of what was restored too.
    pub(super) fn and_restored(mut self, journal: &Report, sealed: &Totals) -> Self {
        self.refused = sealed.refused;
        if sealed.refused > 0 {
            let names: Vec<_> = sealed.names.iter().take(MOST_TOLD).map(String::as_str).collect();
            self.lines.push(format!(
                "rows that do not open, or have a wrong MAC: {}, among them {}",
                sealed.refused,
                names.join(", ")
            ));
        }
        let breaks = journal.findings.iter().filter(|finding| !finding.is_note());
        self.lines.extend(breaks.clone().take(MOST_TOLD).map(|finding| format!("the journal: {finding}")));
        self.journal = breaks.count() as u64;
        if self.journal > MOST_TOLD as u64 {
            self.lines.push(format!(
                "the journal: {} findings in all; `strongroom audit verify` names them",
                self.journal
            ));
        }
        self
    }

    /// Whether there is nothing.
    pub(super) fn is_nothing(&self) -> bool {
        self.rows == 0 && self.refused == 0 && self.journal == 0
    }

    /// Tells what there is.
    pub(super) fn tell(&self) {
        self.lines.iter().for_each(|line| eprintln!("strongroom: {line}"));
    }

    /// Refuses to go on with it, unless it is accepted. It was told before.
    pub(super) fn expect_accepted(&self, is_accepted: bool) -> Result<()> {
        if self.is_nothing() || is_accepted {
            return Ok(());
        }
        bail!(
            "what the backup was made of was not as it should be ({}); restore an older backup, or go on with what there is: \
             --accept-findings",
            self.counted()
        )
    }

    fn counted(&self) -> String {
        let Self { rows, refused, journal, .. } = self;
        let counted = [
            (*rows.max(refused), "rows that a server refuses"),
            (*journal, "places of the journal that are not as they were written"),
        ];
        let counted: Vec<_> = counted
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{what}: {count}"))
            .collect();
        counted.join("; ")
    }
}

impl Findings {
    pub(super) fn of(opened: &Opened, checked: Checked, journal: &Report, sealed: &Totals) -> Self {
        let wrong = Wrong::in_backup(&checked).and_restored(journal, sealed);
        let Checked { origin, totals, macs, length } = checked;
        Self {
            id: opened.id(),
            made_ms: opened.open_part.made_ms,
            version: opened.open_part.version.clone(),
            engine: origin.engine,
            length,
            rows: totals.rows,
            tables: totals.tables,
            with_mac: macs.right(),
            opened: sealed.looked,
            stream: origin.stream,
            records: journal.records,
            segments: journal.segments,
            missing: origin.missing,
            accounts: 0,
            goes_on_in: None,
            wrong,
        }
    }

    /// Of a backup that can be restored.
    pub(super) fn text_of_rehearsal(&self, file: &Path) -> String {
        let how = if self.wrong.is_nothing() { "" } else { ", with --accept-findings" };
        format!("{} can be restored{how}.\n\n{}", file.display(), self.facts())
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
        let made = moment::text(self.made_ms);
        let missing = self.missing.iter().fold(String::new(), |text, what| text + "\n  " + what);
        let right = |wrong: u64, right: &str| match wrong {
            0 => right.to_owned(),
            wrong => format!("NOT AS IT SHOULD BE: {wrong}"),
        };
        let macs = right(self.wrong.rows, "every other has none");
        let sealed = right(self.wrong.refused, "every one does");
        let journal = right(self.wrong.journal, "hashes, links, MACs and checkpoints are right");
        format!(
            "  backup   {id}, made {made} by version {version}; {length} bytes, all of them as they were sealed
  store    {rows} rows of {tables} tables, from {engine}; {with_mac} of them carry a MAC that is right; {macs}
  sealed   {opened} rows with sealed values or MACs were opened as a server opens them; {sealed}
  journal  {records} records in {segments} segments; {journal}

Not in it:{missing}
"
        )
    }
}
