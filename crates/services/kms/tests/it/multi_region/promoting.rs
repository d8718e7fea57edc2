//! Another of the related keys made the primary one.

use strongroom_api_kms::{KeyState, MultiRegionKeyType};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, FAR_REGION, REGION, client};

const THIRD: &str = "ap-southeast-2";

on_both_engines! {
    the_primary_key_moves,
    cryptography_goes_on_meanwhile,
    both_keys_must_be_enabled,
    what_cannot_be_promoted,
    rotation_moves_along,
}

async fn the_primary_key_moves(database: &TestDatabase) {
    let client = client(database).await;
    let (key, there) = client.create_related().await;
    client.replicate(&key, THIRD).await.unwrap();
    client.kms.run_due(client.now).await;
    client.update_primary(&key, FAR_REGION).await.unwrap();
    let third = client.in_region(THIRD);
    for (who, role, state) in [
        (&client, MultiRegionKeyType::Replica, KeyState::Updating),
        (&there, MultiRegionKeyType::Primary, KeyState::Updating),
        (&third, MultiRegionKeyType::Replica, KeyState::Enabled),
    ] {
        let expected = (role, FAR_REGION.to_owned(), vec![THIRD.to_owned(), REGION.to_owned()]);
        assert_eq!((who.related(&key).await, who.state(&key).await), (expected, state));
    }
    client.kms.run_due(client.now).await;
    for who in [&client, &there] {
        assert_eq!(who.state(&key).await, KeyState::Enabled);
    }
    // And back, from where it is now.
    assert_eq!(client.update_primary(&key, THIRD).await.unwrap_err().code(), "UnsupportedOperationException");
    there.update_primary(&key, REGION).await.unwrap();
    assert_eq!(client.related(&key).await.0, MultiRegionKeyType::Primary);
}

async fn cryptography_goes_on_meanwhile(database: &TestDatabase) {
    let client = client(database).await;
    let (key, there) = client.create_related().await;
    client.update_primary(&key, FAR_REGION).await.unwrap();
    let blob = client.encrypt(&key, b"plain", &[]).await.unwrap();
    assert_eq!(there.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
    // What is not for then (KMS Developer Guide, "Key states of AWS KMS keys").
    for who in [&client, &there] {
        let updating = format!("KMSInvalidStateException: {} is updating.", who.arn(&format!("key/{key}")));
        assert_eq!(who.disable(&key).await.unwrap_err().to_string(), updating);
        assert_eq!(who.enable(&key).await.unwrap_err().to_string(), updating);
        assert_eq!(who.schedule_deletion(&key, None).await.unwrap_err().to_string(), updating);
        who.describe_as(&key, "x").await.unwrap();
    }
    assert_eq!(there.replicate(&key, THIRD).await.unwrap_err().code(), "KMSInvalidStateException");
    there.rotate(&key).await.unwrap();
    // The key may move on at once.
    there.update_primary(&key, REGION).await.unwrap();
    client.kms.run_due(client.now).await;
    assert_eq!((client.state(&key).await, there.state(&key).await), (KeyState::Enabled, KeyState::Enabled));
}

async fn both_keys_must_be_enabled(database: &TestDatabase) {
    let client = client(database).await;
    let (key, there) = client.create_related().await;
    let arn = |who: &Client| who.arn(&format!("key/{key}"));
    for who in [&client, &there] {
        who.disable(&key).await.unwrap();
        let refused = client.update_primary(&key, FAR_REGION).await.unwrap_err();
        assert_eq!(refused.to_string(), format!("DisabledException: {} is disabled.", arn(who)));
        who.enable(&key).await.unwrap();
        who.schedule_deletion(&key, None).await.unwrap();
        let refused = client.update_primary(&key, FAR_REGION).await.unwrap_err();
        assert_eq!(refused.code(), "KMSInvalidStateException");
        assert!(refused.to_string().contains(&arn(who)), "{refused}");
        who.cancel_deletion(&key).await.unwrap();
        who.enable(&key).await.unwrap();
    }
    client.replicate(&key, THIRD).await.unwrap();
    let refused = client.update_primary(&key, THIRD).await.unwrap_err();
    let creating = arn(&client.in_region(THIRD));
    assert_eq!(refused.to_string(), format!("KMSInvalidStateException: {creating} is creating."));
}

async fn what_cannot_be_promoted(database: &TestDatabase) {
    let client = client(database).await;
    let (key, there) = client.create_related().await;
    let single = client.create_key().await.key_id;
    for (who, key, region, code) in [
        (&there, &key, REGION, "UnsupportedOperationException"),
        (&client, &key, REGION, "UnsupportedOperationException"),
        (&client, &single, FAR_REGION, "UnsupportedOperationException"),
        (&client, &key, THIRD, "NotFoundException"),
        (&client, &key, "xx-nowhere-1", "UnsupportedOperationException"),
        (&client, &"alias/x".to_owned(), FAR_REGION, "InvalidArnException"),
    ] {
        assert_eq!(who.update_primary(key, region).await.unwrap_err().code(), code, "{key} {region}");
    }
    assert_eq!(client.related(&key).await.0, MultiRegionKeyType::Primary);
}

async fn rotation_moves_along(database: &TestDatabase) {
    let client = client(database).await;
    let (key, there) = client.create_related().await;
    client.enable_rotation(&key, Some(90)).await.unwrap();
    let before = client.rotation_status(&key).await.unwrap();
    client.update_primary(&key, FAR_REGION).await.unwrap();
    client.kms.run_due(client.now).await;
    for who in [&client, &there] {
        assert_eq!(who.rotation_status(&key).await.unwrap().next_rotation_date, before.next_rotation_date);
    }
    assert_eq!(client.disable_rotation(&key).await.unwrap_err().code(), "UnsupportedOperationException");
    there.disable_rotation(&key).await.unwrap();
    assert_eq!(client.rotation_status(&key).await.unwrap().key_rotation_enabled, Some(false));
}
