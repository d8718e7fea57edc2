//! Access keys and devices of root users.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_identity::Principal;
use strongroom_schema::Unit;
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::iam::{Client, STRANGER, client, refusal};
use crate::fixture::{KEY_ID, NOW, OTHER_KEY_ID, make_both};
use crate::mfa::{STEP, create, device_of};

on_both_engines! {
    it_makes_keys_of_its_own,
    those_that_it_was_given_are_turned_off_and_deleted,
    nobody_else_sees_its_keys,
    it_has_devices,
    a_user_who_is_called_like_the_account_is_himself,
}

async fn listed(client: &Client) -> Vec<(String, &'static str)> {
    let input = iam::ListAccessKeysRequest::default();
    let listed = client.iam().list_access_keys(&client.context(), input).await.unwrap();
    let status = |key: &iam::AccessKeyMetadata| match key.status {
        Some(iam::StatusType::Active) => "Active",
        _ => "Inactive",
    };
    let keys = listed.access_key_metadata.iter();
    keys.map(|key| (key.access_key_id.clone().unwrap(), status(key))).collect()
}

async fn make_key(client: &Client) -> Result<iam::AccessKey, ApiError> {
    let input = iam::CreateAccessKeyRequest { user_name: None };
    Ok(client.iam().create_access_key(&client.changing(), input).await?.access_key)
}

async fn set(client: &Client, id: &str, status: &str) -> Result<(), ApiError> {
    let (access_key_id, status) = (id.to_owned(), status.into());
    let input = iam::UpdateAccessKeyRequest { user_name: None, access_key_id, status };
    client.iam().update_access_key(&client.changing(), input).await.map(drop)
}

async fn delete(client: &Client, id: &str) -> Result<(), ApiError> {
    let input = iam::DeleteAccessKeyRequest { user_name: None, access_key_id: id.to_owned() };
    client.iam().delete_access_key(&client.changing(), input).await.map(drop)
}

async fn counts(client: &Client, id: &str) -> bool {
    let holder = client.server.keys.holder(id).await.unwrap();
    assert!(holder.is_none() || holder == Some(Principal::Root(client.account)), "{holder:?}");
    holder.is_some()
}

async fn summary(client: &Client, key: &str) -> i32 {
    let summary = client.iam().get_account_summary(&client.context(), Unit).await.unwrap();
    *summary.summary_map.unwrap().get(key).unwrap()
}

async fn it_makes_keys_of_its_own(database: &TestDatabase) {
    let client = client(database).await;
    assert_eq!(summary(&client, "AccountAccessKeysPresent").await, 0);
    let first = make_key(&client).await.unwrap();
    assert!(first.access_key_id.starts_with("AKIA"));
    assert_eq!(first.secret_access_key.expose().len(), 40);
    let id = first.access_key_id;
    assert!(counts(&client, &id).await);
    assert_eq!(summary(&client, "AccountAccessKeysPresent").await, 1);
    make_key(&client).await.unwrap();
    assert_eq!(
        refusal(make_key(&client).await.map(drop)),
        "LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2"
    );
    set(&client, &id, "Inactive").await.unwrap();
    assert!(!counts(&client, &id).await);
    set(&client, &id, "Active").await.unwrap();
    assert!(counts(&client, &id).await);
    delete(&client, &id).await.unwrap();
    assert!(!counts(&client, &id).await);
    assert_eq!(
        refusal(delete(&client, &id).await),
        format!("NoSuchEntity: The Access Key with id {id} cannot be found.")
    );
    assert_eq!(listed(&client).await.len(), 1);
}

async fn those_that_it_was_given_are_turned_off_and_deleted(database: &TestDatabase) {
    let client = client(database).await;
    make_both(&client.server.keys).await;
    assert_eq!(listed(&client).await, [(KEY_ID.to_owned(), "Active")]);
    set(&client, KEY_ID, "Inactive").await.unwrap();
    assert!(!counts(&client, KEY_ID).await);
    assert_eq!(listed(&client).await, [(KEY_ID.to_owned(), "Inactive")]);
    set(&client, KEY_ID, "Active").await.unwrap();
    assert!(counts(&client, KEY_ID).await);
    delete(&client, KEY_ID).await.unwrap();
    assert!(!counts(&client, KEY_ID).await);
    assert!(listed(&client).await.is_empty());
    // The next start gives it again, and it stays deleted.
    make_both(&client.server.keys).await;
    assert!(!counts(&client, KEY_ID).await);
    assert!(listed(&client).await.is_empty());
    assert!(refusal(set(&client, KEY_ID, "Active").await).starts_with("NoSuchEntity: "));
}

async fn nobody_else_sees_its_keys(database: &TestDatabase) {
    let client = client(database).await;
    make_both(&client.server.keys).await;
    let stranger = client.as_of(STRANGER);
    assert_eq!(listed(&stranger).await, [(OTHER_KEY_ID.to_owned(), "Active")]);
    assert!(refusal(delete(&stranger, KEY_ID).await).starts_with("NoSuchEntity: "));
    assert!(counts(&client, KEY_ID).await);
    // An administrator is not the root user.
    client.create_user("a").await.unwrap();
    client.attach_to_user("a", "arn:aws:iam::aws:policy/AdministratorAccess").await.unwrap();
    let admin = client.as_user(&client.create_access_key("a").await.unwrap()).await;
    assert_eq!(listed(&admin).await.len(), 1);
    assert!(refusal(delete(&admin, KEY_ID).await).starts_with("NoSuchEntity: "));
}

async fn it_has_devices(database: &TestDatabase) {
    let client = client(database).await;
    let account = client.account.to_string();
    let (serial, app) = device_of(&client, &account, "root-account-mfa-device").await;
    assert_eq!(summary(&client, "AccountMFAEnabled").await, 1);
    let input = iam::ListMFADevicesRequest::default();
    let listed = client.iam().list_mfa_devices(&client.context(), input).await.unwrap();
    assert_eq!(listed.mfa_devices.len(), 1);
    let input = iam::ListVirtualMFADevicesRequest::default();
    let devices = client.iam().list_virtual_mfa_devices(&client.context(), input).await.unwrap();
    let user = devices.virtual_mfa_devices[0].user.clone().unwrap();
    assert_eq!((user.user_id, user.arn), (account.clone(), format!("arn:aws:iam::{account}:root")));
    let code = app.code(NOW + STEP);
    assert!(client.iam().take_code(client.account, &account, &serial, &code, NOW).await.unwrap());
    let input = iam::DeactivateMFADeviceRequest { user_name: None, serial_number: serial };
    client.iam().deactivate_mfa_device(&client.changing(), input).await.unwrap();
    assert_eq!(summary(&client, "AccountMFAEnabled").await, 0);
}

async fn a_user_who_is_called_like_the_account_is_himself(database: &TestDatabase) {
    let client = client(database).await;
    let account = client.account.to_string();
    client.create_user(&account).await.unwrap();
    let (serial, _) = device_of(&client, &account, "phone").await;
    assert_eq!(summary(&client, "AccountMFAEnabled").await, 0);
    // And nobody else's name stands for the root user.
    client.create_user("a").await.unwrap();
    client.attach_to_user("a", "arn:aws:iam::aws:policy/AdministratorAccess").await.unwrap();
    let admin = client.as_user(&client.create_access_key("a").await.unwrap()).await;
    let input = iam::DeactivateMFADeviceRequest { user_name: None, serial_number: serial };
    assert!(
        refusal(admin.iam().deactivate_mfa_device(&admin.changing(), input).await.map(drop))
            .starts_with("NoSuchEntity: ")
    );
    let (serial, _, _) = create(&client, "other").await.unwrap();
    let input = iam::EnableMFADeviceRequest {
        user_name: STRANGER.to_owned(),
        serial_number: serial,
        authentication_code1: "000000".to_owned(),
        authentication_code2: "000000".to_owned(),
    };
    assert!(
        refusal(client.iam().enable_mfa_device(&client.changing(), input).await.map(drop))
            .starts_with("NoSuchEntity: ")
    );
}
