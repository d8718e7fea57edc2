//! What each operation answers to a multi-Region key in a state that only such keys have (KMS Developer Guide, "Key
//! states of AWS KMS keys").

use strongroom_api_kms::KeyState;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, FAR_REGION, REGION, client};
use crate::operations::{Aids, Operation};

on_both_engines! {
    every_operation_in_every_state,
}

/// What an operation answers: it succeeds, or is refused for a reason.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Done,
    State,
    NotPending,
    /// It is for primary keys.
    Unsupported,
}

use Answer::{Done, NotPending, State, Unsupported};

/// For a replica that is being made, a primary key that is being updated, and one that waits for its replicas.
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
        [State, Done, State],
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
        ],
        [Done, Done, State],
    ),
    (&[Operation::EnableKey, Operation::DisableKey], [State, State, State]),
    (&[Operation::ScheduleKeyDeletion], [Done, State, State]),
    (&[Operation::CancelKeyDeletion], [NotPending, NotPending, Done]),
    (
        &[Operation::EnableKeyRotation, Operation::DisableKeyRotation, Operation::RotateKeyOnDemand],
        [Unsupported, Done, State],
    ),
];

const STATES: [(KeyState, &str); 3] = [
    (KeyState::Creating, "creating"),
    (KeyState::Updating, "updating"),
    (KeyState::PendingReplicaDeletion, "pending replica deletion"),
];

impl Answer {
    /// The refusal's code and text, if it is one.
    fn text(self, arn: &str, state: &str) -> Option<String> {
        match self {
            Done => None,
            State => Some(format!("KMSInvalidStateException: {arn} is {state}.")),
            NotPending => Some(format!("KMSInvalidStateException: {arn} is not pending deletion.")),
            Unsupported => {
                Some(format!("UnsupportedOperationException: {arn} is not a multi-Region primary key."))
            }
        }
    }
}

/// A key in that state, and the caller in its Region. What the operation takes was made before.
async fn key_in(client: &Client, state: &KeyState) -> (Client, String, Aids) {
    let far = client.in_region(FAR_REGION);
    if *state == KeyState::Creating {
        let key = client.create_primary().await;
        let blob = client.encrypt(&key, b"plain", &[]).await.unwrap();
        client.replicate(&key, FAR_REGION).await.unwrap();
        let spare = far.create_key().await.key_id;
        return (far.clone(), key, Aids { blob, ..Aids::new(&far, &spare).await });
    }
    let (key, _) = client.create_related().await;
    let aids = Aids::new(client, &key).await;
    match state {
        KeyState::Updating => {
            client.update_primary(&key, FAR_REGION).await.unwrap();
            far.update_primary(&key, REGION).await.unwrap();
        }
        _ => drop(client.schedule_deletion(&key, None).await.unwrap()),
    }
    (client.clone(), key, aids)
}

async fn every_operation_in_every_state(database: &TestDatabase) {
    let client = client(database).await;
    for (operations, answers) in TABLE {
        for operation in *operations {
            for ((state, words), answer) in STATES.iter().zip(answers) {
                let (client, key, aids) = key_in(&client, state).await;
                let before = client.describe(&key).await.unwrap();
                assert_eq!(before.key_state.as_ref(), Some(state));
                let expected = answer.text(before.arn.as_deref().unwrap(), words);
                let outcome = operation.call(&client, &key, &aids).await;
                assert_eq!(
                    outcome.err().map(|error| error.to_string()),
                    expected,
                    "{operation:?} in {state:?}"
                );
                if expected.is_some() {
                    let after = client.describe(&key).await.unwrap();
                    assert_eq!(format!("{after:?}"), format!("{before:?}"), "{operation:?} in {state:?}");
                }
            }
        }
    }
}
