//! Files that say who calls, where, and whom to trust.

use std::env;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::CallError;

/// The longest file of a profile that is read, in bytes.
const MAX_PROFILES: u64 = 1 << 20;

/// Reads a whole file of at most `most` bytes.
pub(crate) fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>, CallError> {
    let fail = |error: std::io::Error| CallError::file(path, error);
    let mut content = Vec::new();
    File::open(path).map_err(fail)?.take(most + 1).read_to_end(&mut content).map_err(fail)?;
    if content.len() as u64 > most {
        return Err(CallError::file(path, format!("longer than {most} bytes")));
    }
    Ok(content)
}

/// A variable that is set to something.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The profile that the environment names.
pub(crate) fn profile() -> String {
    variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned())
}

/// The text of the file that a variable names, or of the one of this name in `~/.aws`; empty if it is not there.
pub(crate) fn profiles(named_by: &str, name: &str) -> Result<String, CallError> {
    let named = variable(named_by).map(PathBuf::from);
    let file = named.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".aws").join(name)));
    let Some(path) = file.filter(|path| path.exists()) else { return Ok(String::new()) };
    String::from_utf8(read_bounded(&path, MAX_PROFILES)?)
        .map_err(|_| CallError::file(&path, "not a text file"))
}

/// The names and values of the sections of these names.
pub(crate) fn section<'a>(text: &'a str, names: &[&str]) -> Vec<(&'a str, &'a str)> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            inside = names.contains(&name.trim());
        } else if inside
            && !line.starts_with(['#', ';'])
            && let Some((name, value)) = line.split_once('=')
        {
            found.push((name.trim(), value.trim()));
        }
    }
    found
}

/// The value of that name in a section.
pub(crate) fn value<'a>(section: &[(&'a str, &'a str)], name: &str) -> Option<&'a str> {
    section.iter().find(|(found, _)| *found == name).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_sections() {
        let text = "[default]\naws_access_key_id = a\n# region=x\n\n[profile other]\nregion=eu-west-1 \n[x]\nregion=no";
        assert_eq!(value(&section(text, &["default"]), "aws_access_key_id"), Some("a"));
        assert_eq!(value(&section(text, &["default"]), "region"), None);
        assert_eq!(value(&section(text, &["profile other", "other"]), "region"), Some("eu-west-1"));
    }
}
