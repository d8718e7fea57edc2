//! A request made once more, in another Region: what goes along, and what stays with the call that it comes of.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use strongroom_identity::{
    Caller, ConditionKeys, DecisionNote, NotRenewed, Permissions, Principal, RecordDraft, Region, Renewal,
    Renewed, RequestContext, RequestId, Signing, Tls,
};

/// What the caller may do since the call began.
#[derive(Debug)]
struct Since(&'static str);

#[async_trait::async_trait]
impl Renewal for Since {
    async fn renew(&self) -> Result<Renewed, NotRenewed> {
        Ok(Renewed { permissions: Permissions::new(Arc::new(self.0)), mark: Some(7) })
    }
}

fn region(name: &str) -> Region {
    Region::named(name).unwrap()
}

fn signing() -> Signing {
    let payload = "UNSIGNED-PAYLOAD".to_owned();
    Signing { version: "AWS4-HMAC-SHA256", is_in_url: true, age_ms: Some(3), payload }
}

/// A trail's call about itself, in which nothing is as it is when it is left out.
fn context() -> RequestContext {
    let service =
        Principal::Service { account: "111122223333".parse().unwrap(), name: "cloudtrail.amazonaws.com" };
    let mut caller = Caller::new(service, "AKIAEXAMPLE");
    caller.permissions = Permissions::new(Arc::new("before"));
    let tls = Tls {
        version: "TLSv1.3",
        cipher_suite: "TLS_AES_256_GCM_SHA384",
        host: Some("kms.example".to_owned()),
    };
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
    let id = RequestId::from_random([5; 16]);
    let context =
        RequestContext::new(id, caller, region("us-east-1"), 9, address, "a client".to_owned(), Some(tls))
            .signed(signing())
            .renewable(Arc::new(Since("since")))
            .with_draft(RecordDraft { event_id: [1; 16], bytes: b"a draft".to_vec(), mark: Some(6) })
            .about("arn:aws:cloudtrail:us-east-1:111122223333:trail/t");
    context.takes_place_in(region("sa-east-1"));
    context.ask(ConditionKeys::new().with("kms:viaservice", "x"));
    context.touched("AWS::KMS::Key", context.account(), "arn:1");
    context.decided(DecisionNote { trace: "t".to_owned(), is_allowed: true });
    context.refused_with("a message");
    context
}

/// What the context's caller may do, as it says now.
fn permissions(context: &RequestContext) -> &'static str {
    context.permissions().get::<&'static str>().unwrap()
}

/// Asks anew what the caller may do. The answer is there at once.
fn renew(context: &RequestContext) {
    let renewing = std::pin::pin!(context.renew());
    assert_eq!(renewing.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(())));
}

#[test]
fn who_calls_and_from_where_goes_along() {
    let context = context().passed_on_by("s3.amazonaws.com");
    let again = context.again_in(region("eu-central-1"));
    assert_eq!((again.region, again.place()), (region("eu-central-1"), region("eu-central-1")));
    assert_eq!((again.request_id, again.now_ms), (context.request_id, context.now_ms));
    assert_eq!(format!("{:?}", again.caller), format!("{:?}", context.caller));
    assert_eq!((again.source_ip, &again.user_agent), (context.source_ip, &context.user_agent));
    assert_eq!(again.tls, context.tls);
    assert_eq!(again.forwarded_by(), ["s3.amazonaws.com"]);
    assert_eq!(again.acts_about(), Some("arn:aws:cloudtrail:us-east-1:111122223333:trail/t"));
}

#[test]
fn what_belongs_to_the_call_stays_with_it() {
    let context = context();
    let again = context.again_in(region("eu-central-1"));
    assert_eq!(again.draft(), None);
    assert_eq!(again.asked().names().count(), 0);
    let notes = again.take_notes();
    assert_eq!((notes.resources.len(), notes.decisions.len(), notes.authorization_message), (0, 0, None));
    let notes = context.take_notes();
    assert_eq!((notes.resources.len(), notes.decisions.len()), (1, 1));
    assert_eq!(context.asked().names().count(), 1);
    // What the one finds out later is nothing of the other's.
    again.touched("AWS::KMS::Key", again.account(), "arn:2");
    assert!(context.take_notes().resources.is_empty());
}

#[test]
fn what_the_caller_may_do_by_now_counts() {
    let context = context();
    assert_eq!((permissions(&context), context.mark()), ("before", Some(6)));
    let before = context.again_in(context.region);
    renew(&context);
    assert_eq!((permissions(&context), context.mark()), ("since", Some(7)));
    let since = context.again_in(context.region);
    // The further call asks nobody anew, and commits on what its own draft says.
    for (again, wanted) in [(before, "before"), (since, "since")] {
        renew(&again);
        assert_eq!((permissions(&again), again.mark()), (wanted, None));
    }
}

#[test]
fn a_signature_counts_for_the_call_that_it_was_made_for() {
    let context = context();
    let again = context.again_in(context.region);
    assert_eq!(again.signing(), Some(&signing()));
    assert_eq!(again.passed_on_by("kms.amazonaws.com").signing(), None);
}
