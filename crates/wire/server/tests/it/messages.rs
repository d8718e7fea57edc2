//! Messages that name no operation, or cannot be read, and what is told of them.

use crate::rig::Rig;
use crate::signing::Order;

async fn fault(order: Order) -> (u16, String, Option<String>) {
    let rig = Rig::start().await;
    let answer = rig.call(&order.sign()).await;
    assert!(answer.header("x-amzn-requestid").is_some(), "{answer:?}");
    answer.fault()
}

fn told(status: u16, code: &str, message: &str) -> (u16, String, Option<String>) {
    (status, code.to_owned(), Some(message.to_owned()))
}

fn serialization(message: &str) -> (u16, String, Option<String>) {
    told(400, "SerializationException", message)
}

#[tokio::test]
async fn targets_that_lead_nowhere() {
    for target in [
        "com.example.Doors_20200101.Nothing",
        "com.example.Doors_20200101.getdoor",
        "com.example.Doors_20200101.",
        "Nowhere.GetDoor",
        "GetDoor",
        ".",
    ] {
        let expected = (400, "UnknownOperationException".to_owned(), None);
        assert_eq!(fault(Order::json_target(target, "{}")).await, expected, "{target}");
    }
}

#[tokio::test]
async fn actions_that_lead_nowhere() {
    let unknown = |action: &str, version: &str| {
        told(400, "InvalidAction", &format!("Could not find operation {action} for version {version}"))
    };
    let missing = "The request is missing an action or a required parameter.";
    for (form, expected) in [
        ("Action=Nothing&Version=2020-01-01", unknown("Nothing", "2020-01-01")),
        ("Action=GetDoor&Version=1999-01-01", unknown("GetDoor", "1999-01-01")),
        ("Action=GetWindow&Version=2020-01-01", unknown("GetWindow", "2020-01-01")),
        ("Action=GetDoor", unknown("GetDoor", "NO_VERSION_SPECIFIED")),
        ("Version=2020-01-01", told(400, "MissingAction", missing)),
        ("", told(400, "MissingAction", missing)),
    ] {
        assert_eq!(fault(Order::form(form)).await, expected, "{form}");
    }
}

#[tokio::test]
async fn operations_of_aws_that_are_not_there_say_so() {
    let message =
        "Strongroom does not implement doors:SellDoor yet. docs/compatibility.md lists what it does.";
    let target = Order::json_target("com.example.Doors_20200101.SellDoor", "{}");
    assert_eq!(fault(target).await, told(501, "NotImplementedException", message));
    let form = Order::form("Action=SellDoor&Version=2020-01-01");
    assert_eq!(fault(form).await, told(501, "NotImplemented", message));
    let elsewhere = Order { service: "windows", ..Order::form("Action=SellDoor&Version=2020-01-01") };
    let unknown = "Could not find operation SellDoor for version 2020-01-01";
    assert_eq!(fault(elsewhere).await, told(400, "InvalidAction", unknown));
}

#[tokio::test]
async fn a_protocol_that_the_service_does_not_speak() {
    let windows = Order { service: "windows", ..Order::json_target("Windows.GetWindow", "{}") };
    assert_eq!(fault(windows).await, told(400, "ValidationException", "The window is shut"));
    let query = Order { service: "windows", ..Order::form("Action=GetWindow&Version=2021-01-01") };
    let message = "Could not find operation GetWindow for version 2021-01-01";
    assert_eq!(fault(query).await, told(400, "InvalidAction", message));

    let rig = Rig::start().await;
    for (method, target) in [("GET", "/"), ("GET", "/nothing/here"), ("PUT", "/"), ("OPTIONS", "*")] {
        let mut other = Order::json("GetDoor", "").sign().without("content-type").without("x-amz-target");
        (other.method, other.target) = (method, target.to_owned());
        assert_eq!(rig.call(&other).await.fault().1, "UnknownOperationException", "{method} {target}");
    }
}

#[tokio::test]
async fn errors_of_a_query_compatible_service_name_both_codes() {
    let rig = Rig::start().await;
    let order = Order { service: "windows", ..Order::json_target("Windows.GetWindow", "{}") };
    let answer = rig.call(&order.sign()).await;
    assert_eq!(answer.header("x-amzn-query-error"), Some("ValidationError;Sender"));
}

#[tokio::test]
async fn bodies_that_are_no_json() {
    for (body, message) in [
        (&b"{"[..], "Unexpected end of the message"),
        (b"[]", "Start of list found where not expected"),
        (b"x", "Unexpected character in the message"),
        (b"{\"DoorId\":\"a\"} {}", "Unexpected characters after the message"),
        (b"{\"DoorId\":\"\xff\"}", "The message is not valid UTF-8"),
        (b"{\"DoorId\":\"a\",\"DoorId\":\"b\"}", "The message names a member twice"),
        (b"{\"DoorId\":\"\\ud800\"}", "A string has half of a surrogate pair"),
    ] {
        let (status, code, told) = fault(Order::json("GetDoor", body)).await;
        assert_eq!((status, code.as_str()), (400, "SerializationException"), "{told:?}");
        assert_eq!(told.as_deref(), Some(message));
    }
    let answer = Rig::start().await.call(&Order::json("GetDoor", "{").sign()).await;
    let expected = r#"{"__type":"SerializationException","Message":"Unexpected end of the message"}"#;
    assert_eq!(answer.text(), expected);
}

#[tokio::test]
async fn values_of_the_wrong_kind() {
    for (member, message) in [
        (r#""DoorId":5"#, "NUMBER_VALUE can not be converted to a String"),
        (r#""DoorId":true"#, "TRUE_VALUE can not be converted to a String"),
        (r#""Times":"3""#, "STRING_VALUE can not be converted to an Integer"),
        (r#""Labels":"a""#, "Expected list or null"),
        (r#""Notes":"a""#, "Expected map or null"),
        (r#""Labels":{}"#, "Start of structure or map found where not expected."),
        (r#""Notes":{"a":"1","a":"2"}"#, "A map names a key twice"),
        (r#""DoorId":["a"]"#, "Start of list found where not expected"),
    ] {
        let (status, code, told) = fault(Order::json("OpenDoor", format!("{{{member}}}"))).await;
        assert_eq!((status, code.as_str()), (400, "SerializationException"), "{member}");
        assert_eq!(told.as_deref(), Some(message), "{member}");
    }
}

#[tokio::test]
async fn depth_and_width_are_bounded() {
    let deep = format!(r#"{{"Unknown":{}"#, "[".repeat(100_000));
    assert_eq!(fault(Order::json("GetDoor", deep)).await, serialization("The message is nested too deeply"));
    let wide = format!(r#"{{"DoorId":"a","Labels":[{}""]}}"#, r#""","#.repeat(100_000));
    assert_eq!(fault(Order::json("OpenDoor", wide)).await, serialization("The message has too many items"));
    let names = format!("Action=OpenDoor&Version=2020-01-01&{}=a", "Labels.member.".repeat(100));
    let malformed = |message: &str| told(400, "MalformedInput", message);
    assert_eq!(fault(Order::form(names)).await, malformed("The message is nested too deeply"));
    let many = format!("Action=OpenDoor&Version=2020-01-01{}", "&a=b".repeat(100_000));
    assert_eq!(fault(Order::form(many)).await, malformed("The message has too many items"));
}

#[tokio::test]
async fn forms_that_cannot_be_read() {
    let malformed = |message: &str| told(400, "MalformedInput", message);
    for (form, message) in [
        ("&DoorId=a&DoorId=b", "The message names a parameter twice"),
        ("&DoorId=%zz", "Invalid percent-encoding in the message"),
        ("&DoorId=%ff", "The message is not valid UTF-8"),
        ("&DoorId=a&Labels.member.x=b", "An item of a list or map has no valid number"),
    ] {
        assert_eq!(fault(Order::query("OpenDoor", form)).await, malformed(message), "{form}");
    }
}

#[tokio::test]
async fn inputs_that_break_the_model() {
    let null = "1 validation error detected: Value null at 'doorId' failed to satisfy constraint: Member must \
        not be null";
    let long = "1 validation error detected: Value '123456789' at 'doorId' failed to satisfy constraint: Member \
        must have length less than or equal to 8";
    for body in ["{}", "", "{\"DoorId\":null}", "{\"Unknown\":[1,{\"a\":null}]}"] {
        let expected = told(400, "ValidationException", null);
        assert_eq!(fault(Order::json("GetDoor", body)).await, expected, "{body}");
    }
    let expected = told(400, "ValidationException", long);
    assert_eq!(fault(Order::json("GetDoor", r#"{"DoorId":"123456789"}"#)).await, expected);
    assert_eq!(fault(Order::query("GetDoor", "")).await, told(400, "ValidationError", null));
    let expected = told(400, "ValidationError", long);
    assert_eq!(fault(Order::query("GetDoor", "&DoorId=123456789")).await, expected);
}

#[tokio::test]
async fn what_services_refuse_has_a_face_in_each_protocol() {
    let denied = "User: you is not authorized to perform: doors:GetDoor";
    let gone = "Door 'gone' does not exist";
    let internal = "The request processing has failed because of an unknown error.";
    let missing =
        "Strongroom does not implement doors:PaintDoor yet. docs/compatibility.md lists what it does.";
    for (operation, door, message, json, query) in [
        ("GetDoor", "denied", denied, (400, "AccessDeniedException"), (403, "AccessDenied")),
        ("GetDoor", "gone", gone, (400, "NoSuchDoorException"), (404, "NoSuchDoor")),
        ("GetDoor", "broken", internal, (500, "InternalFailure"), (500, "InternalFailure")),
        ("PaintDoor", "front", missing, (501, "NotImplementedException"), (501, "NotImplemented")),
    ] {
        let body = format!(r#"{{"DoorId":"{door}"}}"#);
        assert_eq!(fault(Order::json(operation, body)).await, told(json.0, json.1, message));
        let form = format!("&DoorId={door}");
        assert_eq!(fault(Order::query(operation, &form)).await, told(query.0, query.1, message));
    }
    let answer = Rig::start().await.call(&Order::json("GetDoor", r#"{"DoorId":"denied"}"#).sign()).await;
    assert!(answer.text().contains(r#""Message":"#), "{answer:?}");
}

#[tokio::test]
async fn a_refusal_carries_its_encoded_message_in_a_header() {
    let rig = Rig::start().await;
    let header = "x-strongroom-encoded-authorization-message";
    let get = |door: &str| Order::json("GetDoor", format!(r#"{{"DoorId":"{door}"}}"#)).sign();
    assert_eq!(rig.call(&get("denied")).await.header(header), Some("an encoded message"));
    for door in ["gone", "front"] {
        assert_eq!(rig.call(&get(door)).await.header(header), None);
    }
}
