//! Refusals about custom key stores. AWS publishes what each means and not how it is worded; the words are ours.

use strongroom_api_kms::errors;
use strongroom_service::ApiError;

/// Why KMS does not do it to a key store.
#[derive(Debug)]
pub(crate) enum KeyStoreRefusal {
    /// There is no key store of that name.
    NoSuchName(String),
    /// Another key store has that name.
    NameInUse(String),
    /// `CustomKeyStoreInvalidStateException` with this text.
    InvalidState(String),
    /// The key store of that id holds keys.
    HasKeys(String),
    /// There is no cluster of that id.
    ClusterNotFound(String),
    /// The cluster of that id is in that state.
    ClusterNotActive { id: String, state: String },
    /// The cluster of that id, or its backup history, is another key store's.
    ClusterInUse { id: String, by: String },
    /// The cluster of that id has another certificate than the key store's.
    ClusterNotRelated { id: String, former: String },
    /// The trust anchor is not that of the cluster of that id.
    IncorrectTrustAnchor(String),
    /// `CloudHsmClusterInvalidConfigurationException` with this text.
    InvalidConfiguration(String),
}

impl From<KeyStoreRefusal> for ApiError {
    fn from(refusal: KeyStoreRefusal) -> Self {
        match refusal {
            KeyStoreRefusal::NoSuchName(name) => Self::modelled(
                &errors::CUSTOM_KEY_STORE_NOT_FOUND_EXCEPTION,
                format!("There is no custom key store with the name '{name}'"),
            ),
            KeyStoreRefusal::NameInUse(name) => Self::modelled(
                &errors::CUSTOM_KEY_STORE_NAME_IN_USE_EXCEPTION,
                format!("The name '{name}' is already assigned to another custom key store in the account."),
            ),
            KeyStoreRefusal::InvalidState(text) => {
                Self::modelled(&errors::CUSTOM_KEY_STORE_INVALID_STATE_EXCEPTION, text)
            }
            KeyStoreRefusal::HasKeys(id) => Self::modelled(
                &errors::CUSTOM_KEY_STORE_HAS_CM_KS_EXCEPTION,
                format!(
                    "Custom key store {id} contains KMS keys. Delete them with ScheduleKeyDeletion; when they are \
                     deleted, the custom key store can be deleted."
                ),
            ),
            KeyStoreRefusal::ClusterNotFound(id) => Self::modelled(
                &errors::CLOUD_HSM_CLUSTER_NOT_FOUND_EXCEPTION,
                format!("There is no CloudHSM cluster with the ID {id} in this account and Region."),
            ),
            KeyStoreRefusal::ClusterNotActive { id, state } => Self::modelled(
                &errors::CLOUD_HSM_CLUSTER_NOT_ACTIVE_EXCEPTION,
                format!(
                    "CloudHSM cluster {id} is in the state {state}. Initialize and activate the cluster, then try \
                     again."
                ),
            ),
            KeyStoreRefusal::ClusterInUse { id, by } => Self::modelled(
                &errors::CLOUD_HSM_CLUSTER_IN_USE_EXCEPTION,
                format!(
                    "CloudHSM cluster {id} is already associated with the custom key store {by}, or shares a backup \
                     history with its cluster."
                ),
            ),
            KeyStoreRefusal::ClusterNotRelated { id, former } => Self::modelled(
                &errors::CLOUD_HSM_CLUSTER_NOT_RELATED_EXCEPTION,
                format!(
                    "CloudHSM cluster {id} has a different cluster certificate than {former}. Specify a cluster that \
                     shares a backup history with it."
                ),
            ),
            KeyStoreRefusal::IncorrectTrustAnchor(id) => Self::modelled(
                &errors::INCORRECT_TRUST_ANCHOR_EXCEPTION,
                format!(
                    "The trust anchor certificate is not the one that CloudHSM cluster {id} was initialized with. \
                     Specify the content of its customerCA.crt."
                ),
            ),
            KeyStoreRefusal::InvalidConfiguration(text) => {
                Self::modelled(&errors::CLOUD_HSM_CLUSTER_INVALID_CONFIGURATION_EXCEPTION, text)
            }
        }
    }
}
