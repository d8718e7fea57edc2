//! Becoming a member.

use strongroom_hsm_cluster::{
    ClusterError, Halt, Identity, JoinRequest, MAX_MEMBERS, MemberId, PartitionId, Replica,
};

use crate::cluster::{
    DEVICE_ROOT, Hsm, NOW, assert_agreement, cluster, command, effects, halted, identity, join, join_as,
    partition,
};
use crate::insider::{Insider, content};
use crate::machine::Diary;

fn request(joiner: &Identity) -> JoinRequest {
    JoinRequest::new(joiner, partition(), |_| Ok(b"signature".to_vec())).unwrap()
}

#[test]
fn a_joiner_has_all_that_was_before_it() {
    let (mut store, mut hsms) = cluster(1);
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    let joined = join(&mut store, &mut hsms[0], "hsm-2");
    assert_eq!(joined.diary().effects(), [b"founded".as_slice(), &effects(1)]);
    assert_eq!(joined.diary().newest_key, hsms[0].diary().newest_key);
    hsms.push(joined);
    assert_agreement(&mut hsms);
    hsms[1].write(&mut store, &[command(2)], NOW).unwrap();
    hsms[0].sync(&mut store).unwrap();
    assert_agreement(&mut hsms);
}

#[test]
fn the_node_judges_the_device() {
    let (_, mut hsms) = cluster(1);
    let joiner = identity("hsm-2");
    let request = request(&joiner);
    let seen = hsms[0].replica().propose_join(&request, NOW, |request, root| {
        assert_eq!(
            (request.member.device_chain.as_slice(), root),
            (b"device of hsm-2".as_slice(), DEVICE_ROOT)
        );
        assert_eq!(request.signature, b"signature");
        false
    });
    assert_eq!(seen, Err(ClusterError::Device));
}

#[test]
fn what_the_device_signs_names_all_of_the_request() {
    let joiner = identity("hsm-2");
    let mut signed = Vec::new();
    let request = JoinRequest::new(&joiner, partition(), |bytes| {
        signed = bytes.to_vec();
        Ok(b"signature".to_vec())
    })
    .unwrap();
    assert_eq!(request.signed_bytes(), signed);
    for other in [
        JoinRequest { partition: PartitionId::named("cluster-2"), ..request.clone() },
        JoinRequest { member: request_of("hsm-3"), ..request.clone() },
    ] {
        assert_ne!(other.signed_bytes(), signed);
    }
    assert_eq!(JoinRequest::decode(&request.encode()), Ok(request));
}

fn request_of(name: &str) -> strongroom_hsm_cluster::Member {
    request(&identity(name)).member
}

#[test]
fn damaged_requests_do_not_read() {
    let bytes = request(&identity("hsm-2")).encode();
    for length in 0..bytes.len() {
        assert_eq!(JoinRequest::decode(&bytes[..length]), Err(ClusterError::Request));
    }
    assert_eq!(JoinRequest::decode(&[&bytes[..], &[0]].concat()), Err(ClusterError::Request));
}

#[test]
fn a_request_that_cannot_be_is_refused() {
    let (_, mut hsms) = cluster(1);
    let stranger = JoinRequest { partition: PartitionId::named("cluster-2"), ..request(&identity("hsm-2")) };
    assert_eq!(hsms[0].replica().propose_join(&stranger, NOW, |_, _| true), Err(ClusterError::Request));
    let namesake = request(&identity("hsm-1"));
    assert_eq!(hsms[0].replica().propose_join(&namesake, NOW, |_, _| true), Err(ClusterError::Request));
    let mut no_point = request(&identity("hsm-2"));
    no_point.member.public_key = vec![4; 65];
    assert_eq!(hsms[0].replica().propose_join(&no_point, NOW, |_, _| true), Err(ClusterError::Request));
    let old = Identity { supports: 0, ..identity("hsm-2") };
    assert_eq!(hsms[0].replica().propose_join(&request(&old), NOW, |_, _| true), Err(ClusterError::Level(1)));
}

#[test]
fn an_invitation_is_for_one_hsm_and_one_partition() {
    let (mut store, mut hsms) = cluster(1);
    let joiner = identity("hsm-2");
    let admission = hsms[0].replica().propose_join(&request(&joiner), NOW, |_, _| true).unwrap();
    hsms[0].append(&mut store, &admission.entry).unwrap();
    let open = |who: &Identity, partition, invitation: &[u8]| {
        Replica::join(who.clone(), partition, invitation, None, Diary::default()).map(|_| ())
    };
    assert_eq!(open(&joiner, partition(), &admission.invitation), Ok(()));
    let thief = Identity { member: joiner.member.clone(), ..identity("hsm-3") };
    let renamed = Identity { member: identity("hsm-3").member, ..joiner.clone() };
    for (who, partition) in
        [(&thief, partition()), (&renamed, partition()), (&joiner, PartitionId::named("cluster-2"))]
    {
        assert_eq!(open(who, partition, &admission.invitation), Err(ClusterError::Invitation));
    }
    for index in (0..admission.invitation.len()).step_by(7) {
        let mut changed = admission.invitation.clone();
        changed[index] ^= 1;
        assert_eq!(open(&joiner, partition(), &changed), Err(ClusterError::Invitation));
    }
}

#[test]
fn an_invitation_whose_entry_lost_the_race_makes_no_member() {
    let (mut store, mut hsms) = cluster(2);
    let joiner = identity("hsm-3");
    let admission = hsms[0].replica().propose_join(&request(&joiner), NOW, |_, _| true).unwrap();
    hsms[1].write(&mut store, &[command(1)], NOW).unwrap();
    assert!(!hsms[0].append(&mut store, &admission.entry).unwrap());
    let replica = Replica::join(joiner, partition(), &admission.invitation, None, Diary::default()).unwrap();
    let mut lost = Hsm::new(replica);
    lost.sync(&mut store).unwrap();
    assert!(!lost.replica().is_member());
    assert_eq!(lost.replica().propose(&[command(2)], NOW), Err(ClusterError::NotMember));
    assert_eq!(lost.replica().cursor(), Err(ClusterError::NotMember));
    assert_eq!(lost.replica().sealed_snapshot(), Err(ClusterError::NotMember));
}

#[test]
fn a_joiner_believes_no_log_but_the_one_of_its_invitation() {
    let (mut store, mut hsms) = cluster(2);
    let mut branch = store.clone();
    hsms[0].write(&mut store, &[command(1)], NOW).unwrap();
    hsms[1].write(&mut branch, &[command(2)], NOW).unwrap();
    hsms[1].write(&mut branch, &[command(3)], NOW).unwrap();
    let joiner = identity("hsm-3");
    let admission = hsms[0].replica().propose_join(&request(&joiner), NOW, |_, _| true).unwrap();
    hsms[0].append(&mut store, &admission.entry).unwrap();
    let replica = Replica::join(joiner, partition(), &admission.invitation, None, Diary::default()).unwrap();
    let mut deceived = Hsm::new(replica);
    let sequence = admission.entry.sequence - 1;
    assert_eq!(halted(deceived.sync(&mut branch)), Halt::Forked { sequence });
    assert!(!deceived.replica().is_member());
}

#[test]
fn a_joiner_that_crashes_goes_on() {
    let (mut store, mut hsms) = cluster(1);
    let joiner = identity("hsm-2");
    let admission = hsms[0].replica().propose_join(&request(&joiner), NOW, |_, _| true).unwrap();
    hsms[0].append(&mut store, &admission.entry).unwrap();
    let replica = Replica::join(joiner, partition(), &admission.invitation, None, Diary::default()).unwrap();
    let mut hsm = Hsm::new(replica);
    hsm.crash(0);
    hsm.restart();
    hsm.sync(&mut store).unwrap();
    assert!(hsm.replica().is_member());
    hsm.crash(0);
    hsm.restart();
    assert!(hsm.replica().is_member());
}

#[test]
fn an_hsm_that_lost_its_state_comes_again_and_its_old_self_stands_still() {
    let (mut store, mut hsms) = cluster(2);
    let mut old = hsms.remove(1);
    let again = join_as(&mut store, &mut hsms[0], identity("hsm-2"));
    assert!(again.replica.as_ref().unwrap().is_member());
    let sequence = store.last();
    assert_eq!(halted(old.sync(&mut store)), Halt::Left { sequence });
}

#[test]
fn a_cluster_has_a_greatest_number_of_members() {
    let (mut store, mut hsms) = cluster(1);
    for number in 2..=MAX_MEMBERS {
        let joiner = identity(&format!("hsm-{number}"));
        let admission = hsms[0].replica().propose_join(&request(&joiner), NOW, |_, _| true).unwrap();
        hsms[0].append(&mut store, &admission.entry).unwrap();
    }
    let refused = hsms[0].replica().propose_join(&request(&identity("late")), NOW, |_, _| true);
    assert_eq!(refused, Err(ClusterError::Full("members")));
    let again = hsms[0].replica().propose_join(&request(&identity("hsm-2")), NOW, |_, _| true);
    assert!(again.is_ok());
    let turn = hsms[0].replica().propose_turn(NOW).unwrap();
    assert!(hsms[0].append(&mut store, &turn).unwrap());
}

#[test]
fn who_is_gone_comes_back_with_another_key_only() {
    let (mut store, mut hsms) = cluster(1);
    let insider = Insider::join(&mut store, &mut hsms[0]);
    let leave = hsms[0].replica().propose_leave(&MemberId::new("insider").unwrap(), NOW).unwrap();
    hsms[0].append(&mut store, &leave).unwrap();
    let renamed = Identity { member: MemberId::new("hsm-9").unwrap(), ..insider.identity.clone() };
    for joiner in [&insider.identity, &renamed] {
        let refused = hsms[0].replica().propose_join(&request(joiner), NOW, |_, _| true);
        assert_eq!(refused, Err(ClusterError::FormerKey));
    }
    let first = join(&mut store, &mut hsms[0], "insider").replica.unwrap();
    assert!(first.is_member());
    // A replaced key is a former one too.
    let keys: Vec<_> = hsms[0].replica().members().map(|member| member.public_key.clone()).collect();
    assert!(join(&mut store, &mut hsms[0], "insider").replica.unwrap().is_member());
    let mut again = request(&identity("insider"));
    again.member.public_key.clone_from(&keys[1]);
    let refused = hsms[0].replica().propose_join(&again, NOW, |_, _| true);
    assert_eq!(refused, Err(ClusterError::FormerKey));
}

#[test]
fn a_member_that_lets_a_former_key_in_breaks_a_rule() {
    let (mut store, mut hsms) = cluster(1);
    let insider = Insider::join(&mut store, &mut hsms[0]);
    join_as(&mut store, &mut hsms[0], identity("insider"));
    // The insider still has the log's key: its epoch has not turned.
    let member = request(&insider.identity).encode();
    let member = &member[1 + 16..member.len() - 4 - b"signature".len()];
    let head = hsms[0].replica().head();
    store.entries.push(insider.seal(&head, &content(3, NOW, member)));
    let halt = halted(hsms[0].sync(&mut store));
    assert!(matches!(halt, Halt::Unsound { sequence, .. } if sequence == head.sequence + 1), "{halt}");
}
