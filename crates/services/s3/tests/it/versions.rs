//! Versions, on both engines.

use strongroom_api_s3::{self as s3, S3 as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{World, code};

on_both_engines! {
    a_key_has_one_latest_version_whatever_is_done,
    listings_page_through_everything_once,
}

async fn a_key_has_one_latest_version_whatever_is_done(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("versions").await;
    owner.put("versions", "k", b"null").await.unwrap();
    owner.version("versions", "Enabled").await;
    let one = owner.put("versions", "k", b"one").await.unwrap().version_id.unwrap();
    let two = owner.put("versions", "k", b"two").await.unwrap().version_id.unwrap();
    assert_eq!(owner.get("versions", "k").await.unwrap(), b"two");
    let marker = owner.delete("versions", "k", None).await;
    assert_eq!(marker.delete_marker, Some(true));
    assert_eq!(code(owner.get("versions", "k").await), "NoSuchKey");
    // Removing the newest version brings the one before it back.
    owner.delete("versions", "k", marker.version_id.as_deref()).await;
    assert_eq!(owner.get("versions", "k").await.unwrap(), b"two");
    owner.delete("versions", "k", Some(&two)).await;
    assert_eq!(owner.get("versions", "k").await.unwrap(), b"one");
    owner.version("versions", "Suspended").await;
    owner.put("versions", "k", b"null again").await.unwrap();
    assert_eq!(
        owner.get_as("versions", "k", |input| input.version_id = Some(one.clone())).await.unwrap(),
        b"one"
    );
    owner.delete("versions", "k", None).await;
    assert_eq!(code(owner.get("versions", "k").await), "NoSuchKey");
    assert_eq!(
        code(owner.get_as("versions", "k", |input| input.version_id = Some("null".to_owned())).await),
        "MethodNotAllowed"
    );
    // Of five bodies one is left.
    world.sweep().await;
    assert_eq!(world.files(), 1);
}

async fn listings_page_through_everything_once(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("listing").await;
    owner.version("listing", "Enabled").await;
    let mut keys: Vec<String> = (0..6).map(|number| format!("a/{number}")).collect();
    keys.extend(["b", "c/x/y", "c/z", "\u{e9}"].map(str::to_owned));
    keys.sort();
    for key in &keys {
        owner.put("listing", key, b"1").await.unwrap();
        owner.put("listing", key, b"2").await.unwrap();
    }
    owner.delete("listing", "b", None).await;
    for limit in [1, 2, 3, 1000] {
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let input = s3::ListObjectsV2Request {
                bucket: "listing".to_owned(),
                max_keys: Some(limit),
                continuation_token: token,
                ..Default::default()
            };
            let page = world.s3.list_objects_v2(&owner.context(), input).await.unwrap();
            assert!(page.contents.as_ref().unwrap().len() <= limit as usize);
            found.extend(page.contents.unwrap().into_iter().map(|object| object.key.unwrap()));
            token = page.next_continuation_token;
            if token.is_none() {
                break;
            }
        }
        let there: Vec<_> = keys.iter().filter(|key| *key != "b").cloned().collect();
        assert_eq!(found, there, "pages of {limit}");
    }
    let mut versions = 0;
    let (mut key_marker, mut version_id_marker) = (None, None);
    loop {
        let input = s3::ListObjectVersionsRequest {
            bucket: "listing".to_owned(),
            max_keys: Some(3),
            key_marker,
            version_id_marker,
            ..Default::default()
        };
        let page = world.s3.list_object_versions(&owner.context(), input).await.unwrap();
        versions += page.versions.unwrap().len() + page.delete_markers.unwrap().len();
        (key_marker, version_id_marker) = (page.next_key_marker, page.next_version_id_marker);
        if page.is_truncated != Some(true) {
            break;
        }
    }
    assert_eq!(versions, 2 * keys.len() + 1);
    let input = s3::ListObjectsV2Request {
        bucket: "listing".to_owned(),
        delimiter: Some("/".to_owned()),
        ..Default::default()
    };
    let rolled = world.s3.list_objects_v2(&owner.context(), input).await.unwrap();
    let prefixes: Vec<_> =
        rolled.common_prefixes.unwrap().into_iter().map(|prefix| prefix.prefix.unwrap()).collect();
    assert_eq!(prefixes, ["a/", "c/"]);
}
