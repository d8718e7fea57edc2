//! A database beside the store.

use strongroom_resealing::{Aim, Beside, Kept as _};
use strongroom_seal::{Epoch, Root};
use strongroom_store::{Db, OpenOptions, RowMac, Statement};

use crate::vault::{COLUMNS, add_to, migrate};

#[tokio::test]
async fn what_is_sealed_beside_the_store_is_sealed_afresh_too() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::create(folder.path()).unwrap();
    let db = Db::open_sqlite_ephemeral(&OpenOptions::default()).await.unwrap();
    migrate(&db).await;
    for number in 0..450 {
        add_to(&db, &root, &format!("thing-{number:04}")).await;
    }
    let next = root.prepare_next().unwrap();
    root.select(next).unwrap();
    let beside = Beside::new("metrics.db", &db, &root, &[COLUMNS]);
    let (mut resealed, mut place) = (0, None);
    loop {
        let step = beside.step(Aim::Reseal, place.as_deref()).await.unwrap();
        assert!(step.refused.is_empty());
        resealed += step.resealed;
        place = step.next;
        if place.is_none() {
            break;
        }
    }
    assert_eq!(resealed, 450);
    root.retire_before(next, |_, _| false).unwrap();
    assert_eq!(root.epochs(), [Epoch::new(2)]);
    let checked = beside.step(Aim::Check, None).await.unwrap();
    assert_eq!((checked.looked, checked.refused.len()), (450, 0));
    for row in db.query(Statement::new("SELECT mac FROM things"), &[]).await.unwrap() {
        assert_eq!(RowMac::epoch_of(&row.blob("mac").unwrap()), Some(next));
    }
}
