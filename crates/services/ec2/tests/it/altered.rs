//! Who writes to the database can destroy, and cannot let anybody in: a row that was altered, or put in
//! another's place, is an error.

use strongroom_store::{Db, Statement};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, PORT, REGION, STRANGER, from_block, open, start, tcp};

on_both_engines! {
    altered_rows_are_refused,
    rows_put_in_another_accounts_place_are_refused,
    a_row_that_is_gone_is_gone,
}

/// EC2 started anew on the same rows: what is in memory already is not read again.
fn anew(db: &Db, account: &str) -> Client {
    Client::new(&start(db), account, REGION)
}

async fn alter(db: &Db, sql: &'static str) {
    let altered = db.execute(Statement::new(sql), &[]).await.unwrap();
    assert!(altered > 0, "{sql}");
}

async fn assert_refused(client: &Client, group: &str, what: &str) {
    assert_eq!(client.groups(&[]).await.unwrap_err().code(), "InternalFailure", "{what}");
    assert!(client.create_group(None, "new").await.is_err(), "{what}");
    let groups = [group.to_owned()];
    let sources = client.ec2.allowed_sources(client.account, client.region, &groups, PORT).await;
    assert!(sources.is_err(), "{what}");
}

async fn altered_rows_are_refused(database: &TestDatabase) {
    let db = open(database).await;
    let client = anew(&db, ACCOUNT);
    let group = client.create_group(None, "g").await.unwrap();
    client.authorize(&group, vec![from_block(tcp(2223, 2223), "10.9.0.0/16")]).await.unwrap();
    for (there, back) in [
        (
            "UPDATE ec2_resources SET document = REPLACE(document, '10.9.0.0/16', '10.9.0.0/15')",
            "UPDATE ec2_resources SET document = REPLACE(document, '10.9.0.0/15', '10.9.0.0/16')",
        ),
        ("UPDATE ec2_networks SET version = version + 1", "UPDATE ec2_networks SET version = version - 1"),
        ("UPDATE ec2_resources SET format = 2", "UPDATE ec2_resources SET format = 1"),
        (
            "UPDATE ec2_networks SET dhcp_options_id = dhcp_options_id || 'x'",
            "UPDATE ec2_networks SET dhcp_options_id = REPLACE(dhcp_options_id, 'x', '')",
        ),
    ] {
        assert_eq!(anew(&db, ACCOUNT).sources(&[&group]).await, ["10.9.0.0/16"]);
        alter(&db, there).await;
        assert_refused(&anew(&db, ACCOUNT), &group, there).await;
        alter(&db, back).await;
    }
    assert_eq!(anew(&db, ACCOUNT).sources(&[&group]).await, ["10.9.0.0/16"]);
}

async fn rows_put_in_another_accounts_place_are_refused(database: &TestDatabase) {
    let db = open(database).await;
    let client = anew(&db, ACCOUNT);
    let group = client.create_group(None, "g").await.unwrap();
    anew(&db, STRANGER).vpcs(&[]).await.unwrap();
    alter(&db, "UPDATE ec2_resources SET account = '444455556666' WHERE document LIKE '%\"name\":\"g\"%'")
        .await;
    assert_refused(&anew(&db, STRANGER), &group, "moved").await;
}

async fn a_row_that_is_gone_is_gone(database: &TestDatabase) {
    let db = open(database).await;
    let client = anew(&db, ACCOUNT);
    let group = client.create_group(None, "g").await.unwrap();
    client.authorize(&group, vec![from_block(tcp(2223, 2223), "10.9.0.0/16")]).await.unwrap();
    alter(&db, "DELETE FROM ec2_resources WHERE document LIKE '%\"name\":\"g\"%'").await;
    assert!(anew(&db, ACCOUNT).sources(&[&group]).await.is_empty(), "nobody is let in");
}
