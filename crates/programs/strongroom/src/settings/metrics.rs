//! `[metrics]`: figures for Prometheus, at `/_strongroom/metrics`.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::Deserialize;
use strongroom_server::Scrapers;

/// Who may read the metrics.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MetricSettings {
    /// The networks from whose addresses they may be read. They tell what is called how often, and are not encrypted
    /// where the server has no TLS.
    allow: Vec<IpNet>,
}

impl MetricSettings {
    /// From where they may be read.
    pub(crate) fn scrapers(&self) -> Scrapers {
        Scrapers::of(self.allow.clone())
    }
}

impl Default for MetricSettings {
    /// This machine.
    fn default() -> Self {
        let v4 = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
        let v6 = Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128);
        Self { allow: vec![v4.into(), v6.into()] }
    }
}
