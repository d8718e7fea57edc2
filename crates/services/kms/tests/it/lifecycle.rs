//! Keys enabled, disabled, scheduled for deletion and kept after all, and what each state allows.

use strongroom_api_kms::{KeyMetadata, KeyState};
use strongroom_schema::Timestamp;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, DAY, NOW, client};
use crate::operations::{Aids, Operation};

on_both_engines! {
    every_operation_in_every_state,
    a_key_goes_from_state_to_state,
    what_a_key_keeps_from_state_to_state,
    the_days_until_a_deletion,
    a_disabled_key_decrypts_again_when_it_is_enabled,
}

/// What an operation answers to a key in some state.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// It succeeds.
    Done,
    Disabled,
    Pending,
    NotPending,
}

use Answer::{Disabled, Done, NotPending, Pending};

/// KMS Developer Guide, "Key states of AWS KMS keys": enabled, disabled, pending deletion. GetKeyLastUsage is
/// younger than the table; it reads, as others do in every state.
const TABLE: &[(&[Operation], [Answer; 3])] = &[
    (
        &[
            Operation::Encrypt,
            Operation::Decrypt,
            Operation::ReEncryptFrom,
            Operation::ReEncryptTo,
            Operation::GenerateDataKey,
            Operation::GenerateDataKeyWithoutPlaintext,
        ],
        [Done, Disabled, Pending],
    ),
    (
        &[
            Operation::DescribeKey,
            Operation::GetKeyPolicy,
            Operation::PutKeyPolicy,
            Operation::ListAliases,
            Operation::ListKeyPolicies,
            Operation::ListResourceTags,
            Operation::GetKeyRotationStatus,
            Operation::ListKeyRotations,
            Operation::GetKeyLastUsage,
        ],
        [Done, Done, Done],
    ),
    (
        &[
            Operation::CreateAlias,
            Operation::UpdateAlias,
            Operation::TagResource,
            Operation::UntagResource,
            Operation::UpdateKeyDescription,
            Operation::EnableKey,
            Operation::DisableKey,
            Operation::ScheduleKeyDeletion,
        ],
        [Done, Done, Pending],
    ),
    (&[Operation::CancelKeyDeletion], [NotPending, NotPending, Done]),
    (
        &[Operation::EnableKeyRotation, Operation::DisableKeyRotation, Operation::RotateKeyOnDemand],
        [Done, Disabled, Pending],
    ),
];

impl Answer {
    /// The refusal's code and text, if it is one.
    fn text(self, arn: &str) -> Option<String> {
        match self {
            Done => None,
            Disabled => Some(format!("DisabledException: {arn} is disabled.")),
            Pending => Some(format!("KMSInvalidStateException: {arn} is pending deletion.")),
            NotPending => Some(format!("KMSInvalidStateException: {arn} is not pending deletion.")),
        }
    }
}

async fn bring_into(client: &Client, key: &str, state: &KeyState) {
    match state {
        KeyState::Disabled => client.disable(key).await.unwrap(),
        KeyState::PendingDeletion => drop(client.schedule_deletion(key, None).await.unwrap()),
        _ => {}
    }
    assert_eq!(client.describe(key).await.unwrap().key_state.as_ref(), Some(state));
}

async fn every_operation_in_every_state(database: &TestDatabase) {
    let client = client(database).await;
    let states = [KeyState::Enabled, KeyState::Disabled, KeyState::PendingDeletion];
    for (operations, answers) in TABLE {
        for (operation, (state, expected)) in operations
            .iter()
            .flat_map(|operation| states.iter().zip(answers).map(move |pair| (operation, pair)))
        {
            let key = client.create_key().await;
            let aids = Aids::new(&client, &key.key_id).await;
            bring_into(&client, &key.key_id, state).await;
            let before = client.describe(&key.key_id).await.unwrap();
            let answer = operation.call(&client, &key.key_id, &aids).await;
            let text = expected.text(&key.arn.unwrap());
            assert_eq!(answer.err().map(|error| error.to_string()), text, "{operation:?} in {state:?}");
            if text.is_some() {
                let after = client.describe(&key.key_id).await.unwrap();
                assert_eq!(format!("{after:?}"), format!("{before:?}"), "{operation:?} in {state:?}");
            }
        }
    }
    // Removing an alias names no key, and works in every state of its key.
    for state in &states {
        let key = client.create_key().await.key_id;
        client.create_alias("alias/x", &key).await.unwrap();
        bring_into(&client, &key, state).await;
        client.delete_alias("alias/x").await.unwrap();
        assert_eq!(client.alias_names(Some(&key)).await, [""; 0], "{state:?}");
    }
}

/// The members of the metadata that a state shows in.
fn shown(key: &KeyMetadata) -> (KeyState, bool, Option<Timestamp>) {
    (key.key_state.clone().unwrap(), key.enabled.unwrap(), key.deletion_date)
}

async fn a_key_goes_from_state_to_state(database: &TestDatabase) {
    let client = client(database).await;
    let made = client.create_key().await;
    let (key, arn) = (made.key_id, made.arn.unwrap());
    let shows = async |state: KeyState, enabled, deletion| {
        let found = client.describe(&key).await.unwrap();
        assert_eq!(shown(&found), (state, enabled, deletion));
    };
    shows(KeyState::Enabled, true, None).await;
    // Each twice: to be what one is already is no error.
    for _ in 0..2 {
        client.disable(&key).await.unwrap();
        shows(KeyState::Disabled, false, None).await;
    }
    for _ in 0..2 {
        client.enable(&arn).await.unwrap();
        shows(KeyState::Enabled, true, None).await;
    }
    // From either state into deletion, and back to Disabled.
    for by in [&key, &arn] {
        let answer = client.schedule_deletion(by, Some(7)).await.unwrap();
        let date = Some(Timestamp::from_millis(NOW + 7 * DAY));
        assert_eq!(answer.key_id.as_ref(), Some(&arn));
        assert_eq!(answer.key_state, Some(KeyState::PendingDeletion));
        assert_eq!(answer.deletion_date, date);
        assert_eq!(answer.pending_window_in_days, Some(7));
        shows(KeyState::PendingDeletion, false, date).await;
        assert_eq!(client.cancel_deletion(by).await.unwrap(), arn);
        shows(KeyState::Disabled, false, None).await;
    }
}

async fn what_a_key_keeps_from_state_to_state(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    client.describe_as(&key, "é\u{1F511}\n").await.unwrap();
    client.tag(&key, &[("a", "b")]).await.unwrap();
    client.create_alias("alias/x", &key).await.unwrap();
    client.put_policy(&key, crate::operations::ANYONE_MAY).await.unwrap();
    client.rotate(&key).await.unwrap();
    client.enable_rotation(&key, Some(90)).await.unwrap();
    let blob = client.encrypt(&key, b"plain", &[]).await.unwrap();
    let before = client.describe(&key).await.unwrap();

    client.disable(&key).await.unwrap();
    client.schedule_deletion(&key, None).await.unwrap();
    client.cancel_deletion(&key).await.unwrap();
    client.enable(&key).await.unwrap();

    // As a server that has just started reads it.
    let again = crate::fixture::client(database).await;
    assert_eq!(format!("{:?}", again.describe("alias/x").await.unwrap()), format!("{before:?}"));
    assert_eq!(again.tags(&key, None).await, [("a".to_owned(), "b".to_owned())]);
    assert_eq!(again.policy(&key).await.unwrap(), crate::operations::ANYONE_MAY);
    assert_eq!(again.rotation_status(&key).await.unwrap().rotation_period_in_days, Some(90));
    assert_eq!(again.rotations(&key, None, None).await.len(), 1);
    assert_eq!(again.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
    // A description can also be taken away.
    again.describe_as(&key, "").await.unwrap();
    assert_eq!(again.describe(&key).await.unwrap().description.as_deref(), Some(""));
    // What the store does not take is refused. The text is ours.
    let refused = again.describe_as(&key, "a\0b").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "ValidationException: Description must not contain the character U+0000."
    );
}

async fn the_days_until_a_deletion(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    for (asked, days) in [(None, 30), (Some(7), 7), (Some(8), 8), (Some(30), 30)] {
        let answer = client.schedule_deletion(&key, asked).await.unwrap();
        assert_eq!(answer.pending_window_in_days, Some(days));
        assert_eq!(answer.deletion_date, Some(Timestamp::from_millis(NOW + i64::from(days) * DAY)));
        client.cancel_deletion(&key).await.unwrap();
    }
    // KMS API Reference, ScheduleKeyDeletion: 7 to 30; the model would let 1 to 365 through.
    for (asked, bound) in [
        (1, "greater than or equal to 7"),
        (6, "greater than or equal to 7"),
        (31, "less than or equal to 30"),
    ] {
        let refused = client.schedule_deletion(&key, Some(asked)).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!(
                "ValidationException: 1 validation error detected: Value '{asked}' at 'pendingWindowInDays' failed to \
                 satisfy constraint: Member must have value {bound}"
            )
        );
    }
    assert_eq!(client.describe(&key).await.unwrap().key_state, Some(KeyState::Disabled));
}

async fn a_disabled_key_decrypts_again_when_it_is_enabled(database: &TestDatabase) {
    let client = client(database).await;
    let made = client.create_key().await;
    let (key, arn) = (made.key_id, made.arn.unwrap());
    let blob = client.encrypt(&key, b"plain", &[]).await.unwrap();
    client.disable(&key).await.unwrap();
    let refused = client.decrypt(&blob, None, &[]).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("DisabledException: {arn} is disabled."));
    client.schedule_deletion(&key, None).await.unwrap();
    let refused = client.decrypt(&blob, None, &[]).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("KMSInvalidStateException: {arn} is pending deletion."));
    client.cancel_deletion(&key).await.unwrap();
    client.enable(&key).await.unwrap();
    assert_eq!(client.decrypt(&blob, None, &[]).await.unwrap(), b"plain");
}
