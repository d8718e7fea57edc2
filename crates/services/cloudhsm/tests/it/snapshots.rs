//! Snapshots of logs do not pile up.

use strongroom_api_cloudhsm::{CloudHsm as _, ClusterState, DeleteClusterRequest};
use strongroom_hsm_proto::fleet::{
    Append, BlobKind, Compact, Failed, FailedCode, GetPiece, PlaneAnswer, PlaneCall, PutPiece,
};
use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::Bench;

on_both_engines! {
    the_last_two_snapshots_are_kept_while_there_is_a_cluster,
}

const COUNT: Statement =
    Statement::new("SELECT COUNT(*) AS found FROM cloudhsm_blobs WHERE kind = 'snapshot'");
const COUNT_PIECES: Statement =
    Statement::new("SELECT COUNT(*) AS found FROM cloudhsm_pieces WHERE kind = 'snapshot'");

async fn the_last_two_snapshots_are_kept_while_there_is_a_cluster(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let client = bench.client();
    let (cluster, hsm) = client.active().await;
    let line = bench.placement.hsm(&hsm).line();
    let count = async |statement| bench.db.query_one(statement, &[]).await.unwrap().i64("found").unwrap();
    let put = async |place: u64| {
        let (kind, name) = (BlobKind::Snapshot.into(), place.to_string());
        let piece = PutPiece { kind, name, offset: 0, bytes: b"state".to_vec(), last: true };
        assert!(matches!(line.call(PlaneCall::PutPiece(piece)).await, Some(PlaneAnswer::Done(_))));
    };
    for place in 2..=12 {
        let append = Append { sequence: place, entry: b"entry".to_vec() };
        assert!(matches!(line.call(PlaneCall::Append(append)).await, Some(PlaneAnswer::Appended(_))));
    }
    for place in 8..=11 {
        put(place).await;
        let compact = Compact { before: place, snapshot: place };
        assert!(matches!(line.call(PlaneCall::Compact(compact)).await, Some(PlaneAnswer::Done(_))));
    }
    assert_eq!((count(COUNT).await, count(COUNT_PIECES).await), (2, 2));
    for (place, is_there) in [(8, false), (9, false), (10, true), (11, true)] {
        let (kind, name) = (BlobKind::Snapshot.into(), place.to_string());
        let get = GetPiece { kind, name, offset: 0, max_bytes: 8 };
        match line.call(PlaneCall::GetPiece(get)).await.unwrap() {
            PlaneAnswer::Piece(piece) => assert!(is_there && piece.bytes == b"state", "{place}"),
            PlaneAnswer::Failed(Failed { code, .. }) => {
                assert!(!is_there && code == FailedCode::NotFound as i32, "{place}");
            }
            other => panic!("{other:?}"),
        }
    }

    // Many that were never said to replace anything go with the cluster.
    for place in 1_000..1_120 {
        put(place).await;
    }
    client.delete_hsm(&cluster, &hsm).await.unwrap();
    client.has_hsms(&cluster, 0).await;
    let input = DeleteClusterRequest { cluster_id: cluster.clone() };
    bench.plane.delete_cluster(&client.changing(), input).await.unwrap();
    client.reaches(&cluster, ClusterState::Deleted).await;
    assert_eq!((count(COUNT).await, count(COUNT_PIECES).await), (0, 0));
}
