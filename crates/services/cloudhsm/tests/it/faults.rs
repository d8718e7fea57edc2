//! Faults of HSMs on demand.

use strongroom_api_cloudhsm::{Hsm, HsmState};
use strongroom_cloudhsm::{HsmFault, HsmFaultError, Placement};
use strongroom_hsm_proto::fleet::Fault;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Bench, Client, ZONE_A, ZONE_B, until};

on_both_engines! {
    an_hsm_is_down_until_that_is_cleared,
    a_restart_of_the_server_heals_everything,
    what_is_wrong_reaches_the_hsm_now_and_whenever_it_connects,
    faults_end_with_their_hsm_and_with_a_reset,
    wrong_targets_are_refused,
    a_fault_that_cannot_be_brought_about_is_none,
}

/// A cluster of two HSMs, in the order of their zones.
async fn two(client: &Client<'_>) -> (String, [String; 2]) {
    let (cluster, first) = client.active().await;
    let second = client.create_hsm(&cluster, ZONE_B).await.unwrap().hsm_id;
    client.has_hsms(&cluster, 2).await;
    client.has_backups(&cluster, 2).await;
    (cluster, [first, second])
}

async fn shown(client: &Client<'_>, cluster: &str, id: &str) -> Hsm {
    let hsms = client.cluster(cluster).await.unwrap().hsms.unwrap();
    hsms.into_iter().find(|hsm| hsm.hsm_id == id).unwrap()
}

async fn refused(bench: &Bench, id: &str, fault: HsmFault) -> String {
    match bench.plane.set_hsm_fault(id, fault).await {
        Err(HsmFaultError::Refused(text)) => text,
        other => panic!("{other:?}"),
    }
}

async fn an_hsm_is_down_until_that_is_cleared(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, [first, second]) = two(&client).await;
    bench.plane.set_hsm_fault(&first, HsmFault::Down).await.unwrap();
    assert_eq!(bench.plane.hsm_faults(), [(first.clone(), HsmFault::Down)]);

    let hsm = shown(&client, &cluster, &first).await;
    assert_eq!(hsm.state, Some(HsmState::Degraded), "at once");
    assert_eq!(hsm.state_message.as_deref(), Some("The HSM is not connected."));
    // Another HSM is started and moved on meanwhile, so the reconciler has looked at this one, several times.
    let third = client.create_hsm(&cluster, ZONE_A).await.unwrap().hsm_id;
    until("the third", async || {
        let third = shown(&client, &cluster, &third).await;
        (third.state == Some(HsmState::Active)).then_some(())
    })
    .await;
    assert_eq!(bench.placement.placed().starts[&first], 1);
    assert_eq!(shown(&client, &cluster, &second).await.state, Some(HsmState::Active));
    assert_eq!(shown(&client, &cluster, &first).await.state, Some(HsmState::Degraded));

    assert_eq!(bench.plane.clear_hsm_faults(|id, fault| id == first && fault == HsmFault::Down).await, 1);
    client.has_hsms(&cluster, 3).await;
    assert_eq!(bench.placement.placed().starts[&first], 2);
    assert!(bench.plane.hsm_faults().is_empty());
    assert_eq!(bench.plane.clear_hsm_faults(|_, _| true).await, 0);
    bench.end().await;
}

async fn a_restart_of_the_server_heals_everything(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let (cluster, [first, second]) = two(&bench.client()).await;
    bench.plane.set_hsm_fault(&first, HsmFault::Down).await.unwrap();
    bench.plane.set_hsm_fault(&second, HsmFault::Inconsistent).await.unwrap();
    assert!(bench.placement.hsm(&second).disk().fault.stays_behind);
    let bench = bench.restart().await;
    let client = bench.client();
    client.has_hsms(&cluster, 2).await;
    assert!(bench.plane.hsm_faults().is_empty());
    until("the news", async || (bench.placement.hsm(&second).disk().fault == Fault::default()).then_some(()))
        .await;
    bench.end().await;
}

async fn what_is_wrong_reaches_the_hsm_now_and_whenever_it_connects(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, [first, second]) = two(&client).await;
    let told = |id: &str| bench.placement.hsm(id).disk().fault;
    let slow = HsmFault::Slow { delay_ms: 700 };
    bench.plane.set_hsm_fault(&first, slow).await.unwrap();
    assert_eq!(told(&first), Fault { delay_ms: 700, stays_behind: false });
    bench.plane.set_hsm_fault(&first, HsmFault::Inconsistent).await.unwrap();
    let both = Fault { delay_ms: 700, stays_behind: true };
    assert_eq!(told(&first), both);
    assert_eq!(told(&second), Fault::default());
    assert_eq!(
        bench.plane.hsm_faults(),
        [(first.clone(), slow), (first.clone(), HsmFault::Inconsistent)],
        "in their order"
    );

    // A process that is started anew knows nothing of it before it connects.
    bench.placement.hsm(&first).change(|disk| disk.fault = Fault::default());
    Placement::stop(&*bench.placement, &first).await.unwrap();
    until("the fault", async || (told(&first) == both).then_some(())).await;
    client.has_hsms(&cluster, 2).await;

    bench.plane.set_hsm_fault(&first, HsmFault::Slow { delay_ms: 20 }).await.unwrap();
    assert_eq!(told(&first).delay_ms, 20, "the other is replaced");
    bench.plane.clear_hsm_faults(|_, fault| fault == HsmFault::Inconsistent).await;
    assert_eq!(told(&first), Fault { delay_ms: 20, stays_behind: false });
    bench.plane.clear_hsm_faults(|_, _| true).await;
    assert_eq!(told(&first), Fault::default());
    bench.end().await;
}

async fn faults_end_with_their_hsm_and_with_a_reset(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, [first, second]) = two(&client).await;
    bench.plane.set_hsm_fault(&second, HsmFault::Down).await.unwrap();
    bench.plane.set_hsm_fault(&first, HsmFault::Slow { delay_ms: 1 }).await.unwrap();
    client.delete_hsm(&cluster, &second).await.unwrap();
    client.has_hsms(&cluster, 1).await;
    assert_eq!(bench.plane.hsm_faults(), [(first, HsmFault::Slow { delay_ms: 1 })]);
    let paused = bench.plane.pause().await;
    bench.plane.start_over(&paused).await;
    assert!(bench.plane.hsm_faults().is_empty());
    drop(paused);
    bench.end().await;
}

async fn wrong_targets_are_refused(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (_, [first, _]) = two(&client).await;
    assert_eq!(
        refused(&bench, "hsm-aaaaaaaaaaa", HsmFault::Down).await,
        "There is no HSM hsm-aaaaaaaaaaa. `aws cloudhsmv2 describe-clusters` lists those that there are."
    );
    for delay_ms in [0, 60_001] {
        assert_eq!(
            refused(&bench, &first, HsmFault::Slow { delay_ms }).await,
            "The delay must be 1 to 60000 milliseconds."
        );
    }
    bench.placement.placed().broken = true;
    let empty = client.uninitialized().await;
    let unborn = client.create_hsm(&empty, ZONE_A).await.unwrap().hsm_id;
    assert_eq!(
        refused(&bench, &unborn, HsmFault::Inconsistent).await,
        format!("The HSM {unborn} is CREATE_IN_PROGRESS; only an ACTIVE or DEGRADED one can have a fault.")
    );
    bench.end().await;
}

async fn a_fault_that_cannot_be_brought_about_is_none(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, [first, _]) = two(&client).await;
    let slow = HsmFault::Slow { delay_ms: 700 };
    bench.plane.set_hsm_fault(&first, slow).await.unwrap();
    // One that was not started for development refuses.
    bench.placement.hsm(&first).change(|disk| disk.sound = true);
    // The operating system does, too.
    bench.placement.placed().unkillable = true;
    for fault in [HsmFault::Inconsistent, HsmFault::Slow { delay_ms: 20 }, HsmFault::Down] {
        let failed = bench.plane.set_hsm_fault(&first, fault).await;
        assert!(matches!(failed, Err(HsmFaultError::Failed(_))), "{failed:?}");
        assert_eq!(bench.plane.hsm_faults(), [(first.clone(), slow)], "as it was");
    }
    bench.placement.placed().unkillable = false;
    bench.placement.hsm(&first).change(|disk| disk.sound = false);
    client.has_hsms(&cluster, 2).await;
    assert_eq!(bench.placement.placed().starts[&first], 1, "it went on");
    bench.end().await;
}
