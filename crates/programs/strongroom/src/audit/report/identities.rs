//! The root user, users, their credentials, and what policies give away.

use std::collections::HashMap;
use std::thread::sleep;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_client::{CallError, Element};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::checks::{IDENTITY_WIDE, KEY_OLD, KEY_UNUSED, ROOT_KEY, ROOT_MFA, ROOT_USE, USER_MFA};
use super::documents::{allowing, allows_all, is_about_everything, is_bounded};
use super::outcome::Tally;
use super::site::Site;
use crate::escapes;

/// The root user's name in a credential report.
const ROOT: &str = "<root_account>";
/// An access key that is older should have been replaced, in days.
const OLD: i64 = 90;
/// The root user's use within so many days is a finding.
const LATELY: i64 = 30;
/// How often the report is asked for until it is made, and how long is waited in between.
const ASKED: u32 = 40;
const PAUSE: Duration = Duration::from_millis(500);
/// Pages of the account's details that are read.
const MOST_PAGES: usize = 1_000;

/// Looks at the account's users and policies.
pub(super) fn examine(site: &Site, tally: &mut Tally) {
    match credential_report(site) {
        Ok(rows) => rows.iter().for_each(|row| one(site, row, tally)),
        Err(error) => tally.not_asked(None, "the credential report", &error),
    }
    if let Err(error) = policies(site, tally) {
        tally.not_asked(None, "policies of users, groups and roles", &error);
    }
}

/// The rows of the account's credential report, fields by their columns.
fn credential_report(site: &Site) -> Result<Vec<HashMap<String, String>>, CallError> {
    for _ in 0..ASKED {
        let made = site.iam("GenerateCredentialReport", &[])?;
        if made.text_of("State") == Some("COMPLETE") {
            break;
        }
        sleep(PAUSE);
    }
    let answer = site.iam("GetCredentialReport", &[])?;
    let content = answer.text_of("Content").unwrap_or_default();
    let unread =
        |reason: String| CallError::Unexpected { operation: "GetCredentialReport".to_owned(), reason };
    let content = STANDARD.decode(content).map_err(|error| unread(error.to_string()))?;
    let content = String::from_utf8(content).map_err(|error| unread(error.to_string()))?;
    let mut lines = content.lines();
    let columns = fields(lines.next().unwrap_or_default());
    Ok(lines.map(|line| columns.iter().cloned().zip(fields(line)).collect()).collect())
}

/// The fields of a line. Those with a comma are quoted.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            letter => field.push(letter),
        }
    }
    fields.push(field);
    fields
}

/// Looks at one user, or at the root user.
fn one(site: &Site, row: &HashMap<String, String>, tally: &mut Tally) {
    let field = |name: &str| row.get(name).map_or("", String::as_str);
    let (arn, is_root) = (field("arn"), field("user") == ROOT);
    let has_device = field("mfa_active") == "true";
    if is_root {
        tally.examined(ROOT_MFA, None, arn, (!has_device).then(|| "it has no MFA device".to_owned()));
    } else if field("password_enabled") == "true" {
        tally.examined(USER_MFA, None, arn, (!has_device).then(|| "a password and no MFA device".to_owned()));
    }
    let mut used: Vec<i64> = days(site, field("password_last_used")).into_iter().collect();
    let mut root_keys = 0;
    for number in ["1", "2"] {
        let of_key = |what: &str| field(&format!("access_key_{number}_{what}"));
        let last_used = days(site, of_key("last_used_date"));
        used.extend(last_used);
        if of_key("active") != "true" {
            continue;
        }
        root_keys += usize::from(is_root);
        let age = days(site, of_key("last_rotated")).unwrap_or_default();
        let idle = last_used.unwrap_or(age);
        let found = (idle >= site.unused_days).then(|| match last_used {
            Some(_) => format!("access key {number} was last used {idle} days ago"),
            None => format!("access key {number} was not used in its {age} days"),
        });
        tally.examined(KEY_UNUSED, None, arn, found);
        let found = (age >= OLD).then(|| format!("access key {number} is {age} days old"));
        tally.examined(KEY_OLD, None, arn, found);
    }
    if is_root {
        let found = (root_keys > 0).then(|| format!("active access keys: {root_keys}"));
        tally.examined(ROOT_KEY, None, arn, found);
        let last = used.into_iter().min().filter(|&last| last < LATELY);
        tally.examined(ROOT_USE, None, arn, last.map(|last| format!("last used {last} days ago")));
    }
}

/// How many days ago a date of the report is; none if it is no date.
fn days(site: &Site, date: &str) -> Option<i64> {
    let date = OffsetDateTime::parse(date, &Rfc3339).ok()?;
    Some(site.days_since(date.unix_timestamp() as f64))
}

/// Looks at the policies that users, groups and roles have.
fn policies(site: &Site, tally: &mut Tally) -> Result<(), CallError> {
    let mut marker: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let mut input = vec![("MaxItems", "1000")];
        input.extend(marker.as_deref().map(|marker| ("Marker", marker)));
        let page = site.iam("GetAccountAuthorizationDetails", &input)?;
        for list in ["UserDetailList", "GroupDetailList", "RoleDetailList"] {
            for holder in page.list(list) {
                let arn = holder.text_of("Arn").unwrap_or_default().to_owned();
                for inline in ["UserPolicyList", "GroupPolicyList", "RolePolicyList"] {
                    holder.list(inline).iter().for_each(|policy| {
                        let name = policy.text_of("PolicyName").unwrap_or_default();
                        let document = policy.text_of("PolicyDocument").unwrap_or_default();
                        tally.examined(IDENTITY_WIDE, None, &format!("{arn} ({name})"), wide(document));
                    });
                }
            }
        }
        page.list("Policies").iter().for_each(|policy| managed(policy, tally));
        marker = page.text_of("Marker").filter(|marker| !marker.is_empty()).map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    Ok(())
}

/// Looks at a managed policy, if anybody has it.
fn managed(policy: &Element, tally: &mut Tally) {
    let is_attached = policy.text_of("AttachmentCount").is_some_and(|count| count != "0");
    if !is_attached {
        return;
    }
    let versions = policy.list("PolicyVersionList").iter();
    for version in versions.filter(|version| version.text_of("IsDefaultVersion") == Some("true")) {
        let document = version.text_of("Document").unwrap_or_default();
        tally.examined(IDENTITY_WIDE, None, policy.text_of("Arn").unwrap_or_default(), wide(document));
    }
}

/// What a policy, encoded as IAM answers it, gives away.
fn wide(encoded: &str) -> Option<String> {
    let statements = allowing(&String::from_utf8_lossy(&escapes::undone(encoded)));
    let unbounded = || statements.iter().filter(|one| is_about_everything(one) && !is_bounded(one));
    if unbounded().any(|one| super::documents::texts(one, "Action").contains(&"*")) {
        Some("it allows everything".to_owned())
    } else if unbounded().any(|one| allows_all(one, "kms")) {
        Some("it allows all of KMS on every key".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_report_are_read() {
        assert_eq!(fields("a,,\"b,c\",d"), ["a", "", "b,c", "d"]);
        assert_eq!(fields(""), [""]);
    }

    #[test]
    fn wide_policies_are_told_from_narrow_ones() {
        let policy = |text: &str| wide(&text.replace('{', "%7B").replace('"', "%22").replace(' ', "%20"));
        let statement = |rest: &str| format!(r#"{{"Statement":[{{"Effect":"Allow",{rest}}}]}}"#);
        assert_eq!(
            policy(&statement(r#""Action":"*","Resource":"*""#)).as_deref(),
            Some("it allows everything")
        );
        assert_eq!(
            policy(&statement(r#""Action":["kms:*","s3:Get*"],"Resource":["*"]"#)).as_deref(),
            Some("it allows all of KMS on every key")
        );
        assert_eq!(
            policy(&statement(r#""Action":"kms:*","Resource":"arn:aws:kms:us-east-1:1:key/a""#)),
            None
        );
        assert_eq!(policy(&statement(r#""Action":"kms:Decrypt","Resource":"*""#)), None);
    }
}
