//! `key wrap ...`

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use strongroom_hsm_proto::command::{Command, Mechanism, MechanismKind, WrapKey};

use super::mechanism::{gcm, oaep, plain};
use super::{selection, the, token};
use crate::bench::Bench;
use crate::error::CliError;
use crate::file::write_whole;
use crate::grammar::wrap::{Wrap, WrapKeys};
use crate::output::Data;
use crate::output::key::Wrapped;

pub(super) fn wrap(bench: &mut Bench, command: Wrap) -> Result<Data, CliError> {
    use MechanismKind as M;
    let (keys, mechanism) = match command {
        Wrap::AesGcm { keys, gcm: options } => (keys, gcm(M::AesGcm, options, Vec::new())),
        Wrap::AesNoPad(keys) => (keys, plain(M::AesKeyWrapNoPad)),
        Wrap::AesPkcs5Pad(keys) => (keys, plain(M::AesKeyWrapPkcs5Pad)),
        Wrap::AesZeroPad(keys) => (keys, plain(M::AesKeyWrapZeroPad)),
        Wrap::CloudhsmAesGcm { keys, gcm: options } => (keys, gcm(M::CloudHsmAesGcm, options, Vec::new())),
        Wrap::RsaAes { keys, oaep: options } => (keys, oaep(M::RsaAesKeyWrap, &options)?),
        Wrap::RsaOaep { keys, oaep: options } => (keys, oaep(M::RsaOaep, &options)?),
        Wrap::RsaPkcs(keys) => (keys, plain(M::RsaPkcs)),
    };
    with(bench, &keys, mechanism)
}

fn with(bench: &mut Bench, keys: &WrapKeys, mechanism: Mechanism) -> Result<Data, CliError> {
    let kind = mechanism.kind();
    let approvals = token::approvals([keys.payload_approval.as_deref(), keys.wrapping_approval.as_deref()])?;
    let cluster = bench.cluster()?;
    let payload = selection::one(cluster, &keys.payload_filter)?;
    let wrapping = selection::one(cluster, &keys.wrapping_filter)?;
    let wrap = Command::WrapKey(WrapKey { payload, wrapping, mechanism: Some(mechanism) });
    let wrapped = the!(cluster.call_approved(wrap, approvals)?, Wrapped)?;
    if let Some(path) = &keys.path {
        write_whole(path, &wrapped.wrapped)?;
    }
    let answer = Wrapped {
        payload,
        wrapping,
        iv: (kind == MechanismKind::AesGcm).then_some(wrapped.iv),
        data: BASE64.encode(&wrapped.wrapped),
        dashes: matches!(kind, MechanismKind::RsaAesKeyWrap | MechanismKind::RsaOaep),
    };
    Ok(answer.shown())
}
