//! Versions side by side: feature levels.

use strongroom_hsm_cluster::{ClusterError, Event, Halt};

use crate::cluster::{NOW, assert_agreement, cluster, command, halted};

#[test]
fn the_level_rises_once_every_member_supports_it() {
    let (mut store, mut hsms) = cluster(2);
    assert_eq!(hsms[0].replica().feature_level(), 1);
    assert_eq!(hsms[0].replica().propose_level(2, NOW), Err(ClusterError::Level(2)));
    for hsm in &mut hsms {
        hsm.crash(0);
        hsm.restart_as(2);
        hsm.sync(&mut store).unwrap();
        assert!(hsm.replica().support_changed());
        let support = hsm.replica().propose_support(NOW).unwrap();
        assert!(hsm.append(&mut store, &support).unwrap());
        assert!(!hsm.replica().support_changed());
    }
    assert_eq!(hsms[1].replica().propose_level(1, NOW), Err(ClusterError::Level(1)));
    assert_eq!(hsms[1].replica().propose_level(3, NOW), Err(ClusterError::Level(3)));
    let level = hsms[1].replica().propose_level(2, NOW).unwrap();
    assert!(hsms[1].append(&mut store, &level).unwrap());
    assert_eq!(hsms[0].sync(&mut store).unwrap().events, [Event::FeatureLevel(2)]);
    assert_eq!(hsms[0].replica().feature_level(), 2);
    assert_agreement(&mut hsms);
}

#[test]
fn an_older_version_halts_and_goes_on_when_it_is_replaced() {
    let (mut store, mut hsms) = cluster(2);
    for hsm in &mut hsms {
        hsm.crash(0);
        hsm.restart_as(2);
        hsm.sync(&mut store).unwrap();
        let support = hsm.replica().propose_support(NOW).unwrap();
        assert!(hsm.append(&mut store, &support).unwrap());
    }
    let level = hsms[1].replica().propose_level(2, NOW).unwrap();
    assert!(hsms[1].append(&mut store, &level).unwrap());
    hsms[1].write(&mut store, &[command(1)], NOW).unwrap();

    let reason = Halt::FeatureLevel { level: 2, supported: 1 };
    hsms[0].crash(0);
    hsms[0].restart_as(1);
    assert_eq!(halted(hsms[0].sync(&mut store)), reason);
    hsms[0].crash(0);
    hsms[0].restart_as(1);
    assert_eq!(halted(hsms[0].sync(&mut store)), reason);
    hsms[0].crash(0);
    hsms[0].restart_as(2);
    hsms[0].sync(&mut store).unwrap();
    assert_agreement(&mut hsms);

    hsms[0].crash(0);
    hsms[0].restart_as(1);
    assert_eq!(hsms[0].replica().halted(), Some(&reason), "nor does it begin on a state of a later version");
}
