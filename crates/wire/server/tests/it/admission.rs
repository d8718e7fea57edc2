//! Calls that are one too many.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use strongroom_identity::RequestContext;
use strongroom_schema::{Operation, ServiceSchema, Structure, Value};
use strongroom_server::Admission;
use strongroom_service::ApiError;

use crate::rig::{ACCOUNT, Rig, Setup};
use crate::signing::Order;

/// Lets two calls in, and looks at all.
struct Two(AtomicU32);

impl Admission for Two {
    fn admit(
        &self,
        context: &RequestContext,
        service: &'static ServiceSchema,
        operation: &'static Operation,
        input: &dyn Structure,
    ) -> Result<(), ApiError> {
        assert_eq!((service.name, operation.name), ("doors", "GetDoor"));
        assert_eq!(context.account().to_string(), ACCOUNT);
        let door = input.schema().position("DoorId").and_then(|position| input.member(position));
        assert!(matches!(door, Some(Value::String("front"))));
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => Ok(()),
            _ => Err(ApiError::common("ThrottlingException", "Not so fast.")),
        }
    }
}

#[tokio::test]
async fn a_call_that_is_not_let_in_is_answered_recorded_and_not_run() {
    let asked = Arc::new(Two(AtomicU32::new(0)));
    let rig = Rig::of(Setup { admission: Some(asked.clone()), ..Setup::default() }).await;
    let call = || Order::json("GetDoor", r#"{"DoorId":"front"}"#.to_owned()).sign();
    for _ in 0..2 {
        assert_eq!(rig.call(&call()).await.status, 200);
    }
    let answer = rig.call(&call()).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.fault().1, "ThrottlingException");
    assert!(answer.text().contains("Not so fast."));
    assert_eq!(rig.doors.ran().len(), 2);
    let records = rig.records.all();
    assert_eq!(records.len(), 3);
    assert_eq!(records[2].error_code.as_deref(), Some("ThrottlingException"));
    assert_eq!(records[2].error_message.as_deref(), Some("Not so fast."));

    // Nobody is asked about what cannot be read or is not signed.
    assert_eq!(rig.call(&Order::json("GetDoor", "{".to_owned()).sign()).await.status, 400);
    assert_eq!(rig.call(&call().without("authorization")).await.status, 400);
    assert_eq!(asked.0.load(Ordering::SeqCst), 3);
}
