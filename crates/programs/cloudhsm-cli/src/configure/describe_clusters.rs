//! Asks CloudHSM's API where the HSMs of a cluster are (`DescribeClusters`).

use serde::Deserialize;
use serde_json::json;
use strongroom_client::{Aws, CLOUDHSM, Credentials, Endpoint};
use strongroom_hsm_client::{DEFAULT_PORT, Server};
use strongroom_runtime::Clocks;

use crate::error::CliError;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    #[serde(default)]
    clusters: Vec<Cluster>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Cluster {
    #[serde(default)]
    hsms: Vec<Hsm>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Hsm {
    eni_ip: Option<String>,
}

/// The addresses of a cluster's HSMs.
pub(super) fn addresses(
    cluster_id: &str,
    endpoint: Option<&str>,
    region: Option<&str>,
) -> Result<Vec<Server>, CliError> {
    let region = strongroom_client::region(region)?;
    let usual = format!("https://cloudhsmv2.{region}.amazonaws.com");
    let endpoint = Endpoint::find(endpoint, "AWS_ENDPOINT_URL_CLOUDHSM_V2", &usual)?;
    let aws = Aws::new(endpoint, region, Credentials::find()?, Clocks::system());
    let input = json!({ "Filters": { "clusterIds": [cluster_id] } });
    let described: Described = serde_json::from_value(aws.json(CLOUDHSM, "DescribeClusters", &input)?)
        .map_err(|error| CliError::usage(format!("DescribeClusters answers something else: {error}")))?;
    let [cluster] = described.clusters.as_slice() else {
        return Err(CliError::usage(format!("there is no cluster {cluster_id}")));
    };
    let addresses = cluster.hsms.iter().filter_map(|hsm| hsm.eni_ip.clone());
    let servers: Vec<_> = addresses.map(|host| Server { host, port: DEFAULT_PORT }).collect();
    if servers.is_empty() {
        return Err(CliError::usage(format!("cluster {cluster_id} has no HSM: create one first")));
    }
    Ok(servers)
}
