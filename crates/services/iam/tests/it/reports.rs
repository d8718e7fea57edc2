//! Credential reports.

use strongroom_api_iam::{self as iam, Iam as _, ReportStateType};
use strongroom_journal::{EventId, Identity, Record};
use strongroom_schema::Unit;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{Client, client, refusal};
use crate::fixture::{KEY_ID, NOW, make_both};
use crate::mfa::device_of;

on_both_engines! {
    a_report_tells_of_all_credentials,
    a_report_is_kept_for_four_hours,
    names_with_commas_are_quoted,
}

const HOUR: i64 = 3_600_000;

async fn generate(client: &Client) -> ReportStateType {
    client.iam().generate_credential_report(&client.changing(), Unit).await.unwrap().state.unwrap()
}

/// The report's lines, as fields.
async fn lines(client: &Client) -> Vec<Vec<String>> {
    let report = client.iam().get_credential_report(&client.context(), Unit).await.unwrap();
    assert_eq!(report.report_format, Some(iam::ReportFormatType::TextCsv));
    let text = String::from_utf8(report.content.unwrap().0).unwrap();
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// What stands in a column of a line.
fn field<'l>(lines: &'l [Vec<String>], line: usize, column: &str) -> &'l str {
    let position = lines[0].iter().position(|name| name == column).unwrap();
    assert_eq!(lines[line].len(), lines[0].len());
    &lines[line][position]
}

async fn a_report_tells_of_all_credentials(database: &TestDatabase) {
    let client = client(database).await;
    make_both(&client.server.keys).await;
    client.create_user("a").await.unwrap();
    client.create_user("b").await.unwrap();
    let key = client.create_access_key("a").await.unwrap().access_key_id;
    client.create_access_key("a").await.unwrap();
    client.set_status("a", &key, "Inactive").await.unwrap();
    device_of(&client, "a", "phone").await;
    let input = iam::CreateLoginProfileRequest {
        user_name: Some("a".to_owned()),
        password: Some(strongroom_secret::SecretString::new("Abcdefg1!".to_owned())),
        password_reset_required: None,
    };
    client.iam().create_login_profile(&client.changing(), input).await.unwrap();
    let input = iam::UpdateAccountPasswordPolicyRequest { max_password_age: Some(90), ..Default::default() };
    client.iam().update_account_password_policy(&client.changing(), input).await.unwrap();
    client
        .server
        .write(Record {
            event_id: EventId([7; 16]),
            event_time_ms: NOW,
            event_source: "kms.amazonaws.com".to_owned(),
            aws_region: "eu-central-1".to_owned(),
            account_id: "111122223333".to_owned(),
            identity: Identity { access_key_id: Some(KEY_ID.to_owned()), ..Identity::default() },
            ..Record::default()
        })
        .await;
    assert_eq!(generate(&client).await, ReportStateType::Started);
    let lines = lines(&client).await;
    assert_eq!(lines[0].len(), 22);
    let date = "2023-11-14T22:13:20+00:00";
    for (line, column, value) in [
        (1, "user", "<root_account>"),
        (1, "arn", "arn:aws:iam::111122223333:root"),
        (1, "user_creation_time", date),
        (1, "password_enabled", "not_supported"),
        (1, "mfa_active", "false"),
        (1, "access_key_1_active", "true"),
        (1, "access_key_1_last_used_date", date),
        (1, "access_key_1_last_used_region", "eu-central-1"),
        (1, "access_key_1_last_used_service", "kms"),
        (1, "access_key_2_active", "false"),
        (2, "user", "a"),
        (2, "arn", "arn:aws:iam::111122223333:user/a"),
        (2, "user_creation_time", date),
        (2, "password_enabled", "true"),
        (2, "password_last_used", "no_information"),
        (2, "password_last_changed", date),
        (2, "password_next_rotation", "2024-02-12T22:13:20+00:00"),
        (2, "mfa_active", "true"),
        (2, "access_key_1_active", "false"),
        (2, "access_key_1_last_rotated", date),
        (2, "access_key_1_last_used_date", "N/A"),
        (2, "access_key_2_active", "true"),
        (2, "cert_2_last_rotated", "N/A"),
        (3, "user", "b"),
        (3, "password_enabled", "false"),
        (3, "password_last_changed", "N/A"),
        (3, "mfa_active", "false"),
    ] {
        assert_eq!(field(&lines, line, column), value, "{line} {column}");
    }
}

async fn a_report_is_kept_for_four_hours(database: &TestDatabase) {
    let client = client(database).await;
    let get = async |client: &Client| client.iam().get_credential_report(&client.context(), Unit).await;
    assert!(refusal(get(&client).await).starts_with("ReportNotPresent: "));
    assert_eq!(generate(&client).await, ReportStateType::Started);
    client.create_user("a").await.unwrap();
    assert_eq!(generate(&client).await, ReportStateType::Complete);
    assert_eq!(lines(&client).await.len(), 2);
    let later = Client { now: NOW + 4 * HOUR, ..client };
    assert!(refusal(get(&later).await).starts_with("ReportExpired: "));
    assert_eq!(generate(&later).await, ReportStateType::Started);
    assert_eq!(lines(&later).await.len(), 3);
}

async fn names_with_commas_are_quoted(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a,b").await.unwrap();
    generate(&client).await;
    let report = client.iam().get_credential_report(&client.context(), Unit).await.unwrap();
    let text = String::from_utf8(report.content.unwrap().0).unwrap();
    assert!(text.contains("\n\"a,b\",\"arn:aws:iam::111122223333:user/a,b\",2023-"), "{text}");
}
