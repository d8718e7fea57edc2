//! `crypto sign ...` and `crypto verify ...`

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use strongroom_crypto::digest;
use strongroom_hsm_proto::command::{self as hsm, Command, FailureCode, Hash, Mechanism, MechanismKind};

use super::mechanism::{plain, same_hash};
use super::{selection, the, token};
use crate::bench::Bench;
use crate::error::CliError;
use crate::file::given;
use crate::grammar::crypto::{
    Data as GivenData, DataType, Hashed, MlDsaDataType, MlDsaOptions, Pss, Sign, SignInput, Verify,
    VerifyInput,
};
use crate::output::key::Signature;
use crate::output::words::key_reference;
use crate::output::{Data, data, message};

/// Data that goes to the HSM as it is, in bytes; what is longer is hashed here.
const MAX_UNHASHED: usize = 16 << 10;

/// What AWS's client says of a wrong signature.
const WRONG: &str = "Signature verification failed";

pub(super) fn sign(bench: &mut Bench, command: Sign) -> Result<Data, CliError> {
    let (input, mechanism) = match command {
        Sign::Ecdsa { input, mechanism } => (input, ecdsa(&mechanism)),
        Sign::Ed25519 { input } => (input, plain(MechanismKind::Ed25519)),
        Sign::Ed25519ph { input, mechanism } => (input, ed25519ph(mechanism.data_type)),
        Sign::MlDsa { input, mechanism } => (input, ml_dsa(&mechanism)),
        Sign::RsaPkcs { input, mechanism } => (input, rsa_pkcs(&mechanism)),
        Sign::RsaPkcsPss { input, mechanism } => (input, pss(&mechanism)?),
    };
    let SignInput { key_filter, data: given_data, approval } = input;
    let approvals = token::approvals([approval.as_deref()])?;
    let (mechanism, bytes) = prepared(mechanism, &given_data)?;
    let cluster = bench.cluster()?;
    let key = selection::one(cluster, &key_filter)?;
    let sign = hsm::Sign { key, mechanism: Some(mechanism), data: bytes };
    let reply =
        cluster.call_approved(Command::Sign(sign), approvals).map_err(|error| match error.code() {
            Some(FailureCode::QuorumRequired) => CliError::usage("Quorum Failed"),
            _ => error.into(),
        })?;
    let output = the!(reply, Output)?;
    data(Signature { key_reference: key_reference(key), signature: BASE64.encode(&output.data) })
}

pub(super) fn verify(bench: &mut Bench, command: Verify) -> Result<Data, CliError> {
    let (input, mechanism) = match command {
        Verify::Ecdsa { input, mechanism } => (input, ecdsa(&mechanism)),
        Verify::Ed25519 { input } => (input, plain(MechanismKind::Ed25519)),
        Verify::Ed25519ph { input, mechanism } => (input, ed25519ph(mechanism.data_type)),
        Verify::MlDsa { input, mechanism } => (input, ml_dsa(&mechanism)),
        Verify::RsaPkcs { input, mechanism } => (input, rsa_pkcs(&mechanism)),
        Verify::RsaPkcsPss { input, mechanism } => (input, pss(&mechanism)?),
    };
    let VerifyInput { key_filter, data: given_data, signature } = input;
    let signature = given(signature.signature.as_deref(), signature.signature_path.as_ref(), "--signature")?;
    let (mechanism, bytes) = prepared(mechanism, &given_data)?;
    let cluster = bench.cluster()?;
    let key = selection::one(cluster, &key_filter)?;
    let verify = hsm::Verify { key, mechanism: Some(mechanism), data: bytes, signature };
    let reply = cluster.call(Command::Verify(verify)).map_err(|error| match error.code() {
        Some(FailureCode::CryptographyFailed) => CliError::usage(WRONG),
        _ => error.into(),
    })?;
    if the!(reply, Verified)?.valid {
        Ok(message("Signature verified successfully"))
    } else {
        Err(CliError::usage(WRONG))
    }
}

/// Reads the data; long data is hashed here, as AWS's client does, so that HSMs take it whatever its length.
fn prepared(mut mechanism: Mechanism, given_data: &GivenData) -> Result<(Mechanism, Vec<u8>), CliError> {
    let data = given(given_data.data.as_deref(), given_data.data_path.as_ref(), "--data")?;
    if data.len() <= MAX_UNHASHED || mechanism.prehashed {
        return Ok((mechanism, data));
    }
    let hashes =
        matches!(mechanism.kind(), MechanismKind::RsaPkcs | MechanismKind::RsaPss | MechanismKind::Ecdsa);
    let hash = match mechanism.hash() {
        _ if !hashes => return Ok((mechanism, data)),
        Hash::None => return Ok((mechanism, data)),
        Hash::Sha1 => digest::Hash::Sha1,
        Hash::Sha224 => digest::Hash::Sha224,
        Hash::Sha256 => digest::Hash::Sha256,
        Hash::Sha384 => digest::Hash::Sha384,
        Hash::Sha512 => digest::Hash::Sha512,
    };
    mechanism.prehashed = true;
    Ok((mechanism, hash.digest(&data)))
}

fn hashed(kind: MechanismKind, options: &Hashed) -> Mechanism {
    Mechanism {
        kind: kind.into(),
        hash: Hash::from(options.hash_function).into(),
        prehashed: options.data_type == DataType::Digest,
        ..Mechanism::default()
    }
}

fn ecdsa(options: &Hashed) -> Mechanism {
    hashed(MechanismKind::Ecdsa, options)
}

/// A digest is given as a DigestInfo, which names its hash function itself.
fn rsa_pkcs(options: &Hashed) -> Mechanism {
    match options.data_type {
        DataType::Raw => hashed(MechanismKind::RsaPkcs, options),
        DataType::Digest => plain(MechanismKind::RsaPkcs),
    }
}

fn pss(options: &Pss) -> Result<Mechanism, CliError> {
    same_hash(options.hashed.hash_function.into(), options.mgf.into())?;
    let mut mechanism = hashed(MechanismKind::RsaPss, &options.hashed);
    mechanism.salt_length = options.salt_length;
    Ok(mechanism)
}

fn ed25519ph(data_type: DataType) -> Mechanism {
    let mut mechanism = plain(MechanismKind::Ed25519ph);
    mechanism.hash = Hash::Sha512.into();
    mechanism.prehashed = data_type == DataType::Digest;
    mechanism
}

fn ml_dsa(options: &MlDsaOptions) -> Mechanism {
    let mut mechanism = plain(MechanismKind::MlDsa);
    mechanism.prehashed = options.data_type == MlDsaDataType::ExternalMu;
    mechanism
}
