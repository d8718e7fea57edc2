//! Trails.

use serde_json::{Value, json};
use strongroom_client::CallError;

use super::buckets;
use super::checks::{TRAIL_DELIVERS, TRAIL_DIGESTS, TRAIL_KMS, TRAIL_ON, TRAIL_SEES_KMS};
use super::outcome::Tally;
use super::site::{Site, text};

/// Looks at the trails that log a Region.
pub(super) fn examine(site: &Site, region: &str, tally: &mut Tally) {
    if let Err(error) = all(site, region, tally) {
        tally.not_asked(Some(region), "trails", &error);
    }
}

fn all(site: &Site, region: &str, tally: &mut Tally) -> Result<(), CallError> {
    let answer = site.cloudtrail(region, "DescribeTrails", &json!({}))?;
    let trails = answer["trailList"].as_array().cloned().unwrap_or_default();
    buckets::examine(site, region, &trails, tally);
    let mut logged = Logged::default();
    for trail in &trails {
        logged = logged.and(one(site, region, trail, tally)?);
    }
    let found = (!(logged.reads && logged.writes)).then(|| match trails.len() {
        0 => "there is no trail".to_owned(),
        _ => "trails that are on do not log all its management events".to_owned(),
    });
    tally.examined(TRAIL_ON, Some(region), &site.account, found);
    Ok(())
}

/// Looks at one; tells what it logs.
fn one(site: &Site, region: &str, trail: &Value, tally: &mut Tally) -> Result<Logged, CallError> {
    let arn = text(trail, "TrailARN");
    let status = site.cloudtrail(region, "GetTrailStatus", &json!({ "Name": arn }))?;
    let is_on = status["IsLogging"] == json!(true);
    if is_on {
        let errors =
            ["LatestDeliveryError", "LatestDigestDeliveryError", "LatestCloudWatchLogsDeliveryError"];
        let error = errors.into_iter().map(|name| text(&status, name)).find(|error| !error.is_empty());
        let found = error.map(|error| format!("the last delivery failed: {error}"));
        tally.examined(TRAIL_DELIVERS, Some(region), arn, found);
    }
    let found = text(trail, "KmsKeyId").is_empty().then(|| "without a KMS key".to_owned());
    tally.examined(TRAIL_KMS, Some(region), arn, found);
    let has_digests = trail["LogFileValidationEnabled"] == json!(true);
    let found = (!has_digests).then(|| "log file validation is off".to_owned());
    tally.examined(TRAIL_DIGESTS, Some(region), arn, found);
    let selectors = site.cloudtrail(region, "GetEventSelectors", &json!({ "TrailName": arn }))?;
    let logged = Logged::by(&selectors);
    let found = (!logged.kms).then(|| "not all events of KMS are logged".to_owned());
    tally.examined(TRAIL_SEES_KMS, Some(region), arn, found);
    Ok(if is_on { logged } else { Logged::default() })
}

/// Which management events are logged, as far as selectors take all of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Logged {
    reads: bool,
    writes: bool,
    /// Those of KMS, of one kind at least.
    kms: bool,
}

impl Logged {
    fn by(selectors: &Value) -> Self {
        let basic = list(selectors, "EventSelectors").iter().map(Self::by_basic);
        let advanced = list(selectors, "AdvancedEventSelectors").iter().map(Self::by_advanced);
        basic.chain(advanced).fold(Self::default(), Self::and)
    }

    fn and(self, other: Self) -> Self {
        Self {
            reads: self.reads || other.reads,
            writes: self.writes || other.writes,
            kms: self.kms || other.kms,
        }
    }

    fn by_basic(selector: &Value) -> Self {
        if selector["IncludeManagementEvents"] != json!(true) {
            return Self::default();
        }
        let kind = text(selector, "ReadWriteType");
        let excluded = list(selector, "ExcludeManagementEventSources");
        Self { reads: kind != "WriteOnly", writes: kind != "ReadOnly", kms: !excluded.contains(&json!(KMS)) }
    }

    /// A selector that asks for more than the kind and the source of events takes some of them, nobody knows which.
    fn by_advanced(selector: &Value) -> Self {
        let mut logged = Self { reads: true, writes: true, kms: true };
        let mut is_of_management = false;
        for field in list(selector, "FieldSelectors") {
            let asks = |operators: &[&str]| {
                field.as_object().is_some_and(|asked| {
                    asked.keys().all(|name| name == "Field" || operators.contains(&name.as_str()))
                })
            };
            let equals = list(field, "Equals");
            match text(field, "Field") {
                "eventCategory" => is_of_management = equals.contains(&json!("Management")),
                "readOnly" if asks(&["Equals"]) => {
                    logged.reads &= equals.contains(&json!("true"));
                    logged.writes &= equals.contains(&json!("false"));
                }
                "eventSource" if asks(&["NotEquals", "NotStartsWith"]) => {
                    let starts = list(field, "NotStartsWith").iter().filter_map(Value::as_str);
                    let is_left_out = list(field, "NotEquals").contains(&json!(KMS))
                        || starts.into_iter().any(|start| KMS.starts_with(start));
                    logged.kms &= !is_left_out;
                }
                "eventSource" if asks(&["Equals"]) => {
                    let kms = logged.kms && equals.contains(&json!(KMS));
                    logged = Self { reads: false, writes: false, kms };
                }
                _ => return Self::default(),
            }
        }
        if is_of_management { logged } else { Self::default() }
    }
}

/// The source of KMS's events.
const KMS: &str = "kms.amazonaws.com";

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(reads: bool, writes: bool, kms: bool) -> Logged {
        Logged { reads, writes, kms }
    }

    #[test]
    fn basic_selectors_add_up() {
        let basic = |read: &str, out: &[&str]| json!({ "IncludeManagementEvents": true, "ReadWriteType": read, "ExcludeManagementEventSources": out });
        let by = |selectors: Vec<Value>| Logged::by(&json!({ "EventSelectors": selectors }));
        assert_eq!(by(vec![basic("All", &[])]), of(true, true, true));
        assert_eq!(by(vec![basic("WriteOnly", &[])]), of(false, true, true));
        assert_eq!(by(vec![basic("WriteOnly", &[KMS]), basic("ReadOnly", &[KMS])]), of(true, true, false));
        assert_eq!(
            by(vec![json!({ "IncludeManagementEvents": false, "ReadWriteType": "All" })]),
            Logged::default()
        );
        assert_eq!(by(vec![]), Logged::default());
    }

    #[test]
    fn advanced_selectors_count_as_far_as_they_take_all_of_a_kind() {
        let category = json!({ "Field": "eventCategory", "Equals": ["Management"] });
        let by = |more: Value| {
            let fields = [vec![category.clone()], vec![more]].concat();
            Logged::by(&json!({ "AdvancedEventSelectors": [{ "FieldSelectors": fields }] }))
        };
        assert_eq!(by(category.clone()), of(true, true, true));
        assert_eq!(by(json!({ "Field": "readOnly", "Equals": ["false"] })), of(false, true, true));
        assert_eq!(by(json!({ "Field": "eventSource", "NotEquals": [KMS] })), of(true, true, false));
        assert_eq!(by(json!({ "Field": "eventSource", "NotStartsWith": ["kms"] })), of(true, true, false));
        assert_eq!(by(json!({ "Field": "eventSource", "Equals": ["sts.amazonaws.com"] })), Logged::default());
        assert_eq!(by(json!({ "Field": "eventSource", "Equals": [KMS] })), of(false, false, true));
        assert_eq!(by(json!({ "Field": "eventName", "NotEquals": ["Decrypt"] })), Logged::default());
    }
}
