//! Groups: made, listed, set, deleted.

use strongroom_api_logs::{self as api, CloudWatchLogs as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Lab, START, group_arn, refused};

on_both_engines! {
    a_group_is_shown_as_it_was_made,
    names_and_retentions_are_checked,
    groups_are_listed_in_pages,
    groups_are_found_by_patterns,
    a_protected_group_stays,
    what_is_made_anew_has_nothing_of_its_namesake,
}

async fn a_group_is_shown_as_it_was_made(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    root.create("/app/web").await.unwrap();
    let group = root.group("/app/web").await;
    assert_eq!(group.creation_time, Some(START));
    assert_eq!(group.arn.unwrap(), format!("{}:*", group_arn("/app/web")));
    assert_eq!(group.log_group_arn.unwrap(), group_arn("/app/web"));
    assert_eq!(group.log_group_class, Some(api::LogGroupClass::Standard));
    assert_eq!((group.stored_bytes, group.metric_filter_count), (Some(0), Some(0)));
    assert_eq!((group.retention_in_days, group.kms_key_id), (None, None));
    let again = refused(root.create("/app/web").await);
    let exists = ("ResourceAlreadyExistsException", "The specified log group already exists");
    assert_eq!((again.0.as_str(), again.1.as_str()), exists);
    // Another account's is another.
    lab.of_account("444455556666").create("/app/web").await.unwrap();
}

async fn names_and_retentions_are_checked(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    assert_eq!(refused(root.create("aws/own").await).0, "InvalidParameterException");
    let missing = refused(root.retain("nobody", 1).await);
    assert_eq!(missing.0, "ResourceNotFoundException");
    assert_eq!(missing.1, "The specified log group does not exist.");
    root.create("g").await.unwrap();
    let (code, text) = refused(root.retain("g", 2).await);
    assert_eq!(code, "InvalidParameterException");
    assert!(
        text.starts_with(
            "1 validation error detected: Value '2' at 'retentionInDays' failed to satisfy constraint: Member must satisfy \
             enum value set: [1, 3, 5, 7, "
        ),
        "{text}"
    );
    root.retain("g", 3653).await.unwrap();
    assert_eq!(root.group("g").await.retention_in_days, Some(3653));
    let input = api::DeleteRetentionPolicyRequest { log_group_name: "g".to_owned() };
    lab.logs.delete_retention_policy(&root.changing(), input).await.unwrap();
    assert_eq!(root.group("g").await.retention_in_days, None);
}

async fn groups_are_listed_in_pages(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    for name in ["b/1", "a", "b/3", "c", "b/2"] {
        root.create(name).await.unwrap();
    }
    let mut next_token = None;
    let mut names = Vec::new();
    loop {
        let input = api::DescribeLogGroupsRequest { limit: Some(2), next_token, ..Default::default() };
        let page = lab.logs.describe_log_groups(&root.context(), input).await.unwrap();
        let shown = page.log_groups.unwrap();
        assert!(shown.len() <= 2 && !shown.is_empty());
        names.extend(shown.into_iter().map(|group| group.log_group_name.unwrap()));
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    assert_eq!(names, ["a", "b/1", "b/2", "b/3", "c"]);
    let of_prefix = root.groups("b/").await;
    assert_eq!(of_prefix.len(), 3);
    let input = api::DescribeLogGroupsRequest { next_token: Some("no".to_owned()), ..Default::default() };
    let (code, text) = refused(lab.logs.describe_log_groups(&root.context(), input).await);
    assert_eq!(
        (code.as_str(), text.as_str()),
        ("InvalidParameterException", "The specified nextToken is invalid.")
    );
    let input = api::DescribeLogGroupsRequest {
        log_group_name_prefix: Some("a".to_owned()),
        log_group_name_pattern: Some("a".to_owned()),
        ..Default::default()
    };
    let (code, _) = refused(lab.logs.describe_log_groups(&root.context(), input).await);
    assert_eq!(code, "InvalidParameterException");
}

async fn groups_are_found_by_patterns(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    for name in ["aws/DataLogs".replace("aws/", "x/"), "GroupDataLogs".to_owned(), "datalogs".to_owned()] {
        root.create(&name).await.unwrap();
    }
    let input = api::DescribeLogGroupsRequest {
        log_group_name_pattern: Some("DataLogs".to_owned()),
        ..Default::default()
    };
    let found = lab.logs.describe_log_groups(&root.context(), input).await.unwrap().log_groups.unwrap();
    assert_eq!(found.len(), 2);
    let input = api::ListLogGroupsRequest {
        log_group_name_pattern: Some("^Group|^datal".to_owned()),
        ..Default::default()
    };
    let found = lab.logs.list_log_groups(&root.context(), input).await.unwrap().log_groups.unwrap();
    let names: Vec<_> = found.into_iter().map(|group| group.log_group_name.unwrap()).collect();
    assert_eq!(names, ["GroupDataLogs", "datalogs"]);
    let input = api::DescribeLogGroupsRequest {
        log_group_identifiers: Some(vec![group_arn("datalogs"), "nobody".to_owned()]),
        ..Default::default()
    };
    let found = lab.logs.describe_log_groups(&root.context(), input).await.unwrap().log_groups.unwrap();
    assert_eq!(found.len(), 1);
}

async fn a_protected_group_stays(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    let input = api::CreateLogGroupRequest {
        log_group_name: "g".to_owned(),
        deletion_protection_enabled: Some(true),
        ..Default::default()
    };
    root.create_with(input).await.unwrap();
    root.stream("g", "s").await.unwrap();
    assert_eq!(refused(root.delete("g").await).0, "ValidationException");
    assert_eq!(refused(root.delete_stream("g", "s").await).0, "ValidationException");
    assert_eq!(root.group("g").await.deletion_protection_enabled, Some(true));
    let input = api::PutLogGroupDeletionProtectionRequest {
        log_group_identifier: group_arn("g"),
        deletion_protection_enabled: false,
    };
    lab.logs.put_log_group_deletion_protection(&root.changing(), input).await.unwrap();
    root.delete("g").await.unwrap();
    assert_eq!(refused(root.delete("g").await).0, "ResourceNotFoundException");
}

async fn what_is_made_anew_has_nothing_of_its_namesake(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    let place = ("g", "s");
    root.create("g").await.unwrap();
    root.stream("g", "s").await.unwrap();
    root.put(place, &[(START, "of the first")]).await.unwrap();
    root.delete("g").await.unwrap();
    root.create("g").await.unwrap();
    let (code, text) = refused(root.put(place, &[(START, "x")]).await);
    assert_eq!(code, "ResourceNotFoundException");
    assert_eq!(text, "The specified log stream does not exist.");
    root.stream("g", "s").await.unwrap();
    assert_eq!(root.texts(place).await.unwrap(), [] as [&str; 0]);
    root.put(place, &[(START, "of the second")]).await.unwrap();
    root.delete_stream("g", "s").await.unwrap();
    root.stream("g", "s").await.unwrap();
    assert_eq!(root.texts(place).await.unwrap(), [] as [&str; 0]);
    let all = root.filter("g", api::FilterLogEventsRequest::default()).await.unwrap();
    assert_eq!(all.events.unwrap().len(), 0, "nobody sees what is still to be removed");
}
