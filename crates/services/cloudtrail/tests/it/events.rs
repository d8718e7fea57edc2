//! What an event looks like (CloudTrail API Reference, "Event").

use serde_json::{Value as Json, json};
use strongroom_journal::{EventId, Identity, IdentityKind, Record, render_cloudtrail_json};
use strongroom_schema::Timestamp;
use strongroom_testkit::run;

use crate::fixture::{ACCOUNT, History, NOW, REGION, event_id, everything, record, resource};

#[test]
fn an_event_shows_its_record() {
    run(async {
        let key = format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/1");
        let alias = format!("arn:aws:kms:{REGION}:{ACCOUNT}:alias/a");
        let record = Record {
            request_parameters: Some(r#"{"keyId":"alias/a","encryptionContext":{"é":"\"\\"}}"#.to_owned()),
            additional_event_data: Some(r#"{"keyMaterialId":"00"}"#.to_owned()),
            request_id: Some("3a3f5b80-0000-4000-8000-000000000000".to_owned()),
            resources: Some(vec![
                resource(Some("AWS::KMS::Key"), &key),
                resource(Some("AWS::KMS::Alias"), &alias),
                resource(None, "arn:aws:s3:::bucket"),
            ]),
            ..record(1)
        };
        let history = History::with(std::slice::from_ref(&record)).await;
        let events = history.all(everything()).await;
        let [event] = &*events else { panic!("{events:?}") };
        assert_eq!(event.event_id, Some(event_id(1).to_string()));
        assert_eq!(event.event_name.as_deref(), Some("Encrypt"));
        assert_eq!(event.event_source.as_deref(), Some("kms.amazonaws.com"));
        assert_eq!(event.event_time, Some(Timestamp::from_millis(NOW + 1000)));
        // A string, not a boolean.
        assert_eq!(event.read_only.as_deref(), Some("true"));
        assert_eq!(event.access_key_id.as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
        assert_eq!(event.username.as_deref(), Some("root"));
        let resources: Vec<_> = event.resources.iter().flatten().collect();
        let resources: Vec<_> = resources
            .iter()
            .map(|resource| (resource.resource_type.as_deref(), resource.resource_name.as_deref()))
            .collect();
        assert_eq!(
            resources,
            [
                (Some("AWS::KMS::Key"), Some(&*key)),
                (Some("AWS::KMS::Alias"), Some(&*alias)),
                (None, Some("arn:aws:s3:::bucket")),
            ]
        );

        let text = event.cloud_trail_event.as_deref().unwrap();
        assert_eq!(text, render_cloudtrail_json(&record));
        let shown: Json = serde_json::from_str(text).unwrap();
        assert_eq!(shown["eventID"], json!(event_id(1).to_string()));
        assert_eq!(shown["eventName"], "Encrypt");
        assert_eq!(shown["readOnly"], true);
        assert_eq!(shown["userIdentity"]["type"], "Root");
        assert_eq!(
            shown["requestParameters"],
            json!({"keyId": "alias/a", "encryptionContext": {"é": "\"\\"}})
        );
        assert_eq!(shown["responseElements"], Json::Null);
        assert_eq!(shown["additionalEventData"], json!({"keyMaterialId": "00"}));
        assert_eq!(
            shown["resources"][1],
            json!({"accountId": ACCOUNT, "type": "AWS::KMS::Alias", "ARN": alias})
        );
        assert_eq!(shown["recipientAccountId"], ACCOUNT);
        assert_eq!(shown["eventCategory"], "Management");
    });
}

#[test]
fn an_event_shows_nothing_that_its_record_has_not() {
    run(async {
        let record = Record {
            event_id: EventId([0; 16]),
            identity: Identity { invoked_by: Some("AWS Internal".to_owned()), ..Identity::default() },
            read_only: false,
            ..record(1)
        };
        let history = History::with(&[record]).await;
        let events = history.all(everything()).await;
        assert_eq!(events[0].event_id.as_deref(), Some("00000000-0000-0000-0000-000000000000"));
        assert_eq!(events[0].read_only.as_deref(), Some("false"));
        assert_eq!(events[0].access_key_id, None);
        assert_eq!(events[0].username.as_deref(), Some("AWS Internal"));
        // An empty list, also where the record has none.
        assert_eq!(events[0].resources.as_ref().map(Vec::len), Some(0));
        let shown: Json = serde_json::from_str(events[0].cloud_trail_event.as_ref().unwrap()).unwrap();
        assert_eq!(shown["userIdentity"], json!({"invokedBy": "AWS Internal"}));
        assert!(shown.get("resources").is_none());
    });
}

#[test]
fn users_are_called_as_cloudtrail_calls_them() {
    run(async {
        let of = |kind, principal: &str, name: Option<&str>| Identity {
            kind: Some(kind),
            principal_id: Some(principal.to_owned()),
            user_name: name.map(str::to_owned),
            ..Identity::default()
        };
        let callers = [
            (of(IdentityKind::IamUser, "AIDA", Some("alice")), Some("alice")),
            (of(IdentityKind::AssumedRole, "AROA:deploy", None), Some("deploy")),
            (of(IdentityKind::Root, ACCOUNT, None), Some("root")),
            (of(IdentityKind::AwsAccount, "AIDA", None), None),
        ];
        for (identity, name) in callers {
            let history = History::with(&[Record { identity, ..record(1) }]).await;
            assert_eq!(history.all(everything()).await[0].username.as_deref(), name);
        }
    });
}

#[test]
fn texts_of_callers_cannot_break_out_of_the_json() {
    run(async {
        let nasty = "a\"b\\c\u{0}\u{1f}\u{7f}\n\r\t</script>é\u{2028}\u{1F511}";
        let record = Record {
            user_agent: Some(nasty.to_owned()),
            error_code: Some("NotFoundException".to_owned()),
            error_message: Some(nasty.to_owned()),
            resources: Some(vec![resource(Some(nasty), nasty)]),
            ..record(1)
        };
        let history = History::with(&[record]).await;
        let events = history.all(everything()).await;
        let shown: Json = serde_json::from_str(events[0].cloud_trail_event.as_ref().unwrap()).unwrap();
        assert_eq!(shown["userAgent"], nasty);
        assert_eq!(shown["errorMessage"], nasty);
        assert_eq!(shown["resources"][0]["ARN"], nasty);
        assert_eq!(events[0].resources.as_ref().unwrap()[0].resource_name.as_deref(), Some(nasty));
    });
}
