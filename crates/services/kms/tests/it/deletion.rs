//! Keys deleted when it is due, with everything that hangs on them.

use strongroom_api_kms::KeyState;
use strongroom_runtime::{Agenda as _, Due};
use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, DAY, FAR_REGION, NOW, REGION, STRANGER, client, open, root, start};

on_both_engines! {
    a_key_is_deleted_when_it_is_due_and_not_before,
    a_key_whose_deletion_was_cancelled_or_put_off_stays,
    keys_are_deleted_in_the_order_of_their_moments,
    what_is_done_twice_is_done_once,
}

async fn a_key_is_deleted_when_it_is_due_and_not_before(database: &TestDatabase) {
    let db = open(database).await;
    let client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let made = client.create_key().await;
    let (key, arn) = (made.key_id, made.arn.unwrap());
    for alias in ["alias/a", "alias/b"] {
        client.create_alias(alias, &key).await.unwrap();
    }
    client.tag(&key, &[("a", "b")]).await.unwrap();
    client.rotate(&key).await.unwrap();
    let blob = client.encrypt(&key, b"plain", &[]).await.unwrap();
    let other = client.create_key().await.key_id;
    client.create_alias("alias/other", &other).await.unwrap();
    client.schedule_deletion(&key, Some(7)).await.unwrap();
    let due = Due { at_ms: NOW + 7 * DAY, id: arn };
    assert_eq!(client.kms.first(10).await.unwrap(), std::slice::from_ref(&due));

    let before = client.later(7 * DAY - 1).await;
    assert_eq!(before.describe("alias/a").await.unwrap().key_state, Some(KeyState::PendingDeletion));
    assert_eq!(before.alias_names(Some(&key)).await, ["alias/a", "alias/b"]);

    let after = client.at(NOW + 7 * DAY);
    assert_eq!(after.kms.run_due(after.now).await, [due]);
    // Neither this server nor one that starts now knows anything of it.
    for gone in [after.clone(), after.on(&start(&db, &root()))] {
        let absent = format!("NotFoundException: Key '{}' does not exist", gone.arn(&format!("key/{key}")));
        assert_eq!(gone.describe(&key).await.unwrap_err().to_string(), absent);
        assert_eq!(gone.cancel_deletion(&key).await.unwrap_err().to_string(), absent);
        assert_eq!(gone.list_aliases(Some(&key), None, None).await.unwrap_err().to_string(), absent);
        for alias in ["alias/a", "alias/b"] {
            let absent = format!("NotFoundException: Alias {} is not found.", gone.arn(alias));
            assert_eq!(gone.encrypt(alias, b"x", &[]).await.unwrap_err().to_string(), absent);
            assert_eq!(gone.delete_alias(alias).await.unwrap_err().to_string(), absent);
        }
        assert_eq!(gone.decrypt(&blob, None, &[]).await.unwrap_err().code(), "AccessDeniedException");
        assert_eq!(gone.decrypt(&blob, Some(&key), &[]).await.unwrap_err().code(), "NotFoundException");
        assert_eq!(gone.key_ids(None).await, [&*other]);
        assert_eq!(gone.alias_names(None).await, ["alias/other"]);
        assert_eq!(gone.kms.next_due().await, None);
        // The names are free.
        gone.create_alias("alias/a", &other).await.unwrap();
        gone.delete_alias("alias/a").await.unwrap();
    }
    for (table, left) in [("kms_keys", 1), ("kms_materials", 1), ("kms_aliases", 1)] {
        let sql = match table {
            "kms_keys" => "SELECT key_id FROM kms_keys",
            "kms_materials" => "SELECT key_id FROM kms_materials",
            _ => "SELECT key_id FROM kms_aliases",
        };
        assert_eq!(db.query(Statement::new(sql), &[]).await.unwrap().len(), left, "{table}");
    }
}

async fn a_key_whose_deletion_was_cancelled_or_put_off_stays(database: &TestDatabase) {
    let client = client(database).await;
    let kept = client.create_key().await.key_id;
    client.schedule_deletion(&kept, Some(7)).await.unwrap();
    let stale = client.kms.next_due().await.unwrap();
    client.cancel_deletion(&kept).await.unwrap();
    assert_eq!(client.kms.next_due().await, None);
    // The scheduler may have looked just before.
    client.kms.run(&stale).await.unwrap();
    assert_eq!(client.describe(&kept).await.unwrap().key_state, Some(KeyState::Disabled));

    let later = client.at(NOW + DAY);
    later.schedule_deletion(&kept, Some(7)).await.unwrap();
    client.kms.run(&stale).await.unwrap();
    assert_eq!(client.describe(&kept).await.unwrap().key_state, Some(KeyState::PendingDeletion));
    assert_eq!(client.kms.next_due().await.unwrap().at_ms, NOW + 8 * DAY);
    let gone = later.later(7 * DAY).await;
    assert_eq!(gone.describe(&kept).await.unwrap_err().code(), "NotFoundException");
}

async fn keys_are_deleted_in_the_order_of_their_moments(database: &TestDatabase) {
    let client = client(database).await;
    let mut expected = Vec::new();
    for (at, caller) in
        [client.clone(), client.as_of(STRANGER, REGION), client.as_of(ACCOUNT, FAR_REGION)].iter().enumerate()
    {
        for days in [30, 7, 15] {
            let caller = caller.at(NOW + at as i64);
            let key = caller.create_key().await;
            caller.schedule_deletion(&key.key_id, Some(days)).await.unwrap();
            expected.push(Due { at_ms: caller.now + i64::from(days) * DAY, id: key.arn.unwrap() });
        }
    }
    expected.sort_unstable();
    assert_eq!(client.kms.first(2).await.unwrap(), expected[..2]);
    assert_eq!(client.kms.first(100).await.unwrap(), expected);
    assert_eq!(client.kms.run_due(NOW + 31 * DAY).await, expected);
    assert_eq!(client.key_ids(None).await, [""; 0]);
}

async fn what_is_done_twice_is_done_once(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    client.schedule_deletion(&key, Some(7)).await.unwrap();
    let due = client.kms.next_due().await.unwrap();
    for _ in 0..2 {
        client.kms.run(&due).await.unwrap();
    }
    let events = client.kms.records();
    assert_eq!(events.iter().filter(|record| record.event_name == "DeleteKey").count(), 1);
    // Items of nobody's.
    for id in ["", "key", "arn:aws:kms:nowhere:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"] {
        let stray = Due { at_ms: NOW, id: id.to_owned() };
        assert!(client.kms.run(&stray).await.is_err(), "{id}");
    }
}
