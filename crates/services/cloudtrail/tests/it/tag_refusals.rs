//! What tags cannot be on.

use strongroom_api_cloudtrail::{AddTagsRequest, CloudTrail as _, ListTagsRequest, RemoveTagsRequest, Tag};
use strongroom_testkit::TestDatabase;
use tempfile::TempDir;

use crate::fixture::REGION;
use crate::log_events::user;
use crate::world::World;

/// The operations on tags have no `TrailNotFoundException` (CloudTrail API Reference, "AddTags").
#[test]
fn what_is_no_trail_is_refused_by_what_it_is() {
    strongroom_testkit::run(async {
        let (database, folder) = (TestDatabase::sqlite(), TempDir::new().unwrap());
        let world = World::new(&database, &folder).await;
        world.trail("Trail", |_| ()).await;
        let context = world.context(REGION);
        let others = user(&world, r#"{"Effect":"Deny","Action":"cloudtrail:*Tags","Resource":"*"}"#);
        let of = |resource: &str| format!("arn:aws:cloudtrail:us-east-1:111122223333:{resource}");
        for (id, code) in [
            (of("trail/nobody"), "ResourceNotFoundException"),
            (of("eventdatastore/EXAMPLE-f852-4e8f-8bd1-bcf6cEXAMPLE"), "EventDataStoreNotFoundException"),
            (of("channel/EXAMPLE"), "ChannelNotFoundException"),
            (of("dashboard/EXAMPLE"), "ResourceNotFoundException"),
            (of("Trail"), "CloudTrailARNInvalidException"),
            ("Trail".to_owned(), "CloudTrailARNInvalidException"),
            ("arn:aws:s3:::evidence".to_owned(), "ResourceTypeNotSupportedException"),
        ] {
            // Who may not do it is not told what is there.
            let is_kept_from_others = id.contains(":cloudtrail:") && code.ends_with("NotFoundException");
            let tags_list = vec![Tag { key: "team".to_owned(), value: None }];
            let add = AddTagsRequest { resource_id: id.clone(), tags_list: tags_list.clone() };
            let error = world.cloudtrail.add_tags(&context, add.clone()).await.unwrap_err();
            assert_eq!(error.code(), code, "{id}");
            let error = world.cloudtrail.add_tags(&others, add).await.unwrap_err();
            assert_eq!(error.is_access_denied(), is_kept_from_others, "{id}: {error}");
            let remove = RemoveTagsRequest { resource_id: id.clone(), tags_list };
            let error = world.cloudtrail.remove_tags(&context, remove.clone()).await.unwrap_err();
            assert_eq!(error.code(), code, "{id}");
            let error = world.cloudtrail.remove_tags(&others, remove).await.unwrap_err();
            assert_eq!(error.is_access_denied(), is_kept_from_others, "{id}: {error}");
            let list = ListTagsRequest { resource_id_list: vec![id.clone()], next_token: None };
            let error = world.cloudtrail.list_tags(&context, list.clone()).await.unwrap_err();
            assert_eq!(error.code(), code, "{id}");
            let error = world.cloudtrail.list_tags(&others, list).await.unwrap_err();
            assert_eq!(error.is_access_denied(), is_kept_from_others, "{id}: {error}");
        }
    });
}
