//! The cluster and its HSMs, through CloudHSM's API.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use strongroom_client::{CallError, EC2};

use super::deployments::TAG;
use super::site::{Seen, Site};

/// How long backups are kept, in days: the walk's.
const RETENTION_DAYS: &str = "10";
/// How long a cluster may take to a state, in milliseconds.
const PATIENCE_MS: i64 = 10 * 60 * 1_000;
/// Zones in which HSMs stand.
const ZONES: usize = 2;

/// What DescribeClusters shows of a cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Cluster {
    #[serde(rename = "ClusterId")]
    pub(crate) id: String,
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) state_message: Option<String>,
    #[serde(default)]
    pub(crate) subnet_mapping: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) hsms: Vec<Hsm>,
    #[serde(default)]
    pub(crate) certificates: Certificates,
    #[serde(default)]
    pub(crate) tag_list: Vec<Tag>,
}

/// What it shows of an HSM.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Hsm {
    #[serde(rename = "HsmId")]
    pub(crate) id: String,
    pub(crate) availability_zone: String,
    #[serde(default)]
    pub(crate) eni_ip: Option<String>,
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) state_message: Option<String>,
}

/// What it shows of a cluster's certificates.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Certificates {
    pub(crate) cluster_csr: Option<String>,
    pub(crate) hsm_certificate: Option<String>,
    pub(crate) cluster_certificate: Option<String>,
}

/// A tag.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl Cluster {
    /// The token of the deployment that made it.
    pub(crate) fn token(&self) -> Option<&str> {
        self.tag_list.iter().find(|tag| tag.key == TAG).map(|tag| tag.value.as_str())
    }

    /// Whether it is there to stay.
    pub(crate) fn lives(&self) -> bool {
        !matches!(self.state.as_str(), "DELETE_IN_PROGRESS" | "DELETED")
    }

    /// Whether its administrator has a password, so that users may have keys in it.
    pub(crate) fn is_activated(&self) -> bool {
        let is_before = matches!(
            self.state.as_str(),
            "CREATE_IN_PROGRESS" | "UNINITIALIZED" | "INITIALIZE_IN_PROGRESS" | "INITIALIZED"
        );
        self.lives() && !is_before
    }

    /// HSMs in service.
    pub(crate) fn active(&self) -> impl Iterator<Item = &Hsm> {
        self.hsms.iter().filter(|hsm| hsm.state == "ACTIVE" && hsm.eni_ip.is_some())
    }

    /// Zones in which HSMs are, or are being made.
    fn zones(&self) -> BTreeSet<&str> {
        let staying = self.hsms.iter().filter(|hsm| hsm.state != "DELETE_IN_PROGRESS");
        staying.map(|hsm| hsm.availability_zone.as_str()).collect()
    }

    /// Zones with HSMs in service.
    fn zones_in_service(&self) -> usize {
        self.active().map(|hsm| &hsm.availability_zone).collect::<BTreeSet<_>>().len()
    }

    /// Its state and that of each HSM that does not serve, with the reasons, for people.
    fn shown(&self) -> String {
        let shown =
            |name: &str, state: &str, why: Option<&str>| match why.map(|why| why.trim_end_matches('.')) {
                Some(why) if !why.is_empty() => format!("{name}{state} ({why})"),
                _ => format!("{name}{state}"),
            };
        let hsms = self.hsms.iter().filter(|hsm| hsm.state != "ACTIVE");
        let hsms =
            hsms.map(|hsm| shown(&format!("{} is ", hsm.id), &hsm.state, hsm.state_message.as_deref()));
        let own = shown("", &self.state, self.state_message.as_deref());
        let is_down = self.hsms.iter().any(|hsm| hsm.state == "DEGRADED");
        let advice = is_down.then(|| "`strongroom fault list` and the HSM's log may tell why".to_owned());
        [own].into_iter().chain(hsms).chain(advice).collect::<Vec<_>>().join("; ")
    }
}

/// All clusters of the account in the Region.
pub(crate) fn all(site: &Site) -> Result<Vec<Cluster>> {
    let mut input = json!({});
    let mut found = Vec::new();
    loop {
        let mut page = site.cloudhsm("DescribeClusters", &input)?;
        if let Some(clusters) = page.get_mut("Clusters").map(Value::take) {
            found.extend(serde_json::from_value::<Vec<Cluster>>(clusters)?);
        }
        match page.get_mut("NextToken").map(Value::take) {
            Some(Value::String(token)) => input["NextToken"] = json!(token),
            _ => return Ok(found),
        }
    }
}

/// The cluster of that id.
pub(crate) fn describe(site: &Site, id: &str) -> Result<Cluster> {
    find(site, id)?.with_context(|| format!("there is no cluster {id}"))
}

/// The cluster of that id, if there is one.
pub(crate) fn find(site: &Site, id: &str) -> Result<Option<Cluster>> {
    let mut answer = site.cloudhsm("DescribeClusters", &json!({ "Filters": { "clusterIds": [id] } }))?;
    let clusters = answer.get_mut("Clusters").map(Value::take).unwrap_or_default();
    Ok(serde_json::from_value::<Vec<Cluster>>(clusters)?.pop())
}

/// Waits until the cluster is as `is_so` wants it.
pub(crate) fn wait(site: &Site, id: &str, what: &str, is_so: impl Fn(&Cluster) -> bool) -> Result<Cluster> {
    site.wait_within(PATIENCE_MS, &format!("{id} {what}"), || {
        let cluster = describe(site, id)?;
        ensure!(cluster.lives(), "{id} is being deleted by somebody else");
        Ok(if is_so(&cluster) { Seen::Reached(cluster) } else { Seen::NotYet(cluster.shown()) })
    })
}

/// Makes a cluster in two zones of the default VPC, tagged with `token`, and answers its id.
pub(crate) fn create(site: &Site, token: &str) -> Result<String> {
    let subnets = default_subnets(site)?;
    let input = json!({
        "HsmType": "hsm2m.medium",
        "Mode": "FIPS",
        "SubnetIds": subnets.values().collect::<Vec<_>>(),
        "BackupRetentionPolicy": { "Type": "DAYS", "Value": RETENTION_DAYS },
        "TagList": [{ "Key": TAG, "Value": token }],
    });
    let made = site.cloudhsm("CreateCluster", &input).map_err(|error| {
        with_advice(error, "delete one that is not needed (`aws cloudhsmv2 delete-cluster`), or use another Region (--region)")
    })?;
    let id = made.pointer("/Cluster/ClusterId").and_then(Value::as_str);
    Ok(id.context("CreateCluster answers no id")?.to_owned())
}

/// The first zones that have a subnet of the default VPC, and these subnets.
fn default_subnets(site: &Site) -> Result<BTreeMap<String, String>> {
    let filter = [("Filter.1.Name", "default-for-az"), ("Filter.1.Value.1", "true")];
    let answer = site.aws.query(EC2, "DescribeSubnets", &filter)?;
    let subnet = |item: &strongroom_client::Element| {
        Some((item.text_of("availabilityZone")?.to_owned(), item.text_of("subnetId")?.to_owned()))
    };
    let by_zone: BTreeMap<_, _> = answer.list("subnetSet").iter().filter_map(subnet).collect();
    ensure!(
        by_zone.len() >= ZONES,
        "the default VPC has subnets in {} zones, and {ZONES} are needed: make them with `aws ec2 create-default-vpc` \
         or `aws ec2 create-default-subnet`",
        by_zone.len()
    );
    Ok(by_zone.into_iter().take(ZONES).collect())
}

/// Makes an HSM in a zone of the cluster.
fn create_hsm(site: &Site, id: &str, zone: &str) -> Result<()> {
    let input = json!({ "ClusterId": id, "AvailabilityZone": zone });
    site.cloudhsm("CreateHsm", &input)
        .map(drop)
        .map_err(|error| with_advice(error, "delete one that is not needed (`aws cloudhsmv2 delete-hsm`)"))
}

/// What to do where a limit is reached; the service's texts say so.
fn with_advice(error: CallError, advice: &str) -> anyhow::Error {
    if error.to_string().contains("limit") { anyhow!("{error} To go on, {advice}.") } else { error.into() }
}

/// Sees to it that there is one HSM, and waits until one serves.
pub(crate) fn first_hsm(site: &Site, cluster: &Cluster) -> Result<(Cluster, String)> {
    let id = &cluster.id;
    let made = cluster.zones().is_empty();
    if made {
        let zone = cluster.subnet_mapping.keys().next().context("the cluster has no subnets")?;
        create_hsm(site, id, zone)?;
    }
    let cluster = wait(site, id, "with an HSM in service", |cluster| cluster.active().next().is_some())?;
    let hsm = cluster.active().next().context("the HSM is gone again")?;
    let text = told(made, &shown(hsm));
    Ok((cluster, text))
}

/// Sees to it that HSMs serve in two zones.
pub(crate) fn second_hsm(site: &Site, cluster: &Cluster) -> Result<(Cluster, String)> {
    let id = &cluster.id;
    let known: BTreeSet<_> = cluster.hsms.iter().map(|hsm| hsm.id.clone()).collect();
    let mut made = false;
    let mut zones = cluster.zones();
    for zone in cluster.subnet_mapping.keys() {
        if zones.len() < ZONES && zones.insert(zone) {
            create_hsm(site, id, zone)?;
            made = true;
        }
    }
    if zones.len() < ZONES {
        bail!("{id} has subnets in {} zone alone, and a custom key store needs two", zones.len());
    }
    let cluster = wait(site, id, "with HSMs in two zones", |cluster| cluster.zones_in_service() >= ZONES)?;
    // The new one, or both.
    let told_of = |hsm: &&Hsm| !made || !known.contains(&hsm.id);
    let text = told(made, &cluster.active().filter(told_of).map(shown).collect::<Vec<_>>().join(", "));
    Ok((cluster, text))
}

/// An HSM, for people.
fn shown(hsm: &Hsm) -> String {
    format!("{} in {} at {}", hsm.id, hsm.availability_zone, hsm.eni_ip.as_deref().unwrap_or("-"))
}

/// Whether something was made or was there.
pub(crate) fn told(made: bool, what: &str) -> String {
    format!("{} {what}", if made { "made" } else { "found" })
}
