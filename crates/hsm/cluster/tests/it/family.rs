//! Objects that clones exchange.

use strongroom_hsm_cluster::{ClusterError, MAX_EXPORT, MAX_EXPORT_CONTEXT};

use crate::backup::clone_of;
use crate::cluster::{NOW, Store, cluster, found};

#[test]
fn an_object_opens_in_the_whole_family_with_its_context() {
    let (mut store, mut hsms) = cluster(2);
    let sealed = hsms[0].replica().seal_for_family(b"key 7", b"material").unwrap();
    let (_, mut clone) = clone_of(&mut hsms[0]);
    let turn = hsms[0].replica().propose_turn(NOW).unwrap();
    hsms[0].append(&mut store, &turn).unwrap();
    for hsm in [&mut hsms[0], &mut clone] {
        assert_eq!(hsm.replica().open_from_family(b"key 7", &sealed).unwrap().expose(), b"material");
        for (context, sealed) in [(&b"key 8"[..], &sealed[..]), (b"key 7", &sealed[1..]), (b"key 7", b"")] {
            let refused = hsm.replica().open_from_family(context, sealed).map(|_| ());
            assert_eq!(refused, Err(ClusterError::Export));
        }
    }
    let back = clone.replica().seal_for_family(b"key 9", b"other").unwrap();
    assert_eq!(hsms[1].replica().open_from_family(b"key 9", &back).unwrap().expose(), b"other");

    let mut stranger = found(&mut Store::default());
    let refused = stranger.replica().open_from_family(b"key 7", &sealed).map(|_| ());
    assert_eq!(refused, Err(ClusterError::Export));
}

#[test]
fn exports_are_bounded() {
    let (_, mut hsms) = cluster(1);
    let refused = Err(ClusterError::ExportTooLarge);
    assert_eq!(hsms[0].replica().seal_for_family(b"", &vec![0; MAX_EXPORT + 1]), refused);
    assert_eq!(hsms[0].replica().seal_for_family(&vec![0; MAX_EXPORT_CONTEXT + 1], b""), refused);
    assert!(hsms[0].replica().seal_for_family(&vec![0; MAX_EXPORT_CONTEXT], &vec![0; MAX_EXPORT]).is_ok());
}
