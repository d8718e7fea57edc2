//! Where metrics and alarms live, and what alarms are called.

use strongroom_identity::{AccountId, PARTITION, Region, RequestContext};
use strongroom_store::{Row, StoreError, Value};

/// An account in a Region. Its metrics and alarms know nothing of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Home {
    pub(crate) account: AccountId,
    pub(crate) region: &'static str,
}

impl Home {
    /// Where the request acts.
    pub(crate) fn of(context: &RequestContext) -> Self {
        Self { account: context.account(), region: context.region.name() }
    }

    /// The account and Region of those names; `None` if there are none.
    pub(crate) fn named(account: &str, region: &str) -> Option<Self> {
        Some(Self { account: account.parse().ok()?, region: Region::named(region)?.name() })
    }

    /// The ARN of the alarm of that name.
    pub(crate) fn alarm_arn(&self, name: &str) -> String {
        format!("arn:{PARTITION}:cloudwatch:{}:{}:alarm:{name}", self.region, self.account)
    }

    /// Reads an alarm's ARN: where it lives, and its name.
    pub(crate) fn parse_alarm_arn(arn: &str) -> Option<(Self, &str)> {
        let rest = arn.strip_prefix("arn:")?.strip_prefix(PARTITION)?.strip_prefix(":cloudwatch:")?;
        let (region, rest) = rest.split_once(':')?;
        let (account, rest) = rest.split_once(':')?;
        let name = rest.strip_prefix("alarm:").filter(|name| !name.is_empty())?;
        Some((Self::named(account, region)?, name))
    }

    /// The columns that a row here begins with.
    pub(crate) fn columns(&self) -> [Value; 2] {
        [self.account.to_string().into(), self.region.into()]
    }

    /// Reads the columns that a row begins with.
    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        let region = Region::named(&row.text("region")?).ok_or_else(|| StoreError::Column {
            column: "region".to_owned(),
            source: "no Region has that name".into(),
        })?;
        Ok(Self { account: row.parse("account")?, region: region.name() })
    }
}

/// What people call a Region: notifications of alarms name it so (AWS General Reference, "AWS service endpoints").
pub(crate) fn long_name(region: &str) -> &str {
    match region {
        "af-south-1" => "Africa (Cape Town)",
        "ap-east-1" => "Asia Pacific (Hong Kong)",
        "ap-east-2" => "Asia Pacific (Taipei)",
        "ap-northeast-1" => "Asia Pacific (Tokyo)",
        "ap-northeast-2" => "Asia Pacific (Seoul)",
        "ap-northeast-3" => "Asia Pacific (Osaka)",
        "ap-south-1" => "Asia Pacific (Mumbai)",
        "ap-south-2" => "Asia Pacific (Hyderabad)",
        "ap-southeast-1" => "Asia Pacific (Singapore)",
        "ap-southeast-2" => "Asia Pacific (Sydney)",
        "ap-southeast-3" => "Asia Pacific (Jakarta)",
        "ap-southeast-4" => "Asia Pacific (Melbourne)",
        "ap-southeast-5" => "Asia Pacific (Malaysia)",
        "ap-southeast-6" => "Asia Pacific (New Zealand)",
        "ap-southeast-7" => "Asia Pacific (Thailand)",
        "ca-central-1" => "Canada (Central)",
        "ca-west-1" => "Canada West (Calgary)",
        "eu-central-1" => "EU (Frankfurt)",
        "eu-central-2" => "Europe (Zurich)",
        "eu-north-1" => "EU (Stockholm)",
        "eu-south-1" => "Europe (Milan)",
        "eu-south-2" => "Europe (Spain)",
        "eu-west-1" => "EU (Ireland)",
        "eu-west-2" => "EU (London)",
        "eu-west-3" => "EU (Paris)",
        "il-central-1" => "Israel (Tel Aviv)",
        "me-central-1" => "Middle East (UAE)",
        "me-south-1" => "Middle East (Bahrain)",
        "mx-central-1" => "Mexico (Central)",
        "sa-east-1" => "South America (Sao Paulo)",
        "us-east-1" => "US East (N. Virginia)",
        "us-east-2" => "US East (Ohio)",
        "us-west-1" => "US West (N. California)",
        "us-west-2" => "US West (Oregon)",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarms_arn_leads_back_to_it() {
        let home = Home::named("111122223333", "eu-central-1").unwrap();
        let arn = home.alarm_arn("a:b c");
        assert_eq!(arn, "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:a:b c");
        assert_eq!(Home::parse_alarm_arn(&arn), Some((home, "a:b c")));
        for other in [
            "arn:aws:cloudwatch:nowhere:111122223333:alarm:a",
            "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:",
            "arn:aws:sns:eu-central-1:111122223333:a",
        ] {
            assert_eq!(Home::parse_alarm_arn(other), None);
        }
    }

    #[test]
    fn every_region_has_a_name_for_people() {
        for region in Region::all() {
            assert_ne!(long_name(region.name()), region.name());
        }
    }
}
