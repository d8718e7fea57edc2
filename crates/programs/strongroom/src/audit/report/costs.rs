//! What keys cost and do, by a tag.

use std::collections::BTreeMap;

use serde_json::json;
use strongroom_client::CallError;

use super::outcome::{Cost, Tally};
use super::site::{Site, text};
use crate::moment;

/// Over so many days.
const DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;
/// AWS's list prices of November 2026, in US dollars: a key a month, and 10,000 requests (aws.amazon.com/kms/pricing).
const DOLLARS_A_KEY: f64 = 1.0;
const DOLLARS_A_REQUEST: f64 = 0.03 / 10_000.0;

/// Adds keys and their requests up, by the value of a tag.
pub(super) fn examine(site: &Site, region: &str, tag: &str, keys: &[String], tally: &mut Tally) {
    let mut costs: BTreeMap<String, Cost> = BTreeMap::new();
    for key in keys {
        match asked(site, region, tag, key) {
            Ok((value, requests)) => {
                let cost = costs.entry(value.clone()).or_insert_with(|| Cost {
                    region: region.to_owned(),
                    tag: tag.to_owned(),
                    value,
                    ..Cost::default()
                });
                cost.keys += 1;
                cost.requests += requests;
                cost.dollars += DOLLARS_A_KEY + requests as f64 * DOLLARS_A_REQUEST;
            }
            Err(error) => tally.not_asked(Some(region), &format!("use and tags of key {key}"), &error),
        }
    }
    tally.costs(costs.into_values());
}

/// The value of a key's tag, and how often the key was used.
fn asked(site: &Site, region: &str, tag: &str, key: &str) -> Result<(String, u64), CallError> {
    let tags = site.kms_list(region, "ListResourceTags", &json!({ "KeyId": key }), "Tags")?;
    let value = tags.iter().find(|one| text(one, "TagKey") == tag).map_or("", |one| text(one, "TagValue"));
    // Until tomorrow, for a whole number of periods.
    let (start, end) = (site.now_ms - (DAYS - 1) * DAY_MS, site.now_ms + DAY_MS);
    let (start, end) = (moment::text(start), moment::text(end));
    let asked = [
        ("Namespace", "AWS/KMS"),
        ("MetricName", "KeyUsageCount"),
        ("Dimensions.member.1.Name", "KeyId"),
        ("Dimensions.member.1.Value", key),
        ("StartTime", &start),
        ("EndTime", &end),
        ("Period", "86400"),
        ("Statistics.member.1", "Sum"),
    ];
    let answer = site.cloudwatch(region, "GetMetricStatistics", &asked)?;
    let sums = answer.list("Datapoints").iter().filter_map(|point| point.text_of("Sum")?.parse::<f64>().ok());
    Ok((value.to_owned(), sums.sum::<f64>().max(0.0) as u64))
}
