//! `key unwrap ...`

use strongroom_hsm_proto::command::{Command, Mechanism, MechanismKind, UnwrapKey};

use super::generate::{quorum, shown, template};
use super::mechanism::{gcm, oaep, plain};
use super::{selection, the, token};
use crate::bench::Bench;
use crate::error::CliError;
use crate::file::given;
use crate::grammar::wrap::{Unwrap, UnwrapPayload};
use crate::output::key::OneKey;
use crate::output::{Data, data};

pub(super) fn unwrap(bench: &mut Bench, command: Unwrap) -> Result<Data, CliError> {
    use MechanismKind as M;
    let (payload, mechanism) = match command {
        Unwrap::AesGcm { payload, gcm: options, iv } => (payload, gcm(M::AesGcm, options, iv.0)),
        Unwrap::AesNoPad(payload) => (payload, plain(M::AesKeyWrapNoPad)),
        Unwrap::AesPkcs5Pad(payload) => (payload, plain(M::AesKeyWrapPkcs5Pad)),
        Unwrap::AesZeroPad(payload) => (payload, plain(M::AesKeyWrapZeroPad)),
        Unwrap::CloudhsmAesGcm { payload, gcm: options } => {
            (payload, gcm(M::CloudHsmAesGcm, options, Vec::new()))
        }
        Unwrap::RsaAes { payload, oaep: options } => (payload, oaep(M::RsaAesKeyWrap, &options)?),
        Unwrap::RsaOaep { payload, oaep: options } => (payload, oaep(M::RsaOaep, &options)?),
        Unwrap::RsaPkcs(payload) => (payload, plain(M::RsaPkcs)),
    };
    with(bench, payload, mechanism)
}

fn with(bench: &mut Bench, payload: UnwrapPayload, mechanism: Mechanism) -> Result<Data, CliError> {
    let wrapped = given(payload.wrapped.data.as_deref(), payload.wrapped.data_path.as_ref(), "--data")?;
    let approvals = token::approvals([payload.approval.as_deref()])?;
    let (key_type, class) = payload.key_type_class.type_and_class();
    let template = template(&payload.label, payload.session, payload.attributes)?;
    let cluster = bench.cluster()?;
    let unwrapping = selection::one(cluster, &payload.filter)?;
    let unwrap = UnwrapKey {
        unwrapping,
        mechanism: Some(mechanism),
        wrapped,
        class: class.into(),
        key_type: key_type.into(),
        template: Some(template),
        quorum: Some(quorum(&payload.sharing)),
        share_with: payload.sharing.share_crypto_users,
    };
    let key = the!(cluster.call_approved(Command::UnwrapKey(unwrap), approvals)?, Key)?;
    data(OneKey { key: shown(cluster, &key), message: None })
}
