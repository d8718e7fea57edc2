//! The CloudTrail rendering against golden texts.

use serde_json::Value;
use strongroom_journal::{EventId, EventType, Identity, Record, render_cloudtrail_json};

use crate::fixture::full_record;

/// Key order and forms as in the samples of the AWS CloudTrail User Guide.
#[test]
fn a_full_record_renders_in_awss_order() {
    let golden = concat!(
        r#"{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:deploy","#,
        r#""arn":"arn:aws:sts::111122223333:assumed-role/Admin/deploy","accountId":"111122223333","#,
        r#""accessKeyId":"ASIAEXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role","#,
        r#""principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/Admin","accountId":"111122223333","#,
        r#""userName":"Admin"},"webIdFederationData":{"federatedProvider":"#,
        r#""arn:aws:iam::111122223333:oidc-provider/idp.example.com","attributes":{}},"#,
        r#""attributes":{"creationDate":"2022-08-10T22:20:00Z","mfaAuthenticated":"true"},"sourceIdentity":"Jane"},"#,
        r#""invokedBy":"cloudtrail.amazonaws.com","identityProvider":"idp.example.com"},"eventTime":"2022-08-10T22:38:37Z","#,
        r#""eventSource":"kms.amazonaws.com","eventName":"CreateKey","awsRegion":"eu-central-1","#,
        r#""sourceIPAddress":"192.0.2.7","userAgent":"aws-cli/1.45 \"quoted\"\tand\u0001odd\\","#,
        r#""errorCode":"AccessDenied","errorMessage":"User: é is not authorized","#,
        r#""requestParameters":{"keyUsage":"ENCRYPT_DECRYPT"},"#,
        r#""responseElements":{"keyMetadata":{"enabled":true}},"additionalEventData":{"keyMaterialId":"00ff"},"#,
        r#""requestID":"01234567-89ab-cdef-0123-456789abcdef","eventID":"ab7c102f-0001-4abc-8def-0123456789ab","#,
        r#""readOnly":false,"resources":[{"accountId":"111122223333","type":"AWS::KMS::Key","#,
        r#""ARN":"arn:aws:kms:eu-central-1:111122223333:key/k1"},"#,
        r#"{"ARN":"arn:aws:kms:eu-central-1:111122223333:alias/a"}],"eventType":"AwsApiCall","#,
        r#""apiVersion":"2014-11-01","managementEvent":true,"recipientAccountId":"111122223333","#,
        r#""serviceEventDetails":{"rotationType":"AUTOMATIC"},"#,
        r#""sharedEventID":"11111111-1111-1111-1111-111111111111","eventCategory":"Management","#,
        r#""tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_256_GCM_SHA384","#,
        r#""clientProvidedHostHeader":"kms.example.com"}}"#,
    );
    let text = render_cloudtrail_json(&full_record());
    assert_eq!(text, golden);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["userAgent"], "aws-cli/1.45 \"quoted\"\tand\u{1}odd\\");
}

/// A service's own event has no identity type and no request id; parameters and response are always there.
#[test]
fn a_service_event_renders_with_nulls_and_without_what_it_lacks() {
    let internal = || Some("AWS Internal".to_owned());
    let record = Record {
        event_id: EventId([0x22; 16]),
        event_source: "kms.amazonaws.com".into(),
        event_name: "RotateKey".into(),
        aws_region: "us-east-1".into(),
        account_id: "111122223333".into(),
        identity: Identity {
            account_id: Some("111122223333".into()),
            invoked_by: internal(),
            ..Identity::default()
        },
        source_ip: "AWS Internal".into(),
        user_agent: internal(),
        resources: Some(vec![]),
        event_type: EventType::AwsServiceEvent,
        ..Record::default()
    };
    let golden = concat!(
        r#"{"eventVersion":"1.11","userIdentity":{"accountId":"111122223333","invokedBy":"AWS Internal"},"#,
        r#""eventTime":"1970-01-01T00:00:00Z","eventSource":"kms.amazonaws.com","eventName":"RotateKey","#,
        r#""awsRegion":"us-east-1","sourceIPAddress":"AWS Internal","userAgent":"AWS Internal","#,
        r#""requestParameters":null,"responseElements":null,"eventID":"22222222-2222-2222-2222-222222222222","#,
        r#""readOnly":false,"resources":[],"eventType":"AwsServiceEvent","managementEvent":false,"#,
        r#""recipientAccountId":"111122223333","eventCategory":"Data"}"#,
    );
    assert_eq!(render_cloudtrail_json(&record), golden);
}

#[test]
fn times_beyond_the_calendar_are_shown_as_its_ends() {
    for (ms, shown) in
        [(i64::MIN, "0000-01-01T00:00:00Z"), (i64::MAX, "9999-12-31T23:59:59Z"), (-1, "1969-12-31T23:59:59Z")]
    {
        let text = render_cloudtrail_json(&Record { event_time_ms: ms, ..Record::default() });
        assert!(text.contains(&format!(r#""eventTime":"{shown}""#)), "{text}");
    }
}
