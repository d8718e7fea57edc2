//! Calls without a signature: of the one operation that takes them, and within their own bounds.

use strongroom_server::Limits;

use crate::rig::{ACCOUNT, Rig, until};
use crate::signing::{Order, Request};

/// A knock without a signature, with what follows in its form.
fn knock(door: &str, more: &str) -> Request {
    let role = format!("arn:aws:iam::{ACCOUNT}:role/visitor");
    stranger(&format!("&DoorId={door}&RoleArn={role}{more}"))
}

fn stranger(form: &str) -> Request {
    Order::query("Knock", form).sign().without("authorization")
}

#[tokio::test]
async fn nobody_is_let_through_in_the_account_of_the_role() {
    let rig = Rig::start().await;
    let answer = rig.call(&knock("front", "")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let record = rig.records.only();
    assert_eq!((record.who.as_str(), record.access_key_id.as_str()), ("anonymous", ""));
    assert_eq!(record.resources, [format!("arn:aws:doors:us-east-1:{ACCOUNT}:door/front")]);
    assert!(!record.drafted);
}

#[tokio::test]
async fn who_becomes_known_is_recorded() {
    let rig = Rig::start().await;
    rig.call(&knock("front", "&Token=alice")).await;
    assert_eq!(rig.records.only().who, "provider:doors:alice");
}

/// The account is the one that the caller names, so that its record would be anybody's to fill.
#[tokio::test]
async fn a_refusal_is_recorded_of_who_is_known_only() {
    let rig = Rig::start().await;
    assert_eq!(rig.call(&knock("denied", "")).await.status, 403);
    assert_eq!(rig.records.len(), 0);
    assert_eq!(rig.call(&knock("denied", "&Token=alice")).await.status, 403);
    assert_eq!(rig.records.only().who, "provider:doors:alice");
}

#[tokio::test]
async fn a_signature_counts_for_nothing() {
    let rig = Rig::start().await;
    let role = format!("&DoorId=front&RoleArn=arn:aws:iam::{ACCOUNT}:role/visitor");
    for order in [Order::query("Knock", &role), Order { secret: "wrong", ..Order::query("Knock", &role) }] {
        assert_eq!(rig.call(&order.sign()).await.status, 200);
    }
    assert!(rig.records.all().iter().all(|record| record.who == "anonymous"));
}

#[tokio::test]
async fn other_operations_want_one() {
    let rig = Rig::start().await;
    for operation in ["CloseDoor", "GetDoor", "OpenDoor", "PaintDoor"] {
        let form = format!("&DoorId=front&RoleArn=arn:aws:iam::{ACCOUNT}:role/visitor");
        let answer = rig.call(&Order::query(operation, &form).sign().without("authorization")).await;
        assert_eq!((answer.status, answer.fault().1.as_str()), (403, "MissingAuthenticationToken"));
    }
    assert!(rig.doors.ran().is_empty());
    assert_eq!(rig.records.len(), 0);
}

/// Strangers do not fill the journal with what means nothing.
#[tokio::test]
async fn what_cannot_be_read_is_not_recorded() {
    let rig = Rig::start().await;
    let role = format!("arn:aws:iam::{ACCOUNT}:role/visitor");
    for (form, message) in [
        ("&DoorId=front&RoleArn=visitor".to_owned(), Some("Request ARN is invalid")),
        ("&DoorId=front&RoleArn=arn:aws:iam::1:role/r".to_owned(), Some("Request ARN is invalid")),
        (
            "&DoorId=front&RoleArn=arn:aws-cn:iam::111122223333:role/r".to_owned(),
            Some("Request ARN is invalid"),
        ),
        (format!("&DoorId=much_too_long&RoleArn={role}"), None),
        ("&DoorId=front".to_owned(), None),
    ] {
        let answer = rig.call(&stranger(&form)).await;
        let (status, code, said) = answer.fault();
        assert_eq!((status, code.as_str()), (400, "ValidationError"), "{form}");
        if message.is_some() {
            assert_eq!(said.as_deref(), message);
        }
    }
    assert!(rig.doors.ran().is_empty());
    assert_eq!(rig.records.len(), 0);
}

#[tokio::test]
async fn bodies_have_a_bound_of_their_own() {
    let rig = Rig::with(Limits { unsigned_bytes: 1_000, ..Limits::default() }).await;
    let long = format!("&Token={}", "a".repeat(1_000));
    assert_eq!(rig.call(&knock("front", &long)).await.status, 413);
    assert_eq!(rig.records.len(), 0);
    assert_eq!(rig.call(&knock("front", "")).await.status, 200);
}

/// The clock of these servers stands, so the second does not end.
#[tokio::test]
async fn a_second_has_so_many_calls_and_no_more() {
    let rig = Rig::with(Limits { unsigned_rate: 3, ..Limits::default() }).await;
    for _ in 0..3 {
        assert_eq!(rig.call(&knock("front", "")).await.status, 200);
    }
    let fault = rig.call(&knock("front", "")).await.fault();
    assert_eq!(fault, (400, "Throttling".to_owned(), Some("Rate exceeded".to_owned())));
    assert_eq!(rig.records.len(), 3);
    let known = rig.call(&Order::query("GetDoor", "&DoorId=front").sign()).await;
    assert_eq!(known.status, 200, "who is known is not held up by strangers");
}

/// A place is taken until the call has ended, also when its client is gone.
#[tokio::test]
async fn places_are_few_and_last_until_the_call_ends() {
    let rig = Rig::with(Limits { unsigned_requests: 1, ..Limits::default() }).await;
    let mut gone = rig.connect().await;
    gone.send(knock("wait", "").bytes()).await;
    until(|| !rig.doors.ran().is_empty()).await;
    drop(gone);
    assert_eq!(rig.call(&knock("front", "")).await.fault().1, "Throttling");
    rig.doors.gate.add_permits(1);
    until(|| rig.records.len() == 1).await;
    loop {
        if rig.call(&knock("front", "")).await.status == 200 {
            break;
        }
        tokio::task::yield_now().await;
    }
}
