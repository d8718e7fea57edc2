//! What CloudHSM keeps sealed, after rotations of the seal.

use std::sync::Arc;
use std::time::Duration;

use strongroom_api_cloudhsm::{ClusterState, CreateClusterRequest};
use strongroom_cloudhsm::{BackupHalves, SEALED};
use strongroom_hsm_proto::fleet::AssignedRole;
use strongroom_resealing::{Parts, Resealing};
use strongroom_runtime::Clocks;
use strongroom_seal::{Epoch, Purpose, Root};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Bench, DAY, SUBNET_A, ZONE_A, new_cluster};

on_both_engines! {
    a_backup_from_before_makes_a_cluster_as_long_as_it_is_there,
    hsms_are_kept_by_a_control_plane_that_starts_after,
}

/// Who rotates the seal of a bench.
struct Rotator {
    root: Root,
    resealing: Resealing,
}

impl Rotator {
    async fn of(bench: &Bench) -> Self {
        let (db, root) = (&bench.db, &bench.root);
        db.meta_insert_if_absent("seal.check", root.check_value().as_bytes()).await.unwrap();
        let parts = Parts {
            db: db.clone(),
            root: root.clone(),
            clocks: Clocks::system(),
            columns: vec![SEALED],
            kept: vec![Arc::new(BackupHalves(db.clone()))],
            grace: Duration::ZERO,
        };
        Self { root: root.clone(), resealing: Resealing::new(parts).unwrap() }
    }

    async fn rotate(&self) {
        let outcome = self.resealing.rotate(&|_| {}).await.unwrap();
        assert!(outcome.finished, "{:?}", outcome.totals);
        assert_eq!(self.root.epochs(), [outcome.epoch], "older root keys are gone");
        let checked = self.resealing.check(&|_| {}).await.unwrap();
        assert_eq!(checked.refused, 0, "{:?}", checked.names);
    }

    fn has_half_of(&self, epoch: u32) -> bool {
        self.root.subkey(Purpose::BackupServiceHalf, Epoch::new(epoch)).is_ok()
    }
}

async fn a_backup_from_before_makes_a_cluster_as_long_as_it_is_there(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let seal = Rotator::of(&bench).await;
    let (cluster, _) = bench.client().active().await;
    let id = bench.client().backups(None).await[0].backup_id.clone();
    seal.rotate().await;
    seal.rotate().await;
    assert!(seal.has_half_of(1) && !seal.has_half_of(2));

    let bench = bench.restart().await;
    let client = bench.client();
    let from = CreateClusterRequest { source_backup_id: Some(id.clone()), ..new_cluster(&[SUBNET_A]) };
    let clone = client.create(from).await.unwrap().cluster_id.unwrap();
    client.reaches(&clone, ClusterState::Initialized).await;
    let hsm = client.create_hsm(&clone, ZONE_A).await.unwrap().hsm_id;
    // An HSM of these tests refuses a backup if the half of its key is not what it was.
    client.reaches(&clone, ClusterState::Active).await;
    assert_eq!(bench.placement.hsm(&hsm).disk().role, Some(AssignedRole::Restore));
    // Its own backup has a half of the epoch in use.
    client.has_backups(&clone, 1).await;

    client.has_backups(&cluster, 1).await;
    client.delete_backup(&id).await.unwrap();
    seal.rotate().await;
    assert!(seal.has_half_of(1), "a deleted backup can be restored for a week");
    bench.later(8 * DAY).await;
    seal.rotate().await;
    assert!(!seal.has_half_of(1));
    assert!(seal.has_half_of(3), "the clone's backup is there");
}

async fn hsms_are_kept_by_a_control_plane_that_starts_after(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let seal = Rotator::of(&bench).await;
    let (cluster, _) = bench.client().active().await;
    seal.rotate().await;
    let bench = bench.restart().await;
    bench.client().create_hsm(&cluster, ZONE_A).await.unwrap();
    bench.client().has_hsms(&cluster, 2).await;
}
