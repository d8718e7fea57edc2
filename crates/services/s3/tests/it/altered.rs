//! Rows and files that somebody else has written.

use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{World, code};

on_both_engines! {
    altered_rows_are_noticed,
    one_objects_file_is_not_anothers,
}

const OPEN_BUCKET: Statement = Statement::new("UPDATE s3_buckets SET account = $1 WHERE name = 'altered'");
const RENAME: Statement = Statement::new("UPDATE s3_objects SET object_key = $1 WHERE bucket = 'altered'");
const SWAP: Statement = Statement::new("UPDATE s3_parts SET number = number + $1");

async fn altered_rows_are_noticed(database: &TestDatabase) {
    for (statement, value) in
        [(OPEN_BUCKET, "444455556666".into()), (RENAME, "other".into()), (SWAP, 1_i64.into())]
    {
        let world = World::new(database).await;
        let owner = world.owner();
        world.db.clear(&[]).await.unwrap();
        owner.make("altered").await;
        owner.put("altered", "k", b"1").await.unwrap();
        world.db.execute(statement, &[value]).await.unwrap();
        let key = if statement == RENAME { "other" } else { "k" };
        assert_eq!(code(owner.get("altered", key).await), "InternalFailure", "{statement:?}");
    }
}

async fn one_objects_file_is_not_anothers(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("files").await;
    owner.put("files", "a", b"the first").await.unwrap();
    owner.put("files", "b", b"the other").await.unwrap();
    let files = world.s3.folder().finished().unwrap();
    std::fs::copy(&files[0].0, &files[1].0).unwrap();
    let outcomes = [code(owner.get("files", "a").await), code(owner.get("files", "b").await)];
    assert!(
        outcomes.contains(&"ok".to_owned()) && outcomes.contains(&"InternalFailure".to_owned()),
        "{outcomes:?}"
    );
}
