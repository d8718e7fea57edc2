//! Named values of the installation.

use strongroom_store::{Db, OpenOptions};
use strongroom_testkit::{TestDatabase, on_both_engines};
use tokio::task::JoinSet;

use crate::tables::open_again;

on_both_engines! {
    values_are_kept_before_any_migration,
    servers_that_start_at_once_agree,
}

async fn values_are_kept_before_any_migration(database: &TestDatabase) {
    let db = open_again(database).await;
    assert_eq!(db.meta_get("seal").await.unwrap(), None);
    db.meta_set("seal", b"one").await.unwrap();
    db.meta_set("seal", b"two").await.unwrap();
    assert_eq!(db.meta_insert_if_absent("seal", b"three").await.unwrap(), b"two");
    assert_eq!(db.meta_insert_if_absent("clock", b"").await.unwrap(), b"");
    assert_eq!(open_again(database).await.meta_get("seal").await.unwrap().unwrap(), b"two");
}

async fn servers_that_start_at_once_agree(database: &TestDatabase) {
    let mut tasks = JoinSet::new();
    for number in 0..8_u8 {
        let url = database.url().to_owned();
        tasks.spawn(async move {
            let db = Db::open(&url, &OpenOptions::default()).await.unwrap();
            db.meta_insert_if_absent("seal", &[number]).await.unwrap()
        });
    }
    let values = tasks.join_all().await;
    assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
}
