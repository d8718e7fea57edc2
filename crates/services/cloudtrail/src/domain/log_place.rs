//! The log group that a trail sends its events to, and the role that lets it (CloudTrail User Guide, "Sending events to
//! CloudWatch Logs").

use strongroom_api_cloudtrail::errors;
use strongroom_identity::{AccountId, PARTITION};

use super::trail::Settings;
use crate::error::Refusal;

/// Where a trail's events go in CloudWatch Logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPlace {
    /// The group's Region: the trail's home.
    pub region: String,
    /// The group's name.
    pub group: String,
    /// The role with whose rights events are put.
    pub role_arn: String,
}

impl LogPlace {
    /// The stream for events of a Region.
    pub(crate) fn stream(account: AccountId, region: &str) -> String {
        format!("{account}_CloudTrail_{region}")
    }
}

impl Settings {
    /// Where events go beside the bucket, of settings that were [checked](Self::check_log_place).
    pub(crate) fn log_place(&self) -> Option<LogPlace> {
        let (group_arn, role_arn) = (self.log_group_arn.as_deref()?, self.log_role_arn.as_ref()?);
        let (region, _, group) = group_of(group_arn)?;
        Some(LogPlace { region: region.to_owned(), group: group.to_owned(), role_arn: role_arn.clone() })
    }

    /// Refuses a group without a role and a role without a group, what is no group of the account in the Region, and a role of
    /// another account (texts: answers of AWS quoted in public issue threads; the one of a role without a group is ours).
    pub(crate) fn check_log_place(&self, account: AccountId, home_region: &str) -> Result<(), Refusal> {
        let group_arn = match (&self.log_group_arn, &self.log_role_arn) {
            (None, None) => return Ok(()),
            (Some(_), None) => {
                return Err(Refusal::of(
                    &errors::INVALID_CLOUD_WATCH_LOGS_ROLE_ARN_EXCEPTION,
                    "You must specify a role ARN as well as a log group.",
                ));
            }
            (None, Some(_)) => {
                return Err(Refusal::of(
                    &errors::INVALID_CLOUD_WATCH_LOGS_LOG_GROUP_ARN_EXCEPTION,
                    "You must specify a log group ARN as well as a role.",
                ));
            }
            (Some(group_arn), Some(role_arn)) => {
                expect_own_role(account, role_arn)?;
                group_arn
            }
        };
        match group_of(group_arn) {
            Some((region, owner, _)) if region == home_region && owner == account.to_string() => Ok(()),
            _ => Err(Refusal::no_such_log_group()),
        }
    }
}

/// Refuses a role of another account: CloudTrail would act there for this one (text: what AWS answers where a role of another
/// account is passed to a service).
fn expect_own_role(account: AccountId, role_arn: &str) -> Result<(), Refusal> {
    let owner = role_arn.split(':').nth(4);
    if owner.is_none_or(|owner| owner == account.to_string()) {
        // What is no ARN is found out when it is assumed.
        return Ok(());
    }
    let text = "Cross-account pass role is not allowed.";
    Err(Refusal::of(&errors::INVALID_CLOUD_WATCH_LOGS_ROLE_ARN_EXCEPTION, text))
}

/// Region, account and name of the group of an ARN, which names all its streams: CloudTrail takes no other.
fn group_of(arn: &str) -> Option<(&str, &str, &str)> {
    let rest = arn.strip_prefix("arn:")?.strip_prefix(PARTITION)?.strip_prefix(":logs:")?;
    let (region, rest) = rest.split_once(':')?;
    let (account, rest) = rest.split_once(":log-group:")?;
    let name = rest.strip_suffix(":*")?;
    (!name.is_empty() && !name.contains([':', '*'])).then_some((region, account, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_arn_of_all_streams_of_a_group_names_it() {
        let arn = "arn:aws:logs:us-east-1:111122223333:log-group:CloudTrail/Logs:*";
        assert_eq!(group_of(arn), Some(("us-east-1", "111122223333", "CloudTrail/Logs")));
        for arn in [
            "arn:aws:logs:us-east-1:111122223333:log-group:CloudTrail/Logs",
            "arn:aws:logs:us-east-1:111122223333:log-group::*",
            "arn:aws:logs:us-east-1:111122223333:log-group:a:log-stream:b:*",
            "arn:aws:sns:us-east-1:111122223333:log-group:a:*",
            "CloudTrail/Logs",
        ] {
            assert_eq!(group_of(arn), None, "{arn}");
        }
    }
}
