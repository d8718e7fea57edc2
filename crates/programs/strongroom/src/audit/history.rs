//! Reading a journal beside the server that writes it.

use anyhow::Result;
use strongroom_journal::{Reader, Record};
use strongroom_outbox::is_denial;
use strongroom_policy::decision::{NotATrace, Trace};

use super::journals::Journals;
use crate::cli::PlaceOptions;

/// The records of a server, or of all on a store.
pub(crate) struct History {
    reader: Reader,
    journals: Journals,
    damaged: u64,
}

impl History {
    /// The journals that the options name. They need not be complete nor intact.
    pub(crate) fn open(options: &PlaceOptions) -> Result<Self> {
        let journals = Journals::named(options)?;
        Ok(Self { reader: journals.reader()?, journals, damaged: 0 })
    }

    /// Where the journals are.
    pub(crate) fn folder(&self) -> String {
        self.journals.place()
    }

    /// The time of the newest record, milliseconds since 1970.
    pub(crate) fn newest_ms(&self) -> Result<Option<i64>> {
        let mut records = self.reader.records_newest_first(None)?.flatten();
        Ok(records.next().map(|(_, record)| record.event_time_ms))
    }

    /// The newest record that is wanted.
    pub(crate) fn find(&mut self, mut is_wanted: impl FnMut(&Record) -> bool) -> Result<Option<Record>> {
        for record in self.reader.records_newest_first(None)? {
            match record {
                Ok((_, record)) if is_wanted(&record) => return Ok(Some(record)),
                Ok(_) => {}
                Err(_) => self.damaged += 1,
            }
        }
        Ok(None)
    }

    /// Takes records newest first: all from `start_ms` on, and some before.
    pub(crate) fn each_since(&mut self, start_ms: i64, mut take: impl FnMut(&Record)) -> Result<()> {
        for record in self.reader.records_since(start_ms)? {
            match record {
                Ok((_, record)) => take(&record),
                Err(_) => self.damaged += 1,
            }
        }
        Ok(())
    }

    /// Says on standard error what could not be read, if anything.
    pub(crate) fn report_damage(&self) {
        if self.damaged > 0 {
            eprintln!("{} places could not be read; `strongroom audit verify` names them", self.damaged);
        }
    }
}

/// What a trace of a refusal has. In texts within it the quotes would be escaped.
const REFUSING: &str = r#""allowed":false"#;

/// Whether the call failed since something was not allowed, whatever the caller was told.
pub(crate) fn is_refusal(record: &Record) -> bool {
    record.error_code.as_deref().is_some_and(|code| {
        is_denial(code) || record.decisions.as_ref().is_some_and(|kept| kept.contains(REFUSING))
    })
}

/// The service that was called, as actions name it.
pub(crate) fn service(record: &Record) -> &str {
    match record.event_source.split('.').next().unwrap_or_default() {
        "monitoring" => "cloudwatch",
        service => service,
    }
}

/// The traces of a record, in the order in which the decisions were made.
pub(crate) fn decisions(record: &Record) -> Result<Vec<Trace>, NotATrace> {
    let Some(kept) = &record.decisions else { return Ok(Vec::new()) };
    let texts: Vec<&serde_json::value::RawValue> = serde_json::from_str(kept)?;
    texts.into_iter().map(|text| Trace::decode(text.get())).collect()
}
