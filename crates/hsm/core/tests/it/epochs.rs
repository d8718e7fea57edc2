//! Keys of epochs: what is sealed under which, and what forgetting one means.

use std::collections::HashSet;

use strongroom_hsm_core::{HsmError, Mode, Options, Outcome};
use strongroom_hsm_proto::command::{
    AttributeName, Command, Encrypt, ExportKey, FailureCode, Mechanism, MechanismKind, Role,
};
use strongroom_secret::Secret;

use crate::lab::{At, Lab, code, flags, generate_aes, hsm, label, output};

fn encrypt(lab: &mut Lab, at: At, key: u64) -> Result<(), FailureCode> {
    let mechanism = Some(Mechanism { kind: MechanismKind::AesGcm.into(), ..Mechanism::default() });
    let done = lab.run(at, Command::Encrypt(Encrypt { key, mechanism, data: Vec::new() }));
    if done.is_err() {
        return Err(code(done));
    }
    output(done);
    Ok(())
}

#[test]
fn after_the_epoch_has_turned_everything_is_sealed_anew() {
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    let keys: Vec<_> = (0..5).map(|_| lab.generate_aes(at, flags(&[AttributeName::Encrypt])).key).collect();
    let old_snapshot = lab.hsms[0].snapshot();
    lab.hsms[0].set_epoch(1, 2, &Secret::new([0x44; 32]));
    let newest = lab.generate_aes(at, flags(&[AttributeName::Encrypt])).key;
    let mut rounds = 0;
    while let Some(planned) = lab.hsms[0].reseal(2, lab.now).unwrap() {
        rounds += 1;
        lab.commit(0, planned).unwrap();
    }
    assert_eq!(rounds, 3);
    lab.hsms[0].forget_epochs_before(1, 2);

    let again = hsm(1, Options::new(Mode::NonFips));
    again.forget_epochs_before(1, 2);
    again.set_epoch(1, 2, &Secret::new([0x44; 32]));
    again.load(&lab.hsms[0].snapshot()).unwrap();
    again.cluster_public_key().unwrap();
    again.sign_with_cluster_key(strongroom_hsm_core::ClusterScheme::Pkcs1Sha256, b"m").unwrap();
    let mut again = Lab { hsms: vec![again], now: lab.now };
    let there = again.log_in(0, "cu1", Role::CryptoUser);
    for key in keys.iter().chain([&newest]) {
        assert_eq!(encrypt(&mut again, there, *key), Ok(()));
    }
    // The old state is of no use without the old epoch's key.
    again.hsms[0].load(&old_snapshot).unwrap();
    assert_eq!(encrypt(&mut again, there, keys[0]), Err(FailureCode::Internal));
    let refused = again.hsms[0].sign_with_cluster_key(strongroom_hsm_core::ClusterScheme::Pkcs1Sha256, b"m");
    assert_eq!(refused, Err(HsmError::NoPartitionKey));
}

#[test]
fn tokens_are_bound_to_what_they_are_of() {
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    let key = lab.generate_aes(at, flags(&[AttributeName::Encrypt])).key;
    let snapshot = lab.hsms[0].snapshot();
    let handle = {
        // As the handle stands in the snapshot: a varint after its tag, at the start of the key's record.
        let mut varint = vec![0x08];
        let mut rest = key;
        while rest >= 0x80 {
            varint.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        varint.push(rest as u8);
        varint
    };
    let place = snapshot.windows(handle.len()).position(|window| window == handle).unwrap();
    let mut altered = snapshot.clone();
    altered[place + 1] ^= 1;
    lab.hsms[0].load(&altered).unwrap();
    assert_eq!(encrypt(&mut lab, at, key ^ 1), Err(FailureCode::Internal));
    let export = lab.run(at, Command::ExportKey(ExportKey { key: key ^ 1 }));
    assert_eq!(code(export), FailureCode::Internal);
}

#[test]
fn what_is_damaged_or_unknown_is_refused_whole() {
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    lab.generate_aes(at, Vec::new());
    let digest = lab.hsms[0].digest();
    let snapshot = lab.hsms[0].snapshot();
    // format 1, at 0, one effect of kind 100
    let unknown_kind = [0x08, 1, 0x1a, 3, 0xa2, 0x06, 0];
    for (effects, expected) in [
        (unknown_kind.as_slice(), HsmError::UnknownEffect),
        (&[0x08, 2], HsmError::UnknownEffect),
        (&[], HsmError::UnknownEffect),
        (&[0xff; 9], HsmError::InvalidState),
    ] {
        assert_eq!(lab.hsms[0].apply(effects, lab.now), Err(expected));
    }
    for cut in [1, 10, snapshot.len() / 2, snapshot.len() - 1] {
        assert!(lab.hsms[0].load(&snapshot[..cut]).is_err());
    }
    assert_eq!(lab.hsms[0].digest(), digest);
    let plain: HashSet<_> = snapshot.windows(32).collect();
    assert!(!plain.contains([0x33; 32].as_slice()));
}

#[test]
fn what_was_sealed_before_the_epoch_turned_is_planned_anew() {
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    let plan = |lab: &Lab| match lab.execute(at, generate_aes(Vec::new()), Vec::new()) {
        Outcome::Change(planned) => planned,
        outcome => panic!("{outcome:?}"),
    };
    lab.generate_aes(at, Vec::new());
    let before = plan(&lab);
    assert!(lab.hsms[0].still_holds(&before, &[]));
    lab.hsms[0].set_epoch(1, 2, &Secret::new([0x44; 32]));
    assert!(!lab.hsms[0].still_holds(&before, &[]));
    let resealed = lab.hsms[0].reseal(9, lab.now).unwrap().unwrap();
    let after = plan(&lab);
    for planned in [&resealed, &after] {
        assert!(lab.hsms[0].still_holds(planned, &[]));
    }
    let shown = format!("{after:?}");
    assert!(shown.len() < 60 && shown.starts_with("Planned { effects: "), "{shown}");
    lab.hsms[0].set_epoch(1, 3, &Secret::new([0x55; 32]));
    for planned in [&resealed, &after] {
        assert!(!lab.hsms[0].still_holds(planned, &[]));
    }
}

#[test]
fn no_more_is_sealed_anew_at_once_than_a_change_takes() {
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    let keys = 1_100;
    for _ in 0..keys {
        lab.generate_aes(at, vec![label(&"l".repeat(127))]);
        lab.hsms[0].audit_stored(u64::MAX);
    }
    lab.hsms[0].set_epoch(1, 2, &Secret::new([0x44; 32]));
    let mut rounds = 0;
    while let Some(planned) = lab.hsms[0].reseal(usize::MAX, lab.now).unwrap() {
        assert!(planned.effects.len() < 400 << 10, "{}", planned.effects.len());
        rounds += 1;
        lab.commit(0, planned).unwrap();
    }
    assert!((2..9).contains(&rounds), "{rounds}");
}
