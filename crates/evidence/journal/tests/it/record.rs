//! The record codec.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use strongroom_journal::{
    ADDITIONAL_DATA_LIMIT, DECISIONS_LIMIT, EventId, EventType, Identity, IdentityKind, JSON_LIMIT, Record,
    RecordError, Resource, SHORT_TEXT_LIMIT, SessionContext, SessionIssuer, TlsDetails,
    render_cloudtrail_json,
};

use crate::fixture::full_record;

/// Any text, and texts that are made of what packing knows.
fn text() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "arn:aws:kms:",
        ":key/",
        "kms.amazonaws.com",
        "\"keyId\":\"",
        "111122223333",
        "000000000000",
        "eu-central-1",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "1234abcd-12ab-34cd-56ef-1234567890a",
        "0123456789abcdef0",
        "0123456789abcdef",
        ":",
        "/",
        "f",
        "9",
        "\u{ff}",
    ]);
    prop_oneof![
        "\\PC{0,40}|[\\x00-\\x7f]{0,200}",
        vec(known, 0..12).prop_map(|pieces| pieces.concat()),
        "[0-9a-f]{0,600}",
    ]
}

fn maybe() -> impl Strategy<Value = Option<String>> {
    option::of(text())
}

fn json() -> impl Strategy<Value = Option<String>> {
    option::of(text().prop_map(|text| serde_json::json!({ "text": text }).to_string()))
}

fn kind() -> impl Strategy<Value = IdentityKind> {
    prop::sample::select(vec![
        IdentityKind::Root,
        IdentityKind::IamUser,
        IdentityKind::AssumedRole,
        IdentityKind::Role,
        IdentityKind::FederatedUser,
        IdentityKind::AwsAccount,
        IdentityKind::AwsService,
        IdentityKind::WebIdentityUser,
        IdentityKind::Unknown,
    ])
}

prop_compose! {
    fn session()(
        issuer in option::of((kind(), text(), text(), text(), maybe())),
        created_ms in any::<i64>(),
        mfa_authenticated in any::<bool>(),
        (source_identity, federated_provider) in (maybe(), maybe()),
    ) -> SessionContext {
        let issuer = issuer.map(|(kind, principal_id, arn, account_id, user_name)| {
            SessionIssuer { kind, principal_id, arn, account_id, user_name }
        });
        SessionContext { issuer, created_ms, mfa_authenticated, source_identity, federated_provider }
    }
}

prop_compose! {
    fn identity()(
        kind in option::of(kind()),
        texts in (maybe(), maybe(), maybe(), maybe(), maybe(), maybe(), maybe()),
        session in option::of(session()),
    ) -> Identity {
        let (principal_id, arn, account_id, access_key_id, user_name, invoked_by, identity_provider) = texts;
        Identity {
            kind,
            principal_id,
            arn,
            account_id,
            access_key_id,
            user_name,
            session,
            invoked_by,
            identity_provider,
        }
    }
}

prop_compose! {
    fn resource()(account_id in maybe(), kind in maybe(), arn in text()) -> Resource {
        Resource { account_id, kind, arn }
    }
}

prop_compose! {
    fn any_record()(
        ids in (any::<[u8; 16]>(), option::of(any::<[u8; 16]>()), any::<i64>()),
        names in (text(), text(), text(), text(), text()),
        identity in identity(),
        short in (maybe(), maybe(), maybe(), maybe(), maybe()),
        long in (json(), json(), json(), json(), json()),
        flags in (any::<bool>(), any::<bool>()),
        resources in option::of(vec(resource(), 0..5)),
        event_type in prop::sample::select(vec![
            EventType::AwsApiCall, EventType::AwsServiceEvent, EventType::AwsConsoleAction, EventType::AwsConsoleSignIn,
        ]),
        tls in option::of((maybe(), maybe(), maybe())),
    ) -> Record {
        Record {
            event_id: EventId(ids.0),
            event_time_ms: ids.2,
            event_source: names.0,
            event_name: names.1,
            aws_region: names.2,
            account_id: names.3,
            identity,
            source_ip: names.4,
            user_agent: short.0,
            error_code: short.1,
            error_message: short.2,
            request_parameters: long.0,
            response_elements: long.1,
            additional_event_data: long.2,
            service_event_details: long.3,
            request_id: short.3,
            read_only: flags.0,
            resources,
            event_type,
            api_version: short.4,
            management: flags.1,
            tls: tls.map(|(version, cipher_suite, host)| TlsDetails { version, cipher_suite, host }),
            shared_event_id: ids.1.map(EventId),
            decisions: long.4,
        }
    }
}

proptest! {
    // A record has many texts, and making them is slow.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_record_comes_back(record in any_record()) {
        let bytes = record.encode();
        prop_assert_eq!(Record::decode(&bytes).unwrap(), record);
    }

    #[test]
    fn every_record_renders_as_json(record in any_record()) {
        let value: serde_json::Value = serde_json::from_str(&render_cloudtrail_json(&record)).unwrap();
        prop_assert_eq!(value["eventID"].as_str().unwrap(), record.event_id.to_string());
        prop_assert_eq!(value["eventName"].as_str().unwrap(), record.event_name);
    }

}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..300)) {
        let _ = Record::decode(&bytes);
    }

    /// Bytes near a real record reach deeper than arbitrary ones. What is read has one encoding only.
    #[test]
    fn altered_records_are_read_or_refused(at in any::<prop::sample::Index>(), value in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut bytes = full_record().encode();
        let at = at.index(bytes.len());
        bytes[at] = value;
        let _ = Record::decode(&bytes);
        let cut = cut.index(bytes.len());
        let _ = Record::decode(&bytes[..cut]);
    }
}

#[test]
fn the_full_record_comes_back() {
    let record = full_record();
    assert_eq!(Record::decode(&record.encode()).unwrap(), record);
}

#[test]
fn unknown_fields_are_passed_over_and_unknown_formats_refused() {
    let record = full_record();
    let mut bytes = record.encode();
    bytes.extend_from_slice(&[200, 3, 1, 2, 3]);
    assert_eq!(Record::decode(&bytes).unwrap(), record);
    bytes[0] = 3;
    assert_eq!(Record::decode(&bytes), Err(RecordError::Format(3)));
    assert_eq!(Record::decode(&[]), Err(RecordError::Empty));
    for nothing in [&[1][..], &[2, 1, 2, 2]] {
        assert_eq!(Record::decode(nothing), Err(RecordError::Missing { tag: 1 }));
    }
    for cut in [&[2][..], &[2, 1], &[2, 2, 2]] {
        assert_eq!(Record::decode(cut), Err(RecordError::Length { tag: 0 }));
    }
}

fn golden(hex: &str) -> Vec<u8> {
    strongroom_crypto::hex::decode(&hex.split_whitespace().collect::<String>()).unwrap()
}

/// What was written before records had traces of decisions and all facts of sessions reads as it was.
#[test]
fn records_of_earlier_versions_are_read() {
    let mut record = full_record();
    record.decisions = None;
    let session = record.identity.session.as_mut().unwrap();
    (session.source_identity, session.federated_provider) = (None, None);
    record.identity.identity_provider = None;
    assert_eq!(Record::decode(&golden(include_str!("../../testdata/record.hex"))).unwrap(), record);
}

/// What is written today is to be read for ever.
#[test]
fn a_records_encoding_stays() {
    let bytes = golden(include_str!("../../testdata/record-2.hex"));
    assert_eq!(
        strongroom_crypto::hex::encode(&full_record().encode()),
        strongroom_crypto::hex::encode(&bytes)
    );
    assert_eq!(Record::decode(&bytes).unwrap(), full_record());
}

#[test]
fn repeated_fields_and_padded_lengths_are_refused() {
    let mut bytes = full_record().encode();
    let repeated = [23, 1, 0];
    bytes.extend_from_slice(&repeated);
    assert_eq!(Record::decode(&bytes), Err(RecordError::Order { tag: 23 }));
    assert_eq!(Record::decode(&[1, 1, 0x80, 0]), Err(RecordError::Length { tag: 1 }));
    assert_eq!(Record::decode(&[1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f]), Err(RecordError::Length { tag: 1 }));
}

#[test]
fn limits_are_cloudtrails() {
    // Two bytes a character, and an odd limit would fall within one.
    let long = format!("x{}", "é".repeat(SHORT_TEXT_LIMIT));
    let json = |length: usize| Some(format!("\"{}\"", "a".repeat(length - 2)));
    let record = Record {
        user_agent: Some(long.clone()),
        error_code: Some(long.clone()),
        error_message: Some(long.clone()),
        request_parameters: json(JSON_LIMIT),
        response_elements: json(JSON_LIMIT + 1),
        additional_event_data: json(ADDITIONAL_DATA_LIMIT + 1),
        service_event_details: json(JSON_LIMIT + 1),
        decisions: json(DECISIONS_LIMIT + 1),
        ..full_record()
    };
    let read = Record::decode(&record.encode()).unwrap();
    for text in [&read.user_agent, &read.error_code, &read.error_message] {
        let text = text.as_ref().unwrap();
        assert_eq!(text.len(), SHORT_TEXT_LIMIT - 1);
        assert!(long.starts_with(text.as_str()));
    }
    assert_eq!(read.request_parameters, record.request_parameters);
    assert_eq!(
        (read.response_elements, read.additional_event_data, read.service_event_details, read.decisions),
        (None, None, None, None)
    );
}

#[test]
fn a_user_name_is_what_lookup_events_shows() {
    let with = |identity: Identity| Record { identity, ..Record::default() };
    let root = with(Identity { kind: Some(IdentityKind::Root), ..Identity::default() });
    assert_eq!(root.username(), Some("root"));
    assert_eq!(full_record().username(), Some("deploy"));
    let user = with(Identity {
        kind: Some(IdentityKind::IamUser),
        user_name: Some("alice".into()),
        ..Identity::default()
    });
    assert_eq!(user.username(), Some("alice"));
    let federated = with(Identity {
        kind: Some(IdentityKind::FederatedUser),
        principal_id: Some("111122223333:bob".into()),
        ..Identity::default()
    });
    assert_eq!(federated.username(), Some("bob"));
    assert_eq!(with(Identity::default()).username(), None);
}
