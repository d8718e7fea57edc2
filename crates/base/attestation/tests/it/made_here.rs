//! Documents that are right, and documents with one thing wrong.

use ciborium::Value;
use rcgen::{BasicConstraints, IsCa, PKCS_ECDSA_P384_SHA384};
use strongroom_attestation::{Attestation, MAX_LENGTH, Measured, NotBelieved};

use crate::forge::{Enclave, NOW, encoded};

const AUTHORITY: IsCa = IsCa::Ca(BasicConstraints::Constrained(0));

fn judged(enclave: &Enclave) -> Result<Attestation, NotBelieved> {
    Attestation::believed(&enclave.document(), &[enclave.root()], NOW)
}

#[test]
fn one_that_is_right_is_believed() {
    let enclave = Enclave::new();
    let attestation = judged(&enclave).unwrap();
    assert_eq!(attestation.module_id(), "i-1234567890abcdef0-enc0123456789abcdef");
    assert_eq!(attestation.registers().nth(15), Some((15, "0f".repeat(48))));
    assert_eq!(attestation.public_key(), Some(&b"a key"[..]));

    let tagged = [&[0xd2][..], &enclave.document()].concat();
    Attestation::believed(&tagged, &[enclave.root()], NOW).unwrap();
}

#[test]
fn members_that_nobody_knows_and_members_left_out_change_nothing() {
    let mut enclave = Enclave::new().without("public_key").without("nonce");
    let unknown = Value::Array(vec![Value::Map(vec![(Value::from(1), Value::Null)]), Value::from(2.5)]);
    enclave.members.push((Value::from("later"), unknown));
    assert_eq!(judged(&enclave).unwrap().public_key(), None);
}

#[test]
fn an_instance_is_no_enclave() {
    let registers = Value::Map(vec![(Value::from(4), Value::Bytes(vec![4; 48]))]);
    let mut instance = Enclave::new().without("pcrs");
    instance.members.push((Value::from("nitrotpm_pcrs"), registers.clone()));
    let attestation = judged(&instance).unwrap();
    assert_eq!(attestation.measured(), Measured::Instance);
    assert_eq!(attestation.image_digest(), None);
    assert_eq!(attestation.registers().collect::<Vec<_>>(), [(4, "04".repeat(48))]);

    let mut both = Enclave::new();
    both.members.push((Value::from("nitrotpm_pcrs"), registers));
    assert_eq!(judged(&both).unwrap_err(), NotBelieved::Malformed);
}

#[test]
fn a_long_document_is_signed_as_its_maker_writes_it() {
    for length in [20, 200, 60_000, 70_000] {
        let mut enclave = Enclave::new();
        enclave.members.push((Value::from("later"), Value::Bytes(vec![0; length])));
        assert!(judged(&enclave).is_ok(), "{length}");
    }
}

#[test]
fn what_is_malformed_is_refused() {
    let registers =
        |number: u64, length: usize| Value::Map(vec![(number.into(), Value::Bytes(vec![0; length]))]);
    let twice = {
        let mut enclave = Enclave::new();
        let again = enclave.members[0].clone();
        enclave.members.push(again);
        enclave
    };
    let mut other_algorithm = Enclave::new();
    other_algorithm.protected = vec![0xa1, 0x01, 0x26];
    let malformed = [
        ("no module", Enclave::new().without("module_id")),
        ("empty module", Enclave::new().with("module_id", "")),
        ("other digest", Enclave::new().with("digest", "SHA256")),
        ("no time", Enclave::new().with("timestamp", 0)),
        ("no registers", Enclave::new().with("pcrs", Value::Map(Vec::new()))),
        ("register 32", Enclave::new().with("pcrs", registers(32, 48))),
        ("register 256", Enclave::new().with("pcrs", registers(256, 48))),
        ("short register", Enclave::new().with("pcrs", registers(0, 47))),
        ("no certificate", Enclave::new().without("certificate")),
        ("certificate that is none", Enclave::new().with("certificate", Value::Bytes(vec![0x30, 0]))),
        ("no bundle", Enclave::new().with("cabundle", Value::Array(Vec::new()))),
        ("empty authority", Enclave::new().with("cabundle", Value::Array(vec![Value::Bytes(Vec::new())]))),
        ("long bundle", Enclave::new().with("cabundle", Value::Array(vec![Value::Bytes(vec![0]); 9]))),
        ("long key", Enclave::new().with("public_key", Value::Bytes(vec![0; 1025]))),
        ("long nonce", Enclave::new().with("nonce", Value::Bytes(vec![0; 1025]))),
        ("key that is text", Enclave::new().with("public_key", "a key")),
        ("a member twice", twice),
        ("another algorithm", other_algorithm),
    ];
    for (what, enclave) in malformed {
        assert_eq!(judged(&enclave).unwrap_err(), NotBelieved::Malformed, "{what}");
    }
    let long = Attestation::believed(&vec![0; MAX_LENGTH + 1], &[], NOW);
    assert_eq!(long.unwrap_err(), NotBelieved::Malformed);
    let huge = encoded(&Value::Array(vec![Value::Null; 4]));
    assert_eq!(Attestation::believed(&huge, &[], NOW).unwrap_err(), NotBelieved::Malformed);
}

#[test]
fn a_chain_counts_only_as_its_certificates_allow() {
    let not_an_authority = Enclave::of(IsCa::ExplicitNoCa, IsCa::ExplicitNoCa, &PKCS_ECDSA_P384_SHA384);
    let leaf_is_authority = Enclave::of(AUTHORITY, AUTHORITY, &PKCS_ECDSA_P384_SHA384);
    let of_another = {
        let other = Enclave::new();
        Enclave::new().with("certificate", Value::Bytes(other.leaf.clone()))
    };
    let zone_left_out = {
        let enclave = Enclave::new();
        let root = Value::Bytes(enclave.authorities[0].clone());
        enclave.with("cabundle", Value::Array(vec![root]))
    };
    // The zone may have no authority under it; the same certificate once more is one.
    let too_deep = {
        let enclave = Enclave::new();
        let [root, zone] = [0, 1].map(|place| Value::Bytes(enclave.authorities[place].clone()));
        enclave.with("cabundle", Value::Array(vec![root, zone.clone(), zone]))
    };
    let untrusted = [
        ("issued by no authority", not_an_authority),
        ("signed by an authority", leaf_is_authority),
        ("another's certificate", of_another),
        ("zone left out", zone_left_out),
        ("too deep", too_deep),
    ];
    for (what, enclave) in untrusted {
        assert_eq!(judged(&enclave).unwrap_err(), NotBelieved::Untrusted, "{what}");
    }
    // A signature of P-256 is shorter; one that is padded is of a key that does not count.
    assert_eq!(judged(&Enclave::on_p256()).unwrap_err(), NotBelieved::Malformed);
    let mut padded = Enclave::on_p256();
    padded.pads = true;
    assert_eq!(judged(&padded).unwrap_err(), NotBelieved::Untrusted);
}

#[test]
fn a_signature_of_another_is_refused() {
    let (enclave, mut forged) = (Enclave::new(), Enclave::new());
    forged.members.clone_from(&enclave.members);
    let outcome = Attestation::believed(&forged.document(), &[enclave.root()], NOW);
    assert_eq!(outcome.unwrap_err(), NotBelieved::WrongSignature);
}
