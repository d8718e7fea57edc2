//! Alarms.

use serde_json::json;
use strongroom_client::{CallError, Element};

use super::checks::{ALARM_ACTS, ALARM_HSM, ALARM_KMS};
use super::outcome::Tally;
use super::site::Site;

/// Pages of alarms that are read.
const MOST_PAGES: usize = 1_000;

/// Looks at the alarms of a Region, and at what has none.
pub(super) fn examine(site: &Site, region: &str, tally: &mut Tally) {
    if let Err(error) = all(site, region, tally) {
        tally.not_asked(Some(region), "alarms", &error);
    }
}

fn all(site: &Site, region: &str, tally: &mut Tally) -> Result<(), CallError> {
    let alarms = described(site, region)?;
    for alarm in &alarms {
        let enabled = alarm.text_of("ActionsEnabled") == Some("true");
        let acts = !alarm.list("AlarmActions").is_empty();
        let found = match (enabled, acts) {
            (true, true) => None,
            (false, _) => Some("its actions are off".to_owned()),
            (true, false) => Some("it has no actions".to_owned()),
        };
        tally.examined(ALARM_ACTS, Some(region), alarm.text_of("AlarmName").unwrap_or_default(), found);
    }
    let watches = |namespace: &str| alarms.iter().any(|alarm| mentions(alarm, namespace));
    let found = (!watches("AWS/KMS")).then(|| "no alarm on a metric of AWS/KMS".to_owned());
    tally.examined(ALARM_KMS, Some(region), &site.account, found);
    let clusters = site.cloudhsm_list(region, "DescribeClusters", &json!({}), "Clusters")?;
    if !clusters.is_empty() {
        let found = (!watches("AWS/CloudHSM")).then(|| "no alarm on a metric of AWS/CloudHSM".to_owned());
        tally.examined(ALARM_HSM, Some(region), &site.account, found);
    }
    Ok(())
}

/// Alarms on metrics, those with expressions too.
fn described(site: &Site, region: &str) -> Result<Vec<Element>, CallError> {
    let (mut found, mut token) = (Vec::new(), None::<String>);
    for _ in 0..MOST_PAGES {
        let mut input = vec![("MaxRecords", "100")];
        input.extend(token.as_deref().map(|token| ("NextToken", token)));
        let page = site.cloudwatch(region, "DescribeAlarms", &input)?;
        found.extend_from_slice(page.list("MetricAlarms"));
        token = page.text_of("NextToken").filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    Ok(found)
}

/// Whether an alarm watches a metric of the namespace, by itself or in an expression.
fn mentions(element: &Element, namespace: &str) -> bool {
    (element.name == "Namespace" && element.text.trim() == namespace)
        || element.children.iter().any(|child| mentions(child, namespace))
}
