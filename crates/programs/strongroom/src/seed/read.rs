//! A seed file read: JSON, members that are known, values of their types. The first thing that is wrong is told, by
//! its place in the file.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use strongroom_secret::SecretBytes;

use super::format::Seed;

/// The bytes of a seed file, at most.
const MOST_BYTES: u64 = 16 << 20;

/// Reads the file at `path`.
pub(super) fn read(path: &Path) -> Result<Seed> {
    let named = path.display();
    let bytes = bounded(path).with_context(|| format!("reading the seed {named}"))?;
    if bytes.expose().len() as u64 > MOST_BYTES {
        bail!(
            "the seed {named} has more than {} MiB; split it, or leave out what is not needed",
            MOST_BYTES >> 20
        );
    }
    parse(bytes.expose()).with_context(|| format!("the seed {named} cannot be used"))
}

/// The bytes of a file, and one more than may be at most.
fn bounded(path: &Path) -> io::Result<SecretBytes> {
    let file = File::open(path)?;
    // Room from the start: what grows leaves copies behind.
    let length = file.metadata()?.len().min(MOST_BYTES);
    let mut bytes = Vec::with_capacity(length as usize + 2);
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(SecretBytes::new(bytes))
}

/// Reads the text of a seed.
fn parse(text: &[u8]) -> Result<Seed> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let seed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = error.path().to_string();
        let error = error.into_inner();
        // What is no JSON is found by line and column; no place by name is certain there.
        if error.is_data() && place != "." { anyhow!("{place}: {error}") } else { anyhow!("{error}") }
    })?;
    json.end()?;
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        parse(text.as_bytes()).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn objects_are_no_arrays() {
        assert!(refusal("[]").contains("expected struct Seed"));
        let account = refusal(r#"{"Accounts":[["111122223333",null]]}"#);
        assert!(account.starts_with("Accounts[0]: invalid type: sequence"), "{account}");
        let tag =
            r#"{"Accounts":[{"AccountId":"111122223333","Users":[{"UserName":"a","Tags":[["k","v"]]}]}]}"#;
        assert!(refusal(tag).starts_with("Accounts[0].Users[0].Tags[0]: invalid type: sequence"));
        assert!(parse(br#"{"Accounts":[{"AccountId":"111122223333"}]}"#).is_ok());
    }
}
