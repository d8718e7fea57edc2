//! HSMs made and deleted, and who may say that it is one.

use std::net::Ipv4Addr;

use strongroom_api_cloudhsm::{CloudHsm as _, DeleteHsmRequest, HsmState};
use strongroom_hsm_proto::fleet::AssignedRole;
use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::hsm::FakeHsm;
use crate::fixture::{Bench, SUBNET_A, ZONE_A, ZONE_B, until};

on_both_engines! {
    where_an_hsm_can_be,
    a_second_hsm_before_activation_is_refused,
    an_hsm_is_deleted_by_exactly_one_name,
    a_stranger_is_no_hsm,
    an_hsm_that_halts_or_does_not_start_is_told_of,
    an_hsm_that_does_not_get_on_is_told_of,
    one_hsm_begins_and_the_others_join_it,
    the_cluster_is_backed_up_after_an_hsm_has_left,
}

fn invalid(text: &str) -> String {
    format!("CloudHsmInvalidRequestException: {text}")
}

async fn where_an_hsm_can_be(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let cluster = client.uninitialized().await;
    let refuse = async |zone: &str, address: Option<&str>| {
        client.create_hsm_at(&cluster, zone, address).await.unwrap_err().to_string()
    };
    assert_eq!(
        refuse("us-east-1f", None).await,
        invalid(&format!(
            "Availability Zone us-east-1f is not in the subnet mapping of cluster {cluster}. Its zones are \
             us-east-1a, us-east-1b."
        ))
    );
    assert_eq!(refuse(ZONE_A, Some("10.0.0.300")).await, invalid("The IP address 10.0.0.300 is not valid."));
    for address in ["10.0.1.9", "10.0.0.3", "10.0.0.255"] {
        assert_eq!(
            refuse(ZONE_A, Some(address)).await,
            invalid(&format!(
                "The IP address {address} cannot be used in subnet {SUBNET_A}, whose CIDR block is 10.0.0.0/24."
            ))
        );
    }
    bench.placement.placed().in_use.extend([Ipv4Addr::new(10, 0, 0, 4), Ipv4Addr::new(10, 0, 0, 9)]);
    assert_eq!(refuse(ZONE_A, Some("10.0.0.9")).await, invalid("The IP address 10.0.0.9 is already in use."));
    bench.placement.placed().unreachable = true;
    assert_eq!(refuse(ZONE_A, None).await, invalid("No HSM can listen at 10.0.0.4. Map it."));
    bench.placement.placed().unreachable = false;
    assert!(bench.ec2.made().interfaces.is_empty());

    let hsm = client.create_hsm(&cluster, ZONE_A).await.unwrap();
    assert_eq!(hsm.eni_ip.as_deref(), Some("10.0.0.5"), "an address in use is skipped");
    assert_eq!(
        client.create_hsm("cluster-aaaaaaaaaaa", ZONE_A).await.unwrap_err().to_string(),
        "CloudHsmResourceNotFoundException: Cluster cluster-aaaaaaaaaaa does not exist."
    );

    let (active, _) = client.active().await;
    let asked = client.create_hsm_at(&active, ZONE_B, Some("10.0.1.77")).await.unwrap();
    assert_eq!(asked.eni_ip.as_deref(), Some("10.0.1.77"));
    for _ in 0..3 {
        client.create_hsm(&active, ZONE_B).await.unwrap();
    }
    assert_eq!(
        client.create_hsm(&active, ZONE_B).await.unwrap_err().to_string(),
        invalid("You have reached the limit of 6 HSMs in this Region.")
    );
    assert_eq!(bench.ec2.made().interfaces.len(), 6, "the interface of the seventh is gone");
}

async fn a_second_hsm_before_activation_is_refused(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let cluster = client.uninitialized().await;
    client.create_hsm(&cluster, ZONE_A).await.unwrap();
    let text = |cluster| {
        invalid(&format!("Cluster '{cluster}' already contains an HSM but has not yet been fully activated"))
    };
    assert_eq!(client.create_hsm(&cluster, ZONE_B).await.unwrap_err().to_string(), text(cluster));
    let (cluster, _) = client.initialized().await;
    assert_eq!(client.create_hsm(&cluster, ZONE_B).await.unwrap_err().to_string(), text(cluster));
}

async fn an_hsm_is_deleted_by_exactly_one_name(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, _) = client.active().await;
    let delete = async |id: Option<&str>, eni: Option<&str>, address: Option<&str>| {
        let input = DeleteHsmRequest {
            cluster_id: cluster.clone(),
            hsm_id: id.map(str::to_owned),
            eni_id: eni.map(str::to_owned),
            eni_ip: address.map(str::to_owned),
        };
        let answer = bench.plane.delete_hsm(&client.changing(), input).await;
        answer.map(|answer| answer.hsm_id.unwrap()).map_err(|error| error.to_string())
    };
    let one = invalid("Specify exactly one of HsmId, EniId and EniIp.");
    assert_eq!(delete(None, None, None).await, Err(one.clone()));
    assert_eq!(delete(Some("hsm-aaaaaaaaaaa"), None, Some("10.0.0.4")).await, Err(one));
    for (id, eni, address, what) in [
        (Some("hsm-aaaaaaaaaaa"), None, None, "the ID hsm-aaaaaaaaaaa"),
        (None, Some("eni-ffffffff"), None, "the network interface eni-ffffffff"),
        (None, None, Some("10.0.9.9"), "the IP address 10.0.9.9"),
    ] {
        let text = format!("CloudHsmResourceNotFoundException: Cluster {cluster} has no HSM with {what}.");
        assert_eq!(delete(id, eni, address).await, Err(text));
    }
    for by in 0..3 {
        let hsm = client.create_hsm(&cluster, ZONE_B).await.unwrap();
        client.has_hsms(&cluster, 2).await;
        let named = |position| (by == position).then_some(());
        let deleted = delete(
            named(0).and(Some(&*hsm.hsm_id)),
            named(1).and(hsm.eni_id.as_deref()),
            named(2).and(hsm.eni_ip.as_deref()),
        );
        assert_eq!(deleted.await, Ok(hsm.hsm_id));
        client.has_hsms(&cluster, 1).await;
    }
}

async fn a_stranger_is_no_hsm(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, hsm) = client.active().await;
    let order = bench.placement.last_order(&hsm);
    // Another device with the id and the token of an HSM that has enrolled, and one with an id that is none.
    for id in [hsm.as_str(), "hsm-aaaaaaaaaaa"] {
        let impostor = std::sync::Arc::new(FakeHsm::new(id));
        assert_eq!(impostor.clone().run(order.clone()).await, None);
        assert_eq!(impostor.disk().role, None);
    }
    assert_eq!(client.has_hsms(&cluster, 1).await[0].hsm_id, hsm);
    // The HSM itself is not disturbed.
    client.create_hsm(&cluster, ZONE_B).await.unwrap();
    client.has_hsms(&cluster, 2).await;
}

async fn an_hsm_that_does_not_get_on_is_told_of(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, hsm) = client.active().await;
    let stuck = |why: Option<&str>| {
        bench.placement.hsm(&hsm).change(|disk| disk.stuck = why.map(str::to_owned));
    };
    stuck(Some("the log cannot be read"));
    until("the reason", async || {
        let found = client.cluster(&cluster).await?.hsms?.pop()?;
        let text = "The HSM is connected and does not serve: the log cannot be read";
        (found.state == Some(HsmState::Degraded) && found.state_message.as_deref() == Some(text))
            .then_some(())
    })
    .await;
    stuck(None);
    client.has_hsms(&cluster, 1).await;
}

async fn an_hsm_that_halts_or_does_not_start_is_told_of(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, hsm) = client.active().await;
    let shows = async |cluster: &str, state: HsmState, text: &str| {
        until(text, async || {
            let found = client.cluster(cluster).await?.hsms?.pop()?;
            let message = found.state_message.unwrap_or_default();
            (found.state == Some(state.clone()) && message.contains(text)).then_some(())
        })
        .await;
    };
    bench.placement.hsm(&hsm).change(|disk| disk.halted = Some("the log is forked".to_owned()));
    shows(&cluster, HsmState::Degraded, "The HSM has halted: the log is forked").await;
    bench.placement.hsm(&hsm).change(|disk| disk.halted = None);
    shows(&cluster, HsmState::Active, "HSM created.").await;

    bench.placement.placed().broken = true;
    let other = client.uninitialized().await;
    client.create_hsm(&other, ZONE_A).await.unwrap();
    shows(&other, HsmState::CreateInProgress, "The HSM cannot be started").await;
    bench.placement.placed().broken = false;
    client.has_hsms(&other, 1).await;
}

async fn one_hsm_begins_and_the_others_join_it(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, hsm) = client.active().await;
    client.delete_hsm(&cluster, &hsm).await.unwrap();
    client.has_hsms(&cluster, 0).await;
    bench.placement.placed().broken = true;
    let mut created = Vec::new();
    for zone in [ZONE_B, ZONE_A, ZONE_B] {
        created.push(client.create_hsm(&cluster, zone).await.unwrap().hsm_id);
    }
    for later in &created[1..] {
        let order = until("its start", async || {
            let started = bench.placement.placed().starts.contains_key(later);
            started.then(|| bench.placement.last_order(later))
        });
        let eager = std::sync::Arc::new(FakeHsm::new(later));
        // It enrols, and is told to wait.
        assert_eq!(eager.clone().run(order.await).await, None);
        assert_eq!(eager.disk().role, None);
        bench.placement.placed().hsms.insert(later.clone(), eager);
    }
    bench.placement.placed().broken = false;
    client.has_hsms(&cluster, 3).await;
    let roles = created.iter().map(|id| bench.placement.hsm(id).disk().role.unwrap());
    let roles: Vec<_> = roles.collect();
    assert_eq!(roles, [AssignedRole::Restore, AssignedRole::Join, AssignedRole::Join]);
    let first = bench.placement.hsm(&created[0]);
    let restores = first.disk().entries.values().filter(|entry| entry.starts_with(b"restore ")).count();
    assert_eq!(restores, 1);
}

async fn the_cluster_is_backed_up_after_an_hsm_has_left(database: &TestDatabase) {
    const HELD: Statement = Statement::new("SELECT sequence FROM cloudhsm_log_backups WHERE cluster_id = $1");
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, first) = client.active().await;
    let second = client.create_hsm(&cluster, ZONE_B).await.unwrap().hsm_id;
    client.has_hsms(&cluster, 2).await;
    client.has_backups(&cluster, 2).await;
    client.delete_hsm(&cluster, &second).await.unwrap();
    client.has_hsms(&cluster, 1).await;
    client.has_backups(&cluster, 3).await;
    let held = bench.db.query_one(HELD, &[cluster.as_str().into()]).await.unwrap().i64("sequence").unwrap();
    let first = bench.placement.hsm(&first);
    let left = first.disk().entries.iter().find(|(_, entry)| entry.starts_with(b"leave ")).map(|(at, _)| *at);
    // The partition key is another after that: an earlier backup does not open what comes then.
    assert!(held.unsigned_abs() >= left.unwrap(), "the backup holds {held}, the leave is at {left:?}");
}
