//! What was found, and what could not be asked.

use std::collections::BTreeSet;
use std::fmt::Display;

use serde::Serialize;

use super::checks::{self, Check, Severity};
use super::site::Site;
use crate::moment;

/// The report.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome {
    pub(super) account: String,
    pub(super) caller: String,
    pub(super) endpoint: String,
    pub(super) regions: Vec<String>,
    pub(super) made_at: String,
    pub(super) checks: Vec<Checked>,
    pub(super) not_asked: Vec<NotAsked>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) costs: Vec<Cost>,
}

/// A check, and what it found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checked {
    #[serde(flatten)]
    pub(super) check: &'static Check,
    /// How many things were looked at.
    pub(super) examined: usize,
    pub(super) findings: Vec<Finding>,
}

/// Something that is not as it should be.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    pub(super) severity: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<String>,
    pub(super) resource: String,
    pub(super) what: String,
}

/// A question that the endpoint did not answer.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NotAsked {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<String>,
    pub(super) about: String,
    pub(super) why: String,
}

/// What the keys with one value of a tag cost and do in 30 days.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cost {
    pub(super) region: String,
    pub(super) tag: String,
    /// Empty: keys without the tag.
    pub(super) value: String,
    pub(super) keys: u64,
    pub(super) requests: u64,
    /// At AWS's list prices, in US dollars.
    pub(super) dollars: f64,
}

impl Outcome {
    pub(super) fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.checks.iter().flat_map(|checked| &checked.findings)
    }

    /// Whether everything was asked.
    pub(super) fn is_whole(&self) -> bool {
        self.not_asked.is_empty()
    }
}

/// A report in the making.
pub(super) struct Tally {
    outcome: Outcome,
    not_asked: BTreeSet<NotAsked>,
}

impl Tally {
    pub(super) fn new(site: &Site) -> Self {
        let checks =
            checks::ALL.iter().map(|check| Checked { check, examined: 0, findings: Vec::new() }).collect();
        let outcome = Outcome {
            account: site.account.clone(),
            caller: site.caller.clone(),
            endpoint: site.endpoint_text(),
            regions: site.regions().map(str::to_owned).collect(),
            made_at: moment::text(site.now_ms),
            checks,
            not_asked: Vec::new(),
            costs: Vec::new(),
        };
        Self { outcome, not_asked: BTreeSet::new() }
    }

    fn of(&mut self, check: &'static Check) -> Option<&mut Checked> {
        self.outcome.checks.iter_mut().find(|checked| checked.check == check)
    }

    /// Counts one thing that a check looked at, and what it found there.
    pub(super) fn examined(
        &mut self,
        check: &'static Check,
        region: Option<&str>,
        resource: &str,
        found: Option<String>,
    ) {
        if let Some(checked) = self.of(check) {
            checked.examined += 1;
            checked.findings.extend(found.map(|what| Finding {
                severity: check.severity,
                region: region.map(str::to_owned),
                resource: resource.to_owned(),
                what,
            }));
        }
    }

    /// Tells what could not be asked, and why.
    pub(super) fn not_asked(&mut self, region: Option<&str>, about: &str, error: &dyn Display) {
        let why = error.to_string();
        self.not_asked.insert(NotAsked { region: region.map(str::to_owned), about: about.to_owned(), why });
    }

    pub(super) fn costs(&mut self, costs: impl IntoIterator<Item = Cost>) {
        self.outcome.costs.extend(costs);
    }

    pub(super) fn finish(self) -> Outcome {
        Outcome { not_asked: self.not_asked.into_iter().collect(), ..self.outcome }
    }
}
