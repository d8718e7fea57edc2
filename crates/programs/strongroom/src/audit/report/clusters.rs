//! HSM clusters: zones, backups, who reaches them.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};
use strongroom_client::{CallError, Element};
use strongroom_hsm_client::DEFAULT_PORT;

use super::checks::{CLUSTER_BACKUP, CLUSTER_DAILY, CLUSTER_OPEN, CLUSTER_ZONES};
use super::hsms;
use super::outcome::Tally;
use super::site::{Site, text};

/// States of a cluster that holds keys, or will in a moment.
const IN_USE: &[&str] = &["ACTIVE", "DEGRADED", "UPDATE_IN_PROGRESS", "INITIALIZED"];
/// A cluster is backed up once a day; older is too old, in days.
const BACKUP_AGE: i64 = 2;
/// Everybody.
const EVERYBODY: &[&str] = &["0.0.0.0/0", "::/0"];

/// Looks at the clusters of a Region.
pub(super) fn examine(site: &Site, region: &str, tally: &mut Tally) {
    if let Err(error) = all(site, region, tally) {
        tally.not_asked(Some(region), "HSM clusters", &error);
    }
}

fn all(site: &Site, region: &str, tally: &mut Tally) -> Result<(), CallError> {
    let clusters = site.cloudhsm_list(region, "DescribeClusters", &json!({}), "Clusters")?;
    let clusters: Vec<_> =
        clusters.iter().filter(|cluster| IN_USE.contains(&text(cluster, "State"))).collect();
    if clusters.is_empty() {
        return Ok(());
    }
    let newest = newest_backups(site, region)?;
    let skipped = newest_skips(site, region)?;
    for cluster in clusters {
        let id = text(cluster, "ClusterId");
        tally.examined(CLUSTER_ZONES, Some(region), id, single_zone(cluster));
        let found = match newest.get(id) {
            None => Some("there is no backup of it".to_owned()),
            Some(&taken) => {
                let age = site.days_since(taken);
                (age >= BACKUP_AGE).then(|| format!("the newest backup is {age} days old"))
            }
        };
        tally.examined(CLUSTER_BACKUP, Some(region), id, found);
        let paused = paused(cluster, newest.get(id), skipped.get(id));
        tally.examined(CLUSTER_DAILY, Some(region), id, paused);
        let group = text(cluster, "SecurityGroup");
        if !group.is_empty() {
            let answer = site.ec2(region, "DescribeSecurityGroups", &[("GroupId.1", group)])?;
            tally.examined(
                CLUSTER_OPEN,
                Some(region),
                &format!("{id} ({group})"),
                open_to_everybody(&answer),
            );
        }
        if text(cluster, "State") == "ACTIVE" {
            hsms::examine(site, region, cluster, tally);
        }
    }
    Ok(())
}

fn single_zone(cluster: &Value) -> Option<String> {
    let hsms = cluster["Hsms"].as_array().map_or(&[][..], Vec::as_slice);
    let zones: BTreeSet<_> = hsms
        .iter()
        .filter(|hsm| text(hsm, "State") == "ACTIVE")
        .map(|hsm| text(hsm, "AvailabilityZone"))
        .collect();
    match zones.first() {
        None => Some("it has no active HSM".to_owned()),
        Some(zone) if zones.len() == 1 => Some(format!("its active HSMs are all in {zone}")),
        Some(_) => None,
    }
}

/// When the newest usable backup of each cluster was taken, in seconds since 1970.
fn newest_backups(site: &Site, region: &str) -> Result<HashMap<String, f64>, CallError> {
    let mut newest: HashMap<String, f64> = HashMap::new();
    for backup in site.cloudhsm_list(region, "DescribeBackups", &json!({}), "Backups")? {
        if text(&backup, "BackupState") == "READY" {
            let taken = backup["CreateTimestamp"].as_f64().unwrap_or_default();
            let known = newest.entry(text(&backup, "ClusterId").to_owned()).or_default();
            *known = known.max(taken);
        }
    }
    Ok(newest)
}

/// When each cluster was last left without its daily backup because they are paused, in seconds since 1970: an event of
/// this server's. AWS has none.
fn newest_skips(site: &Site, region: &str) -> Result<HashMap<String, f64>, CallError> {
    let by_name = json!([{ "AttributeKey": "EventName", "AttributeValue": "SkipDailyBackup" }]);
    let events =
        site.cloudtrail_list(region, "LookupEvents", &json!({ "LookupAttributes": by_name }), "Events")?;
    let mut newest: HashMap<String, f64> = HashMap::new();
    for event in &events {
        let record: Value = serde_json::from_str(text(event, "CloudTrailEvent")).unwrap_or_default();
        let id = text(&record["serviceEventDetails"], "clusterId").to_owned();
        let skipped = newest.entry(id).or_default();
        *skipped = skipped.max(event["EventTime"].as_f64().unwrap_or_default());
    }
    Ok(newest)
}

/// Why a cluster is not backed up every day.
fn paused(cluster: &Value, backed_up: Option<&f64>, skipped: Option<&f64>) -> Option<String> {
    let hsms = cluster["Hsms"].as_array().map_or(&[][..], Vec::as_slice);
    if !hsms.iter().any(|hsm| text(hsm, "State") == "ACTIVE") {
        return Some("paused: it has no active HSM".to_owned());
    }
    let skipped = *skipped?;
    let is_latest = backed_up.is_none_or(|backed_up| *backed_up < skipped);
    is_latest.then(|| "paused: the server was told so".to_owned())
}

/// Which rule lets everybody reach the HSMs' port.
fn open_to_everybody(answer: &Element) -> Option<String> {
    let rules = answer.list("ipPermissions");
    let reaches_hsms = |rule: &&Element| {
        let port = |name: &str| rule.text_of(name).and_then(|port| port.parse::<i64>().ok());
        // Without ports, it is about all of them.
        let (from, to) = (port("fromPort").unwrap_or(-1), port("toPort").unwrap_or(-1));
        let hsms = i64::from(DEFAULT_PORT);
        from == -1 || (from <= hsms && hsms <= to)
    };
    rules.iter().filter(reaches_hsms).find_map(|rule| {
        let ranges = rule.list("ipRanges").iter().filter_map(|range| range.text_of("cidrIp"));
        let ranges =
            ranges.chain(rule.list("ipv6Ranges").iter().filter_map(|range| range.text_of("cidrIpv6")));
        ranges
            .into_iter()
            .find(|range| EVERYBODY.contains(range))
            .map(|range| format!("a rule lets {range} in"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(from: &str, range: &str) -> Element {
        let xml = format!(
            "<R><securityGroupInfo><item><ipPermissions><item><fromPort>{from}</fromPort><toPort>2225</toPort>\
             <ipRanges><item><cidrIp>{range}</cidrIp></item></ipRanges></item></ipPermissions></item></securityGroupInfo></R>"
        );
        Element::parse(xml.as_bytes()).unwrap()
    }

    #[test]
    fn rules_for_everybody_count_where_hsms_listen() {
        assert_eq!(
            open_to_everybody(&group("2223", "0.0.0.0/0")).as_deref(),
            Some("a rule lets 0.0.0.0/0 in")
        );
        assert_eq!(open_to_everybody(&group("2223", "10.0.0.0/8")), None);
        assert_eq!(open_to_everybody(&group("2224", "0.0.0.0/0")), None);
    }

    #[test]
    fn daily_backups_are_paused_by_the_latest_of_both() {
        let cluster = json!({ "Hsms": [{ "State": "ACTIVE" }] });
        assert_eq!(paused(&cluster, Some(&2.0), None), None);
        assert_eq!(paused(&cluster, Some(&2.0), Some(&1.0)), None);
        assert!(paused(&cluster, Some(&1.0), Some(&2.0)).is_some());
        assert!(paused(&cluster, None, Some(&2.0)).is_some());
        assert!(paused(&json!({ "Hsms": [] }), Some(&2.0), None).is_some());
    }

    #[test]
    fn zones_are_counted_by_active_hsms() {
        let hsm = |zone: &str, state: &str| json!({ "AvailabilityZone": zone, "State": state });
        let cluster = |hsms: Vec<Value>| single_zone(&json!({ "Hsms": hsms }));
        assert_eq!(cluster(vec![hsm("a", "ACTIVE"), hsm("b", "ACTIVE")]), None);
        assert!(cluster(vec![hsm("a", "ACTIVE"), hsm("b", "DEGRADED")]).is_some());
        assert!(cluster(vec![]).is_some());
    }
}
