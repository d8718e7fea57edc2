//! What clients ask for.

use anyhow::{Result, bail};
use strongroom_hsm_client::Cluster;
use strongroom_hsm_proto::command::{
    Attribute, AttributeName, AttributeValue, Command, Curve, Encrypt, GenerateKey, GenerateKeyPair, Hash,
    HsmInfo, KeyType, Mechanism, MechanismKind, PairKind, Result as Done, RsaParameters, Sign, Template,
};

/// A digest that is signed.
const DIGEST: [u8; 32] = [7; 32];

/// How much is encrypted at a time.
const PLAINTEXT: usize = 1_024;

/// Keys to work with.
#[derive(Clone, Copy)]
pub(crate) struct Work {
    rsa: u64,
    p256: u64,
    aes: u64,
}

impl Work {
    /// Makes the keys.
    pub(crate) fn prepare(client: &mut Cluster) -> Result<Self> {
        let rsa = RsaParameters { modulus_bits: 2_048, public_exponent: vec![1, 0, 1] };
        let encrypts = vec![flag(AttributeName::Encrypt), label("aes")];
        Ok(Self {
            rsa: pair(client, PairKind::Rsa(rsa), "rsa")?,
            p256: pair(client, PairKind::Ec(Curve::Secp256r1.into()), "p256")?,
            aes: key(client, generate_aes(encrypts))?,
        })
    }

    /// An RSA signature.
    pub(crate) fn rsa(&self) -> Command {
        sign(self.rsa, MechanismKind::RsaPkcs)
    }

    /// An ECDSA signature.
    pub(crate) fn p256(&self) -> Command {
        sign(self.p256, MechanismKind::Ecdsa)
    }

    /// Encrypts with AES-GCM.
    pub(crate) fn gcm(&self) -> Command {
        let mechanism =
            Mechanism { kind: MechanismKind::AesGcm.into(), tag_length: 128, ..Mechanism::default() };
        Command::Encrypt(Encrypt { key: self.aes, mechanism: Some(mechanism), data: vec![1; PLAINTEXT] })
    }

    /// Something that costs the HSM nothing but to be asked.
    #[expect(clippy::unused_self, reason = "one kind of work among others")]
    pub(crate) fn nothing(&self) -> Command {
        Command::HsmInfo(HsmInfo {})
    }
}

fn sign(key: u64, kind: MechanismKind) -> Command {
    let mechanism =
        Mechanism { kind: kind.into(), hash: Hash::Sha256.into(), prehashed: true, ..Mechanism::default() };
    Command::Sign(Sign { key, mechanism: Some(mechanism), data: DIGEST.to_vec() })
}

/// Makes a pair that signs; answers the private key's handle.
fn pair(client: &mut Cluster, kind: PairKind, name: &str) -> Result<u64> {
    let template = |usage, name: String| Some(Template { attributes: vec![flag(usage), label(&name)] });
    let generate = GenerateKeyPair {
        kind: Some(kind),
        public_template: template(AttributeName::Verify, format!("{name}-public")),
        private_template: template(AttributeName::Sign, name.to_owned()),
        ..GenerateKeyPair::default()
    };
    match client.call(Command::GenerateKeyPair(generate))?.result {
        Some(Done::KeyPair(pair)) => Ok(pair.private.unwrap_or_default().key),
        other => bail!("no pair: {other:?}"),
    }
}

/// Makes a key; answers its handle.
fn key(client: &mut Cluster, generate: Command) -> Result<u64> {
    match client.call(generate)?.result {
        Some(Done::Key(key)) => Ok(key.key),
        other => bail!("no key: {other:?}"),
    }
}

/// The call that makes an AES-256 key of the cluster.
pub(crate) fn generate_aes(attributes: Vec<Attribute>) -> Command {
    Command::GenerateKey(GenerateKey {
        key_type: KeyType::Aes.into(),
        length: 32,
        template: Some(Template { attributes }),
        ..GenerateKey::default()
    })
}

fn flag(name: AttributeName) -> Attribute {
    Attribute { name: name.into(), value: Some(AttributeValue::Flag(true)) }
}

pub(crate) fn label(label: &str) -> Attribute {
    let value = AttributeValue::Bytes(label.as_bytes().to_vec());
    Attribute { name: AttributeName::Label.into(), value: Some(value) }
}
