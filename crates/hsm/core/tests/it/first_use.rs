//! The first hour of a cluster: founded, activated, a user, a key, a signature.

use strongroom_crypto::digest::Hash;
use strongroom_crypto::{ec, rsa};
use strongroom_hsm_core::{ClusterScheme, Mode, Options};
use strongroom_hsm_proto::command::{
    Activate, Command, FailureCode, Hash as HashName, HsmInfo, ListUsers, Mechanism, MechanismKind,
    Result as Answered, Role, Sign, Verify,
};

use crate::lab::{Lab, PASSWORD, code, hsm, output};

#[test]
fn from_nothing_to_a_signature() {
    let mut lab = Lab::founded(2, &Options::new(Mode::Fips));
    let at = lab.open(0);
    let Ok(Some(Answered::HsmInfo(info))) = lab.run(at, Command::HsmInfo(HsmInfo {})) else { panic!() };
    assert!(!info.activated && info.fips);
    assert_eq!(names(&mut lab), [("admin", Role::UnactivatedAdmin), ("app_user", Role::ApplianceUser)]);

    let activate = || Command::Activate(Activate { password: PASSWORD.to_owned() });
    assert_eq!(lab.run(at, activate()), Ok(None));
    assert_eq!(code(lab.run(at, activate())), FailureCode::WrongState);
    assert_eq!(names(&mut lab), [("admin", Role::Admin), ("app_user", Role::ApplianceUser)]);

    let admin = lab.log_in(0, "Admin", Role::Admin);
    lab.create_user(admin, "Alice", Role::CryptoUser).unwrap();
    let alice = lab.log_in(1, "ALICE", Role::CryptoUser);
    let (public, private) = lab.signing_pair(alice);
    let mechanism = Mechanism {
        kind: MechanismKind::Ecdsa.into(),
        hash: HashName::Sha256.into(),
        ..Mechanism::default()
    };
    let sign = Sign { key: private.key, mechanism: Some(mechanism.clone()), data: b"message".to_vec() };
    let (signature, _) = output(lab.run(alice, Command::Sign(sign)));
    let key = ec::PublicKey::from_spki(&public.public_key).unwrap();
    key.verify_digest(&Hash::Sha256.digest(b"message"), &signature).unwrap();

    let alice = lab.log_in(0, "alice", Role::CryptoUser);
    for (data, expected) in [(b"message".to_vec(), true), (b"massage".to_vec(), false)] {
        let verify = Verify {
            key: public.key,
            mechanism: Some(mechanism.clone()),
            data,
            signature: signature.clone(),
        };
        let Ok(Some(Answered::Verified(verified))) = lab.run(alice, Command::Verify(verify)) else {
            panic!()
        };
        assert_eq!(verified.valid, expected);
    }
    lab.all_agree();
}

fn names(lab: &mut Lab) -> Vec<(&'static str, Role)> {
    let at = lab.open(1);
    let Ok(Some(Answered::Users(list))) = lab.run(at, Command::ListUsers(ListUsers {})) else { panic!() };
    let known = ["admin", "app_user"];
    list.users
        .iter()
        .map(|user| (known.into_iter().find(|name| *name == user.username).unwrap(), user.role()))
        .collect()
}

#[test]
fn the_clusters_key_signs_on_every_hsm() {
    let lab = Lab::founded(2, &Options::new(Mode::Fips));
    let public = rsa::PublicKey::from_spki(&lab.hsms[1].cluster_public_key().unwrap()).unwrap();
    assert_eq!(public.bits(), 2_048);
    for hsm in &lab.hsms {
        let csr = hsm.sign_with_cluster_key(ClusterScheme::Pkcs1Sha256, b"csr").unwrap();
        public.verify_pkcs1_message(Hash::Sha256, b"csr", &csr).unwrap();
        for (scheme, hash) in [
            (ClusterScheme::PssSha256, Hash::Sha256),
            (ClusterScheme::PssSha384, Hash::Sha384),
            (ClusterScheme::PssSha512, Hash::Sha512),
        ] {
            let signature = hsm.sign_with_cluster_key(scheme, b"handshake").unwrap();
            public.verify_pss_message(hash, b"handshake", hash.output_length(), &signature).unwrap();
        }
    }
}

#[test]
fn a_snapshot_is_the_whole_shared_state() {
    let mut lab = Lab::with_users(1);
    let user = lab.log_in(0, "cu1", Role::CryptoUser);
    lab.signing_pair(user);
    let snapshot = lab.hsms[0].snapshot();
    let other = hsm(7, Options::new(Mode::NonFips));
    other.load(&snapshot).unwrap();
    assert_eq!(other.digest(), lab.hsms[0].digest());
    assert_eq!(other.snapshot(), snapshot);
    lab.hsms.push(other);
    let user = lab.log_in(1, "cu1", Role::CryptoUser);
    lab.signing_pair(user);
    lab.all_agree();
}
