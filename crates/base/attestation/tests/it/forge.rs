//! Documents as a Nitro Secure Module would make them, under a root of this test's own.

use ciborium::Value;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, SignatureAlgorithm,
};
use strongroom_crypto::digest::sha384;
use strongroom_crypto::ec;
use strongroom_pki::Certificate;

/// The time of these tests: rcgen's certificates are valid from 1975 to 4096 unless told otherwise.
pub(crate) const NOW: i64 = 1_767_225_600;

/// A certificate and its key.
struct Holder {
    params: CertificateParams,
    key: KeyPair,
    der: Vec<u8>,
}

/// What makes documents, and how it deviates from what is right.
pub(crate) struct Enclave {
    root: Holder,
    pub(crate) authorities: Vec<Vec<u8>>,
    pub(crate) leaf: Vec<u8>,
    key: KeyPair,
    pub(crate) protected: Vec<u8>,
    pub(crate) members: Vec<(Value, Value)>,
    /// Whether a signature is made as long as one on P-384.
    pub(crate) pads: bool,
}

impl Enclave {
    /// One that is in order: root, zone, leaf on P-384.
    pub(crate) fn new() -> Self {
        Self::of(IsCa::Ca(BasicConstraints::Constrained(0)), IsCa::ExplicitNoCa, &PKCS_ECDSA_P384_SHA384)
    }

    /// One whose root, leaf and leaf's key are of these kinds.
    pub(crate) fn of(zone: IsCa, leaf: IsCa, algorithm: &'static SignatureAlgorithm) -> Self {
        let root = holder("root", IsCa::Ca(BasicConstraints::Unconstrained), &PKCS_ECDSA_P384_SHA384, None);
        let zone = holder("zone", zone, &PKCS_ECDSA_P384_SHA384, Some(&root));
        let leaf = holder("enclave", leaf, algorithm, Some(&zone));
        let mut enclave = Self {
            authorities: vec![root.der.clone(), zone.der],
            leaf: leaf.der,
            key: leaf.key,
            root,
            protected: vec![0xa1, 0x01, 0x38, 0x22],
            members: Vec::new(),
            pads: false,
        };
        enclave.members = enclave.right_members();
        enclave
    }

    /// One whose leaf has a key on another curve.
    pub(crate) fn on_p256() -> Self {
        Self::of(IsCa::Ca(BasicConstraints::Constrained(0)), IsCa::ExplicitNoCa, &PKCS_ECDSA_P256_SHA256)
    }

    pub(crate) fn root(&self) -> Certificate {
        Certificate::from_der(&self.root.der).unwrap()
    }

    fn right_members(&self) -> Vec<(Value, Value)> {
        let registers = (0..16_u8).map(|number| (Value::from(number), Value::Bytes(vec![number; 48])));
        let bundle = self.authorities.iter().map(|der| Value::Bytes(der.clone())).collect();
        let members = [
            ("module_id", Value::from("i-1234567890abcdef0-enc0123456789abcdef")),
            ("digest", Value::from("SHA384")),
            ("timestamp", Value::from(1_767_225_600_000_u64)),
            ("pcrs", Value::Map(registers.collect())),
            ("certificate", Value::Bytes(self.leaf.clone())),
            ("cabundle", Value::Array(bundle)),
            ("public_key", Value::Bytes(b"a key".to_vec())),
            ("user_data", Value::Null),
            ("nonce", Value::Null),
        ];
        members.map(|(name, value)| (Value::from(name), value)).to_vec()
    }

    /// Puts another value in the place of a member.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        let member = self.members.iter_mut().find(|(member, _)| member.as_text() == Some(name)).unwrap();
        member.1 = value.into();
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.members.retain(|(member, _)| member.as_text() != Some(name));
        self
    }

    /// The document, signed.
    pub(crate) fn document(&self) -> Vec<u8> {
        let payload = encoded(&Value::Map(self.members.clone()));
        let to_sign = Value::Array(vec![
            Value::from("Signature1"),
            Value::Bytes(self.protected.clone()),
            Value::Bytes(Vec::new()),
            Value::Bytes(payload.clone()),
        ]);
        let key = ec::PrivateKey::from_pkcs8(self.key.serialized_der()).unwrap();
        let mut signature = key.sign_digest(&sha384(&encoded(&to_sign))).unwrap();
        if self.pads {
            let halves = signature.chunks(signature.len() / 2);
            signature = halves.flat_map(|half| [&vec![0; 48 - half.len()], half].concat()).collect();
        }
        encoded(&Value::Array(vec![
            Value::Bytes(self.protected.clone()),
            Value::Map(Vec::new()),
            Value::Bytes(payload),
            Value::Bytes(signature),
        ]))
    }
}

pub(crate) fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn holder(
    name: &str,
    is_ca: IsCa,
    algorithm: &'static SignatureAlgorithm,
    issuer: Option<&Holder>,
) -> Holder {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = is_ca;
    let made = match issuer {
        None => params.self_signed(&key).unwrap(),
        Some(issuer) => params.signed_by(&key, &Issuer::from_params(&issuer.params, &issuer.key)).unwrap(),
    };
    Holder { der: made.der().to_vec(), params, key }
}
