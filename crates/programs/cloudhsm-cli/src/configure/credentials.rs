//! Credentials and Region as AWS's tools find them: variables first, then the profile's files.

use std::env;
use std::path::{Path, PathBuf};

use strongroom_secret::SecretString;

use crate::error::CliError;
use crate::file::read_bounded;

/// The longest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// AWS's first Region, where none is named.
const USUAL_REGION: &str = "us-east-1";

/// Who calls an AWS API.
pub(super) struct Credentials {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: SecretString,
    pub(super) session_token: Option<SecretString>,
}

/// The credentials in the environment, or of the profile.
pub(super) fn find() -> Result<Credentials, CliError> {
    if let (Some(id), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
        return Ok(Credentials {
            access_key_id: id,
            secret_access_key: SecretString::new(secret),
            session_token: variable("AWS_SESSION_TOKEN").map(SecretString::new),
        });
    }
    let profile = profile();
    let file = users_file("AWS_SHARED_CREDENTIALS_FILE", "credentials");
    let text = file.as_deref().map(read).transpose()?.flatten().unwrap_or_default();
    let section = section(&text, &[&profile]);
    let (Some(id), Some(secret)) =
        (value(&section, "aws_access_key_id"), value(&section, "aws_secret_access_key"))
    else {
        return Err(CliError::usage(format!(
            "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them to \
             ~/.aws/credentials for profile {profile}"
        )));
    };
    Ok(Credentials {
        access_key_id: id.to_owned(),
        secret_access_key: SecretString::new(secret.to_owned()),
        session_token: value(&section, "aws_session_token").map(|token| SecretString::new(token.to_owned())),
    })
}

/// The Region: the one that was named, or found.
pub(super) fn region(named: Option<&str>) -> Result<String, CliError> {
    let found = named
        .map(str::to_owned)
        .or_else(|| variable("AWS_DEFAULT_REGION"))
        .or_else(|| variable("AWS_REGION"));
    if let Some(region) = found {
        return Ok(region);
    }
    let profile = profile();
    let file = users_file("AWS_CONFIG_FILE", "config");
    let text = file.as_deref().map(read).transpose()?.flatten().unwrap_or_default();
    let section = section(&text, &[&format!("profile {profile}"), &profile]);
    Ok(value(&section, "region").unwrap_or(USUAL_REGION).to_owned())
}

/// A variable that is set to something.
pub(super) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn profile() -> String {
    variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned())
}

fn users_file(named_by: &str, name: &str) -> Option<PathBuf> {
    let named = variable(named_by).map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".aws").join(name)))
}

/// The text of a file, if it is there.
fn read(path: &Path) -> Result<Option<String>, CliError> {
    if !path.exists() {
        return Ok(None);
    }
    String::from_utf8(read_bounded(path, MAX_FILE)?)
        .map(Some)
        .map_err(|_| CliError::file(path, "not a text file"))
}

/// The names and values of the sections of these names.
fn section<'a>(text: &'a str, names: &[&str]) -> Vec<(&'a str, &'a str)> {
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

fn value<'a>(section: &[(&'a str, &'a str)], name: &str) -> Option<&'a str> {
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
