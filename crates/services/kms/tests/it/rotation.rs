//! Automatic rotation (KMS Developer Guide, "Rotate AWS KMS keys"): its schedule, and what it does when it is
//! due.

use strongroom_api_kms::{IncludeKeyMaterial, KeyMaterialState, RotationType};
use strongroom_schema::Timestamp;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, DAY, NOW, REGION, client, data_key, decrypt, open, root, start};

on_both_engines! {
    the_period_is_a_year_unless_the_caller_says_otherwise,
    another_period_starts_the_clock_anew_and_the_same_does_not,
    a_key_rotates_once_for_each_period_that_has_passed,
    old_ciphertexts_decrypt_and_new_ones_have_the_new_material,
    a_disabled_key_rotates_once_when_it_is_enabled,
    a_key_that_is_to_be_deleted_shows_no_rotation,
    a_rotation_that_is_not_due_any_more_does_nothing,
}

/// Whether rotation is on, with which period, and when the next is.
async fn status(client: &Client, key: &str) -> (bool, Option<i32>, Option<i64>) {
    let status = client.rotation_status(key).await.unwrap();
    assert_eq!(status.key_id.as_deref(), Some(key));
    assert_eq!(status.on_demand_rotation_start_date, None);
    let next = status.next_rotation_date.map(Timestamp::as_millis);
    (status.key_rotation_enabled.unwrap(), status.rotation_period_in_days, next)
}

/// The moments of a key's rotations, as they are listed.
async fn moments(client: &Client, key: &str) -> Vec<i64> {
    let rotations = client.rotations(key, None, Some(1)).await;
    rotations.iter().map(|rotation| rotation.rotation_date.unwrap().as_millis()).collect()
}

async fn the_period_is_a_year_unless_the_caller_says_otherwise(database: &TestDatabase) {
    let client = client(database).await;
    for (asked, days) in [(None, 365), (Some(90), 90), (Some(365), 365), (Some(2560), 2560)] {
        let key = client.create_key().await.key_id;
        assert_eq!(status(&client, &key).await, (false, None, None));
        client.enable_rotation(&key, asked).await.unwrap();
        let next = NOW + i64::from(days) * DAY;
        assert_eq!(status(&client, &key).await, (true, Some(days), Some(next)));
        // Turned off, nothing shows of it.
        for _ in 0..2 {
            client.disable_rotation(&key).await.unwrap();
            assert_eq!(status(&client, &key).await, (false, None, None));
        }
        assert_eq!(client.kms.next_due().await, None);
        assert_eq!(client.rotations(&key, None, None).await.len(), 0);
    }
}

async fn another_period_starts_the_clock_anew_and_the_same_does_not(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let after = |days: i64| client.at(NOW + days * DAY);
    client.enable_rotation(&key, Some(90)).await.unwrap();
    after(10).enable_rotation(&key, Some(90)).await.unwrap();
    assert_eq!(status(&client, &key).await, (true, Some(90), Some(NOW + 90 * DAY)));
    after(20).enable_rotation(&key, Some(91)).await.unwrap();
    assert_eq!(status(&client, &key).await, (true, Some(91), Some(NOW + 111 * DAY)));
    // Left out, the period is a year: another one.
    after(30).enable_rotation(&key, None).await.unwrap();
    assert_eq!(status(&client, &key).await, (true, Some(365), Some(NOW + 395 * DAY)));
    // Off and on again.
    after(40).disable_rotation(&key).await.unwrap();
    after(40).enable_rotation(&key, None).await.unwrap();
    assert_eq!(status(&client, &key).await, (true, Some(365), Some(NOW + 405 * DAY)));
    assert_eq!(client.kms.next_due().await.unwrap().at_ms, NOW + 405 * DAY);
}

async fn a_key_rotates_once_for_each_period_that_has_passed(database: &TestDatabase) {
    let client = client(database).await;
    let made = client.create_key().await;
    let (key, first) = (made.key_id, made.current_key_material_id.unwrap());
    client.enable_rotation(&key, Some(90)).await.unwrap();
    let before = client.later(90 * DAY - 1).await;
    assert_eq!(moments(&before, &key).await, [0; 0]);
    assert_eq!(before.describe(&key).await.unwrap().current_key_material_id.as_ref(), Some(&first));
    let after = client.later(90 * DAY).await;
    assert_eq!(moments(&after, &key).await, [NOW + 90 * DAY]);

    // A jump over three periods and a half: the moments are those at which it was due.
    let much_later = client.later(400 * DAY).await;
    let expected = [90, 180, 270, 360].map(|days| NOW + days * DAY);
    assert_eq!(moments(&much_later, &key).await, expected);
    assert_eq!(status(&much_later, &key).await, (true, Some(90), Some(NOW + 450 * DAY)));

    // With the first material: it is of no rotation.
    for page in [None, Some(1), Some(2), Some(4), Some(5), Some(1000)] {
        let all = much_later.rotations(&key, Some(IncludeKeyMaterial::AllKeyMaterial), page).await;
        let only = much_later.rotations(&key, Some(IncludeKeyMaterial::RotationsOnly), page).await;
        assert_eq!(format!("{:?}", &all[1..]), format!("{only:?}"));
        assert_eq!((all.len(), all[0].key_material_id.as_ref()), (5, Some(&first)));
        assert_eq!((all[0].rotation_date, &all[0].rotation_type), (None, &None));
        for (at, entry) in all.iter().enumerate() {
            assert_eq!(entry.key_id.as_deref(), Some(&*key));
            let state = if at == 4 { KeyMaterialState::Current } else { KeyMaterialState::NonCurrent };
            assert_eq!(entry.key_material_state, Some(state));
            if at > 0 {
                assert_eq!(entry.rotation_type, Some(RotationType::Automatic));
            }
        }
        let current = much_later.describe(&key).await.unwrap().current_key_material_id;
        assert_eq!(all[4].key_material_id, current);
    }
}

async fn old_ciphertexts_decrypt_and_new_ones_have_the_new_material(database: &TestDatabase) {
    let db = open(database).await;
    let mut client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let made = client.create_key().await;
    let key = made.key_id;
    client.enable_rotation(&key, Some(90)).await.unwrap();
    let mut blobs = Vec::new();
    for _ in 0..4 {
        let material = client.describe(&key).await.unwrap().current_key_material_id.unwrap();
        assert!(blobs.iter().all(|(_, of)| *of != material), "each rotation gives another material");
        let generated = client.try_generate(data_key(&key)).await.unwrap();
        assert_eq!(generated.key_material_id.as_ref(), Some(&material));
        blobs.push((client.encrypt(&key, b"plain", &[("a", "b")]).await.unwrap(), material));
        client = client.later(90 * DAY).await;
    }
    for client in [client.clone(), client.on(&start(&db, &root()))] {
        for (blob, material) in &blobs {
            let input = strongroom_api_kms::DecryptRequest {
                encryption_context: crate::fixture::bound_to(&[("a", "b")]),
                ..decrypt(blob)
            };
            let decrypted = client.try_decrypt(input).await.unwrap();
            assert_eq!(decrypted.key_material_id.as_ref(), Some(material));
            assert_eq!(crate::fixture::plaintext(decrypted.plaintext), b"plain");
            assert!(client.decrypt(blob, None, &[]).await.is_err(), "another context");
        }
    }
}

async fn a_disabled_key_rotates_once_when_it_is_enabled(database: &TestDatabase) {
    let client = client(database).await;
    let (overdue, in_time) = (client.create_key().await.key_id, client.create_key().await.key_id);
    for key in [&overdue, &in_time] {
        client.enable_rotation(key, Some(90)).await.unwrap();
        client.disable(key).await.unwrap();
    }
    assert_eq!(client.kms.next_due().await, None);
    // Before it is due, enabling changes nothing.
    client.at(NOW + 89 * DAY).enable(&in_time).await.unwrap();
    assert_eq!(status(&client, &in_time).await, (true, Some(90), Some(NOW + 90 * DAY)));

    let later = client.later(300 * DAY).await;
    assert_eq!(moments(&later, &overdue).await, [0; 0]);
    assert!(status(&later, &overdue).await.0, "the setting stays");
    later.enable(&overdue).await.unwrap();
    let later = later.later(0).await;
    assert_eq!(moments(&later, &overdue).await, [NOW + 300 * DAY], "once, whatever was missed");
    assert_eq!(status(&later, &overdue).await, (true, Some(90), Some(NOW + 390 * DAY)));
    assert_eq!(moments(&later, &in_time).await, [90, 180, 270].map(|days| NOW + days * DAY));
    // To enable what is enabled loses no rotation that is due and not done yet.
    let jumped = later.at(NOW + 600 * DAY);
    jumped.enable(&in_time).await.unwrap();
    let jumped = jumped.later(0).await;
    let expected: Vec<_> = (1..=6).map(|periods| NOW + periods * 90 * DAY).collect();
    assert_eq!(moments(&jumped, &in_time).await, expected);
}

async fn a_key_that_is_to_be_deleted_shows_no_rotation(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    client.enable_rotation(&key, Some(90)).await.unwrap();
    let soon = client.later(80 * DAY).await;
    soon.schedule_deletion(&key, Some(30)).await.unwrap();
    assert_eq!(status(&soon, &key).await, (false, None, None));
    let overdue = soon.later(20 * DAY).await;
    assert_eq!(moments(&overdue, &key).await, [0; 0]);
    overdue.cancel_deletion(&key).await.unwrap();
    assert_eq!(status(&overdue, &key).await, (true, Some(90), Some(NOW + 90 * DAY)));
    assert_eq!(moments(&overdue.later(0).await, &key).await, [0; 0], "it is disabled");
    overdue.enable(&key).await.unwrap();
    let done = overdue.later(0).await;
    assert_eq!(moments(&done, &key).await, [NOW + 100 * DAY]);
}

async fn a_rotation_that_is_not_due_any_more_does_nothing(database: &TestDatabase) {
    use strongroom_runtime::Agenda as _;

    let client = client(database).await;
    let key = client.create_key().await.key_id;
    client.enable_rotation(&key, Some(90)).await.unwrap();
    let due = client.kms.next_due().await.unwrap();
    // Twice is once.
    for _ in 0..2 {
        client.kms.run(&due).await.unwrap();
    }
    assert_eq!(moments(&client, &key).await, [due.at_ms]);
    let due = client.kms.next_due().await.unwrap();
    client.disable(&key).await.unwrap();
    client.kms.run(&due).await.unwrap();
    client.enable(&key).await.unwrap();
    client.enable_rotation(&key, Some(91)).await.unwrap();
    client.kms.run(&due).await.unwrap();
    client.disable_rotation(&key).await.unwrap();
    client.kms.run(&due).await.unwrap();
    assert_eq!(moments(&client, &key).await.len(), 1);
}
