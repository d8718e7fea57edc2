//! Custom key stores and their states (KMS Developer Guide, "Custom key stores"; API Reference,
//! `CustomKeyStoresListEntry`).

use super::identifier::Home;
use crate::cache::Weighed;
use crate::error::{KeyStoreRefusal, Refusal};

/// The user as whom KMS logs in to a cluster.
pub(crate) const KMS_USER: &str = "kmsuser";

/// Key stores that an account may have in a Region (KMS Developer Guide, "Quotas").
pub(crate) const MOST_KEY_STORES: usize = 10;

/// HSMs in different Availability Zones that a key store's cluster has to have for new keys.
pub(crate) const HSMS_FOR_KEYS: usize = 2;

/// Whether KMS is logged in to a key store's cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ConnectionState {
    Disconnected,
    Connecting,
    Connected,
    Failed,
    Disconnecting,
}

impl ConnectionState {
    pub(crate) const ALL: [Self; 5] =
        [Self::Disconnected, Self::Connecting, Self::Connected, Self::Failed, Self::Disconnecting];

    /// AWS's name of it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Disconnected => "DISCONNECTED",
            Self::Connecting => "CONNECTING",
            Self::Connected => "CONNECTED",
            Self::Failed => "FAILED",
            Self::Disconnecting => "DISCONNECTING",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// Why a key store could not be connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ConnectionError {
    ClusterNotFound,
    InsufficientHsms,
    InsufficientFreeAddresses,
    InternalError,
    InvalidCredentials,
    NetworkErrors,
    SubnetNotFound,
    UserLockedOut,
    UserLoggedIn,
    UserNotFound,
}

impl ConnectionError {
    pub(crate) const ALL: [Self; 10] = [
        Self::ClusterNotFound,
        Self::InsufficientHsms,
        Self::InsufficientFreeAddresses,
        Self::InternalError,
        Self::InvalidCredentials,
        Self::NetworkErrors,
        Self::SubnetNotFound,
        Self::UserLockedOut,
        Self::UserLoggedIn,
        Self::UserNotFound,
    ];

    /// AWS's name of it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ClusterNotFound => "CLUSTER_NOT_FOUND",
            Self::InsufficientHsms => "INSUFFICIENT_CLOUDHSM_HSMS",
            Self::InsufficientFreeAddresses => "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET",
            Self::InternalError => "INTERNAL_ERROR",
            Self::InvalidCredentials => "INVALID_CREDENTIALS",
            Self::NetworkErrors => "NETWORK_ERRORS",
            Self::SubnetNotFound => "SUBNET_NOT_FOUND",
            Self::UserLockedOut => "USER_LOCKED_OUT",
            Self::UserLoggedIn => "USER_LOGGED_IN",
            Self::UserNotFound => "USER_NOT_FOUND",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.as_str() == text)
    }
}

/// A custom key store whose keys are in a CloudHSM cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyStore {
    pub(crate) home: Home,
    /// `cks-...`
    pub(crate) id: String,
    /// Counts changes; a writer that saw another version has lost.
    pub(crate) version: i64,
    /// What people call it; unique in its home.
    pub(crate) name: String,
    pub(crate) cluster_id: String,
    /// The digest of the cluster's certificate, which clusters with a common backup history share. Unique in its
    /// home.
    pub(crate) certificate: [u8; 32],
    /// The authority that signed the cluster's certificate, as PEM.
    pub(crate) trust_anchor: String,
    pub(crate) created_ms: i64,
    pub(crate) state: ConnectionState,
    /// Since when it is in that state, in domain time.
    pub(crate) since_ms: i64,
    /// Why the last attempt to connect failed, while the state is [`ConnectionState::Failed`].
    pub(crate) error: Option<ConnectionError>,
    /// The password of [`KMS_USER`], sealed. None before the owner has given one.
    pub(crate) password: Option<Vec<u8>>,
    /// The password that KMS is about to give that user, sealed. As long as it is there the HSMs may know the user
    /// by the one or the other, so it stays until one of them is known to be good.
    pub(crate) pending_password: Option<Vec<u8>>,
}

impl KeyStore {
    fn change_to(&mut self, state: ConnectionState, error: Option<ConnectionError>, now_ms: i64) {
        self.state = state;
        self.error = error;
        self.since_ms = now_ms;
    }

    /// Decides whether connecting may begin.
    pub(crate) fn connect(&mut self, now_ms: i64) -> Result<(), Refusal> {
        match self.state {
            ConnectionState::Disconnected if self.password.is_none() => Err(self.in_wrong_state(
                "KMS does not know the password of kmsuser: create the crypto user kmsuser in the cluster, then give \
                 its password to KMS with UpdateCustomKeyStore",
            )),
            ConnectionState::Disconnected => {
                self.change_to(ConnectionState::Connecting, None, now_ms);
                Ok(())
            }
            // What is asked for is under way, or done.
            ConnectionState::Connecting | ConnectionState::Connected => Ok(()),
            ConnectionState::Failed => {
                Err(self.in_wrong_state("disconnect it with DisconnectCustomKeyStore, then connect it again"))
            }
            ConnectionState::Disconnecting => Err(self.in_wrong_state("wait until it is DISCONNECTED")),
        }
    }

    /// Decides whether disconnecting may begin.
    pub(crate) fn disconnect(&mut self, now_ms: i64) -> Result<(), Refusal> {
        match self.state {
            ConnectionState::Connecting | ConnectionState::Connected | ConnectionState::Failed => {
                self.change_to(ConnectionState::Disconnecting, None, now_ms);
                Ok(())
            }
            ConnectionState::Disconnecting => Err(self.in_wrong_state("wait until it is DISCONNECTED")),
            ConnectionState::Disconnected => Err(self.in_wrong_state("there is nothing to disconnect")),
        }
    }

    /// Refuses what can be done to a disconnected key store only.
    pub(crate) fn expect_disconnected(&self) -> Result<(), Refusal> {
        match self.state {
            ConnectionState::Disconnected => Ok(()),
            _ => Err(self.in_wrong_state("disconnect it with DisconnectCustomKeyStore first")),
        }
    }

    /// Refuses a new name in a state in which there may be none.
    pub(crate) fn expect_nameable(&self) -> Result<(), Refusal> {
        match self.state {
            ConnectionState::Connected => Ok(()),
            _ => self.expect_disconnected(),
        }
    }

    /// Refuses what needs a connection: `CustomKeyStoreInvalidStateException`.
    pub(crate) fn expect_connected(&self) -> Result<(), Refusal> {
        match self.state {
            ConnectionState::Connected => Ok(()),
            _ => Err(self.in_wrong_state("connect it with ConnectCustomKeyStore first")),
        }
    }

    /// Connecting has ended: `None` is success. Answers whether that is news; it is none when the key store was
    /// disconnected meanwhile.
    pub(crate) fn connected(&mut self, error: Option<ConnectionError>, now_ms: i64) -> bool {
        let news = self.state == ConnectionState::Connecting;
        if news {
            let state = if error.is_none() { ConnectionState::Connected } else { ConnectionState::Failed };
            self.change_to(state, error, now_ms);
        }
        news
    }

    /// Connecting has failed, whatever came of it before.
    pub(crate) fn fail(&mut self, error: ConnectionError, now_ms: i64) {
        self.change_to(ConnectionState::Failed, Some(error), now_ms);
    }

    /// Disconnecting has ended. Answers whether that is news.
    pub(crate) fn disconnected(&mut self, now_ms: i64) -> bool {
        let news = self.state == ConnectionState::Disconnecting;
        if news {
            self.change_to(ConnectionState::Disconnected, None, now_ms);
        }
        news
    }

    /// The HSMs are known to take the pending password, and it is the password from now on.
    pub(crate) fn promote(&mut self) {
        if let Some(pending) = self.pending_password.take() {
            self.password = Some(pending);
        }
    }

    fn in_wrong_state(&self, advice: &str) -> Refusal {
        KeyStoreRefusal::InvalidState(format!(
            "Custom key store {} is in the connection state {}: {advice}.",
            self.id,
            self.state.as_str()
        ))
        .into()
    }
}

/// What a new key store is called.
pub(crate) fn new_id(random: &[u8; 16]) -> String {
    // As long as AWS's: 17 digits after the prefix.
    let digits = strongroom_crypto::hex::encode(random);
    format!("cks-{}", digits.get(..17).unwrap_or(&digits))
}

impl Weighed for KeyStore {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.name.len() + self.trust_anchor.len()
    }
}
