//! HSMs' own metrics, `AWS/CloudHSM`: what HSMs report to the control plane, read by CloudWatch every minute (CloudHSM User
//! Guide, "Getting CloudWatch metrics for AWS CloudHSM").

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use strongroom_cloudhsm::{ControlPlane, HsmMeasures};
use strongroom_cloudwatch::{Emission, Gauge};
use strongroom_runtime::BoxError;

const NAMESPACE: &str = "AWS/CloudHSM";

/// Both gauges of a server of that name.
pub(crate) fn gauges(plane: &Arc<ControlPlane>, server: &str) -> Vec<Arc<dyn Gauge>> {
    let of_server = format!("hsms of {server}");
    vec![Arc::new(Health(plane.clone())), Arc::new(Counts { plane: plane.clone(), name: of_server })]
}

/// Whether HSMs serve: every server knows that of all.
struct Health(Arc<ControlPlane>);

/// What HSMs count: known to the server that each is connected to.
struct Counts {
    plane: Arc<ControlPlane>,
    name: String,
}

#[async_trait]
impl Gauge for Health {
    fn name(&self) -> &'static str {
        "health of hsms"
    }

    async fn read(&self, at_ms: i64) -> Result<Vec<Emission>, BoxError> {
        let measures = self.0.measure().await?;
        let unhealthy = |hsm: &HsmMeasures| vec![("HsmUnhealthy", f64::from(u8::from(hsm.is_unhealthy)))];
        Ok(emissions(&measures, at_ms, unhealthy))
    }
}

#[async_trait]
impl Gauge for Counts {
    fn name(&self) -> &str {
        &self.name
    }

    async fn read(&self, at_ms: i64) -> Result<Vec<Emission>, BoxError> {
        let measures = self.plane.measure().await?;
        let counted = |hsm: &HsmMeasures| {
            let Some(counts) = hsm.counts else { return Vec::new() };
            vec![
                ("HsmKeysSessionOccupied", f64::from(counts.session_keys)),
                ("HsmKeysTokenOccupied", f64::from(counts.token_keys)),
                ("HsmSessionCount", f64::from(counts.sessions)),
                ("HsmUsersAvailable", f64::from(counts.users_available)),
            ]
        };
        Ok(emissions(&measures, at_ms, counted))
    }
}

/// What HSMs say by Region, by cluster, and each for itself.
fn emissions(
    measures: &[HsmMeasures],
    at_ms: i64,
    values: impl Fn(&HsmMeasures) -> Vec<(&'static str, f64)>,
) -> Vec<Emission> {
    let mut emissions = Vec::new();
    for hsm in measures {
        for (name, value) in values(hsm) {
            let cluster = ("ClusterId", hsm.cluster_id.as_str());
            for dimensions in
                [vec![("Region", hsm.region)], vec![cluster], vec![cluster, ("HsmId", &hsm.hsm_id)]]
            {
                let owned = dimensions.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
                emissions.push(Emission {
                    account: hsm.account,
                    region: hsm.region,
                    namespace: NAMESPACE.to_owned(),
                    name: name.to_owned(),
                    dimensions: owned.collect::<BTreeMap<_, _>>().into_iter().collect(),
                    unit: "Count",
                    // The minute that has just ended.
                    at_ms: at_ms.saturating_sub(1),
                    value,
                });
            }
        }
    }
    emissions
}
