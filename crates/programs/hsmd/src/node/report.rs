//! How the HSM is, told to the control plane.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use strongroom_hsm_proto::fleet::{Counters, HardwareCertificates, HsmState, Report};

use super::Node;
use crate::fleet::{LinkError, PlaneError};
use crate::partition::{Partition, hardware_certificates};

/// How often a report is sent although nothing has happened.
const EVERY: Duration = Duration::from_secs(5);

impl Node {
    /// Reports after every change, and every few seconds.
    pub(super) async fn keep_reporting(self: Arc<Self>) {
        let mut certificates = None;
        loop {
            self.plane.there().await;
            let report = self.report(&mut certificates);
            match self.plane.report(report).await {
                Ok(()) => {}
                // A report is answered at once by whoever is well.
                Err(PlaneError::Link(LinkError::Lost)) => self.plane.give_up(),
                Err(error) => tracing::debug!(%error, "a report was not taken"),
            }
            let _ = tokio::time::timeout(EVERY, self.news.notified()).await;
        }
    }

    fn report(&self, certificates: &mut Option<HardwareCertificates>) -> Report {
        let installed = self.certificates.borrow().clone();
        let partition = self.partition();
        if let (None, Some(partition), None) = (&installed, partition, &certificates) {
            *certificates =
                match hardware_certificates(&self.device, &partition.hsm, self.clock.real_seconds() as i64) {
                    Ok(made) => Some(made),
                    Err(error) => {
                        tracing::error!(%error, "the CSR and certificates of the partition cannot be made");
                        None
                    }
                };
        }
        let halted = self.halted.borrow().clone();
        let state = match (&halted, partition, &installed) {
            (Some(_), _, _) => HsmState::Halted,
            (None, Some(_), None) => HsmState::Uninitialized,
            (None, Some(_), Some(_)) if *self.is_serving.borrow() => HsmState::Serving,
            (None, _, _) => HsmState::Starting,
        };
        let is_initialized = installed.is_some();
        let installed = installed.unwrap_or_default();
        Report {
            state: state.into(),
            halt_reason: halted.unwrap_or_else(|| self.what_is_wrong(partition)),
            certificates: certificates.clone().filter(|_| !is_initialized),
            activated: partition.is_some_and(|partition| partition.hsm.is_activated()),
            sequence: partition.map_or(0, |partition| partition.view.head().sequence),
            counters: Some(self.counters()),
            cluster_certificate: installed.cluster_certificate,
            trust_anchor: installed.trust_anchor,
            rules_revision: self.rules.revision(),
        }
    }

    /// What is not as it should be, although the HSM has not halted.
    fn what_is_wrong(&self, partition: Option<&Arc<Partition>>) -> String {
        let broken = partition.and_then(|partition| partition.ledger.trouble());
        broken.or_else(|| self.rules.trouble()).unwrap_or_else(|| self.trouble.borrow().clone())
    }

    fn counters(&self) -> Counters {
        let counts = &self.counts;
        let mut counters = Counters {
            connections: counts.connections.load(Ordering::Relaxed),
            calls: counts.calls.load(Ordering::Relaxed),
            failures: counts.failures.load(Ordering::Relaxed),
            changes: counts.changes.load(Ordering::Relaxed),
            refused_connections: counts.refused_connections.load(Ordering::Relaxed),
            ..Counters::default()
        };
        if let Some(partition) = self.partition() {
            let occupancy = partition.hsm.occupancy();
            counters.sessions = occupancy.sessions as u32;
            counters.users = occupancy.users as u32;
            counters.token_keys = occupancy.token_keys as u32;
            counters.session_keys = occupancy.session_keys as u32;
        }
        counters
    }
}
