//! The chains of digests: what each names, is there and unchanged, and nothing beside it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::copy::{BucketCopy, DIGESTS, LOGS};
use super::digest::{Digest, LogFile};
use super::keys::PublicKeys;

/// A digest is delivered an hour after the one before; it may be on its way for some time.
const LATE_MS: i64 = 75 * 60 * 1000;

/// Something that is not as it was delivered.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    pub(super) key: String,
    pub(super) what: String,
}

/// One trail's digests of one Region.
pub(super) struct Chain {
    pub(super) name: String,
    pub(super) digests: usize,
    pub(super) files: usize,
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
}

/// What a verification came to.
#[derive(Default)]
pub(super) struct Walked {
    pub(super) chains: Vec<Chain>,
    pub(super) findings: BTreeSet<Finding>,
    /// Digests whose signatures are nowhere in the copy, nor among those that were handed in.
    pub(super) unproven: Vec<String>,
}

/// What a copy is verified with.
pub(super) struct Proofs<'p> {
    pub(super) keys: &'p PublicKeys,
    /// Of digests that no other one stands behind.
    pub(super) signatures: &'p [String],
    /// Up to when there should be digests, in milliseconds since 1970.
    pub(super) until_ms: Option<i64>,
}

/// A digest that was read.
struct Read {
    digest: Digest,
    hash: String,
    span_ms: (i64, i64),
}

impl Walked {
    fn found(&mut self, key: &str, what: impl Into<String>) {
        self.findings.insert(Finding { key: key.to_owned(), what: what.into() });
    }
}

/// Verifies all chains of the copy.
pub(super) fn walk(bucket: &BucketCopy, proofs: &Proofs<'_>) -> Walked {
    let mut walked = Walked::default();
    let mut named = BTreeSet::new();
    for (name, members) in chains(bucket) {
        let mut read = BTreeMap::new();
        for key in members {
            match open(bucket, &key) {
                Ok(digest) => drop(read.insert(key, digest)),
                Err(what) => walked.found(&key, what),
            }
        }
        one(&name, &read, proofs, &mut walked);
        for Read { digest, .. } in read.values() {
            for LogFile { key, hash } in &digest.log_files {
                named.insert(key.clone());
                let what = match bucket.keys.contains(key).then(|| bucket.hash(key)) {
                    None => "a log file is missing".to_owned(),
                    Some(Err(error)) => format!("a log file cannot be read ({error})"),
                    Some(Ok(found)) if found != *hash => "a log file was changed".to_owned(),
                    Some(Ok(_)) => continue,
                };
                walked.found(key, what);
            }
        }
    }
    unnamed(bucket, &named, &mut walked);
    walked
}

/// The digests of each chain, by trail and Region: a key without its date and time.
fn chains(bucket: &BucketCopy) -> BTreeMap<String, BTreeSet<String>> {
    let mut chains: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for key in bucket.keys.iter().filter(|key| key.contains(DIGESTS) && key.ends_with(".json.gz")) {
        let file = key.rsplit('/').next().unwrap_or_default();
        // Trails' names have underscores; times have none.
        let name = file.rsplit_once('_').map_or(file, |(name, _)| name);
        chains.entry(name.to_owned()).or_default().insert(key.clone());
    }
    chains
}

fn open(bucket: &BucketCopy, key: &str) -> Result<Read, String> {
    let inflated = bucket.digest(key).map_err(|error| format!("a digest cannot be read ({error})"))?;
    let digest: Digest =
        serde_json::from_slice(&inflated.text).map_err(|error| format!("a digest is none ({error})"))?;
    let span_ms = digest.span_ms().ok_or("a digest does not say of when it is")?;
    if digest.key != key {
        return Err(format!("a digest was moved: it was delivered as {}", digest.key));
    }
    Ok(Read { digest, hash: inflated.hash, span_ms })
}

/// Verifies a chain: each digest is signed where the next one says so, and names the one before.
fn one(name: &str, read: &BTreeMap<String, Read>, proofs: &Proofs<'_>, walked: &mut Walked) {
    let &Proofs { keys, signatures, until_ms } = proofs;
    let mut in_time: Vec<_> = read.values().collect();
    in_time.sort_by_key(|read| read.span_ms);
    let (Some(oldest), Some(newest)) = (in_time.first(), in_time.last()) else { return };
    // What later digests say of earlier ones.
    let mut told: HashMap<&str, (&Option<String>, &Option<String>)> = HashMap::new();
    for Read { digest, .. } in read.values() {
        let Some(previous) = &digest.previous else { continue };
        told.insert(previous, (&digest.previous_hash, &digest.previous_signature));
        if !read.contains_key(previous) && digest.key != oldest.digest.key {
            walked.found(previous, "a digest is missing");
        }
    }
    for (position, one) in in_time.iter().enumerate() {
        let key = one.digest.key.as_str();
        let is_signed = |signature: &str| one.digest.is_signed(&one.hash, signature, keys);
        if !keys.has(&one.digest.fingerprint) {
            walked.found(key, "a digest is signed by a key that was not handed in");
        }
        if let Some((hash, signature)) = told.get(key) {
            if hash.as_deref() != Some(&one.hash) {
                walked.found(key, "a digest was changed: the next one says another hash");
            }
            if keys.has(&one.digest.fingerprint) && !is_signed(signature.as_deref().unwrap_or_default()) {
                walked.found(key, "a digest was changed: its signature does not fit");
            }
        } else if !signatures.iter().any(|signature| is_signed(signature)) {
            // The newest one, or the last before the trail was stopped for a while.
            walked.unproven.push(key.to_owned());
        }
        let after = in_time.get(position + 1);
        if let Some(after) = after.filter(|after| after.digest.previous.as_deref() == Some(key))
            && after.span_ms.0 != one.span_ms.1
        {
            walked.found(&after.digest.key, "a digest does not begin where the one before ends");
        }
    }
    if let Some(until_ms) = until_ms.filter(|&until_ms| newest.span_ms.1.saturating_add(LATE_MS) < until_ms) {
        let hours = (until_ms - newest.span_ms.1) / (60 * 60 * 1000);
        walked.found(
            &newest.digest.key,
            format!("the newest digests are missing: {hours} hours have none behind"),
        );
    }
    walked.chains.push(Chain {
        name: name.to_owned(),
        digests: read.len(),
        files: in_time.iter().map(|read| read.digest.log_files.len()).sum(),
        start_ms: oldest.span_ms.0,
        end_ms: newest.span_ms.1,
    });
}

/// Names log files that no digest knows, of the time that digests cover.
fn unnamed(bucket: &BucketCopy, named: &BTreeSet<String>, walked: &mut Walked) {
    // Files are named by their minute of delivery: later ones are for a digest to come.
    let newest = named.iter().filter_map(|key| minute(key)).max();
    for key in bucket.keys.iter().filter(|key| key.contains(LOGS) && key.ends_with(".json.gz")) {
        if !named.contains(key) && minute(key) <= newest {
            walked.found(key, "no digest names this log file");
        }
    }
}

/// `20261128T0020Z` of a log file's name.
fn minute(key: &str) -> Option<&str> {
    key.rsplit('/').next()?.rsplit('_').nth(1)
}
