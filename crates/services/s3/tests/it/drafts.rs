//! Changes commit with the drafts of their records.

use strongroom_api_s3::{self as s3, S3 as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::World;

on_both_engines! {
    each_change_has_its_draft,
    several_deletions_of_one_call_have_one,
}

async fn waiting(world: &World) -> usize {
    world.db.posted(None, 1000).await.unwrap().len()
}

async fn each_change_has_its_draft(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("drafts").await;
    owner.put("drafts", "k", b"1").await.unwrap();
    owner.version("drafts", "Enabled").await;
    owner.delete("drafts", "k", None).await;
    assert_eq!(waiting(&world).await, 4);
    owner.put_as("drafts", "k", b"1", |input| input.if_match = Some("x".to_owned())).await.unwrap_err();
    owner.get("drafts", "k").await.unwrap_err();
    assert_eq!(waiting(&world).await, 4, "what is refused changes nothing");
}

async fn several_deletions_of_one_call_have_one(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("drafts").await;
    let before = waiting(&world).await;
    let object = |key: &str| s3::ObjectIdentifier { key: key.to_owned(), ..Default::default() };
    let long = "x".repeat(2000);
    let input = s3::DeleteObjectsRequest {
        bucket: "drafts".to_owned(),
        delete: s3::Delete { objects: vec![object(&long), object("a"), object("b")], quiet: None },
        ..Default::default()
    };
    let output = world.s3.delete_objects(&owner.changing(), input).await.unwrap();
    assert_eq!((output.deleted.unwrap().len(), output.errors.unwrap().len()), (2, 1));
    assert_eq!(waiting(&world).await, before + 1);
}
