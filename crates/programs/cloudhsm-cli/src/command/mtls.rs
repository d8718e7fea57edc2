//! `cluster mtls ...`

use std::collections::BTreeMap;

use strongroom_hsm_proto::command::{
    Command, DeregisterTrustAnchor, EnforcementLevel, GetMtlsEnforcement, ListTrustAnchors,
    RegisterTrustAnchor, SetMtlsEnforcement, TrustAnchor,
};

use super::{answers, the, token, unexpected};
use crate::bench::Bench;
use crate::error::CliError;
use crate::file::read_bounded;
use crate::grammar::cluster::{self, Level, Mtls};
use crate::output::cluster::{Anchor, Anchors, Enforcement, OneAnchor, anchor_reference};
use crate::output::merge::coverage;
use crate::output::words::FULL;
use crate::output::{Data, data, message};

/// The longest chain that HSMs take, in bytes.
const MAX_CHAIN: u64 = 6_980;

pub(super) fn run(bench: &mut Bench, command: Mtls) -> Result<Data, CliError> {
    match command {
        Mtls::RegisterTrustAnchor(options) => register(bench, &options),
        Mtls::DeregisterTrustAnchor(options) => deregister(bench, &options),
        Mtls::ListTrustAnchors => list(bench),
        Mtls::GetEnforcement => get(bench),
        Mtls::SetEnforcement(options) => set(bench, &options),
    }
}

fn register(bench: &mut Bench, options: &cluster::RegisterTrustAnchor) -> Result<Data, CliError> {
    let certificate = String::from_utf8(read_bounded(&options.path, MAX_CHAIN)?)
        .map_err(|_| CliError::file(&options.path, "not a PEM file"))?;
    let approvals = token::approvals([options.approval.as_deref()])?;
    let register = Command::RegisterTrustAnchor(RegisterTrustAnchor { certificate: certificate.clone() });
    let reply = bench.cluster()?.call_approved(register, approvals)?;
    let anchors = the!(reply, TrustAnchors)?.anchors;
    // An HSM may answer with the new one, or with all.
    let new = anchors
        .iter()
        .rev()
        .find(|anchor| anchor.certificate.trim() == certificate.trim())
        .or(anchors.last())
        .ok_or_else(unexpected)?;
    data(OneAnchor { trust_anchor: Anchor::of(new, FULL) })
}

fn deregister(bench: &mut Bench, options: &cluster::DeregisterTrustAnchor) -> Result<Data, CliError> {
    let certificate_reference = options.certificate_reference;
    let approvals = token::approvals([options.approval.as_deref()])?;
    let deregister = Command::DeregisterTrustAnchor(DeregisterTrustAnchor { certificate_reference });
    bench.cluster()?.call_approved(deregister, approvals)?;
    Ok(message(&format!(
        "Trust anchor with reference {} deregistered successfully",
        anchor_reference(certificate_reference)
    )))
}

fn list(bench: &mut Bench) -> Result<Data, CliError> {
    let answered = bench.cluster()?.call_each(&Command::ListTrustAnchors(ListTrustAnchors {}))?;
    let lists = answers(answered, |reply| Ok(the!(reply, TrustAnchors)?.anchors))?;
    let mut found: BTreeMap<u32, (&TrustAnchor, usize)> = BTreeMap::new();
    for anchor in lists.iter().flatten() {
        found.entry(anchor.certificate_reference).or_insert((anchor, 0)).1 += 1;
    }
    let anchors = found.values().map(|(anchor, count)| Anchor::of(anchor, coverage(*count, lists.len())));
    data(Anchors { trust_anchors: anchors.collect() })
}

fn get(bench: &mut Bench) -> Result<Data, CliError> {
    let reply = bench.cluster()?.call(Command::GetMtlsEnforcement(GetMtlsEnforcement {}))?;
    data(Enforcement::of(the!(reply, Enforcement)?.level()))
}

fn set(bench: &mut Bench, options: &cluster::SetEnforcement) -> Result<Data, CliError> {
    let (level, name) = match options.level {
        Level::None => (EnforcementLevel::None, "None"),
        Level::Cluster => (EnforcementLevel::Cluster, "Cluster"),
    };
    let approvals = token::approvals([options.approval.as_deref()])?;
    let set = Command::SetMtlsEnforcement(SetMtlsEnforcement { level: level.into() });
    bench.cluster()?.call_approved(set, approvals)?;
    Ok(message(&format!("Mtls enforcement level set to {name} successfully")))
}
