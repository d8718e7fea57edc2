//! What is recorded: every call of someone who is known, once, and no secret.

use std::sync::atomic::Ordering;

use crate::rig::{ACCESS_KEY_ID, ACCOUNT, Recorded, Rig};
use crate::signing::Order;

const OPEN: &str = r#"{"DoorId":"front","Code":"tell nobody 1234","Picture":"cGljdHVyZQ==","Key":"c2VjcmV0",
    "Labels":["a","b"],"Notes":{"from":"me"},"Times":3}"#;

#[tokio::test]
async fn a_record_has_everything_but_the_secrets() {
    let rig = Rig::start().await;
    let request = Order::json("OpenDoor", OPEN).header("user-agent", "tests/1.0").sign();
    let answer = rig.call(&request).await;
    let expected = r#"{"DoorId":"front","Code":"tell nobody 1234","Picture":"cGljdHVyZQ=="}"#;
    assert_eq!((answer.status, answer.text()), (200, expected));

    let expected = Recorded {
        request_id: answer.request_id().to_owned(),
        who: format!("arn:aws:iam::{ACCOUNT}:root"),
        access_key_id: ACCESS_KEY_ID.to_owned(),
        region: "us-east-1".to_owned(),
        source_ip: "127.0.0.1".to_owned(),
        user_agent: "tests/1.0".to_owned(),
        tls: None,
        event_source: "doors.example.com".to_owned(),
        event_name: "OpenDoor".to_owned(),
        request_parameters: Some(
            r#"{"doorId":"front","labels":["a","b"],"notes":{"from":"me"},"times":3,"direction":"inwards"}"#
                .to_owned(),
        ),
        response_elements: Some(r#"{"doorId":"front","sound":"creak"}"#.to_owned()),
        additional_event_data: Some(r#"{"squeaks":true}"#.to_owned()),
        error_code: None,
        error_message: None,
        resources: vec![format!("arn:aws:doors:us-east-1:{ACCOUNT}:door/front")],
        drafted: true,
    };
    assert_eq!(rig.records.only(), expected);
}

#[tokio::test]
async fn the_query_protocol_leaves_the_same_record() {
    let rig = Rig::start().await;
    let form = "&DoorId=front&Code=tell%20nobody%201234&Picture=cGljdHVyZQ%3D%3D&Key=c2VjcmV0\
                &Labels.member.1=a&Labels.member.2=b&Notes.entry.1.key=from&Notes.entry.1.value=me&Times=3";
    let query = rig.call(&Order::query("OpenDoor", form).sign()).await;
    assert_eq!(query.status, 200, "{query:?}");
    rig.call(&Order::json("OpenDoor", OPEN).sign()).await;
    let [query, json] = rig.records.all().try_into().unwrap();
    assert_eq!(query, Recorded { request_id: query.request_id.clone(), ..json });
}

#[tokio::test]
async fn no_answer_is_recorded_of_a_call_that_changes_nothing() {
    let rig = Rig::start().await;
    rig.call(&Order::json("GetDoor", r#"{"DoorId":"front"}"#).sign()).await;
    let record = rig.records.only();
    assert_eq!(record.request_parameters.as_deref(), Some(r#"{"doorId":"front"}"#));
    assert_eq!((record.response_elements, record.additional_event_data), (None, None));
}

#[tokio::test]
async fn a_call_that_may_change_something_has_the_draft_of_its_record() {
    let rig = Rig::start().await;
    let mut wire = rig.connect().await;
    let draft = |record: &Recorded| rig.doors.draft(&record.request_id);
    for (operation, body, expected) in [
        ("OpenDoor", OPEN, Some("tell")),
        ("CloseDoor", r#"{"DoorId":"denied"}"#, Some(r#"{"doorId":"denied"}"#)),
        ("GetDoor", r#"{"DoorId":"front"}"#, None),
    ] {
        wire.call(&Order::json(operation, body).sign()).await;
        let record = rig.records.all().pop().unwrap();
        assert_eq!(record.drafted, expected.is_some(), "{operation}");
        match (draft(&record), expected) {
            (Some(draft), Some("tell")) => {
                assert!(
                    draft.starts_with(r#"{"doorId":"front","labels":"#) && !draft.contains("tell"),
                    "{draft}"
                );
            }
            (draft, expected) => assert_eq!(draft.as_deref(), expected),
        }
    }
    // What cannot be read does not run.
    wire.call(&Order::json("OpenDoor", "{").sign()).await;
    assert!(!rig.records.all().pop().unwrap().drafted);
}

#[tokio::test]
async fn nothing_changes_without_the_draft_of_a_record() {
    let rig = Rig::start().await;
    rig.records.mute.store(true, Ordering::SeqCst);
    let (status, code, _) = rig.call(&Order::json("OpenDoor", OPEN).sign()).await.fault();
    assert_eq!((status, code.as_str()), (500, "InternalFailure"));
    assert_eq!(rig.doors.ran().len(), 0);
    assert_eq!(rig.call(&Order::json("GetDoor", r#"{"DoorId":"front"}"#).sign()).await.status, 200);
}

#[tokio::test]
async fn every_end_of_a_call_is_recorded_once() {
    let rig = Rig::start().await;
    let mut wire = rig.connect().await;
    let door = |door: &str| format!(r#"{{"DoorId":"{door}"}}"#);
    let cases = [
        (Order::json("GetDoor", door("front")), None),
        (Order::json("GetDoor", door("denied")), Some("AccessDeniedException")),
        (Order::json("GetDoor", door("gone")), Some("NoSuchDoorException")),
        (Order::json("GetDoor", door("broken")), Some("InternalFailure")),
        (Order::json("GetDoor", door("panic")), Some("InternalFailure")),
        (Order::json("PaintDoor", door("front")), Some("NotImplementedException")),
        (Order::json("GetDoor", "{}"), Some("ValidationException")),
        (Order::json("GetDoor", door("too long a name")), Some("ValidationException")),
        (Order::json("GetDoor", "["), Some("SerializationException")),
        (Order::query("GetDoor", ""), Some("ValidationException")),
        (Order::query("OpenDoor", "&DoorId=front&Times=x"), Some("SerializationException")),
    ];
    for (number, (order, code)) in cases.iter().enumerate() {
        let answer = wire.call(&order.sign()).await;
        let records = rig.records.all();
        assert_eq!(records.len(), number + 1, "{order:?}");
        let record = &records[number];
        assert_eq!(record.error_code.as_deref(), *code, "{order:?}");
        assert_eq!(record.request_id, answer.request_id());
        if code.is_some() {
            assert_eq!(record.response_elements, None);
            assert_eq!(record.error_message, answer.fault().2);
        }
    }
    let refused = &rig.records.all()[1];
    assert_eq!(refused.request_parameters.as_deref(), Some(r#"{"doorId":"denied"}"#));
    assert_eq!(refused.resources, [format!("arn:aws:doors:us-east-1:{ACCOUNT}:door/denied")]);
}

#[tokio::test]
async fn nothing_is_recorded_of_who_is_not_known() {
    let rig = Rig::start().await;
    let door = r#"{"DoorId":"front"}"#;
    let order = Order::json("GetDoor", door);
    let signed = order.sign();
    for request in [
        signed.clone().without("authorization"),
        Order { secret: "wrong", ..order.clone() }.sign(),
        Order { access_key_id: "AKIDNOBODY", ..order.clone() }.sign(),
        Order { access_key_id: crate::rig::UNDECIDED_KEY_ID, ..order.clone() }.sign(),
        Order { region: "us-east-9", ..order.clone() }.sign(),
        Order { service: "windows", ..order }.sign(),
        Order::json("Nothing", door).sign(),
        Order::json_target("Nowhere.GetDoor", door).sign(),
    ] {
        let answer = rig.call(&request).await;
        assert!(answer.status >= 400, "{request:?}");
    }
    assert_eq!((rig.records.len(), rig.doors.ran().len()), (0, 0));
}

#[tokio::test]
async fn a_long_user_agent_is_cut_and_a_strange_one_left_out() {
    let rig = Rig::start().await;
    let order = Order::json("GetDoor", r#"{"DoorId":"front"}"#);
    let mut wire = rig.connect().await;
    wire.call(&order.clone().header("user-agent", &"x".repeat(5_000)).sign()).await;
    let mut strange = order.sign();
    strange.headers.push(("user-agent".to_owned(), "\u{e9}".to_owned()));
    wire.call(&strange).await;
    let agents: Vec<_> = rig.records.all().into_iter().map(|record| record.user_agent).collect();
    assert_eq!(agents, ["x".repeat(1_024), String::new()]);
}
