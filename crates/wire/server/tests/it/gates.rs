//! Calls in EC2's form of the query protocol.

use crate::rig::Rig;
use crate::signing::Order;

fn order(form: &str) -> Order {
    Order { service: "gates", ..Order::form(form) }
}

/// Code, status and message of an error, which must have EC2's frame.
async fn fault(order: Order) -> (u16, String, Option<String>) {
    let answer = Rig::start().await.call(&order.sign()).await;
    let framed = answer.text().starts_with("<Response><Errors><Error><Code>")
        && answer.text().ends_with(&format!("<RequestID>{}</RequestID></Response>", answer.request_id()));
    assert!(framed, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/xml;charset=UTF-8"));
    answer.fault()
}

fn told(status: u16, code: &str, message: &str) -> (u16, String, Option<String>) {
    (status, code.to_owned(), Some(message.to_owned()))
}

#[tokio::test]
async fn calls_are_read_and_answered() {
    let rig = Rig::start().await;
    let form = "Action=OpenDoor&Version=2022-01-01&DoorId=front&Labels.2=b&Labels.1=a";
    let answer = rig.call(&order(form).sign()).await;
    let expected = format!(
        "<OpenDoorResponse xmlns=\"https://gates.example.com/doc/2022-01-01/\"><requestId>{}</requestId>\
         <return>true</return></OpenDoorResponse>",
        answer.request_id()
    );
    assert_eq!((answer.status, answer.text()), (200, expected.as_str()));
    let url = Order {
        service: "gates",
        target: "/?Action=CloseDoor&Version=2022-01-01&DoorId=front".to_owned(),
        ..Order::url("CloseDoor", "")
    };
    assert_eq!(rig.call(&url.sign()).await.status, 200);
    assert_eq!(rig.doors.ran(), ["open front a+b", "close front"]);
}

#[tokio::test]
async fn whatever_is_refused_is_refused_in_ec2s_words() {
    let action = |name: &str| {
        told(400, "InvalidAction", &format!("The action {name} is not valid for this web service."))
    };
    let call = |rest: &str| order(&format!("Action=CloseDoor&Version=2022-01-01{rest}"));
    let credentials = "AWS was not able to validate the provided access credentials";
    let missing = "The request is missing an action or a required parameter.";
    for (order, expected) in [
        (order("Action=Nothing&Version=2022-01-01"), action("Nothing")),
        (order("Action=CloseDoor&Version=1999-01-01"), action("CloseDoor")),
        (order("Version=2022-01-01"), told(400, "MissingAction", missing)),
        (call("&DoorId=%zz"), told(400, "MalformedQueryString", "Invalid percent-encoding in the message")),
        (call(""), told(400, "MissingParameter", "The request must contain the parameter DoorId")),
        (
            call("&DoorId=a&Colour=red"),
            told(400, "UnknownParameter", "The parameter Colour is not recognized"),
        ),
        (
            call("&DoorId=123456789"),
            told(400, "InvalidParameterValue", "Value (123456789) for parameter doorId is invalid."),
        ),
        (Order { secret: "wrong", ..call("&DoorId=a") }, told(401, "AuthFailure", credentials)),
        (
            call("&DoorId=denied"),
            told(403, "UnauthorizedOperation", "User: you is not authorized to perform: doors:GetDoor"),
        ),
        (
            call("&DoorId=broken"),
            told(500, "InternalError", "The request processing has failed because of an unknown error."),
        ),
    ] {
        assert_eq!(fault(order.clone()).await, expected, "{order:?}");
    }
}

#[tokio::test]
async fn the_version_tells_the_service_where_no_signature_does() {
    let rig = Rig::start().await;
    let request = order("Action=CloseDoor&Version=2022-01-01&DoorId=a").sign().without("authorization");
    let answer = rig.call(&request).await;
    assert!(answer.text().starts_with("<Response><Errors><Error><Code>AuthFailure"), "{answer:?}");
    // What another service has in that version is the other service's call.
    let doors = Order { service: "gates", ..Order::query("CloseDoor", "&DoorId=a") };
    assert!(rig.call(&doors.sign()).await.text().starts_with("<ErrorResponse"));
}

#[tokio::test]
async fn records_name_the_side_of_a_fault() {
    let rig = Rig::start().await;
    for door in ["denied", "broken", "front&Colour=red"] {
        rig.call(&order(&format!("Action=CloseDoor&Version=2022-01-01&DoorId={door}")).sign()).await;
    }
    let codes: Vec<_> = rig.records.all().into_iter().map(|record| record.error_code.unwrap()).collect();
    assert_eq!(codes, ["Client.UnauthorizedOperation", "Server.InternalError", "Client.UnknownParameter"]);
}

#[tokio::test]
async fn records_show_what_ec2s_records_show() {
    let rig = Rig::start().await;
    let form = "Action=OpenDoor&Version=2022-01-01&DoorId=front&Labels.1=a";
    let answer = rig.call(&order(form).sign()).await;
    let record = rig.records.only();
    assert_eq!(record.request_parameters.as_deref(), Some(r#"{"doorId":"front","labels":{"items":["a"]}}"#));
    let response = format!(r#"{{"requestId":"{}","_return":true}}"#, answer.request_id());
    assert_eq!(record.response_elements, Some(response));
}

/// The gates are a global service; the doors are in the Region that the request is signed for.
#[tokio::test]
async fn a_global_services_calls_are_made_and_recorded_at_home() {
    let rig = Rig::start().await;
    let far = "eu-central-1";
    let gates = order("Action=OpenDoor&Version=2022-01-01&DoorId=front");
    let gates = rig.call(&Order { region: far, ..gates }.sign()).await;
    assert_eq!(gates.status, 200, "{gates:?}");
    let doors = Order { region: far, ..Order::json("GetDoor", r#"{"DoorId":"front"}"#) };
    rig.call(&doors.sign()).await;
    let regions: Vec<_> = rig.records.all().into_iter().map(|record| record.region).collect();
    assert_eq!(regions, ["us-east-1", far]);
}
