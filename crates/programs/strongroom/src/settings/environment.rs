//! What the environment replaces: `STRONGROOM_SECTION_FIELD`, for example `STRONGROOM_SERVER_LISTEN` for `listen` of
//! `[server]`.

use std::ffi::OsString;

use anyhow::{Result, anyhow, bail};
use toml::{Table, Value};

use super::read::{from_table, shown};
use super::{SECTIONS, Settings};

/// What all of our variables begin with.
const PREFIX: &str = "STRONGROOM_";

/// Variables that are no setting of a server: options of commands, and of other programs of ours.
const OTHERS: &[&str] =
    &["STRONGROOM_CONFIG", "STRONGROOM_LOG", "STRONGROOM_HSMD", "STRONGROOM_CLOUDHSM_CONFIG"];

/// Options of `strongroom dev`, and the settings that a server has in their place.
const OF_DEV: &[(&str, &str)] =
    &[("STRONGROOM_LOG", "STRONGROOM_LOG_FILTER"), ("STRONGROOM_HSMD", "STRONGROOM_CLUSTERS_HSMD")];

/// Refuses what a server would pass over: variables of `strongroom dev` that it has under another name.
pub(super) fn refuse_options_of_dev(is_set: impl Fn(&str) -> bool) -> Result<()> {
    match OF_DEV.iter().find(|(name, _)| is_set(name)) {
        Some((name, setting)) => bail!(
            "the environment variable {name} is an option of `strongroom dev`; a server's setting is {setting}"
        ),
        None => Ok(()),
    }
}

/// Puts values of `variables` in place of those in `table`, which is what `settings` were read from.
pub(super) fn replace(
    mut settings: Settings,
    mut table: Table,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Settings> {
    let ours = variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    let mut ours: Vec<_> =
        ours.filter(|(name, _)| name.starts_with(PREFIX) && !OTHERS.contains(&name.as_str())).collect();
    ours.sort();
    for (name, value) in ours {
        let Some((section, field)) = place(&name) else {
            bail!(
                "the environment variable {name} is no setting: settings are {PREFIX}SECTION_FIELD, with one of the \
                 sections {}",
                SECTIONS.join(", ")
            );
        };
        let Ok(value) = value.into_string() else { bail!("the environment variable {name} is not in UTF-8") };
        (settings, table) = one(&table, section, &field, value).map_err(|error| {
            anyhow!(
                "the environment variable {name}, which is {}: {error}",
                shown(&format!("{section}.{field}"))
            )
        })?;
    }
    Ok(settings)
}

/// The section and the field that a variable names.
fn place(name: &str) -> Option<(&'static str, String)> {
    let name = name.strip_prefix(PREFIX)?.to_ascii_lowercase();
    SECTIONS.iter().find_map(|section| {
        let field = name.strip_prefix(section)?.strip_prefix('_')?;
        Some((*section, field.to_owned()))
    })
}

/// The table with one more value, and what it says. The value is taken as text, or, where a field is no text, as TOML
/// writes it.
fn one(table: &Table, section: &str, field: &str, value: String) -> Result<(Settings, Table), String> {
    let with = |value: Value| {
        let mut table = table.clone();
        let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(section) = section {
            section.insert(field.to_owned(), value);
        }
        from_table(table.clone()).map(|settings| (settings, table))
    };
    let written =
        format!("value = {value}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    let as_text = with(Value::String(value));
    match written {
        Some(written) if as_text.is_err() => with(written),
        _ => as_text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(file: &str, variables: &[(&str, &str)]) -> Result<Settings> {
        let table: Table = file.parse().unwrap();
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        replace(from_table(table.clone()).unwrap(), table, variables)
    }

    #[test]
    fn a_variable_goes_before_the_file() {
        let settings = with(
            "[server]\nlisten = \"127.0.0.1:1\"\nplain_http = false\n",
            &[
                ("STRONGROOM_SERVER_LISTEN", "[::1]:9"),
                ("STRONGROOM_SERVER_PLAIN_HTTP", "true"),
                ("STRONGROOM_SERVER_ALLOW_ORIGINS", "[\"https://a.example\"]"),
                ("STRONGROOM_KEY_STORES_TIMEOUT_SECONDS", "7"),
                ("STRONGROOM_DATA_DIR", "/srv/strongroom"),
                ("STRONGROOM_LOG", "debug"),
                ("HOME", "/"),
            ],
        );
        let settings = settings.unwrap();
        assert_eq!(settings.server.listen.to_string(), "[::1]:9");
        assert!(settings.server.plain_http);
        assert_eq!(settings.server.allow_origins, ["https://a.example"]);
        assert_eq!(settings.key_stores.timeout().as_secs(), 7);
        assert_eq!(settings.data.dir().to_str(), Some("/srv/strongroom"));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_variable() {
        for (name, value, expected) in [
            (
                "STRONGROOM_SEVER_LISTEN",
                "x",
                "the environment variable STRONGROOM_SEVER_LISTEN is no setting",
            ),
            (
                "STRONGROOM_KEY_STORES_TIMEOUT_SECONDS",
                "301",
                "the environment variable STRONGROOM_KEY_STORES_TIMEOUT_SECONDS, which is [key_stores] timeout_seconds: \
                 301 is out of bounds; use a whole number from 1 to 300",
            ),
            (
                "STRONGROOM_SERVER_LISTEN",
                "here",
                "the environment variable STRONGROOM_SERVER_LISTEN, which is [server] listen: invalid socket address",
            ),
            (
                "STRONGROOM_DATA_FOLDER",
                "/x",
                "the environment variable STRONGROOM_DATA_FOLDER, which is [data] folder: unknown field `folder`",
            ),
        ] {
            let said = with("", &[(name, value)]).map(drop).unwrap_err().to_string();
            assert!(said.starts_with(expected), "{said}");
        }
    }

    #[test]
    fn what_a_server_would_pass_over_is_refused_with_the_right_name() {
        refuse_options_of_dev(|_| false).unwrap();
        for (set, expected) in OF_DEV {
            let said = refuse_options_of_dev(|name| name == *set).unwrap_err().to_string();
            assert!(said.ends_with(expected), "{said}");
            // It is a setting, with another value than that of the file.
            assert!(with("", &[(expected, "/x")]).is_ok(), "{expected}");
        }
    }

    #[test]
    fn the_sections_are_those_of_the_file() {
        let said = from_table("[nothing]".parse().unwrap()).map(drop).unwrap_err();
        let listed: Vec<_> = SECTIONS.iter().map(|section| format!("`{section}`")).collect();
        assert!(said.contains(&format!("expected one of {}", listed.join(", "))), "{said}");
    }
}
