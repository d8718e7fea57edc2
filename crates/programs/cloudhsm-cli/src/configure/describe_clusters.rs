//! Asks CloudHSM's API where the HSMs of a cluster are (`DescribeClusters`, AWS JSON 1.1).

use serde::Deserialize;
use serde_json::json;
use strongroom_hsm_client::{DEFAULT_PORT, Server};
use strongroom_runtime::Clocks;
use time::OffsetDateTime;

use super::credentials;
use super::http::{Endpoint, Response, post};
use super::signature::{Unsigned, signed};
use crate::error::CliError;

/// What the API is signed for.
const SERVICE: &str = "cloudhsm";
const TARGET: &str = "BaldrApiService.DescribeClusters";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

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

#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "__type", default)]
    kind: String,
    #[serde(alias = "Message", default)]
    message: String,
}

/// The addresses of a cluster's HSMs.
pub(super) fn addresses(
    cluster_id: &str,
    endpoint: Option<&str>,
    region: Option<&str>,
) -> Result<Vec<Server>, CliError> {
    let region = credentials::region(region)?;
    let url = endpoint
        .map(str::to_owned)
        .or_else(|| credentials::variable("AWS_ENDPOINT_URL_CLOUDHSM_V2"))
        .or_else(|| credentials::variable("AWS_ENDPOINT_URL"))
        .unwrap_or_else(|| format!("https://cloudhsmv2.{region}.amazonaws.com"));
    let endpoint = Endpoint::parse(&url)?;
    let credentials = credentials::find()?;
    let body = json!({ "Filters": { "clusterIds": [cluster_id] } }).to_string();
    let request = Unsigned {
        region: &region,
        service: SERVICE,
        headers: vec![
            ("host", endpoint.authority.clone()),
            ("content-type", CONTENT_TYPE.to_owned()),
            ("x-amz-target", TARGET.to_owned()),
        ],
        body: body.as_bytes(),
    };
    let now = OffsetDateTime::from_unix_timestamp(Clocks::system().real_now().div_euclid(1_000))
        .map_err(|error| CliError::usage(error.to_string()))?;
    let response = post(&endpoint, &signed(request, &credentials, now), body.as_bytes())?;
    read(cluster_id, &response)
}

fn read(cluster_id: &str, response: &Response) -> Result<Vec<Server>, CliError> {
    if response.status != 200 {
        let refusal = serde_json::from_slice::<Refusal>(&response.body);
        return Err(CliError::usage(match refusal {
            Ok(Refusal { kind, message }) => {
                let kind = kind.rsplit('#').next().unwrap_or_default().to_owned();
                format!("DescribeClusters: {kind}: {message}")
            }
            Err(_) => format!("DescribeClusters: HTTP status {}", response.status),
        }));
    }
    let described: Described = serde_json::from_slice(&response.body)
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
