//! A folder with what a trail's bucket has, by keys.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use flate2::bufread::GzDecoder;
use strongroom_crypto::digest::{Hash, Hasher};
use strongroom_crypto::hex;

/// Files of a copy that are looked at, and folders in each other.
const MOST_FILES: usize = 10_000_000;
const MOST_DEPTH: usize = 32;
/// No digest is longer, inflated, in bytes.
const LONGEST_DIGEST: u64 = 256 << 20;

/// Where log files and digests stand in a key.
pub(super) const LOGS: &str = "/CloudTrail/";
pub(super) const DIGESTS: &str = "/CloudTrail-Digest/";

/// A copy of a bucket.
pub(super) struct BucketCopy {
    folder: PathBuf,
    /// Keys of log files and digests; the empty objects that stand for their folders are passed over.
    pub(super) keys: BTreeSet<String>,
}

/// An object that was inflated.
pub(super) struct Inflated {
    /// SHA-256 of the text, in hexadecimal.
    pub(super) hash: String,
    /// The text; empty if only the hash was wanted.
    pub(super) text: Vec<u8>,
}

impl BucketCopy {
    /// Lists the folder.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let mut copy = Self { folder: folder.to_owned(), keys: BTreeSet::new() };
        copy.list(folder, "", 0)?;
        if !copy.keys.iter().any(|key| key.contains(DIGESTS)) {
            bail!(
                "{}: no digest is in it; it should be as `aws s3 sync s3://BUCKET {0}` makes it",
                folder.display()
            );
        }
        Ok(copy)
    }

    fn list(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<()> {
        if depth > MOST_DEPTH {
            bail!("{}: folders are too deep in each other", folder.display());
        }
        for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let name = entry.file_name();
            let name =
                name.to_str().with_context(|| format!("{}: a name that is no text", folder.display()))?;
            let key = format!("{prefix}{name}");
            // Links are not followed: what they lead to is not in the copy.
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.list(&entry.path(), &format!("{key}/"), depth + 1)?;
            } else if kind.is_file() && (key.contains(LOGS) || key.contains(DIGESTS)) {
                self.keys.insert(key);
            }
            if self.keys.len() > MOST_FILES {
                bail!("{}: more than {MOST_FILES} files; verify a part of it", self.folder.display());
            }
        }
        Ok(())
    }

    /// Inflates a digest.
    pub(super) fn digest(&self, key: &str) -> io::Result<Inflated> {
        self.inflate(key, Some(LONGEST_DIGEST))
    }

    /// The hash of a log file's text.
    pub(super) fn hash(&self, key: &str) -> io::Result<String> {
        Ok(self.inflate(key, None)?.hash)
    }

    /// Inflates an object, which is one member of gzip and nothing behind it.
    fn inflate(&self, key: &str, kept: Option<u64>) -> io::Result<Inflated> {
        let mut inflating = GzDecoder::new(BufReader::new(File::open(self.folder.join(key))?));
        let (mut hasher, mut text, mut piece) = (Hasher::new(Hash::Sha256), Vec::new(), vec![0; 64 << 10]);
        loop {
            let length = inflating.read(&mut piece)?;
            let Some(read) = piece.get(..length).filter(|read| !read.is_empty()) else { break };
            hasher.update(read);
            if let Some(most) = kept {
                text.extend_from_slice(read);
                if text.len() as u64 > most {
                    return Err(io::Error::other("it is far too long"));
                }
            }
        }
        let mut behind = [0];
        if inflating.into_inner().read(&mut behind)? > 0 {
            return Err(io::Error::other("there is something behind its end"));
        }
        Ok(Inflated { hash: hex::encode(&hasher.finish()), text })
    }
}
