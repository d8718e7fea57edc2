//! What a metric is called: namespace, name and the exact set of dimensions.

use serde::{Deserialize, Serialize};
use strongroom_api_cloudwatch as api;
use strongroom_crypto::digest::sha256;

use super::home::Home;

/// The metrics that AWS services emit are in namespaces that begin so; clients may not.
pub(crate) const RESERVED: &str = "AWS/";

/// The namespace of KMS's metrics, and the metric of uses of keys there.
pub(crate) const KMS: &str = "AWS/KMS";
pub(crate) const KEY_USAGE: &str = "KeyUsageCount";

/// What names a metric in an account and Region.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Metric {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Names and values, ordered by name.
    pub(crate) dimensions: Vec<(String, String)>,
}

/// A metric of an account and Region in sixteen bytes, under which its points are kept.
pub(crate) type MetricKey = [u8; 16];

impl Metric {
    /// The metric of that name with these dimensions.
    pub(crate) fn new(namespace: &str, name: &str, dimensions: &[(&str, &str)]) -> Self {
        let owned = dimensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::with(namespace.to_owned(), name.to_owned(), owned.collect())
    }

    /// The same from what a request says. The schema has checked lengths and numbers.
    pub(crate) fn of_request(namespace: &str, name: &str, dimensions: Option<&[api::Dimension]>) -> Self {
        let pairs = dimensions.unwrap_or_default().iter();
        let pairs = pairs.map(|dimension| (dimension.name.clone(), dimension.value.clone()));
        Self::with(namespace.to_owned(), name.to_owned(), pairs.collect())
    }

    /// The metric with dimensions in any order.
    pub(crate) fn with(namespace: String, name: String, mut dimensions: Vec<(String, String)>) -> Self {
        dimensions.sort();
        dimensions.dedup();
        Self { namespace, name, dimensions }
    }

    /// Under which key its points are kept: a digest, so that it is short whatever the names are.
    pub(crate) fn key(&self, home: &Home) -> MetricKey {
        let account = home.account.to_string();
        let names = [account.as_str(), home.region, &self.namespace, &self.name].into_iter();
        let pairs = self.dimensions.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        let mut text = Vec::with_capacity(256);
        for part in names.chain(pairs) {
            text.extend((part.len() as u32).to_be_bytes());
            text.extend(part.as_bytes());
        }
        let digest = sha256(&text);
        let mut key = MetricKey::default();
        key.copy_from_slice(&digest[..16]);
        key
    }

    /// Whether it is a client's own, and not of an AWS service.
    pub(crate) fn is_own(&self) -> bool {
        !self.namespace.starts_with(RESERVED)
    }

    /// Whether every minute has a value from the first key on, 0 when no key was used: the uses of all keys of an
    /// account in a Region together.
    pub(crate) fn has_implied_zeros(&self) -> bool {
        self.namespace == KMS && self.name == KEY_USAGE && self.dimensions.is_empty()
    }

    /// As answers show it.
    pub(crate) fn to_api(&self) -> api::Metric {
        api::Metric {
            namespace: Some(self.namespace.clone()),
            metric_name: Some(self.name.clone()),
            dimensions: Some(self.shown_dimensions()),
        }
    }

    /// Its dimensions as answers show them.
    pub(crate) fn shown_dimensions(&self) -> Vec<api::Dimension> {
        let shown =
            |(name, value): &(String, String)| api::Dimension { name: name.clone(), value: value.clone() };
        self.dimensions.iter().map(shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_tells_apart_what_names_could_run_together() {
        let home = Home::named("111122223333", "us-east-1").unwrap();
        let far = Home::named("111122223333", "us-east-2").unwrap();
        let one = Metric::new("ab", "c", &[("d", "e"), ("f", "g")]);
        assert_eq!(one.key(&home), Metric::new("ab", "c", &[("f", "g"), ("d", "e")]).key(&home));
        assert_ne!(one.key(&home), one.key(&far));
        for other in [
            Metric::new("a", "bc", &[("d", "e"), ("f", "g")]),
            Metric::new("ab", "c", &[("d", "ef"), ("", "g")]),
            Metric::new("ab", "c", &[]),
        ] {
            assert_ne!(one.key(&home), other.key(&home));
        }
    }
}
