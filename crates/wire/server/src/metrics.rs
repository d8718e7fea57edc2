//! What the server counts, for Prometheus: `GET /_strongroom/metrics`.
//!
//! Figures tell what is called how often, and so are for those who run the server: [`Scrapers`] says from where they may
//! be read. Labels are names of the models and codes of our own, never a caller's text, so that nobody makes series
//! without end.

use std::fmt::{self, Debug};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// What all names begin with.
const PREFIX: &str = "strongroom";

/// Upper bounds of the buckets of times, seconds. Calls on keys in memory take well below a millisecond, those that
/// change something a few, those on clusters in trouble seconds.
const BUCKETS: [f64; 12] = [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0];

/// From which addresses the metrics may be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scrapers(Vec<IpNet>);

impl Scrapers {
    /// Nothing but this machine.
    #[must_use]
    pub fn loopback() -> Self {
        Self(vec![
            IpNet::new_assert([127, 0, 0, 0].into(), 8),
            IpNet::new_assert(std::net::Ipv6Addr::LOCALHOST.into(), 128),
        ])
    }

    /// These networks.
    #[must_use]
    pub fn of(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    pub(crate) fn include(&self, source: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&source.to_canonical()))
    }
}

/// Something that another part of the program tells when it is asked.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// The name, without the prefix `strongroom_`; a counter's without `_total`.
    pub name: &'static str,
    /// What it says, in a sentence without a full stop.
    pub help: &'static str,
    /// How much there is.
    pub value: Reading,
}

/// How a figure behaves.
#[derive(Clone, Copy, Debug)]
pub enum Reading {
    /// It goes up and down.
    Gauge(f64),
    /// It only grows, from the start of the program.
    Counter(u64),
    /// Time that only grows, from the start of the program; told in seconds.
    Time(Duration),
}

/// Who tells figures. Asked at each scrape: it is to be quick, and to wait for nothing.
pub trait Figures: Send + Sync {
    /// The figures as they are now; always the same ones.
    fn figures(&self) -> Vec<Figure>;
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    service: &'static str,
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServiceLabels {
    service: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    code: String,
}

/// What this server counts, and who is asked besides.
pub(crate) struct Metrics {
    registry: Registry,
    calls: Family<CallLabels, Counter>,
    seconds: Family<ServiceLabels, Histogram, fn() -> Histogram>,
    unauthenticated: Family<CodeLabels, Counter>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    /// The caller's doing: HTTP status 4xx.
    Refused,
    /// The server's: 5xx.
    Failed,
}

impl Outcome {
    fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

impl Metrics {
    pub(crate) fn new(others: Vec<Arc<dyn Figures>>) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let calls = Family::default();
        let buckets: fn() -> Histogram = || Histogram::new(BUCKETS);
        let seconds = Family::new_with_constructor(buckets);
        let unauthenticated = Family::default();
        registry.register("calls", "Authenticated calls that have ended", calls.clone());
        registry.register(
            "call_seconds",
            "Time from an authenticated call's beginning to its answer, its record included",
            seconds.clone(),
        );
        registry.register(
            "unauthenticated",
            "Requests refused because nobody knows who made them",
            unauthenticated.clone(),
        );
        registry.register_collector(Box::new(Others(others)));
        Self { registry, calls, seconds, unauthenticated }
    }

    /// Counts a call that has ended.
    pub(crate) fn called(
        &self,
        service: &'static str,
        operation: &'static str,
        outcome: Outcome,
        took: Duration,
    ) {
        self.calls.get_or_create(&CallLabels { service, operation, outcome: outcome.label() }).inc();
        self.seconds.get_or_create(&ServiceLabels { service }).observe(took.as_secs_f64());
    }

    /// Counts a request that was not authenticated; `code` is one of our own.
    pub(crate) fn unauthenticated(&self, code: &str) {
        self.unauthenticated.get_or_create(&CodeLabels { code: code.to_owned() }).inc();
    }

    /// The figures in the form that Prometheus reads; `own` are the server's at this moment.
    pub(crate) fn text(&self, own: &[Figure]) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode_registry(&mut text, &self.registry)?;
        let mut now = Registry::with_prefix(PREFIX);
        now.register_collector(Box::new(Now(own.to_vec())));
        // Ends with the mark of the end of all figures.
        prometheus_client::encoding::text::encode(&mut text, &now)?;
        Ok(text)
    }
}

/// Figures of other parts of the program.
struct Others(Vec<Arc<dyn Figures>>);

impl Debug for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Others({})", self.0.len())
    }
}

impl Collector for Others {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let figures: Vec<_> = self.0.iter().flat_map(|others| others.figures()).collect();
        write(&figures, encoder)
    }
}

/// Figures of this moment.
#[derive(Debug)]
struct Now(Vec<Figure>);

impl Collector for Now {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        write(&self.0, encoder)
    }
}

fn write(figures: &[Figure], mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
    for Figure { name, help, value } in figures {
        match *value {
            Reading::Gauge(value) => {
                let gauge = ConstGauge::new(value);
                gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
            }
            Reading::Counter(value) => {
                let counter = ConstCounter::new(value);
                counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
            }
            Reading::Time(value) => {
                let counter = ConstCounter::new(value.as_secs_f64());
                counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrapers_are_named_by_network() {
        let ours = Scrapers::loopback();
        for (address, is_in) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("::2", false),
        ] {
            assert_eq!(ours.include(address.parse().unwrap()), is_in, "{address}");
        }
    }
}
