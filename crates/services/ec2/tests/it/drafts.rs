//! A change commits together with the draft of its record, and records name what a call touched.

use strongroom_api_ec2::{self as ec2, Ec2 as _};
use strongroom_identity::{RecordDraft, RequestContext};
use strongroom_store::Db;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, REGION, in_subnet, open, start};

on_both_engines! {
    a_change_posts_its_draft,
    a_call_that_changes_nothing_posts_none,
    a_change_whose_draft_cannot_be_posted_is_not_made,
    a_record_names_what_was_touched,
}

fn with_draft(client: &Client, number: u8) -> RequestContext {
    client.context().with_draft(RecordDraft { event_id: [number; 16], bytes: vec![number; 3], mark: None })
}

/// The numbers of the drafts that wait.
async fn posted(db: &Db) -> Vec<u8> {
    db.posted(None, 100).await.unwrap().into_iter().map(|message| message.id[0]).collect()
}

async fn a_client(database: &TestDatabase) -> (Db, Client) {
    let db = open(database).await;
    let client = Client::new(&start(&db), ACCOUNT, REGION);
    (db, client)
}

fn group(name: &str) -> ec2::CreateSecurityGroupRequest {
    ec2::CreateSecurityGroupRequest {
        group_name: name.to_owned(),
        description: "d".to_owned(),
        ..Default::default()
    }
}

async fn a_change_posts_its_draft(database: &TestDatabase) {
    let (db, client) = a_client(database).await;
    client.ec2.create_security_group(&with_draft(&client, 1), group("a")).await.unwrap();
    client.ec2.create_security_group(&with_draft(&client, 2), group("b")).await.unwrap();
    assert_eq!(posted(&db).await, [1, 2]);
}

async fn a_call_that_changes_nothing_posts_none(database: &TestDatabase) {
    let (db, client) = a_client(database).await;
    let context = with_draft(&client, 1);
    // The default VPC comes into being here, which nobody asked for.
    client.ec2.describe_vpcs(&context, ec2::DescribeVpcsRequest::default()).await.unwrap();
    client.ec2.create_security_group(&context, group("default")).await.unwrap_err();
    let dry = ec2::CreateSecurityGroupRequest { dry_run: Some(true), ..group("a") };
    client.ec2.create_security_group(&context, dry).await.unwrap_err();
    assert!(posted(&db).await.is_empty());
}

async fn a_change_whose_draft_cannot_be_posted_is_not_made(database: &TestDatabase) {
    let (db, client) = a_client(database).await;
    client.ec2.create_security_group(&with_draft(&client, 1), group("a")).await.unwrap();
    let changes = client.ec2.changes();
    // A draft of that id waits already.
    let refused = client.ec2.create_security_group(&with_draft(&client, 1), group("b")).await;
    assert_eq!(refused.unwrap_err().code(), "InternalFailure");
    assert_eq!(posted(&db).await, [1]);
    assert!(client.groups(&[("group-name", &["b"])]).await.unwrap().is_empty());
    assert!(!changes.has_changed().unwrap());
}

async fn a_record_names_what_was_touched(database: &TestDatabase) {
    let (_, client) = a_client(database).await;
    let subnet = client.some_subnet().await;
    let context = client.changing();
    let made = client.ec2.create_network_interface(&context, in_subnet(&subnet)).await.unwrap();
    let made = made.network_interface.unwrap().network_interface_id.unwrap();
    let touched: Vec<_> =
        context.take_notes().resources.into_iter().map(|resource| (resource.kind, resource.arn)).collect();
    assert_eq!(
        touched,
        [("AWS::EC2::Subnet", "subnet", &subnet), ("AWS::EC2::NetworkInterface", "network-interface", &made)]
            .map(|(kind, name, id)| (kind, format!("arn:aws:ec2:us-east-1:111122223333:{name}/{id}")))
    );
}
