//! Random sequences of what people do to a cluster, against a small model of what a cluster is: a state, so many
//! HSMs, and backups that come and go by rules.

mod reference;

use proptest::prelude::*;
use strongroom_api_cloudhsm::{Backup, HsmState};
use strongroom_testkit::TestDatabase;

use self::reference::{Kept, Model};
use crate::fixture::{Bench, Client, DAY, ZONE_A, ZONE_B, filter, sign, until};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    CreateHsm { second_zone: bool },
    DeleteHsm { which: usize },
    Initialize,
    Activate,
    Retain { days: i64 },
    DeleteCluster,
    DeleteBackup { which: usize },
    RestoreBackup { which: usize },
    Keep { which: usize, never_expires: bool },
    Wait { days: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<bool>().prop_map(|second_zone| Step::CreateHsm { second_zone }),
        4 => (0..8_usize).prop_map(|which| Step::DeleteHsm { which }),
        1 => Just(Step::Initialize),
        1 => Just(Step::Activate),
        1 => (7..20_i64).prop_map(|days| Step::Retain { days }),
        1 => Just(Step::DeleteCluster),
        2 => (0..8_usize).prop_map(|which| Step::DeleteBackup { which }),
        2 => (0..8_usize).prop_map(|which| Step::RestoreBackup { which }),
        1 => (0..8_usize, any::<bool>()).prop_map(|(which, never_expires)| Step::Keep { which, never_expires }),
        5 => (1..20_i64).prop_map(|days| Step::Wait { days }),
    ]
}

/// The way that people go first, which chance would seldom find.
const BEGINNING: [Step; 4] =
    [Step::CreateHsm { second_zone: false }, Step::Initialize, Step::Activate, Step::Retain { days: 7 }];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 8, ..ProptestConfig::default() })]

    #[test]
    fn a_cluster_does_as_the_model(
        beginning in prop_oneof![1 => 0..4_usize, 3 => Just(4)],
        steps in proptest::collection::vec(step(), 1..24),
    ) {
        live(BEGINNING[..beginning].iter().chain(&steps).copied());
    }
}

/// More than one page of DescribeBackups, which chance seldom gets to.
#[test]
fn a_cluster_of_many_backups_does_as_the_model() {
    let start = BEGINNING[..3].iter().copied();
    live(start.chain([Step::Wait { days: 19 }; 4]).chain([Step::CreateHsm { second_zone: true }]));
}

/// Takes the steps one after another, in a real cluster and in the model, and compares the two after each.
fn live(steps: impl Iterator<Item = Step>) {
    strongroom_testkit::run(async {
        let database = TestDatabase::sqlite();
        let bench = Bench::new(&database).await;
        let client = bench.client();
        let cluster = client.uninitialized().await;
        let mut model = Model::default();
        for step in steps {
            take(&client, &cluster, &mut model, step).await;
            compare(&client, &cluster, &mut model, step).await;
        }
        bench.end().await;
    });
}

/// Takes a step, in the real cluster and in the model, which say alike whether it can be taken.
async fn take(client: &Client<'_>, cluster: &str, model: &mut Model, step: Step) {
    let done = match step {
        Step::CreateHsm { second_zone } => {
            let zone = if second_zone { ZONE_B } else { ZONE_A };
            client.create_hsm(cluster, zone).await.map(drop)
        }
        Step::DeleteHsm { which } => {
            let hsms = client.cluster(cluster).await.and_then(|cluster| cluster.hsms).unwrap_or_default();
            let Some(hsm) = hsms.get(which % hsms.len().max(1)) else { return };
            client.delete_hsm(cluster, &hsm.hsm_id).await.map(drop)
        }
        Step::Initialize => {
            let (signed, anchor) =
                if model.has_csr() { sign(&client.csr(cluster).await) } else { Default::default() };
            client.initialize(cluster, &signed, &anchor).await.map(drop)
        }
        Step::Activate => {
            if !model.can_activate() {
                return;
            }
            let hsm = client.cluster(cluster).await.unwrap().hsms.unwrap()[0].hsm_id.clone();
            client.bench.placement.hsm(&hsm).change(|disk| disk.activated = true);
            Ok(())
        }
        Step::Retain { days } => client.modify(cluster, &days.to_string()).await.map(drop),
        Step::DeleteCluster => client.delete_cluster(cluster).await.map(drop),
        Step::DeleteBackup { which } => match model.backup(which) {
            Some(id) => client.delete_backup(&id).await.map(drop),
            None => return,
        },
        Step::RestoreBackup { which } => match model.backup(which) {
            Some(id) => client.restore_backup(&id).await.map(drop),
            None => return,
        },
        Step::Keep { which, never_expires } => match model.backup(which) {
            Some(id) => client.keep(&id, never_expires).await.map(drop),
            None => return,
        },
        Step::Wait { days } => {
            client.bench.later(days * DAY).await;
            Ok(())
        }
    };
    let now = client.bench.clocks.domain_now();
    let refusal = done.err().map(|error| error.to_string());
    assert_eq!(refusal.is_none(), model.take(step, now), "{step:?}: {refusal:?}");
}

/// Waits until the real cluster is as the model says.
async fn compare(client: &Client<'_>, cluster: &str, model: &mut Model, step: Step) {
    let what = format!("{model:?} after {step:?}");
    let backups = until(&what, async || {
        client.bench.later(0).await;
        let found = client.cluster(cluster).await;
        if found.as_ref().map(|found| found.state.clone().unwrap()) != model.shown_state() {
            return None;
        }
        let hsms = found.and_then(|found| found.hsms).unwrap_or_default();
        if hsms.len() != model.hsms || hsms.iter().any(|hsm| hsm.state != Some(HsmState::Active)) {
            return None;
        }
        let backups = client.backups(Some(filter("clusterIds", &[cluster]))).await;
        let states: Vec<_> = backups.iter().map(Kept::of).collect();
        (states == model.kept()).then_some(backups)
    })
    .await;
    model.learn(&backups.iter().map(names).collect::<Vec<_>>());
}

fn names(backup: &Backup) -> (String, i64) {
    (backup.backup_id.clone(), backup.create_timestamp.unwrap().as_millis())
}
