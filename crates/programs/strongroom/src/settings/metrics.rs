//! `[metrics]`: figures for Prometheus, at `/_strongroom/metrics`.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::Deserialize;
use strongroom_server::Scrapers;

/// Who may read the metrics.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MetricSettings {
    /// The networks from whose addresses they may be read. They tell what is called how often, and are not encrypted
    /// where the server has no TLS. Where nothing is said: this machine, if the server has TLS, and else nobody, because
    /// everybody whom something in front of the server lets through comes from this machine.
    allow: Option<Vec<IpNet>>,
}

impl MetricSettings {
    /// From where they may be read.
    pub(crate) fn scrapers(&self, has_tls: bool) -> Scrapers {
        Scrapers::of(self.networks(has_tls))
    }

    fn networks(&self, has_tls: bool) -> Vec<IpNet> {
        let unsaid = || if has_tls { Self::this_machine() } else { Vec::new() };
        self.allow.clone().unwrap_or_else(unsaid)
    }

    fn this_machine() -> Vec<IpNet> {
        let v4 = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
        let v6 = Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128);
        vec![v4.into(), v6.into()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_something_that_has_the_certificate_nobody_reads_them_unless_told() {
        let settings = |text: &str| toml::from_str::<MetricSettings>(text).unwrap();
        assert_eq!(settings("").networks(true), MetricSettings::this_machine());
        assert_eq!(settings("").networks(false), []);
        assert_eq!(settings("allow = [\"127.0.0.1/32\"]").networks(false).len(), 1);
    }
}
