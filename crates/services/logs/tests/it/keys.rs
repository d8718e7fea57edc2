//! Data keys of KMS's that several make at once, and what KMS refuses again and again.

use std::sync::Arc;

use strongroom_logs::{Arrival, Arrivals};
use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};
use tokio::sync::Barrier;

use crate::encryption::encrypted;
use crate::fixture::{ACCOUNT, DAY, KEY, Lab, MINUTE, REGION, START, refused};

on_both_engines! {
    data_keys_that_are_made_at_once_stand_for_themselves,
    servers_that_make_data_keys_at_once_read_each_other,
    a_key_that_is_associated_twice_at_once_opens_what_follows,
    a_group_that_goes_while_kms_answers_leaves_no_data_key,
    a_refusal_holds_for_a_minute,
    what_a_service_logs_comes_in_whatever_kms_says,
    a_data_key_that_was_altered_is_told_apart,
}

const PLACE: (&str, &str) = ("g", "s");

async fn data_keys_that_are_made_at_once_stand_for_themselves(database: &TestDatabase) {
    let lab = encrypted(database).await;
    let root = lab.root();
    for day in 1..4 {
        lab.wait(DAY);
        lab.kms.meet(Some(&Arc::new(Barrier::new(2))));
        let one = [(lab.now(), "one")];
        let other = [(lab.now(), "other")];
        let (first, second) = tokio::join!(root.put(PLACE, &one), root.put(PLACE, &other));
        first.unwrap();
        second.unwrap();
        lab.kms.meet(None);
        root.put(PLACE, &[(lab.now(), "more")]).await.unwrap();
        assert_eq!(root.texts(PLACE).await.unwrap().len(), day * 3);
    }
}

async fn servers_that_make_data_keys_at_once_read_each_other(database: &TestDatabase) {
    let one = encrypted(database).await;
    let other = Lab::new(database).await;
    let meet = Arc::new(Barrier::new(2));
    for lab in [&one, &other] {
        lab.wait(DAY);
        lab.kms.meet(Some(&meet));
    }
    let (here, there) = (one.root(), other.root());
    let texts = [(one.now(), "text")];
    let (first, second) = tokio::join!(here.put(PLACE, &texts), there.put(PLACE, &texts));
    first.unwrap();
    second.unwrap();
    for lab in [&one, &other] {
        lab.kms.meet(None);
        lab.root().put(PLACE, &texts).await.unwrap();
    }
    assert_eq!(here.texts(PLACE).await.unwrap(), ["text"; 4]);
    assert_eq!(there.texts(PLACE).await.unwrap(), ["text"; 4]);
}

async fn a_key_that_is_associated_twice_at_once_opens_what_follows(database: &TestDatabase) {
    let one = Lab::new(database).await;
    one.root().create("g").await.unwrap();
    one.root().stream("g", "s").await.unwrap();
    let other = Lab::new(database).await;
    let meet = Arc::new(Barrier::new(2));
    for lab in [&one, &other] {
        lab.kms.meet(Some(&meet));
    }
    let (here, there) = (one.root(), other.root());
    // Of two changes of one group on PostgreSQL one may lose.
    let (first, second) = tokio::join!(here.associate("g", KEY), there.associate("g", KEY));
    assert!(first.is_ok() || second.is_ok());
    for lab in [&one, &other] {
        lab.kms.meet(None);
        lab.root().put(PLACE, &[(START, "text")]).await.unwrap();
    }
    assert_eq!(here.texts(PLACE).await.unwrap(), ["text"; 2]);
}

const LEFT: Statement = Statement::new("SELECT COUNT(*) AS found FROM logs_data_keys");

async fn a_group_that_goes_while_kms_answers_leaves_no_data_key(database: &TestDatabase) {
    let lab = encrypted(database).await;
    let root = lab.root();
    lab.wait(DAY);
    let meet = Arc::new(Barrier::new(2));
    lab.kms.meet(Some(&meet));
    let texts = [(lab.now(), "text")];
    let (put, ()) = tokio::join!(root.put(PLACE, &texts), async {
        meet.wait().await;
        root.delete("g").await.unwrap();
        meet.wait().await;
    });
    assert_eq!(refused(put).0, "ResourceNotFoundException");
    assert_eq!(lab.db.query_one(LEFT, &[]).await.unwrap().i64("found").unwrap(), 0);
}

async fn a_refusal_holds_for_a_minute(database: &TestDatabase) {
    let lab = encrypted(database).await;
    let root = lab.root();
    lab.wait(DAY);
    lab.kms.operations();
    for _ in 0..3 {
        lab.kms.refuse(Some("DisabledException"));
        for _ in 0..10 {
            let text = "The specified KMS Key Id is disabled or cannot be used. 'g'".to_owned();
            let told = refused(root.put(PLACE, &[(lab.now(), "x")]).await);
            assert_eq!(told, ("InvalidParameterException".to_owned(), text));
        }
        assert_eq!(lab.kms.operations(), ["GenerateDataKey"], "it is asked once");
        lab.wait(MINUTE);
    }
    lab.kms.refuse(None);
    root.put(PLACE, &[(lab.now(), "x")]).await.unwrap();
    // Where KMS could not answer, it is asked sooner.
    lab.wait(DAY);
    lab.kms.refuse(Some("ThrottlingException"));
    assert_eq!(refused(root.put(PLACE, &[(lab.now(), "x")]).await).0, "ServiceUnavailableException");
    lab.kms.refuse(None);
    lab.wait(10_000);
    root.put(PLACE, &[(lab.now(), "x")]).await.unwrap();
    // A key that is associated anew is taken at its word.
    lab.wait(DAY);
    lab.kms.refuse(Some("AccessDeniedException"));
    assert_eq!(refused(root.put(PLACE, &[(lab.now(), "x")]).await).0, "AccessDeniedException");
    lab.kms.refuse(None);
    root.associate("g", KEY).await.unwrap();
    root.put(PLACE, &[(lab.now(), "x")]).await.unwrap();
}

fn arrivals(message: &str) -> Arrivals {
    Arrivals {
        account: ACCOUNT.parse().unwrap(),
        region: REGION,
        group: "g".to_owned(),
        stream: "s".to_owned(),
        events: vec![Arrival { at_ms: START, message: message.to_owned() }],
        made_by: Some("cloudhsm.amazonaws.com"),
    }
}

async fn write(lab: &Lab, message: &str) {
    let admitted = &lab.logs.admit(arrivals(message)).await.unwrap();
    let db = lab.logs.events_db();
    db.transaction(|tx| Box::pin(async move { admitted.write(tx).await })).await.unwrap();
}

async fn what_a_service_logs_comes_in_whatever_kms_says(database: &TestDatabase) {
    let lab = encrypted(database).await;
    let codes = [
        "AccessDeniedException",
        "NotFoundException",
        "KMSInvalidStateException",
        "ThrottlingException",
        "DependencyTimeoutException",
        "KMSInternalException",
        "InvalidCiphertextException",
        "IncorrectKeyException",
    ];
    for code in codes {
        lab.wait(DAY);
        lab.kms.operations();
        lab.kms.refuse(Some(code));
        for _ in 0..5 {
            write(&lab, code).await;
        }
        assert_eq!(lab.kms.operations(), ["GenerateDataKey"], "{code}: it is asked once");
        lab.kms.refuse(None);
        lab.wait(MINUTE);
        write(&lab, "and under the key").await;
        assert_eq!(lab.kms.operations(), ["GenerateDataKey"], "{code}");
    }
    assert_eq!(lab.root().texts(PLACE).await.unwrap().len(), codes.len() * 6);
}

const ALTER: Statement = Statement::new("UPDATE logs_data_keys SET sealed = $1");

async fn a_data_key_that_was_altered_is_told_apart(database: &TestDatabase) {
    let lab = encrypted(database).await;
    lab.db.execute(ALTER, &[vec![0_u8; 80].into()]).await.unwrap();
    let refused = lab.logs.admit(arrivals("x")).await;
    assert!(matches!(refused, Err(strongroom_logs::NotAdmitted::Damaged(_))), "{refused:?}");
}
