//! Groups under a key of KMS's.

use strongroom_api_logs as api;
use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{DAY, KEY, Lab, MINUTE, START, group_arn, refused};

on_both_engines! {
    kms_is_asked_as_logs_itself,
    refusals_of_kms_are_told_as_aws_does,
    a_data_key_serves_for_a_while,
    old_events_stay_under_their_key,
    nothing_is_readable_in_the_store,
}

const PLACE: (&str, &str) = ("g", "s");

pub(crate) async fn encrypted(database: &TestDatabase) -> Lab {
    let lab = Lab::new(database).await;
    let input = api::CreateLogGroupRequest {
        log_group_name: "g".to_owned(),
        kms_key_id: Some(KEY.to_owned()),
        ..Default::default()
    };
    lab.root().create_with(input).await.unwrap();
    lab.root().stream("g", "s").await.unwrap();
    lab
}

async fn kms_is_asked_as_logs_itself(database: &TestDatabase) {
    let lab = encrypted(database).await;
    let calls = lab.kms.calls.lock().unwrap().clone();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].operation, "GenerateDataKey");
    assert_eq!(calls[0].principal, "logs.amazonaws.com");
    assert_eq!(calls[0].group, group_arn("g"));
    assert_eq!(calls[0].about.as_deref(), Some(group_arn("g").as_str()));
    assert_eq!(lab.root().group("g").await.kms_key_id.as_deref(), Some(KEY));
    let record = lab.records().into_iter().find(|record| record.event_name == "GenerateDataKey").unwrap();
    assert_eq!(record.identity.invoked_by.as_deref(), Some("logs.amazonaws.com"));
    assert!(record.request_parameters.unwrap().contains("aws:logs:arn"));
}

async fn refusals_of_kms_are_told_as_aws_does(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    root.create("g").await.unwrap();
    let not_usable = format!(
        "The specified KMS key does not exist or is not allowed to be used with Arn '{}'",
        group_arn("g")
    );
    let not_found = "The specified KMS Key Id could not be found. 'g'".to_owned();
    let disabled = "The specified KMS Key Id is disabled or cannot be used. 'g'".to_owned();
    for (refusal, code, text) in [
        ("AccessDeniedException", "AccessDeniedException", &not_usable),
        ("NotFoundException", "InvalidParameterException", &not_found),
        ("DisabledException", "InvalidParameterException", &disabled),
        ("KMSInvalidStateException", "InvalidParameterException", &disabled),
    ] {
        lab.kms.refuse(Some(refusal));
        assert_eq!(refused(root.associate("g", KEY).await), (code.to_owned(), text.clone()));
        let input = api::CreateLogGroupRequest {
            log_group_name: "h".to_owned(),
            kms_key_id: Some(KEY.to_owned()),
            ..Default::default()
        };
        assert_eq!(refused(root.create_with(input).await).0, code);
    }
    lab.kms.refuse(None);
    assert_eq!(
        refused(root.associate("g", "alias/k").await),
        ("InvalidParameterException".to_owned(), not_found)
    );
    assert_eq!(root.group("g").await.kms_key_id, None);
    assert!(root.groups("h").await.is_empty(), "nothing is half made");
}

async fn a_data_key_serves_for_a_while(database: &TestDatabase) {
    let lab = encrypted(database).await;
    let root = lab.root();
    lab.kms.operations();
    root.put(PLACE, &[(START, "one")]).await.unwrap();
    assert_eq!(lab.kms.operations(), [] as [&str; 0]);
    lab.wait(5 * MINUTE);
    root.put(PLACE, &[(START, "two")]).await.unwrap();
    assert_eq!(lab.kms.operations(), ["Decrypt"]);
    lab.wait(DAY);
    root.put(PLACE, &[(START, "three")]).await.unwrap();
    assert_eq!(lab.kms.operations(), ["GenerateDataKey"]);
    assert_eq!(root.texts(PLACE).await.unwrap(), ["one", "two", "three"]);
    assert_eq!(lab.kms.operations(), ["Decrypt", "Decrypt"], "each data key is opened once for a call");
    // A key that is disabled is noticed at once by who reads, and within five minutes by who writes.
    lab.kms.refuse(Some("DisabledException"));
    assert_eq!(refused(root.texts(PLACE).await).0, "InvalidParameterException");
    root.put(PLACE, &[(START, "four")]).await.unwrap();
    lab.wait(5 * MINUTE);
    assert_eq!(refused(root.put(PLACE, &[(START, "five")]).await).0, "InvalidParameterException");
    lab.kms.refuse(None);
    assert_eq!(root.texts(PLACE).await.unwrap(), ["one", "two", "three", "four"]);
}

async fn old_events_stay_under_their_key(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    root.create("g").await.unwrap();
    root.stream("g", "s").await.unwrap();
    root.put(PLACE, &[(START, "open")]).await.unwrap();
    root.associate("g", KEY).await.unwrap();
    root.put(PLACE, &[(START + 1, "under the key")]).await.unwrap();
    root.disassociate("g").await.unwrap();
    root.put(PLACE, &[(START + 2, "open again")]).await.unwrap();
    assert_eq!(root.texts(PLACE).await.unwrap(), ["open", "under the key", "open again"]);
    lab.kms.refuse(Some("AccessDeniedException"));
    let (code, _) = refused(root.texts(PLACE).await);
    assert_eq!(code, "AccessDeniedException");
    for (start, end) in [(START, START + 1), (START + 2, START + 3)] {
        let asked =
            api::GetLogEventsRequest { start_time: Some(start), end_time: Some(end), ..Default::default() };
        assert_eq!(root.get(PLACE, asked).await.unwrap().events.unwrap().len(), 1);
    }
    // Whoever puts needs no key of before.
    root.put(PLACE, &[(START + 3, "and on")]).await.unwrap();
}

const SEALED: Statement = Statement::new("SELECT sealed FROM logs_events");
const KEYS: Statement = Statement::new("SELECT sealed FROM logs_data_keys");
const SWAP: Statement = Statement::new("UPDATE logs_events SET sealed = $1");

async fn nothing_is_readable_in_the_store(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let root = lab.root();
    root.create("g").await.unwrap();
    root.stream("g", "s").await.unwrap();
    root.put(PLACE, &[(START, "a secret that is long enough to be found")]).await.unwrap();
    let rows = lab.db.query(SEALED, &[]).await.unwrap();
    let sealed = rows[0].blob("sealed").unwrap();
    assert!(!sealed.windows(8).any(|part| part == b"a secret"));
    assert_eq!(lab.db.query(KEYS, &[]).await.unwrap().len(), 1);
    // Changed, or put in another's place: it does not open.
    for at in [0, 1, 40, sealed.len() - 1] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        lab.db.execute(SWAP, &[changed.into()]).await.unwrap();
        assert_eq!(refused(root.texts(PLACE).await).0, "InternalFailure", "{at}");
    }
    lab.db.execute(SWAP, &[sealed.into()]).await.unwrap();
    assert_eq!(root.texts(PLACE).await.unwrap().len(), 1);
    root.put(PLACE, &[(START + 1, "another")]).await.unwrap();
    let rows = lab.db.query(SEALED, &[]).await.unwrap();
    lab.db.execute(SWAP, &[rows[0].blob("sealed").unwrap().into()]).await.unwrap();
    assert_eq!(refused(root.texts(PLACE).await).0, "InternalFailure");
}
