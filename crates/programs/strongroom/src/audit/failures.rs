//! `strongroom audit failures`: requests that were not authenticated.

use std::collections::HashMap;
use std::net::IpAddr;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use strongroom_failures::{Entry, read};
use strongroom_runtime::Clocks;

use crate::cli::ListOptions;
use crate::settings::Place;
use crate::{moment, process};

/// Kinds of failures that are told apart; the log is bounded, and has about 200,000 lines at the most.
const MOST_KINDS: usize = 10_000;

/// Failures with one source, one access key id and one code; without a code, those of a source that are not told apart.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    source: IpAddr,
    access_key_id: Option<String>,
    code: Option<String>,
    count: u64,
    first: String,
    last: String,
}

#[derive(Default)]
struct Tally {
    kinds: HashMap<(IpAddr, Option<String>, Option<String>), Failed>,
    /// Those that the log, or this list, does not tell apart.
    others: u64,
}

/// Lists them.
pub(crate) fn run(options: &ListOptions) -> Result<ExitCode> {
    process::prepare();
    let data = Place::named(&options.place)?.data;
    if !data.path().is_dir() {
        bail!("there is no folder {}; name the server's with --data-dir", data.path().display());
    }
    let folder = data.failures();
    let start = options.since.map(|since| moment::text(since.as_millis(Clocks::system().real_now())));
    let mut tally = Tally::default();
    let mut entries = read(&folder);
    for entry in entries.by_ref() {
        let entry = entry.with_context(|| format!("reading the security log in {}", folder.display()))?;
        // RFC 3339 in UTC, to the second: times compare as texts.
        if start.as_deref().is_none_or(|start| entry.last.as_str() >= start) {
            tally.count(entry);
        }
    }
    let mut failed: Vec<_> = tally.kinds.into_values().collect();
    failed.sort_by(|a, b| (b.count, a.source, &a.access_key_id).cmp(&(a.count, b.source, &b.access_key_id)));
    if options.json {
        println!("{}", serde_json::to_string_pretty(&failed)?);
    } else {
        print(&failed, tally.others);
    }
    if options.json && tally.others > 0 {
        eprintln!("{} more, which are not told apart", tally.others);
    }
    if entries.unreadable() > 0 {
        eprintln!("{} lines of the log are not whole and were passed over", entries.unreadable());
    }
    Ok(ExitCode::SUCCESS)
}

impl Tally {
    fn count(&mut self, entry: Entry) {
        let Entry { first, last, source: Some(source), access_key_id, code, count } = entry else {
            self.others += entry.count;
            return;
        };
        let kind = (source, access_key_id, code);
        if self.kinds.len() >= MOST_KINDS && !self.kinds.contains_key(&kind) {
            self.others += count;
            return;
        }
        let failed = self.kinds.entry(kind).or_insert_with_key(|(source, access_key_id, code)| Failed {
            source: *source,
            access_key_id: access_key_id.clone(),
            code: code.clone(),
            count: 0,
            first,
            last: String::new(),
        });
        failed.count += count;
        failed.last = last;
    }
}

fn print(failed: &[Failed], others: u64) {
    if failed.is_empty() && others == 0 {
        println!("Every request was authenticated.");
        return;
    }
    for Failed { source, access_key_id, code, count, last, .. } in failed {
        let id = access_key_id.as_deref().unwrap_or("no access key id");
        match code {
            Some(code) => println!("{count:>8} x {code}, {source}, {id}, last {last}"),
            None => println!("{count:>8} more of {source}, which are not told apart, last {last}"),
        }
    }
    if others > 0 {
        println!("{others:>8} more, which are not told apart");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(source: &str, last: &str, count: u64) -> Entry {
        Entry {
            first: "a".to_owned(),
            last: last.to_owned(),
            source: Some(source.parse().unwrap()),
            access_key_id: None,
            code: Some("ExpiredToken".to_owned()),
            count,
        }
    }

    #[test]
    fn lines_of_one_kind_are_added_up() {
        let mut tally = Tally::default();
        tally.count(entry("127.0.0.1", "b", 2));
        tally.count(entry("127.0.0.2", "c", 1));
        tally.count(entry("127.0.0.1", "d", 3));
        tally.count(Entry { source: None, code: None, ..entry("127.0.0.1", "e", 7) });
        let mut counts: Vec<_> = tally.kinds.values().map(|kind| (kind.count, kind.last.as_str())).collect();
        counts.sort_unstable();
        assert_eq!((counts, tally.others), (vec![(1, "c"), (5, "d")], 7));
    }
}
