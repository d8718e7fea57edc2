//! Which events a lookup finds.

use strongroom_api_cloudtrail::{CloudTrail as _, LookupAttributeKey};
use strongroom_journal::{Identity, IdentityKind, Record};
use strongroom_testkit::run;

use crate::fixture::{
    ACCOUNT, FAR_REGION, History, REGION, STRANGER, between, by, context, event_id, everything, ids, record,
    resource,
};

/// One that differs from its neighbours in everything that can be searched by.
fn odd(number: u8) -> Record {
    Record {
        event_name: "CreateAlias".to_owned(),
        event_source: "sts.amazonaws.com".to_owned(),
        read_only: false,
        identity: Identity {
            kind: Some(IdentityKind::AssumedRole),
            principal_id: Some("AROA:deploy".to_owned()),
            access_key_id: Some("ASIAODD".to_owned()),
            ..Identity::default()
        },
        resources: Some(vec![
            resource(Some("AWS::KMS::Key"), "arn:aws:kms:us-east-1:111122223333:key/1"),
            resource(Some("AWS::KMS::Alias"), "arn:aws:kms:us-east-1:111122223333:alias/a"),
        ]),
        ..record(number)
    }
}

#[test]
fn each_attribute_finds_its_events() {
    run(async {
        let history = History::with(&[record(0), odd(1), record(2), odd(3), record(4)]).await;
        for (key, value, other_case) in [
            (LookupAttributeKey::EventName, "CreateAlias", "createalias"),
            (LookupAttributeKey::EventSource, "sts.amazonaws.com", "sts.Amazonaws.com"),
            (LookupAttributeKey::ReadOnly, "false", "False"),
            (LookupAttributeKey::Username, "deploy", "Deploy"),
            (LookupAttributeKey::AccessKeyId, "ASIAODD", "asiaodd"),
            (LookupAttributeKey::ResourceType, "AWS::KMS::Key", "AWS::KMS::KEY"),
            (LookupAttributeKey::ResourceType, "AWS::KMS::Alias", "AWS::kms::Alias"),
            (
                LookupAttributeKey::ResourceName,
                "arn:aws:kms:us-east-1:111122223333:alias/a",
                "arn:aws:kms:us-east-1:111122223333:alias/A",
            ),
        ] {
            assert_eq!(history.ids(by(key.clone(), value)).await, ids([3, 1]), "{value}");
            // Values are compared exactly.
            assert_eq!(history.ids(by(key.clone(), other_case)).await, ids([]), "{other_case}");
            assert_eq!(history.ids(by(key.clone(), &format!("{value} "))).await, ids([]), "{value}");
            assert_eq!(history.ids(by(key, "")).await, ids([]), "{value}");
        }
        let id = event_id(3).to_string();
        assert_eq!(history.ids(by(LookupAttributeKey::EventId, &id)).await, ids([3]));
        assert_eq!(history.ids(by(LookupAttributeKey::EventId, &id.to_uppercase())).await, ids([]));
        assert_eq!(history.ids(by(LookupAttributeKey::ReadOnly, "true")).await, ids([4, 2, 0]));
        assert_eq!(history.ids(by(LookupAttributeKey::Username, "root")).await, ids([4, 2, 0]));
        // No attribute at all, and an empty list of them.
        assert_eq!(history.ids(everything()).await, ids([4, 3, 2, 1, 0]));
        let mut none = everything();
        none.lookup_attributes = Some(Vec::new());
        assert_eq!(history.ids(none).await, ids([4, 3, 2, 1, 0]));
    });
}

#[test]
fn both_ends_of_a_time_range_are_within_it() {
    run(async {
        let history = History::with(&[record(0), odd(1), record(2), odd(3), record(4)]).await;
        for (start, end, found) in [
            (None, None, ids([4, 3, 2, 1, 0])),
            (Some(1), None, ids([4, 3, 2, 1])),
            (None, Some(3), ids([3, 2, 1, 0])),
            (Some(1), Some(3), ids([3, 2, 1])),
            (Some(2), Some(2), ids([2])),
            (Some(5), None, ids([])),
            (None, Some(-1), ids([])),
            (Some(-1_000_000), Some(1_000_000), ids([4, 3, 2, 1, 0])),
        ] {
            assert_eq!(history.ids(between(start, end)).await, found, "{start:?} to {end:?}");
        }
        let mut both = between(Some(2), None);
        both.lookup_attributes = by(LookupAttributeKey::EventName, "CreateAlias").lookup_attributes;
        assert_eq!(history.ids(both).await, ids([3]));
    });
}

#[test]
fn others_histories_and_data_events_are_not_shown() {
    run(async {
        let theirs = |number| Record { account_id: STRANGER.to_owned(), ..record(number) };
        let far = |number| Record { aws_region: FAR_REGION.to_owned(), ..record(number) };
        let data = |number| Record { management: false, ..record(number) };
        let records = [record(0), theirs(1), far(2), data(3), record(4)];
        let history = History::with(&records).await;
        assert_eq!(history.ids(everything()).await, ids([4, 0]));
        // Not by their ids either.
        for number in [1, 2, 3] {
            let wanted = by(LookupAttributeKey::EventId, &event_id(number).to_string());
            assert_eq!(history.ids(wanted).await, ids([]));
        }
        for (account, region, found) in
            [(STRANGER, REGION, ids([1])), (ACCOUNT, FAR_REGION, ids([2])), (STRANGER, FAR_REGION, ids([]))]
        {
            let answer = history.trail.lookup_events(&context(account, region), everything()).await.unwrap();
            let events = answer.events.unwrap();
            let shown: Vec<_> = events.into_iter().map(|event| event.event_id.unwrap()).collect();
            assert_eq!(shown, found, "{account} in {region}");
        }
    });
}

#[test]
fn an_empty_history_is_an_empty_list() {
    run(async {
        let answer = History::new().await.lookup(everything()).await.unwrap();
        assert_eq!(answer.events.map(|events| events.len()), Some(0));
        assert_eq!(answer.next_token, None);
    });
}
