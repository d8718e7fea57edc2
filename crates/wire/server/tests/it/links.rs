//! Links in messages of SNS: whoever has one may follow it, with an ordinary browser and without a signature.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use strongroom_api_sns as sns;
use strongroom_identity::{Principal, RequestContext};
use strongroom_schema::Unit;
use strongroom_service::ApiError;

use crate::rig::{ACCOUNT, HOST, Rig, Setup};
use crate::signing::{Order, Request};

/// SNS as far as its links go: it remembers what was asked, by whom, and where.
#[derive(Default)]
pub(crate) struct Links(Mutex<Vec<Asked>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    about: String,
    account: String,
    region: String,
    is_known: bool,
}

impl Links {
    fn keep(&self, context: &RequestContext, about: &str) {
        self.0.lock().unwrap().push(Asked {
            about: about.to_owned(),
            account: context.caller.principal.account().to_string(),
            region: context.region.name().to_owned(),
            is_known: !matches!(context.caller.principal, Principal::WebIdentity(_)),
        });
    }

    fn asked(&self) -> Vec<Asked> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl sns::Sns for Links {
    async fn confirm_subscription(
        &self,
        context: &RequestContext,
        input: sns::ConfirmSubscriptionInput,
    ) -> Result<sns::ConfirmSubscriptionResponse, ApiError> {
        self.keep(context, &input.token);
        Ok(sns::ConfirmSubscriptionResponse { subscription_arn: Some(input.topic_arn) })
    }

    async fn unsubscribe(
        &self,
        context: &RequestContext,
        input: sns::UnsubscribeInput,
    ) -> Result<Unit, ApiError> {
        self.keep(context, &input.subscription_arn);
        Ok(Unit)
    }
}

async fn rig() -> (Rig, Arc<Links>) {
    let links = Arc::<Links>::default();
    (Rig::of(Setup { links: Some(links.clone()), ..Setup::default() }).await, links)
}

/// What a browser sends that follows a link.
fn follow(target: &str) -> Request {
    let headers = vec![("host".to_owned(), HOST.to_owned())];
    Request { method: "GET", target: target.to_owned(), headers, body: Vec::new() }
}

const TOPIC: &str = "arn:aws:sns:eu-central-1:444455556666:alerts";

fn asked(about: &str, account: &str, region: &str, is_known: bool) -> Asked {
    Asked { about: about.to_owned(), account: account.to_owned(), region: region.to_owned(), is_known }
}

/// The links of AWS's messages have no version, and say where they lead in the name of what they are about.
#[tokio::test]
async fn who_follows_one_is_nobody_in_the_account_and_region_of_the_topic() {
    let (rig, links) = rig().await;
    let confirm = format!("/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=abc");
    let answer = rig.call(&follow(&confirm)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.text().contains(&format!("<SubscriptionArn>{TOPIC}</SubscriptionArn>")), "{answer:?}");
    let subscription = format!("{TOPIC}:5f9c0e9b-8d4c-4a53-9d4f-2f6b7f1f5c11");
    let unsubscribe = format!("/?Action=Unsubscribe&SubscriptionArn={subscription}");
    assert_eq!(rig.call(&follow(&unsubscribe)).await.status, 200);
    let (account, region) = ("444455556666", "eu-central-1");
    let nobody = [asked("abc", account, region, false), asked(&subscription, account, region, false)];
    assert_eq!(links.asked(), nobody);
    let recorded = rig.records.all();
    assert_eq!(recorded.len(), 2);
    assert!(recorded.iter().all(|record| record.who == "anonymous" && record.region == region));
}

/// `AuthenticateOnUnsubscribe` rests on that: a signature is checked where there is one.
#[tokio::test]
async fn who_signs_is_known_or_refused() {
    let (rig, links) = rig().await;
    let form = format!("Action=Unsubscribe&Version=2010-03-31&SubscriptionArn={TOPIC}:1");
    let order = Order { service: "sns", region: "eu-central-1", ..Order::form(form) };
    assert_eq!(rig.call(&order.sign()).await.status, 200);
    let wrong = rig.call(&Order { secret: "wrong", ..order }.sign()).await;
    assert_eq!((wrong.status, wrong.fault().1.as_str()), (403, "SignatureDoesNotMatch"));
    let unsigned = format!("/?Action=Unsubscribe&SubscriptionArn={TOPIC}:1&X-Amz-Signature=00");
    assert_eq!(rig.call(&follow(&unsigned)).await.status, 403);
    assert_eq!(links.asked(), [asked(&format!("{TOPIC}:1"), ACCOUNT, "eu-central-1", true)]);
}

/// Strangers do not fill the journal with what leads nowhere.
#[tokio::test]
async fn what_leads_nowhere_is_refused_and_not_recorded() {
    let (rig, links) = rig().await;
    for arn in
        ["", "alerts", "arn:aws:sns:eu-central-1:4:alerts", "arn:aws:sns:nowhere-at-all:444455556666:a"]
    {
        let answer = rig.call(&follow(&format!("/?Action=Unsubscribe&SubscriptionArn={arn}"))).await;
        assert_eq!((answer.status, answer.fault().1.as_str()), (400, "InvalidParameter"), "{arn}");
    }
    assert!(links.asked().is_empty());
    assert_eq!(rig.records.len(), 0);
}

/// A link is no way to other operations of the service, nor to those of others.
#[tokio::test]
async fn no_other_operation_is_reached_by_a_link() {
    let (rig, links) = rig().await;
    for target in [
        format!("/?Action=DeleteTopic&TopicArn={TOPIC}"),
        format!("/?Action=Publish&TopicArn={TOPIC}&Message=hello"),
        "/?Action=OpenDoor&DoorId=front".to_owned(),
        format!("/?Action=Subscribe&Version=2010-03-31&TopicArn={TOPIC}&Protocol=https"),
    ] {
        let answer = rig.call(&follow(&target)).await;
        assert!((400..500).contains(&answer.status), "{target}: {answer:?}");
    }
    assert!(links.asked().is_empty() && rig.doors.ran().is_empty());
    assert_eq!(rig.records.len(), 0);
}
