//! The life of a cluster from its creation to its end, and what happens to its HSMs meanwhile.

use strongroom_api_cloudhsm::{ClusterState, HsmState};
use strongroom_hsm_proto::fleet::AssignedRole;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Bench, REGION, SUBNET_A, SUBNET_B, ZONE_A, ZONE_B, new_cluster, sign, until};

on_both_engines! {
    from_creation_to_deletion,
    an_hsm_whose_process_is_gone_is_started_again,
    an_hsm_that_lost_its_state_is_replaced_at_its_address,
    a_cluster_that_lost_all_hsms_at_once_goes_on,
    running_hsms_are_taken_over,
    a_cluster_without_hsms_goes_on_from_its_last_backup,
    rules_reach_hsms_at_once,
    a_reset_leaves_nothing,
}

async fn from_creation_to_deletion(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let made = client.create(new_cluster(&[SUBNET_A, SUBNET_B])).await.unwrap();
    let id = made.cluster_id.clone().unwrap();
    assert_eq!(made.state, Some(ClusterState::CreateInProgress));
    assert_eq!(made.vpc_id.as_deref(), Some("vpc-00000001"));
    assert_eq!(made.hsms.map(|hsms| hsms.len()), Some(0));
    assert_eq!(made.backup_retention_policy.unwrap().value.as_deref(), Some("90"));
    let group = made.security_group.unwrap();
    client.reaches(&id, ClusterState::Uninitialized).await;
    {
        let made = bench.ec2.made();
        let (name, rules) = &made.groups[&group];
        assert_eq!(*name, format!("cloudhsm-{id}-sg"));
        assert_eq!(rules.iter().collect::<Vec<_>>(), [&group], "only itself is let in");
        assert_eq!(made.callers.iter().collect::<Vec<_>>(), ["cloudhsm.amazonaws.com"]);
    }

    let hsm = client.create_hsm(&id, ZONE_A).await.unwrap();
    assert_eq!(hsm.state, Some(HsmState::CreateInProgress));
    assert_eq!(hsm.subnet_id.as_deref(), Some(SUBNET_A));
    assert_eq!(hsm.eni_ip.as_deref(), Some("10.0.0.4"));
    client.has_hsms(&id, 1).await;
    let csr = client.csr(&id).await;
    let shown = client.cluster(&id).await.unwrap().certificates.unwrap();
    assert!(shown.hsm_certificate.is_some() && shown.aws_hardware_certificate.is_some());
    assert!(shown.manufacturer_hardware_certificate.is_some() && shown.cluster_certificate.is_none());

    let (signed, anchor) = sign(&csr);
    let (state, message) = client.initialize(&id, &signed, &anchor).await.unwrap();
    assert_eq!(state, ClusterState::InitializeInProgress);
    assert_eq!(message, "Cluster is initializing. State will change to INITIALIZED upon completion.");
    let cluster = client.reaches(&id, ClusterState::Initialized).await;
    let shown = cluster.certificates.unwrap();
    assert_eq!(shown.cluster_certificate.as_ref(), Some(&signed));
    assert!(shown.cluster_csr.is_none() && shown.hsm_certificate.is_none());
    assert_eq!(bench.placement.hsm(&hsm.hsm_id).disk().certificate, signed);

    // Nobody but an administrator inside the HSM makes it active.
    bench.placement.hsm(&hsm.hsm_id).change(|disk| disk.activated = true);
    client.reaches(&id, ClusterState::Active).await;
    client.has_backups(&id, 1).await;

    let second = client.create_hsm(&id, ZONE_B).await.unwrap();
    client.has_hsms(&id, 2).await;
    assert_eq!(bench.placement.hsm(&second.hsm_id).disk().role, Some(AssignedRole::Join));
    // A backup is made when an HSM comes, and one when it goes.
    client.has_backups(&id, 2).await;
    let first = bench.placement.hsm(&hsm.hsm_id);
    until("the news of the second HSM", async || {
        let disk = first.disk();
        (disk.peers == ["10.0.1.4:2223"] && disk.entries.len() == 2).then_some(())
    })
    .await;

    client.delete_hsm(&id, &second.hsm_id).await.unwrap();
    client.has_hsms(&id, 1).await;
    client.has_backups(&id, 3).await;
    until("the leave", async || {
        first.disk().entries.values().any(|e| e.starts_with(b"leave ")).then_some(())
    })
    .await;
    assert!(!bench.placement.placed().hsms.contains_key(&second.hsm_id), "its state is gone");

    let refused = client.delete_cluster(&id).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "CloudHsmInvalidRequestException: Cluster {id} has HSMs. Delete all HSMs of the cluster before you \
             delete it."
        )
    );
    client.delete_hsm(&id, &hsm.hsm_id).await.unwrap();
    client.has_hsms(&id, 0).await;
    let backups = client.has_backups(&id, 4).await;
    let deleted = client.delete_cluster(&id).await.unwrap();
    assert_eq!(deleted.state, Some(ClusterState::DeleteInProgress));
    assert_eq!(deleted.state_message.as_deref(), Some("The cluster is being deleted."));
    client.reaches(&id, ClusterState::Deleted).await;
    assert!(bench.ec2.made().groups.is_empty() && bench.ec2.made().interfaces.is_empty());
    assert_eq!(client.has_backups(&id, 4).await.len(), backups.len(), "backups survive");
    bench.later(2 * 60 * 60 * 1000).await;
    assert!(client.cluster(&id).await.is_none(), "a deleted cluster is shown for a while");

    let names: Vec<_> = bench.records().into_iter().map(|record| record.event_name).collect();
    for name in ["CreateSecurityGroup", "CreateNetworkInterface", "DeleteNetworkInterface", "ActivateCluster"]
    {
        assert!(names.iter().any(|known| known == name), "{name} is not in {names:?}");
    }
}

async fn an_hsm_whose_process_is_gone_is_started_again(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, hsm) = client.active().await;
    bench.placement.kill(&hsm);
    until("the second start", async || (bench.placement.placed().starts[&hsm] == 2).then_some(())).await;
    let hsms = client.has_hsms(&cluster, 1).await;
    assert_eq!(hsms[0].hsm_id, hsm, "it is the same HSM");
    until("the resumption", async || {
        (bench.placement.hsm(&hsm).disk().role == Some(AssignedRole::Resume)).then_some(())
    })
    .await;
}

async fn an_hsm_that_lost_its_state_is_replaced_at_its_address(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, first) = client.active().await;
    let lost = client.create_hsm(&cluster, ZONE_B).await.unwrap();
    client.has_hsms(&cluster, 2).await;

    bench.placement.lose(&lost.hsm_id);
    let hsms = until("the replacement", async || {
        let hsms = client.has_hsms(&cluster, 2).await;
        hsms.iter().all(|hsm| hsm.hsm_id != lost.hsm_id).then_some(hsms)
    })
    .await;
    let new = hsms.iter().find(|hsm| hsm.hsm_id != first).unwrap();
    assert_eq!((&new.eni_ip, &new.eni_id), (&lost.eni_ip, &lost.eni_id));
    assert_eq!(bench.placement.hsm(&new.hsm_id).disk().role, Some(AssignedRole::Join));
    let leave = format!("leave {}", lost.hsm_id);
    let first = bench.placement.hsm(&first);
    assert!(first.disk().entries.values().any(|entry| entry == leave.as_bytes()));
    assert!(bench.records().iter().any(|record| record.event_name == "ReplaceHsm"));

    // Before there is anything to lose, the first HSM founds anew.
    let other = client.uninitialized().await;
    let founder = client.create_hsm(&other, ZONE_A).await.unwrap().hsm_id;
    client.has_hsms(&other, 1).await;
    let csr = client.csr(&other).await;
    bench.placement.lose(&founder);
    let second =
        until("another CSR", async || Some(client.csr(&other).await).filter(|second| *second != csr)).await;
    assert_ne!(second, csr);

    // Where nothing is left to begin with, people are told.
    let (cluster, only) = client.initialized().await;
    bench.placement.lose(&only);
    until("the complaint", async || {
        let hsm = client.cluster(&cluster).await?.hsms?.pop()?;
        let text =
            "The HSM has lost its state, and there is neither another HSM nor a backup of the cluster.";
        (hsm.state == Some(HsmState::Degraded) && hsm.state_message.as_deref() == Some(text)).then_some(())
    })
    .await;
}

async fn a_cluster_that_lost_all_hsms_at_once_goes_on(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, first) = client.active().await;
    let second = client.create_hsm(&cluster, ZONE_B).await.unwrap().hsm_id;
    client.has_hsms(&cluster, 2).await;
    client.has_backups(&cluster, 2).await;
    {
        let _paused = bench.plane.pause().await;
        bench.placement.lose(&first);
        bench.placement.lose(&second);
    }
    let hsms = until("both replacements", async || {
        let hsms = client.cluster(&cluster).await?.hsms?;
        let new = hsms.iter().all(|hsm| hsm.hsm_id != first && hsm.hsm_id != second);
        (new && hsms.iter().all(|hsm| hsm.state == Some(HsmState::Active))).then_some(hsms)
    })
    .await;
    let roles = hsms.iter().map(|hsm| bench.placement.hsm(&hsm.hsm_id).disk().role.unwrap());
    let restored = roles.clone().filter(|role| *role == AssignedRole::Restore).count();
    let joined = roles.filter(|role| *role == AssignedRole::Join).count();
    assert_eq!((hsms.len(), restored, joined), (2, 1, 1));
}

async fn running_hsms_are_taken_over(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let (cluster, hsm) = bench.client().active().await;
    let bench = bench.restart().await;
    let client = bench.client();
    until("the new connection", async || {
        (bench.placement.hsm(&hsm).disk().role == Some(AssignedRole::Resume)).then_some(())
    })
    .await;
    client.create_hsm(&cluster, ZONE_B).await.unwrap();
    client.has_hsms(&cluster, 2).await;
    assert_eq!(bench.placement.placed().starts[&hsm], 1, "it was not started a second time");
}

async fn a_cluster_without_hsms_goes_on_from_its_last_backup(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, hsm) = client.active().await;
    client.delete_hsm(&cluster, &hsm).await.unwrap();
    client.has_hsms(&cluster, 0).await;
    assert_eq!(client.cluster(&cluster).await.unwrap().state, Some(ClusterState::Active));
    let hsm = client.create_hsm(&cluster, ZONE_B).await.unwrap().hsm_id;
    client.has_hsms(&cluster, 1).await;
    let restored = bench.placement.hsm(&hsm);
    assert_eq!(restored.disk().role, Some(AssignedRole::Restore));
    assert_eq!(restored.disk().entries.values().next().unwrap(), b"found", "the log goes on");
}

async fn rules_reach_hsms_at_once(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (_, hsm) = client.active().await;
    let hsm = bench.placement.hsm(&hsm);
    let allowed = || hsm.disk().rules.clone().unwrap();
    assert_eq!(allowed().allow, [""; 0]);
    let mut revision = allowed().revision;
    for (there, wanted) in [(true, &["10.9.0.0/16"][..]), (false, &[])] {
        bench.ec2.set_rule("10.9.0.0/16", there);
        let rules =
            until("the new rules", async || Some(allowed()).filter(|rules| rules.allow == wanted)).await;
        assert!(rules.revision > revision);
        revision = rules.revision;
    }
}

async fn a_reset_leaves_nothing(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    bench.client().active().await;
    {
        let paused = bench.plane.pause().await;
        bench.plane.start_over(&paused).await;
        bench.db.clear(&[]).await.unwrap();
    }
    assert!(bench.placement.placed().hsms.is_empty());
    assert!(bench.as_of(ACCOUNT, REGION).backups(None).await.is_empty());
    // And everything can begin anew.
    bench.client().active().await;
}
