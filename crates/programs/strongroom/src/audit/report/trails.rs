//! Trails.

use serde_json::{Value, json};
use strongroom_client::CallError;

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
    let mut is_logged = false;
    for trail in &trails {
        is_logged |= one(site, region, trail, tally)?;
    }
    let found = (!is_logged).then(|| match trails.len() {
        0 => "there is no trail".to_owned(),
        _ => "no trail that is on logs its management events".to_owned(),
    });
    tally.examined(TRAIL_ON, Some(region), &site.account, found);
    Ok(())
}

/// Looks at one; tells whether it logs management events.
fn one(site: &Site, region: &str, trail: &Value, tally: &mut Tally) -> Result<bool, CallError> {
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
    let found = leaves_out_kms(&selectors).then(|| "events of KMS are left out".to_owned());
    tally.examined(TRAIL_SEES_KMS, Some(region), arn, found);
    Ok(is_on && logs_management(&selectors))
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether some selector takes management events, of reading and of changing calls.
fn logs_management(selectors: &Value) -> bool {
    let basic = list(selectors, "EventSelectors");
    let advanced = list(selectors, "AdvancedEventSelectors");
    basic
        .iter()
        .any(|one| one["IncludeManagementEvents"] == json!(true) && text(one, "ReadWriteType") == "All")
        || advanced.iter().any(|one| {
            let fields = list(one, "FieldSelectors");
            let is_management = fields.iter().any(|field| {
                text(field, "Field") == "eventCategory"
                    && list(field, "Equals").contains(&json!("Management"))
            });
            is_management && !fields.iter().any(|field| text(field, "Field") == "readOnly")
        })
}

fn leaves_out_kms(selectors: &Value) -> bool {
    let kms = json!("kms.amazonaws.com");
    list(selectors, "EventSelectors")
        .iter()
        .any(|one| list(one, "ExcludeManagementEventSources").contains(&kms))
        || list(selectors, "AdvancedEventSelectors").iter().any(|one| {
            list(one, "FieldSelectors")
                .iter()
                .any(|field| text(field, "Field") == "eventSource" && list(field, "NotEquals").contains(&kms))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_of_both_kinds_are_understood() {
        let basic = |read: &str, out: &[&str]| json!({ "EventSelectors": [{ "IncludeManagementEvents": true, "ReadWriteType": read, "ExcludeManagementEventSources": out }] });
        assert!(logs_management(&basic("All", &[])) && !leaves_out_kms(&basic("All", &[])));
        assert!(!logs_management(&basic("WriteOnly", &[])));
        assert!(leaves_out_kms(&basic("All", &["kms.amazonaws.com"])));
        let category = json!({ "Field": "eventCategory", "Equals": ["Management"] });
        let without = json!({ "Field": "eventSource", "NotEquals": ["kms.amazonaws.com"] });
        let advanced = json!({ "AdvancedEventSelectors": [{ "FieldSelectors": [category, without] }] });
        assert!(logs_management(&advanced) && leaves_out_kms(&advanced));
        assert!(!logs_management(&json!({})));
    }
}
