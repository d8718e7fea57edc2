//! New materials in a cluster: what HSMs are asked for, and what they answer.

use strongroom_hsm_proto::command::{
    Attribute, AttributeName, AttributeValue, Command, Curve, GenerateKey, GenerateKeyPair, KeyType,
    MlDsaSet, PairKind, Reply, Result as Answered, RsaParameters, Template,
};

use super::refusal::nonsense;
use crate::backend::Wanted;
use crate::domain::key::{Held, PublicHalf};
use crate::domain::spec::{KeySpec, KeyUsage};
use crate::error::Refusal;

/// The public exponent of RSA keys, 65537.
const PUBLIC_EXPONENT: [u8; 3] = [1, 0, 1];

/// What HSMs make of a spec.
enum Kind {
    /// A secret of a type and so many bytes.
    Secret(KeyType, u32),
    /// A pair.
    Pair(PairKind),
}

/// What HSMs make of a spec; none for what they do not make.
fn kind(spec: KeySpec) -> Option<Kind> {
    let rsa = |modulus_bits| {
        let public_exponent = PUBLIC_EXPONENT.to_vec();
        Kind::Pair(PairKind::Rsa(RsaParameters { modulus_bits, public_exponent }))
    };
    let curve = |curve: Curve| Kind::Pair(PairKind::Ec(curve.into()));
    let ml_dsa = |set: MlDsaSet| Kind::Pair(PairKind::MlDsa(set.into()));
    Some(match spec {
        KeySpec::SymmetricDefault => Kind::Secret(KeyType::Aes, 32),
        KeySpec::Rsa2048 => rsa(2_048),
        KeySpec::Rsa3072 => rsa(3_072),
        KeySpec::Rsa4096 => rsa(4_096),
        KeySpec::EccNistP256 => curve(Curve::Secp256r1),
        KeySpec::EccNistP384 => curve(Curve::Secp384r1),
        KeySpec::EccNistP521 => curve(Curve::Secp521r1),
        KeySpec::EccSecgP256k1 => curve(Curve::Secp256k1),
        KeySpec::EccNistEdwards25519 => curve(Curve::Ed25519),
        KeySpec::Hmac224 => Kind::Secret(KeyType::GenericSecret, 28),
        KeySpec::Hmac256 => Kind::Secret(KeyType::GenericSecret, 32),
        KeySpec::Hmac384 => Kind::Secret(KeyType::GenericSecret, 48),
        KeySpec::Hmac512 => Kind::Secret(KeyType::GenericSecret, 64),
        KeySpec::MlDsa44 => ml_dsa(MlDsaSet::MlDsa44),
        KeySpec::MlDsa65 => ml_dsa(MlDsaSet::MlDsa65),
        KeySpec::MlDsa87 => ml_dsa(MlDsaSet::MlDsa87),
        KeySpec::Sm2 | KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024 => return None,
    })
}

/// What the key does, or its public half and its private one.
const fn uses(usage: KeyUsage) -> (&'static [AttributeName], &'static [AttributeName]) {
    match usage {
        KeyUsage::EncryptDecrypt => (&[AttributeName::Encrypt], &[AttributeName::Decrypt]),
        KeyUsage::SignVerify | KeyUsage::GenerateVerifyMac => {
            (&[AttributeName::Verify], &[AttributeName::Sign])
        }
        KeyUsage::KeyAgreement => (&[], &[AttributeName::Derive]),
        KeyUsage::EncapsulateDecapsulate => (&[], &[]),
    }
}

/// Whether a cluster makes keys of that spec for that usage.
pub(super) fn offers(spec: KeySpec, usage: KeyUsage) -> bool {
    spec.serves(usage) && kind(spec).is_some()
}

/// The command that makes the material.
pub(super) fn command(wanted: &Wanted<'_>) -> Result<Command, Refusal> {
    let (public, private) = uses(wanted.usage);
    match kind(wanted.spec) {
        Some(Kind::Secret(key_type, length)) => Ok(Command::GenerateKey(GenerateKey {
            key_type: key_type.into(),
            length,
            template: Some(secret(wanted, &[public, private].concat())),
            share_with: Vec::new(),
            quorum: None,
        })),
        Some(Kind::Pair(kind)) => Ok(Command::GenerateKeyPair(GenerateKeyPair {
            kind: Some(kind),
            public_template: Some(named(wanted, public)),
            private_template: Some(secret(wanted, private)),
            share_with: Vec::new(),
            quorum: None,
        })),
        None => Err(Refusal::NotYet("keys of this KeySpec in custom key stores")),
    }
}

/// What every secret or private key of KMS is like, and may do.
pub(super) fn secret(wanted: &Wanted<'_>, uses: &[AttributeName]) -> Template {
    let mut template = named(wanted, uses);
    let flags = [
        (AttributeName::Private, true),
        (AttributeName::Sensitive, true),
        (AttributeName::Extractable, false),
    ];
    template.attributes.extend(flags.map(|(name, value)| flag(name, value)));
    template
}

/// A key that is kept and has the names of the material, and may do this and nothing else.
pub(super) fn named(wanted: &Wanted<'_>, uses: &[AttributeName]) -> Template {
    const USES: [AttributeName; 7] = [
        AttributeName::Encrypt,
        AttributeName::Decrypt,
        AttributeName::Sign,
        AttributeName::Verify,
        AttributeName::Wrap,
        AttributeName::Unwrap,
        AttributeName::Derive,
    ];
    let label = wanted.home.key_arn(wanted.key_id).into_bytes();
    let mut attributes = vec![
        bytes(AttributeName::Label, label),
        bytes(AttributeName::Id, wanted.material_id.to_vec()),
        flag(AttributeName::Token, true),
    ];
    attributes.extend(USES.map(|name| flag(name, uses.contains(&name))));
    Template { attributes }
}

fn flag(name: AttributeName, value: bool) -> Attribute {
    Attribute { name: name.into(), value: Some(AttributeValue::Flag(value)) }
}

fn bytes(name: AttributeName, value: Vec<u8>) -> Attribute {
    Attribute { name: name.into(), value: Some(AttributeValue::Bytes(value)) }
}

/// Where the material is that the HSMs have made.
pub(super) fn held(reply: Reply) -> Result<Held, Refusal> {
    match reply.result {
        Some(Answered::Key(key)) => Ok(Held::InCluster { handle: key.key, public: None }),
        Some(Answered::KeyPair(pair)) => {
            let (Some(public), Some(private)) = (pair.public, pair.private) else {
                return Err(nonsense("an HSM makes half of a key pair"));
            };
            let public = PublicHalf { handle: public.key, der: public.public_key };
            Ok(Held::InCluster { handle: private.key, public: Some(public) })
        }
        _ => Err(nonsense("an HSM makes a key and answers something else")),
    }
}
