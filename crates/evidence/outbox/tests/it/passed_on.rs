//! What a service asks of another for its caller.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use strongroom_identity::{
    Caller, NotRenewed, Permissions, Principal, RecordDraft, Region, Renewal, Renewed, RequestContext,
    RequestId,
};
use strongroom_outbox::{Asked, PassedOn};
use strongroom_runtime::Clocks;
use tempfile::TempDir;

use crate::{NOW_MS, names, start, store};

/// What the caller may do since.
#[derive(Debug)]
struct Now(Permissions);

#[async_trait::async_trait]
impl Renewal for Now {
    async fn renew(&self) -> Result<Renewed, NotRenewed> {
        Ok(Renewed { permissions: self.0.clone(), mark: None })
    }
}

fn context_of(caller: Caller) -> RequestContext {
    RequestContext::new(
        RequestId::from_random([1; 16]),
        caller,
        Region::named("us-east-1").unwrap(),
        NOW_MS,
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        "test".to_owned(),
        None,
    )
}

#[tokio::test]
async fn what_a_caller_may_do_by_now_counts_for_the_service_that_is_called_for_him() {
    let (folder, db) = (TempDir::new().unwrap(), store().await);
    let outbox = Arc::new(start(folder.path(), &db));
    let (before, now) = (Permissions::new(Arc::new("before")), Permissions::new(Arc::new("now")));
    let mut caller = Caller::new(Principal::Root("111122223333".parse().unwrap()), "AKIAEXAMPLE");
    caller.permissions = before;
    let context = context_of(caller).renewable(Arc::new(Now(now)));
    let passed_on = PassedOn::new("s3.amazonaws.com", outbox.clone(), Clocks::system());
    let seen = async || {
        let asked = Asked::reading("kms.amazonaws.com", "Decrypt", "{}".to_owned());
        let told = |error: &()| (format!("{error:?}"), None);
        let call = |passed: Arc<RequestContext>| async move {
            Ok(*passed.permissions().get::<&'static str>().unwrap())
        };
        passed_on.call(&context, asked, told, call).await.unwrap().unwrap()
    };
    assert_eq!(seen().await, "before");
    context.renew().await.unwrap();
    assert_eq!(seen().await, "now");
    assert_eq!(names(&outbox), ["Decrypt", "Decrypt"]);
}

#[tokio::test]
async fn a_change_rests_on_what_its_callers_rests_on() {
    let (folder, db) = (TempDir::new().unwrap(), store().await);
    let outbox = Arc::new(start(folder.path(), &db));
    let caller = Caller::new(Principal::Root("111122223333".parse().unwrap()), "AKIAEXAMPLE");
    let draft = RecordDraft { event_id: [2; 16], bytes: b"a draft".to_vec(), mark: Some(7) };
    let context = context_of(caller).with_draft(draft);
    let passed_on = PassedOn::new("kms.amazonaws.com", outbox, Clocks::system());
    let asked = Asked {
        read_only: false,
        ..Asked::reading("iam.amazonaws.com", "CreateServiceLinkedRole", "{}".to_owned())
    };
    let told = |error: &()| (format!("{error:?}"), None);
    let call = |passed: Arc<RequestContext>| async move { Ok(passed.mark()) };
    assert_eq!(passed_on.call(&context, asked, told, call).await.unwrap(), Ok(Some(7)));
}
