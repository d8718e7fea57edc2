//! What is deleted, under which conditions, and how often.

use strongroom_api_s3::{self as s3, S3 as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, World, code};

on_both_engines! {
    a_bucket_is_emptied_page_by_page,
    conditions_are_about_the_latest_version,
    an_entity_tag_is_told_to_readers_alone,
    what_is_named_twice_is_deleted_once,
}

async fn versions(
    owner: &Client<'_>,
    from: (Option<String>, Option<String>),
) -> s3::ListObjectVersionsOutput {
    let input = s3::ListObjectVersionsRequest {
        bucket: "mine".to_owned(),
        max_keys: Some(2),
        key_marker: from.0,
        version_id_marker: from.1,
        ..Default::default()
    };
    owner.s3.list_object_versions(&owner.context(), input).await.unwrap()
}

/// As scripts do it: a page, all of it deleted, and on from where it ended. What it ended with is gone by then.
async fn a_bucket_is_emptied_page_by_page(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    owner.put("mine", "k", b"null").await.unwrap();
    owner.version("mine", "Enabled").await;
    for body in [b"1", b"2", b"3", b"4"] {
        owner.put("mine", "k", body).await.unwrap();
    }
    owner.put("mine", "l", b"1").await.unwrap();
    owner.delete("mine", "l", None).await;
    let mut from = (None, None);
    loop {
        let page = versions(&owner, from).await;
        let objects = page.versions.unwrap().into_iter().map(|one| (one.key, one.version_id));
        let markers = page.delete_markers.unwrap().into_iter().map(|one| (one.key, one.version_id));
        for (key, id) in objects.chain(markers) {
            owner.delete("mine", &key.unwrap(), id.as_deref()).await;
        }
        if page.is_truncated != Some(true) {
            break;
        }
        from = (page.next_key_marker, page.next_version_id_marker);
    }
    let input = s3::DeleteBucketRequest { bucket: "mine".to_owned(), ..Default::default() };
    world.s3.delete_bucket(&owner.changing(), input).await.unwrap();
}

async fn delete_if(owner: &Client<'_>, key: &str, wanted: &str, version: Option<&str>) -> String {
    let input = s3::DeleteObjectRequest {
        bucket: "mine".to_owned(),
        key: key.to_owned(),
        version_id: version.map(str::to_owned),
        if_match: Some(wanted.to_owned()),
        ..Default::default()
    };
    code(owner.s3.delete_object(&owner.changing(), input).await)
}

/// Amazon S3 User Guide, "How to perform conditional deletes".
async fn conditions_are_about_the_latest_version(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    assert_eq!(delete_if(&owner, "k", "*", None).await, "NoSuchKey");
    owner.version("mine", "Enabled").await;
    let old = owner.put("mine", "k", b"old").await.unwrap();
    let new = owner.put("mine", "k", b"new").await.unwrap();
    let (old_tag, old_id) = (old.e_tag.unwrap(), old.version_id.unwrap());
    assert_eq!(delete_if(&owner, "k", &old_tag, None).await, "PreconditionFailed");
    assert_eq!(delete_if(&owner, "k", &old_tag, Some(&old_id)).await, "PreconditionFailed");
    assert_eq!(owner.get("mine", "k").await.unwrap(), b"new");
    assert_eq!(delete_if(&owner, "k", &new.e_tag.unwrap(), Some(&old_id)).await, "ok");
    assert_eq!(delete_if(&owner, "k", "*", None).await, "ok");
    // A delete marker is no object.
    assert_eq!(delete_if(&owner, "k", "*", None).await, "PreconditionFailed");
    assert_eq!(owner.get_as("mine", "k", |input| input.version_id = new.version_id).await.unwrap(), b"new");
}

async fn an_entity_tag_is_told_to_readers_alone(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    let tag = owner.put("mine", "k", b"1").await.unwrap().e_tag.unwrap();
    let statement = |actions: &str, condition: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"444455556666"}},
            "Action":[{actions}],"Resource":"arn:aws:s3:::mine/*"{condition}}}]}}"#
        )
    };
    owner.set_policy("mine", &statement(r#""s3:DeleteObject""#, "")).await;
    let stranger = world.stranger();
    assert_eq!(delete_if(&stranger, "k", &tag, None).await, "AccessDenied");
    assert_eq!(delete_if(&stranger, "k", "\"other\"", None).await, "AccessDenied");
    // Policies may ask for the condition.
    let wanted = r#","Condition":{"Null":{"s3:if-match":"false"}}"#;
    owner.set_policy("mine", &statement(r#""s3:DeleteObject""#, wanted)).await;
    let input =
        s3::DeleteObjectRequest { bucket: "mine".to_owned(), key: "k".to_owned(), ..Default::default() };
    assert_eq!(code(world.s3.delete_object(&stranger.changing(), input).await), "AccessDenied");
    assert_eq!(delete_if(&stranger, "k", "*", None).await, "ok");
    owner.put("mine", "k", b"1").await.unwrap();
    owner.set_policy("mine", &statement(r#""s3:DeleteObject","s3:GetObject""#, wanted)).await;
    assert_eq!(delete_if(&stranger, "k", "\"other\"", None).await, "PreconditionFailed");
    assert_eq!(delete_if(&stranger, "k", &tag, None).await, "ok");
}

async fn what_is_named_twice_is_deleted_once(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("mine").await;
    owner.version("mine", "Enabled").await;
    let object = |key: &str| s3::ObjectIdentifier { key: key.to_owned(), ..Default::default() };
    let input = s3::DeleteObjectsRequest {
        bucket: "mine".to_owned(),
        delete: s3::Delete { objects: vec![object("k"), object("l"), object("k")], ..Default::default() },
        ..Default::default()
    };
    let done = world.s3.delete_objects(&owner.changing(), input).await.unwrap();
    let keys: Vec<_> = done.deleted.unwrap().into_iter().filter_map(|one| one.key).collect();
    assert_eq!(keys, ["k", "l"]);
    assert_eq!(versions(&owner, (None, None)).await.delete_markers.unwrap().len(), 2);
}
