//! Tags of groups, by both families of operations.

use strongroom_api_logs::{self as api, CloudWatchLogs as _};
use strongroom_schema::Map;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, Lab, group_arn, refused};

on_both_engines! {
    both_families_see_the_same,
    tags_have_their_bounds,
}

fn tags(pairs: &[(&str, &str)]) -> Map<String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn shown(client: &Client) -> Vec<(String, String)> {
    let input = api::ListTagsForResourceRequest { resource_arn: group_arn("g") };
    let tags = client.logs.list_tags_for_resource(&client.context(), input).await.unwrap().tags.unwrap();
    let mut tags: Vec<_> = tags.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    tags.sort();
    let input = api::ListTagsLogGroupRequest { log_group_name: "g".to_owned() };
    let others = client.logs.list_tags_log_group(&client.context(), input).await.unwrap().tags.unwrap();
    assert_eq!(others.iter().count(), tags.len());
    tags
}

async fn both_families_see_the_same(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    let input = api::CreateLogGroupRequest {
        log_group_name: "g".to_owned(),
        tags: Some(tags(&[("a", "1")])),
        ..Default::default()
    };
    root.create_with(input).await.unwrap();
    let input = api::TagLogGroupRequest { log_group_name: "g".to_owned(), tags: tags(&[("b", "2")]) };
    lab.logs.tag_log_group(&root.changing(), input).await.unwrap();
    let input = api::TagResourceRequest {
        resource_arn: format!("{}:*", group_arn("g")),
        tags: tags(&[("a", "3"), ("c", "")]),
    };
    lab.logs.tag_resource(&root.changing(), input).await.unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(shown(&root).await, [pair("a", "3"), pair("b", "2"), pair("c", "")]);
    let input = api::UntagLogGroupRequest { log_group_name: "g".to_owned(), tags: vec!["c".to_owned()] };
    lab.logs.untag_log_group(&root.changing(), input).await.unwrap();
    let input = api::UntagResourceRequest {
        resource_arn: group_arn("g"),
        tag_keys: vec!["b".to_owned(), "nobody".to_owned()],
    };
    lab.logs.untag_resource(&root.changing(), input).await.unwrap();
    assert_eq!(shown(&root).await, [pair("a", "3")]);
}

async fn tags_have_their_bounds(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    root.create("g").await.unwrap();
    let many: Vec<_> = (0..51).map(|number| (number.to_string(), String::new())).collect();
    let many: Map<String> = many.into_iter().collect();
    let input = api::TagResourceRequest { resource_arn: group_arn("g"), tags: many.clone() };
    let error = lab.logs.tag_resource(&root.changing(), input).await.unwrap_err();
    assert_eq!(error.code(), "TooManyTagsException");
    let input = api::TagLogGroupRequest { log_group_name: "g".to_owned(), tags: many };
    assert_eq!(refused(lab.logs.tag_log_group(&root.changing(), input).await).0, "InvalidParameterException");
    let input = api::TagResourceRequest { resource_arn: group_arn("g"), tags: tags(&[("aws:x", "1")]) };
    assert_eq!(refused(lab.logs.tag_resource(&root.changing(), input).await).0, "InvalidParameterException");
    for arn in [
        "arn:aws:logs:us-east-1:111122223333:destination:d",
        "arn:aws:logs:eu-west-1:111122223333:log-group:g",
    ] {
        let input = api::ListTagsForResourceRequest { resource_arn: arn.to_owned() };
        let (code, _) = refused(lab.logs.list_tags_for_resource(&root.context(), input).await);
        assert_eq!(code, "InvalidParameterException", "{arn}");
    }
    let input = api::ListTagsForResourceRequest { resource_arn: group_arn("nobody") };
    let (code, _) = refused(lab.logs.list_tags_for_resource(&root.context(), input).await);
    assert_eq!(code, "ResourceNotFoundException");
}
