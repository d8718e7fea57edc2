//! The first entry.

use strongroom_hsm_cluster::{
    ClusterError, Event, Founding, MAX_DEVICE_ROOT, MemberId, Own, PartitionId, Replica,
};

use crate::cluster::{DEVICE_ROOT, Hsm, NOW, Store, found, founding, identity, partition};
use crate::machine::Diary;

#[test]
fn nothing_is_founded_before_the_entry_is_in_the_log() {
    let (mut replica, entry) = Replica::found(identity("hsm-1"), founding(), Diary::default(), NOW).unwrap();
    assert_eq!(entry.sequence, 1);
    assert!(replica.checkpoint_due(), "only this HSM has the key");
    assert!(!replica.is_member());
    assert_eq!(replica.propose(&[], NOW), Err(ClusterError::NotMember));
    assert_eq!(replica.cursor(), Err(ClusterError::NotMember));
    assert!(replica.machine().lines.is_empty());

    let progress = replica.appended().unwrap();
    assert_eq!((progress.applied, progress.own), (1, Some(Own::Landed)));
    assert_eq!(progress.events, [Event::Begun]);
    assert!(replica.is_member());
    assert_eq!(replica.partition(), partition());
    assert_eq!((replica.head().incarnation, replica.head().epoch), (1, 1));
    assert_eq!((replica.head().sequence, replica.head().hash), (1, entry.hash));
    assert_eq!(replica.machine().lines, [(NOW, b"founded".to_vec())]);
    assert_eq!(replica.machine().epochs, [(1, 1)]);
    assert_eq!(replica.device_root(), DEVICE_ROOT);
    let members: Vec<_> = replica.members().map(|member| member.id.as_str()).collect();
    assert_eq!(members, ["hsm-1"]);
    assert_eq!(replica.appended(), Err(ClusterError::NothingProposed));
}

#[test]
fn a_founder_that_crashes_before_or_after_its_append_goes_on() {
    for landed in [false, true] {
        let mut store = Store::default();
        let (replica, entry) = Replica::found(identity("hsm-1"), founding(), Diary::default(), NOW).unwrap();
        let mut hsm = Hsm::new(replica);
        if landed {
            assert!(store.append(&entry));
        }
        hsm.crash(0);
        hsm.restart();
        assert!(!hsm.replica().is_member());
        hsm.sync(&mut store).unwrap();
        assert!(hsm.replica().is_member(), "landed: {landed}");
        assert_eq!(store.last(), 1);
        assert_eq!(store.at(1), entry.bytes);
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let refused = |founding: Founding| {
        Replica::found(identity("hsm-1"), founding, Diary::default(), NOW).map(|_| ()).unwrap_err()
    };
    let device_root = vec![0; MAX_DEVICE_ROOT + 1];
    assert_eq!(refused(Founding { device_root, ..founding() }), ClusterError::TooLarge);
    assert_eq!(refused(Founding { level: 2, ..founding() }), ClusterError::Level(2));
}

#[test]
fn two_partitions_have_nothing_in_common() {
    assert_ne!(PartitionId::named("cluster-1"), PartitionId::named("cluster-2"));
    let (mut one, mut other) = (Store::default(), Store::default());
    let (hsm, twin) = (found(&mut one), found(&mut other));
    assert_ne!(hsm.diary().newest_key, twin.diary().newest_key);
    assert_ne!(one.entries, other.entries);
}

#[test]
fn names_of_members_are_plain() {
    for name in ["", "two words", "umlaut-\u{fc}", "line\n", &"x".repeat(65)] {
        assert_eq!(MemberId::new(name), None, "{name:?}");
    }
    assert_eq!(MemberId::new(&"x".repeat(64)).unwrap().to_string(), "x".repeat(64));
}
