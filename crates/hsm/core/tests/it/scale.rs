//! Many keys, many threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use strongroom_hsm_core::Outcome;
use strongroom_hsm_proto::command::{
    Attribute, AttributeName, AttributeValue, Call, Command, FindKeys, Hash, Mechanism, MechanismKind, Role,
    Sign,
};

use crate::keys::find;
use crate::lab::{Lab, flag, generate_aes, label};

const KEYS: usize = 16_000;
/// The time that one search may take; a test's build is slower than a release by far more than it is allowed more.
const ONE_SEARCH: Duration = Duration::from_millis(1);

#[test]
#[expect(clippy::disallowed_methods, reason = "the test measures real time")]
fn a_key_is_found_by_label_and_id_among_16000() {
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    let id = |number: usize| Attribute {
        name: AttributeName::Id.into(),
        value: Some(AttributeValue::Bytes(number.to_be_bytes().to_vec())),
    };
    for number in 0..KEYS {
        lab.generate_aes(at, vec![label(&format!("key-{number}")), id(number)]);
        if number % 1_000 == 0 {
            lab.hsms[0].audit_stored(u64::MAX);
        }
    }
    for filter in [vec![label("key-7777")], vec![id(8_888)], vec![id(5), label("key-5")]] {
        let fastest = (0..20)
            .map(|_| {
                let started = Instant::now();
                assert_eq!(find(&mut lab, at, filter.clone()).len(), 1);
                started.elapsed()
            })
            .min();
        assert!(fastest < Some(ONE_SEARCH), "{fastest:?}");
    }
    let all = FindKeys { filter: None, after: 0, most: 4_096 };
    lab.run(at, Command::FindKeys(all)).unwrap();
    let snapshot = lab.hsms[0].snapshot();
    lab.hsms[0].load(&snapshot).unwrap();
    assert_eq!(lab.hsms[0].snapshot(), snapshot);
    assert_eq!(lab.hsms[0].occupancy().token_keys, KEYS);
}

/// Threads that sign, make keys and log in at once, as a node's do.
#[test]
fn threads_share_an_hsm() {
    let mut lab = Lab::with_users(1);
    let at = lab.log_in(0, "cu1", Role::CryptoUser);
    let (_, private) = lab.signing_pair(at);
    let (hsm, now) = (&lab.hsms[0], lab.now);
    let mechanism =
        Mechanism { kind: MechanismKind::Ecdsa.into(), hash: Hash::Sha256.into(), ..Mechanism::default() };
    let sign = Call {
        session: at.session,
        command: Some(Command::Sign(Sign {
            key: private.key,
            mechanism: Some(mechanism),
            data: b"data".to_vec(),
        })),
        ..Call::default()
    };
    let make = Call {
        session: at.session,
        command: Some(generate_aes(vec![flag(AttributeName::Encrypt, true)])),
        ..Call::default()
    };
    let made = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                for _ in 0..100 {
                    assert!(matches!(hsm.execute(at.connection, &sign, now), Outcome::Done(_)));
                }
            });
            threads.spawn(|| {
                for _ in 0..50 {
                    let Outcome::Change(planned) = hsm.execute(at.connection, &make, now) else { panic!() };
                    hsm.apply(&planned.effects, now).unwrap();
                    hsm.settle(planned, None, now);
                    made.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(hsm.occupancy().token_keys, 2 + made.into_inner());
}
