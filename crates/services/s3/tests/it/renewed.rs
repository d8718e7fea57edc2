//! Bodies that come for long: what counts at their end is what their sender may do then.

use std::sync::Arc;

use async_trait::async_trait;
use strongroom_api_s3::{self as s3, S3 as _};
use strongroom_identity::{NotRenewed, Permissions, Principal, Renewal, Renewed, RequestContext};
use strongroom_policy::document::{Document, Kind as DocumentKind};
use strongroom_policy::{CallerPolicies, Policy};
use strongroom_schema::ByteStream;
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, World, code};

on_both_engines! {
    who_may_not_write_any_more_has_written_nothing,
    a_part_is_its_senders_who_may_write_then,
}

/// What is told of the sender at the body's end.
#[derive(Debug)]
struct Then(Result<Renewed, NotRenewed>);

#[async_trait]
impl Renewal for Then {
    async fn renew(&self) -> Result<Renewed, NotRenewed> {
        self.0.clone()
    }
}

fn allowing(action: &str) -> Permissions {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#
    );
    let document = Document::parse(&text, DocumentKind::Identity).unwrap();
    let identity = vec![Arc::new(Policy::new("p", &document))];
    Permissions::new(Arc::new(CallerPolicies { identity, ..CallerPolicies::default() }))
}

/// What may have become of a user who might write when the body began, and what he is told at its end.
fn ends() -> [(Result<Permissions, NotRenewed>, Option<&'static str>); 5] {
    [
        (Ok(allowing("s3:*")), None),
        (Ok(allowing("s3:Get*")), Some("AccessDenied")),
        (Ok(Permissions::none()), Some("AccessDenied")),
        (Err(NotRenewed::Gone), Some("AccessDenied")),
        (Err(NotRenewed::Unknown), Some("ServiceUnavailable")),
    ]
}

/// A call of a user who may do everything as it begins.
fn begun(owner: &Client<'_>, then: Result<Permissions, NotRenewed>) -> RequestContext {
    let mut context = owner.changing();
    let entity = strongroom_identity::Entity {
        account: ACCOUNT.parse().unwrap(),
        path: "/".to_owned(),
        name: "sender".to_owned(),
        id: "AIDAEXAMPLE".to_owned(),
    };
    context.caller.principal = Principal::User(entity);
    context.caller.permissions = allowing("s3:*");
    let renewed = then.map(|permissions| Renewed { permissions, mark: None });
    context.renewable(Arc::new(Then(renewed)))
}

async fn who_may_not_write_any_more_has_written_nothing(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("long").await;
    owner.put("long", "k", b"first").await.unwrap();
    for (then, told) in ends() {
        let input = s3::PutObjectRequest {
            bucket: "long".to_owned(),
            key: "k".to_owned(),
            body: Some(ByteStream::from(b"second".to_vec())),
            ..Default::default()
        };
        let outcome = world.s3.put_object(&begun(&owner, then), input).await;
        let there = owner.get("long", "k").await.unwrap();
        match told {
            None => {
                outcome.unwrap();
                assert_eq!(there, b"second");
                owner.put("long", "k", b"first").await.unwrap();
            }
            Some(told) => {
                assert_eq!(code(outcome), told);
                assert_eq!(there, b"first");
            }
        }
        world.sweep().await;
        assert_eq!(world.files(), 1);
    }
}

async fn a_part_is_its_senders_who_may_write_then(database: &TestDatabase) {
    let world = World::new(database).await;
    let owner = world.owner();
    owner.make("long").await;
    let input = s3::CreateMultipartUploadRequest {
        bucket: "long".to_owned(),
        key: "k".to_owned(),
        ..Default::default()
    };
    let upload = world.s3.create_multipart_upload(&owner.changing(), input).await.unwrap();
    for (then, told) in ends() {
        let input = s3::UploadPartRequest {
            bucket: "long".to_owned(),
            key: "k".to_owned(),
            upload_id: upload.upload_id.clone().unwrap(),
            part_number: 1,
            body: Some(ByteStream::from(b"part".to_vec())),
            ..Default::default()
        };
        let outcome: Result<_, ApiError> = world.s3.upload_part(&begun(&owner, then), input).await;
        match told {
            None => drop(outcome.unwrap()),
            Some(told) => assert_eq!(code(outcome), told),
        }
    }
}
