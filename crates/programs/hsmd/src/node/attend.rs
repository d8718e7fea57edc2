//! The connection to the control plane, for as long as the HSM lives.

use std::sync::Arc;
use std::time::Duration;

use strongroom_hsm_proto::fleet::{
    Assignment, FLEET_VERSION, FailedCode, MAX_FLEET_CALLS, PlaneAnswer, PlaneCall, Register,
};
use tokio::sync::mpsc;

use super::{Ending, Node};
use crate::fleet::{Dialer, IncomingCall, Link};

/// How long the answer to the registration may take.
const REGISTRATION: Duration = Duration::from_secs(30);

/// What came of a registration.
enum Registered {
    As(Box<Assignment>),
    Later,
    Never,
}

impl Node {
    /// Dials, registers, obeys; again and again.
    pub(super) async fn attend(self: Arc<Self>, mut dialer: Dialer) {
        loop {
            let stream = dialer.reach().await;
            let (link, wire) = Link::over(stream);
            let (sender, calls) = mpsc::channel(MAX_FLEET_CALLS);
            let reason = {
                let conversation = self.converse(link, calls, &mut dialer);
                tokio::select! {
                    reason = wire.run(sender) => reason,
                    reason = conversation => reason.to_owned(),
                }
            };
            self.plane.set(None);
            tracing::info!(reason, "the connection to the control plane has ended");
            dialer.wait().await;
        }
    }

    async fn converse(
        self: &Arc<Self>,
        link: Arc<Link>,
        mut calls: mpsc::Receiver<IncomingCall>,
        dialer: &mut Dialer,
    ) -> &'static str {
        let assignment = match self.register(&link).await {
            Registered::As(assignment) => assignment,
            Registered::Later => return "the control plane does not take the HSM now",
            Registered::Never => {
                self.end(Ending::Stop("the control plane does not take it"));
                return "the control plane does not take the HSM";
            }
        };
        tracing::info!(
            cluster = assignment.cluster_id,
            role = ?assignment.role(),
            head = assignment.head,
            "the control plane has taken the HSM"
        );
        if let Err(reason) = self.take_assignment(&assignment) {
            tracing::error!(reason, "the assignment makes no sense");
            return "the assignment makes no sense";
        }
        dialer.is_well();
        self.plane.set(Some(link));
        self.spawn(|node| node.bring_up(assignment));
        self.news.notify_one();
        while let Some(call) = calls.recv().await {
            self.spawn(|node| async move { node.obey(call).await });
        }
        "the control plane is silent"
    }

    async fn register(&self, link: &Link) -> Registered {
        let partition = self.partition();
        let register = Register {
            version: FLEET_VERSION,
            hsm_id: self.hsm_id.clone(),
            enrolment_token: self.token.expose().clone(),
            device_chain: self.device.chain().to_vec(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            cluster_id: partition.map(|there| there.hsm.identity().cluster_id.clone()).unwrap_or_default(),
            sequence: partition.map_or(0, |partition| partition.view.head().sequence),
            address: self.listen.to_string(),
            pid: std::process::id(),
        };
        match link.call(PlaneCall::Register(register), REGISTRATION).await {
            Ok(PlaneAnswer::Assignment(assignment)) => Registered::As(Box::new(assignment)),
            Ok(PlaneAnswer::Failed(failed)) => {
                tracing::warn!(code = ?failed.code(), reason = failed.text, "the control plane refuses the HSM");
                if failed.code() == FailedCode::Expelled { Registered::Never } else { Registered::Later }
            }
            Ok(_) => Registered::Later,
            Err(error) => {
                tracing::warn!(%error, "the registration was not answered");
                Registered::Later
            }
        }
    }

    /// What can be taken over at once.
    fn take_assignment(&self, assignment: &Assignment) -> Result<(), String> {
        if let Some(partition) = self.partition()
            && partition.hsm.identity().cluster_id != assignment.cluster_id
        {
            return Err(format!("it names {}, another cluster", assignment.cluster_id));
        }
        if let Some(partition) = self.partition() {
            let went_on = partition.audit.go_on_from(assignment.audit_next);
            went_on.map_err(|error| error.to_string())?;
        }
        self.clock.set_offset(assignment.clock_offset_ms);
        self.peers.send_replace(assignment.peers.clone());
        if let Some(certificates) = &assignment.certificates {
            self.take_certificates(certificates.clone())?;
        }
        if let Err(reason) = self.faults.set(assignment.fault.unwrap_or_default()) {
            tracing::warn!(reason, "the HSM does nothing wrong, although it was told to");
        }
        if let Some(rules) = &assignment.rules
            && let Err(reason) = self.rules.begin_with(rules)
        {
            // It is reported, and the control plane has to know of it from this very connection.
            tracing::error!(reason, "the rules for clients cannot be taken");
        }
        Ok(())
    }
}
