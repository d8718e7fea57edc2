//! By which ARNs policies let somebody in, and by which conditions.

use strongroom_api_logs::{self as api, CloudWatchLogs as _, FilterLogEventsRequest};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Lab, START, group_arn, refused};

on_both_engines! {
    groups_are_named_with_a_star_behind,
    streams_are_named_by_their_own,
    tags_are_conditions,
    nobody_else_is_told_anything,
    lists_are_of_groups,
}

fn allow(actions: &str, resource: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":{actions},"Resource":"{resource}"}}"#)
}

async fn groups_are_named_with_a_star_behind(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    let user = root.as_user(&allow(r#""logs:*""#, &format!("{}:*", group_arn("g"))));
    user.create("g").await.unwrap();
    user.retain("g", 1).await.unwrap();
    let tags = api::TagResourceRequest {
        resource_arn: group_arn("g"),
        tags: [("a".to_owned(), "1".to_owned())].into_iter().collect(),
    };
    let (code, text) = refused(lab.logs.tag_resource(&user.changing(), tags.clone()).await);
    assert_eq!(code, "AccessDeniedException", "tags are named without it");
    assert!(text.contains(&format!("logs:TagResource on resource: {}", group_arn("g"))), "{text}");
    let bare = root.as_user(&allow(r#""logs:*""#, &group_arn("g")));
    lab.logs.tag_resource(&bare.changing(), tags).await.unwrap();
    let (code, text) = refused(bare.retain("g", 3).await);
    assert_eq!(code, "AccessDeniedException");
    let seen = format!("logs:PutRetentionPolicy on resource: {}:log-stream:", group_arn("g"));
    assert!(text.contains(&seen), "{text}");
    let input = api::DescribeLogGroupsRequest::default();
    let (_, text) = refused(lab.logs.describe_log_groups(&user.context(), input).await);
    let seen =
        "logs:DescribeLogGroups on resource: arn:aws:logs:us-east-1:111122223333:log-group::log-stream:";
    assert!(text.contains(seen), "{text}");
}

async fn streams_are_named_by_their_own(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    root.create("g").await.unwrap();
    let stream = format!("{}:log-stream:s-*", group_arn("g"));
    let user =
        root.as_user(&allow(r#"["logs:CreateLogStream","logs:PutLogEvents","logs:GetLogEvents"]"#, &stream));
    user.stream("g", "s-1").await.unwrap();
    user.put(("g", "s-1"), &[(START, "x")]).await.unwrap();
    assert_eq!(user.texts(("g", "s-1")).await.unwrap(), ["x"]);
    assert_eq!(refused(user.stream("g", "t").await).0, "AccessDeniedException");
    assert_eq!(refused(user.put(("g", "t"), &[(START, "x")]).await).0, "AccessDeniedException");
    let all = user.filter("g", FilterLogEventsRequest::default()).await;
    assert_eq!(refused(all).0, "AccessDeniedException");
}

async fn tags_are_conditions(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    for (name, team) in [("g", "a"), ("h", "b")] {
        let input = api::CreateLogGroupRequest {
            log_group_name: name.to_owned(),
            tags: Some([("team".to_owned(), team.to_owned())].into_iter().collect()),
            ..Default::default()
        };
        root.create_with(input).await.unwrap();
    }
    let user = root.as_user(
        r#"{"Effect":"Allow","Action":"logs:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"a"}}}"#,
    );
    user.retain("g", 1).await.unwrap();
    assert_eq!(refused(user.retain("h", 1).await).0, "AccessDeniedException");
    let maker = root.as_user(
        r#"{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:TagResource"],"Resource":"*",
            "Condition":{"StringEquals":{"aws:RequestTag/team":"a"}}}"#,
    );
    let with = |team: &str| api::CreateLogGroupRequest {
        log_group_name: format!("of-{team}"),
        tags: Some([("team".to_owned(), team.to_owned())].into_iter().collect()),
        ..Default::default()
    };
    maker.create_with(with("a")).await.unwrap();
    assert_eq!(refused(maker.create_with(with("b")).await).0, "AccessDeniedException");
}

async fn nobody_else_is_told_anything(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    lab.root().create("g").await.unwrap();
    let nobody = lab.root().as_user(&allow(r#""kms:*""#, "*"));
    for name in ["g", "not-there"] {
        assert_eq!(refused(nobody.retain(name, 1).await).0, "AccessDeniedException", "{name}");
        assert_eq!(refused(nobody.delete(name).await).0, "AccessDeniedException", "{name}");
    }
    let stranger = lab.of_account("444455556666");
    let input = api::ListTagsForResourceRequest { resource_arn: group_arn("g") };
    let (code, _) = refused(lab.logs.list_tags_for_resource(&stranger.context(), input).await);
    assert_eq!(code, "AccessDeniedException");
}

async fn lists_are_of_groups(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let user = lab.root().as_user(&allow(r#""logs:Describe*""#, "arn:aws:logs:*:*:*"));
    lab.logs.describe_log_groups(&user.context(), api::DescribeLogGroupsRequest::default()).await.unwrap();
    let input = api::DescribeMetricFiltersRequest::default();
    lab.logs.describe_metric_filters(&user.context(), input).await.unwrap();
}
