//! What the control plane keeps.

use std::collections::BTreeMap;

use strongroom_hsm_proto::fleet::{
    AssignedRole, Assignment, AuditRecord, ClusterCertificates, ClusterMode, Failed, FailedCode, Fault,
    FromHsm, HsmCall, PutPiece, Register, Report, RestoreFrom, Rules,
};
use tokio::sync::mpsc;

use super::CLUSTER;

/// Where calls to an HSM go.
pub(crate) type Calls = mpsc::UnboundedSender<(HsmCall, std::sync::mpsc::Sender<FromHsm>)>;

/// The one-time token of every HSM here.
pub(crate) const TOKEN: &str = "a-token-for-once";

/// Everything.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) log: BTreeMap<u64, Vec<u8>>,
    pub(crate) snapshot: u64,
    pub(crate) blobs: BTreeMap<(i32, String), Vec<u8>>,
    pub(crate) drafts: BTreeMap<(i32, String), Vec<u8>>,
    pub(crate) certificates: Option<ClusterCertificates>,
    pub(crate) rules: Rules,
    pub(crate) restore: Option<RestoreFrom>,
    /// The cluster that HSMs are told to be of.
    pub(crate) cluster: Option<String>,
    /// Answers to appends are held back and the connection is cut instead, this often.
    pub(crate) lose_answers: u32,
    /// How often audit records came that were not stored; none when they are stored.
    pub(crate) audit_refused: Option<u32>,
    /// Appends are made and said to have failed, this often.
    pub(crate) deny_appends: u32,
    /// What HSMs that connect are told to do wrong.
    pub(crate) fault: Option<Fault>,
    hsms: BTreeMap<String, Hsm>,
}

#[derive(Default)]
pub(crate) struct Hsm {
    role: Option<AssignedRole>,
    certificate: Vec<u8>,
    report: Option<Report>,
    pub(crate) audit: Vec<AuditRecord>,
    connection: Option<Calls>,
    address: String,
}

impl Store {
    pub(crate) fn expect(&mut self, hsm_id: &str, role: AssignedRole) {
        self.hsms.entry(hsm_id.to_owned()).or_default().role = Some(role);
    }

    pub(crate) fn head(&self) -> u64 {
        self.log.keys().next_back().copied().unwrap_or(0)
    }

    pub(crate) fn first(&self) -> u64 {
        self.log.keys().next().copied().unwrap_or(0)
    }

    pub(crate) fn report(&self, hsm_id: &str) -> Option<&Report> {
        self.hsms.get(hsm_id)?.report.as_ref()
    }

    pub(crate) fn forget_report(&mut self, hsm_id: &str) {
        if let Some(hsm) = self.hsms.get_mut(hsm_id) {
            hsm.report = None;
        }
    }

    pub(crate) fn hsm(&mut self, hsm_id: &str) -> &mut Hsm {
        self.hsms.entry(hsm_id.to_owned()).or_default()
    }

    pub(crate) fn audit(&self, hsm_id: &str) -> &[AuditRecord] {
        self.hsms.get(hsm_id).map_or(&[], |hsm| &hsm.audit)
    }

    pub(crate) fn connection(&self, hsm_id: &str) -> Option<Calls> {
        self.hsms.get(hsm_id)?.connection.clone()
    }

    pub(crate) fn connected(&self) -> Vec<String> {
        let connected = self.hsms.iter().filter(|(_, hsm)| hsm.connection.is_some());
        connected.map(|(hsm_id, _)| hsm_id.clone()).collect()
    }

    pub(crate) fn others(&self, hsm_id: &str) -> Vec<Calls> {
        let others = self.hsms.iter().filter(|(other, _)| *other != hsm_id);
        others.filter_map(|(_, hsm)| hsm.connection.clone()).collect()
    }

    pub(crate) fn forget_connections(&mut self) {
        for hsm in self.hsms.values_mut() {
            hsm.connection = None;
        }
    }

    pub(crate) fn disconnect(&mut self, hsm_id: &str, connection: &Calls) {
        if let Some(hsm) = self.hsms.get_mut(hsm_id)
            && hsm.connection.as_ref().is_some_and(|current| current.same_channel(connection))
        {
            hsm.connection = None;
        }
    }

    pub(crate) fn allow(&mut self, networks: &[&str]) -> Rules {
        self.rules.revision += 1;
        self.rules.allow = networks.iter().map(ToString::to_string).collect();
        self.rules.clone()
    }

    pub(crate) fn set_report(&mut self, hsm_id: &str, report: Report) {
        let hsm = self.hsm(hsm_id);
        // Once it has a partition it goes on with it, whatever happens.
        if report.sequence > 0 {
            hsm.role = Some(AssignedRole::Resume);
        }
        hsm.report = Some(report);
    }

    /// Takes a registration, of an HSM with this certificate.
    pub(crate) fn register(
        &mut self,
        register: &Register,
        shown: &[u8],
        connection: Calls,
    ) -> Result<Assignment, Failed> {
        let refused = |code: FailedCode, text: &str| Failed { code: code.into(), text: text.to_owned() };
        let head = self.head();
        let cluster_id = self.cluster.clone().unwrap_or_else(|| CLUSTER.to_owned());
        let peers =
            self.hsms.iter().filter(|(other, hsm)| **other != register.hsm_id && !hsm.address.is_empty());
        let peers = peers.map(|(_, hsm)| hsm.address.clone()).collect();
        let hsm = self.hsms.get_mut(&register.hsm_id);
        let hsm = hsm.ok_or_else(|| refused(FailedCode::Expelled, "no such HSM"))?;
        if hsm.certificate.is_empty() && register.enrolment_token == TOKEN {
            hsm.certificate = shown.to_vec();
        }
        if hsm.certificate != shown || register.device_chain.first().map(Vec::as_slice) != Some(shown) {
            return Err(refused(FailedCode::NotEnrolled, "another device"));
        }
        hsm.connection = Some(connection);
        let audit_next = hsm.audit.len() as u64;
        hsm.address.clone_from(&register.address);
        let role = if register.cluster_id.is_empty() { hsm.role } else { None };
        Ok(Assignment {
            cluster_id,
            role: role.unwrap_or(AssignedRole::Resume).into(),
            mode: ClusterMode::Fips.into(),
            head,
            rules: Some(self.rules.clone()),
            certificates: self.certificates.clone(),
            peers,
            clock_offset_ms: 0,
            restore: self.restore.clone(),
            report_every_ms: 0,
            audit_next,
            fault: self.fault,
        })
    }

    pub(crate) fn put(&mut self, piece: PutPiece) {
        let name = (piece.kind, piece.name);
        let draft = self.drafts.entry(name.clone()).or_default();
        draft.truncate(piece.offset as usize);
        draft.extend(piece.bytes);
        if piece.last {
            let whole = self.drafts.remove(&name).unwrap_or_default();
            self.blobs.insert(name, whole);
        }
    }
}
