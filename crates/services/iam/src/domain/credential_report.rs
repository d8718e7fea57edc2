//! The credential report: what credentials there are in an account, as a table (IAM User Guide, "Generate credential
//! reports for your AWS account").

use std::collections::BTreeMap;

use strongroom_identity::Principal;
use strongroom_schema::Timestamp;

use super::directory::Directory;
use super::root_user::root_id;
use super::user::{AccessKey, User};
use crate::uses::Use;

/// How long a report is shown before another can be made, in milliseconds.
pub(crate) const FRESH_MS: i64 = 4 * 60 * 60 * 1000;

/// The columns.
const HEAD: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
                    password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,\
                    access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,\
                    access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,\
                    access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,\
                    cert_2_active,cert_2_last_rotated";

/// The first row's user.
const ROOT: &str = "<root_account>";

/// What stands where there is nothing to tell.
const NONE: &str = "N/A";
const UNKNOWN: &str = "no_information";
const NEVER_KNOWN: &str = "not_supported";

/// Milliseconds of a day, and of a second: reports show no less.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const SECOND_MS: i64 = 1000;

/// What a report is made of beside the directory.
pub(crate) struct Sources<'s> {
    pub(crate) root_keys: &'s [AccessKey],
    /// Last uses by access key id.
    pub(crate) uses: &'s BTreeMap<String, Use>,
}

/// The report, with a line for the root user and one for each user.
pub(crate) fn write(directory: &Directory, sources: &Sources<'_>) -> String {
    let mut lines = vec![HEAD.to_owned(), root(directory, sources)];
    lines.extend(directory.users().map(|user| line(directory, user, sources)));
    lines.join("\n")
}

fn root(directory: &Directory, sources: &Sources<'_>) -> String {
    let created = sources.root_keys.iter().map(|key| key.created_ms).min();
    let mut fields = vec![
        ROOT.to_owned(),
        Principal::Root(directory.account).arn(),
        created.map_or_else(|| UNKNOWN.to_owned(), date),
        NEVER_KNOWN.to_owned(),
        UNKNOWN.to_owned(),
        NEVER_KNOWN.to_owned(),
        NEVER_KNOWN.to_owned(),
    ];
    let has_device = directory.devices_of(&root_id(directory.account)).next().is_some();
    fields.push(has_device.to_string());
    finish(fields, sources.root_keys, sources)
}

fn line(directory: &Directory, user: &User, sources: &Sources<'_>) -> String {
    let max_age = directory.password_policy().and_then(|policy| policy.max_age_days());
    let mut fields =
        vec![user.name.clone(), user.entity(directory.account).user_arn(), date(user.created_ms)];
    match &user.login {
        Some(login) => {
            let next = max_age.map(|days| date(login.changed_ms + i64::from(days) * DAY_MS));
            let next = next.unwrap_or_else(|| NONE.to_owned());
            // Nobody can log in with a password yet.
            fields.extend([true.to_string(), UNKNOWN.to_owned(), date(login.changed_ms), next]);
        }
        None => fields.extend([false.to_string()].into_iter().chain([NONE; 3].map(str::to_owned))),
    }
    fields.push(directory.devices_of(&user.id).next().is_some().to_string());
    finish(fields, &user.access_keys, sources)
}

/// A line with the columns of access keys and certificates.
fn finish(mut fields: Vec<String>, keys: &[AccessKey], sources: &Sources<'_>) -> String {
    for position in 0..2 {
        let Some(key) = keys.get(position) else {
            fields.extend([false.to_string()].into_iter().chain([NONE; 4].map(str::to_owned)));
            continue;
        };
        fields.extend([key.active.to_string(), date(key.created_ms)]);
        match sources.uses.get(&key.id) {
            Some(last) => fields.extend([date(last.used_ms), last.region.clone(), last.service.clone()]),
            None => fields.extend([NONE; 3].map(str::to_owned)),
        }
    }
    for _certificate in 0..2 {
        fields.extend([false.to_string(), NONE.to_owned()]);
    }
    fields.iter().map(|field| quoted(field)).collect::<Vec<_>>().join(",")
}

/// A field. Names of users can have commas (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains(',') { format!("\"{field}\"") } else { field.to_owned() }
}

/// For example `2024-05-26T16:22:08+00:00`.
fn date(millis: i64) -> String {
    let whole = Timestamp::from_millis(millis.div_euclid(SECOND_MS) * SECOND_MS).to_iso8601();
    format!("{}+00:00", whole.trim_end_matches('Z'))
}
