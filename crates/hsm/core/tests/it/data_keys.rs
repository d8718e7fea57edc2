//! KMS's data keys and its re-encryption: one call each, and the plaintext leaves the HSM only when it is asked for.

use strongroom_hsm_core::parse_header;
use strongroom_hsm_proto::command::{
    AttributeName, Command, ContextPair, DecryptDerived, FailureCode, GenerateDerived, Hash, HsmInfo,
    Mechanism, MechanismKind, Output, Random, ReEncryptDerived, Result as Answered, Role, ShareKey, Sign,
};

use crate::lab::{At, Lab, code, flags};

const KEY_ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
const OTHER_KEY_ID: &str = "9876abcd-12ab-34cd-56ef-1234567890ab";

fn context(value: &str) -> Vec<ContextPair> {
    vec![ContextPair { name: "name".to_owned(), value: value.to_owned() }]
}

fn generate(key: u64, length: u32, without_plaintext: bool) -> Command {
    Command::GenerateDerived(GenerateDerived {
        key,
        key_id: KEY_ID.to_owned(),
        material_id: vec![7; 32],
        context: context("value"),
        length,
        without_plaintext,
    })
}

fn re_encrypt(from: u64, to: u64, from_context: &str, ciphertext: &[u8]) -> Command {
    Command::ReEncryptDerived(ReEncryptDerived {
        from,
        from_context: context(from_context),
        ciphertext: ciphertext.to_vec(),
        to,
        key_id: OTHER_KEY_ID.to_owned(),
        material_id: vec![8; 32],
        to_context: context("another"),
    })
}

fn done(lab: &mut Lab, at: At, command: Command) -> Output {
    match lab.run(at, command).unwrap() {
        Some(Answered::Output(output)) => output,
        other => panic!("{other:?}"),
    }
}

fn decrypted(lab: &mut Lab, at: At, key: u64, value: &str, ciphertext: &[u8]) -> Vec<u8> {
    let context = context(value);
    let command = DecryptDerived { key, context, ciphertext: ciphertext.to_vec() };
    done(lab, at, Command::DecryptDerived(command)).data.clone()
}

#[test]
fn a_data_key_comes_with_its_ciphertext() {
    let mut lab = Lab::with_users(2);
    let (at, there) = (lab.log_in(0, "cu1", Role::CryptoUser), lab.log_in(1, "cu1", Role::CryptoUser));
    let aes = lab.generate_aes(at, flags(&[AttributeName::Encrypt, AttributeName::Decrypt])).key;
    for length in [1, 32, 64, 1_024, 4_096] {
        let made = done(&mut lab, at, generate(aes, length, false));
        assert_eq!(made.plaintext.len(), length as usize);
        assert_eq!(decrypted(&mut lab, there, aes, "value", &made.data), made.plaintext);
        let header = parse_header(&made.data).unwrap();
        assert_eq!((header.key_id, header.material_id), (KEY_ID, &[7; 32]));
        let again = done(&mut lab, at, generate(aes, length.max(16), false));
        assert_ne!(again.plaintext, made.plaintext);
    }
    let hidden = done(&mut lab, at, generate(aes, 32, true));
    assert!(hidden.plaintext.is_empty());
    assert_eq!(decrypted(&mut lab, there, aes, "value", &hidden.data).len(), 32);
    for length in [0, 4_097, u32::MAX] {
        assert_eq!(code(lab.run(at, generate(aes, length, false))), FailureCode::InvalidData);
    }
    assert!(!format!("{hidden:?} {:?}", done(&mut lab, at, generate(aes, 32, false))).contains("plaintext"));
}

#[test]
fn what_is_encrypted_is_encrypted_again_under_another_key_and_context() {
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    let both = flags(&[AttributeName::Encrypt, AttributeName::Decrypt]);
    let (one, other) = (lab.generate_aes(at, both.clone()).key, lab.generate_aes(at, both).key);
    let made = done(&mut lab, at, generate(one, 32, false));
    let again = done(&mut lab, at, re_encrypt(one, other, "value", &made.data));
    assert!(again.plaintext.is_empty());
    let header = parse_header(&again.data).unwrap();
    assert_eq!((header.key_id, header.material_id), (OTHER_KEY_ID, &[8; 32]));
    assert_eq!(decrypted(&mut lab, at, other, "another", &again.data), made.plaintext);
    // To itself, as after a rotation or for another context.
    let same = done(&mut lab, at, re_encrypt(one, one, "value", &made.data));
    assert_eq!(decrypted(&mut lab, at, one, "another", &same.data), made.plaintext);

    for (from, context, blob) in [(one, "wrong", &made.data), (other, "value", &made.data)] {
        let refused = lab.run(at, re_encrypt(from, other, context, blob));
        assert_eq!(code(refused), FailureCode::CryptographyFailed);
    }
}

#[test]
fn both_keys_must_be_the_callers_and_allow_it() {
    let mut lab = Lab::with_users(1);
    let (at, other) = (lab.log_in(0, "cu1", Role::CryptoUser), lab.log_in(0, "cu2", Role::CryptoUser));
    let both = flags(&[AttributeName::Encrypt, AttributeName::Decrypt]);
    let mine = lab.generate_aes(at, both.clone()).key;
    let theirs = lab.generate_aes(other, both).key;
    let encrypts = lab.generate_aes(at, flags(&[AttributeName::Encrypt])).key;
    let decrypts = lab.generate_aes(at, flags(&[AttributeName::Decrypt])).key;
    let blob = done(&mut lab, at, generate(mine, 32, false)).data.clone();
    for (from, to) in [(mine, theirs), (theirs, mine)] {
        assert_eq!(code(lab.run(at, re_encrypt(from, to, "value", &blob))), FailureCode::NoSuchKey);
    }
    for (from, to) in [(encrypts, mine), (mine, decrypts)] {
        assert_eq!(code(lab.run(at, re_encrypt(from, to, "value", &blob))), FailureCode::KeyForbids);
    }
    assert_eq!(code(lab.run(at, generate(decrypts, 32, true))), FailureCode::KeyForbids);
    assert_eq!(code(lab.run(at, generate(theirs, 32, true))), FailureCode::NoSuchKey);
    let share = Command::ShareKey(ShareKey { key: theirs, username: "cu1".to_owned() });
    lab.run(other, share).unwrap();
    done(&mut lab, at, re_encrypt(mine, theirs, "value", &blob));
    let (_, private) = lab.signing_pair(at);
    assert_eq!(code(lab.run(at, generate(private.key, 32, false))), FailureCode::KeyForbids);
}

#[test]
fn what_an_hsm_computes_it_counts() {
    let mut lab = Lab::with_users(2);
    let (at, there) = (lab.log_in(0, "cu1", Role::CryptoUser), lab.log_in(1, "cu1", Role::CryptoUser));
    let count = |lab: &mut Lab, at: At| match lab.run(at, Command::HsmInfo(HsmInfo {})) {
        Ok(Some(Answered::HsmInfo(info))) => info.cryptographic_operations,
        other => panic!("{other:?}"),
    };
    let aes = lab.generate_aes(at, flags(&[AttributeName::Encrypt, AttributeName::Decrypt])).key;
    assert_eq!((count(&mut lab, at), count(&mut lab, there)), (0, 0), "making keys is none");
    let made = done(&mut lab, at, generate(aes, 32, false));
    let again = done(&mut lab, at, re_encrypt(aes, aes, "value", &made.data));
    decrypted(&mut lab, there, aes, "another", &again.data);
    lab.run(there, re_encrypt(aes, aes, "wrong", &made.data)).unwrap_err();
    done(&mut lab, at, Command::Random(Random { length: 16 }));
    let (_, private) = lab.signing_pair(at);
    let mechanism =
        Mechanism { kind: MechanismKind::Ecdsa.into(), hash: Hash::Sha256.into(), ..Mechanism::default() };
    let sign = Sign { key: private.key, mechanism: Some(mechanism), data: vec![1] };
    done(&mut lab, at, Command::Sign(sign));
    assert_eq!((count(&mut lab, at), count(&mut lab, there)), (4, 1));
}
