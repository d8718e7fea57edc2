//! What policies can say of CloudHSM's operations (Service Authorization Reference, "Actions, resources, and condition
//! keys for AWS CloudHSM").

use strongroom_api_cloudhsm::{
    CloudHsm as _, CreateClusterRequest, ListTagsRequest, Tag, TagResourceRequest, UntagResourceRequest,
};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Bench, Client, SUBNET_A, new_cluster};

on_both_engines! {
    tags_are_conditions,
}

fn allow(action: &str, condition: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"*","Condition":{condition}}}"#)
}

#[track_caller]
fn denied<T: std::fmt::Debug>(answer: Result<T, ApiError>) {
    assert_eq!(answer.unwrap_err().code(), "CloudHsmAccessDeniedException");
}

async fn create(client: &Client<'_>, tags: &[(&str, &str)]) -> Result<String, ApiError> {
    let tag = |(key, value): &(&str, &str)| Tag { key: (*key).to_owned(), value: (*value).to_owned() };
    let tag_list = Some(tags.iter().map(tag).collect());
    let input = CreateClusterRequest { tag_list, ..new_cluster(&[SUBNET_A]) };
    Ok(client.create(input).await?.cluster_id.unwrap())
}

async fn tags_are_conditions(database: &TestDatabase) {
    let bench = Bench::new(database).await;
    let root = bench.client();
    let team = r#"{"StringEquals":{"aws:RequestTag/team":"keys"},"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}"#;
    let ours = r#"{"StringEquals":{"aws:ResourceTag/team":"keys"}}"#;
    let statements = [
        allow("cloudhsm:CreateCluster", team),
        allow("cloudhsm:TagResource", team),
        allow("cloudhsm:UntagResource", r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["other"]}}"#),
        allow("cloudhsm:ListTags", ours),
    ];
    let user = root.as_user(&statements.join(","));
    denied(create(&user, &[]).await);
    denied(create(&user, &[("team", "others")]).await);
    denied(create(&user, &[("team", "keys"), ("more", "")]).await);
    let cluster = create(&user, &[("team", "keys")]).await.unwrap();
    let theirs = create(&root, &[("team", "others")]).await.unwrap();
    let plane = &bench.plane;
    for (resource_id, is_allowed) in [(&cluster, true), (&theirs, false)] {
        let input = ListTagsRequest { resource_id: resource_id.clone(), ..Default::default() };
        assert_eq!(plane.list_tags(&user.context(), input).await.is_ok(), is_allowed);
    }
    for (value, is_allowed) in [("keys", true), ("others", false)] {
        let tag_list = vec![Tag { key: "team".to_owned(), value: value.to_owned() }];
        let input = TagResourceRequest { resource_id: cluster.clone(), tag_list };
        assert_eq!(plane.tag_resource(&user.changing(), input).await.is_ok(), is_allowed);
    }
    for (key, is_allowed) in [("other", true), ("team", false)] {
        let tag_key_list = vec![key.to_owned()];
        let input = UntagResourceRequest { resource_id: cluster.clone(), tag_key_list };
        assert_eq!(plane.untag_resource(&user.changing(), input).await.is_ok(), is_allowed);
    }
    bench.end().await;
}
