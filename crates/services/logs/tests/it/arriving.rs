//! What other parts of the program log.

use strongroom_logs::{Arrival, Arrivals, NotAdmitted};
use strongroom_store::StoreError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, DAY, KEY, Lab, REGION, START};

on_both_engines! {
    group_and_stream_are_made_in_the_name_of_a_service,
    who_makes_nothing_finds_nothing,
    events_are_there_once_they_are_committed,
    a_key_that_cannot_be_used_is_told,
}

const HSMS: &str = "/aws/cloudhsm/cluster-1";

fn arrivals(messages: &[&str], made_by: Option<&'static str>) -> Arrivals {
    let event = |message: &&str| Arrival { at_ms: START - 400 * DAY, message: (*message).to_owned() };
    Arrivals {
        account: ACCOUNT.parse().unwrap(),
        region: REGION,
        group: HSMS.to_owned(),
        stream: "hsm-1".to_owned(),
        events: messages.iter().map(event).collect(),
        made_by,
    }
}

async fn write(lab: &Lab, arrivals: Arrivals) {
    let admitted = &lab.logs.admit(arrivals).await.unwrap();
    let db = lab.logs.events_db();
    db.transaction(|tx| Box::pin(async move { admitted.write(tx).await })).await.unwrap();
}

async fn group_and_stream_are_made_in_the_name_of_a_service(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    write(&lab, arrivals(&["one", "two"], Some("cloudhsm.amazonaws.com"))).await;
    write(&lab, arrivals(&["three"], Some("cloudhsm.amazonaws.com"))).await;
    let texts = lab.root().texts((HSMS, "hsm-1")).await.unwrap();
    assert_eq!(texts, ["one", "two", "three"], "however old they are");
    let made: Vec<_> = lab
        .records()
        .into_iter()
        .map(|record| {
            (record.event_name, record.identity.invoked_by.unwrap(), record.request_parameters.unwrap())
        })
        .collect();
    let service = "cloudhsm.amazonaws.com".to_owned();
    let group = format!(r#"{{"logGroupName":"{HSMS}"}}"#);
    let stream = format!(r#"{{"logGroupName":"{HSMS}","logStreamName":"hsm-1"}}"#);
    assert_eq!(
        made,
        [
            ("CreateLogGroup".to_owned(), service.clone(), group),
            ("CreateLogStream".to_owned(), service, stream)
        ]
    );
}

async fn who_makes_nothing_finds_nothing(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    assert!(matches!(lab.logs.admit(arrivals(&["x"], None)).await, Err(NotAdmitted::NotThere)));
    lab.root().create(HSMS).await.unwrap();
    assert!(matches!(lab.logs.admit(arrivals(&["x"], None)).await, Err(NotAdmitted::NotThere)));
    lab.root().stream(HSMS, "hsm-1").await.unwrap();
    write(&lab, arrivals(&["x"], None)).await;
    let many = vec!["x"; 10_001];
    assert!(matches!(lab.logs.admit(arrivals(&many, None)).await, Err(NotAdmitted::TooMuch)));
}

async fn events_are_there_once_they_are_committed(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let admitted = &lab.logs.admit(arrivals(&["x"], Some("cloudhsm.amazonaws.com"))).await.unwrap();
    let given_up = lab.logs.events_db().transaction(|tx| {
        Box::pin(async move {
            admitted.write(tx).await?;
            Err::<(), _>(StoreError::Conflict)
        })
    });
    given_up.await.unwrap_err();
    assert_eq!(lab.root().texts((HSMS, "hsm-1")).await.unwrap(), [] as [&str; 0]);
    let db = lab.logs.events_db();
    db.transaction(|tx| Box::pin(async move { admitted.write(tx).await })).await.unwrap();
    assert_eq!(lab.root().texts((HSMS, "hsm-1")).await.unwrap(), ["x"]);
}

async fn a_key_that_cannot_be_used_is_told(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    write(&lab, arrivals(&["one"], Some("cloudhsm.amazonaws.com"))).await;
    lab.root().associate(HSMS, KEY).await.unwrap();
    write(&lab, arrivals(&["two"], None)).await;
    lab.wait(DAY);
    for refusal in ["AccessDeniedException", "DisabledException"] {
        lab.kms.refuse(Some(refusal));
        let refused = lab.logs.admit(arrivals(&["three"], None)).await;
        assert!(matches!(refused, Err(NotAdmitted::Key(_))), "{refusal}");
    }
}
