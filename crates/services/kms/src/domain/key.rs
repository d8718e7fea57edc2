//! Keys: what they are.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use strongroom_crypto::hex;
use strongroom_hsm_core::{OpenedKey, TokenRef};

use super::access::KeyPolicy;
use super::alias::AliasNames;
use super::grant::Holdings;
use super::identifier::Home;
use super::import::{Import, Imported};
use super::multi_region::MultiRegion;
use super::origin::Origin;
use super::rotation::{RotationKind, Schedule};
use super::spec::{KeySpec, KeyUsage};
use super::tags::Tags;
use crate::cache::Weighed;

/// The state of a key (KMS Developer Guide, "Key states of AWS KMS keys").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyState {
    Enabled,
    Disabled,
    /// A material of it that its owner brings is not there.
    PendingImport,
    /// It is a replica that is being made.
    Creating {
        /// When that is over, milliseconds since 1970.
        until_ms: i64,
    },
    /// It was or becomes the primary one of its related keys.
    Updating {
        /// When that is over, milliseconds since 1970.
        until_ms: i64,
    },
    /// It is deleted some time after its last replica.
    PendingReplicaDeletion {
        /// How long after, in days.
        window_days: u32,
    },
    PendingDeletion {
        /// When it is deleted, milliseconds since 1970.
        due_ms: i64,
    },
}

impl KeyState {
    /// The state as the API and the store write it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::PendingImport => "PendingImport",
            Self::Creating { .. } => "Creating",
            Self::Updating { .. } => "Updating",
            Self::PendingReplicaDeletion { .. } => "PendingReplicaDeletion",
            Self::PendingDeletion { .. } => "PendingDeletion",
        }
    }

    /// Reads a stored state; what [`KeyState::deletion_ms`], [`KeyState::until_ms`] and [`KeyState::window_days`] say of
    /// it is stored beside it.
    pub(crate) fn parse(
        text: &str,
        deletion_ms: Option<i64>,
        until_ms: Option<i64>,
        window_days: Option<u32>,
    ) -> Option<Self> {
        match (text, deletion_ms, until_ms, window_days) {
            ("Enabled", None, None, None) => Some(Self::Enabled),
            ("Disabled", None, None, None) => Some(Self::Disabled),
            ("PendingImport", None, None, None) => Some(Self::PendingImport),
            ("Creating", None, Some(until_ms), None) => Some(Self::Creating { until_ms }),
            ("Updating", None, Some(until_ms), None) => Some(Self::Updating { until_ms }),
            ("PendingReplicaDeletion", None, None, Some(window_days)) => {
                Some(Self::PendingReplicaDeletion { window_days })
            }
            ("PendingDeletion", Some(due_ms), None, None) => Some(Self::PendingDeletion { due_ms }),
            _ => None,
        }
    }

    /// When a key in this state is deleted.
    pub(crate) fn deletion_ms(self) -> Option<i64> {
        match self {
            Self::PendingDeletion { due_ms } => Some(due_ms),
            _ => None,
        }
    }

    /// When this state is over, if it is one that does not last.
    pub(crate) fn until_ms(self) -> Option<i64> {
        match self {
            Self::Creating { until_ms } | Self::Updating { until_ms } => Some(until_ms),
            _ => None,
        }
    }

    /// How many days after its last replica a key in this state is deleted.
    pub(crate) fn window_days(self) -> Option<u32> {
        match self {
            Self::PendingReplicaDeletion { window_days } => Some(window_days),
            _ => None,
        }
    }
}

/// Who looks after a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Manager {
    /// The account that owns it.
    Customer,
    /// An AWS service, for the account; by its short name, as in `alias/aws/<name>`.
    Service(String),
}

/// A key with its materials: everything that an operation needs to know of it.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) home: Home,
    pub(crate) id: String,
    pub(crate) arn: String,
    /// Counts changes; a writer that saw another version has lost.
    pub(crate) version: i64,
    pub(crate) manager: Manager,
    /// The custom key store that holds its materials; `None` for the built-in partitions.
    pub(crate) store: Option<String>,
    pub(crate) spec: KeySpec,
    pub(crate) usage: KeyUsage,
    pub(crate) state: KeyState,
    /// Its related keys, if it is a multi-Region key.
    pub(crate) multi_region: Option<MultiRegion>,
    pub(crate) description: String,
    pub(crate) created_ms: i64,
    pub(crate) policy: KeyPolicy,
    pub(crate) tags: Tags,
    /// The names of its aliases.
    pub(crate) aliases: AliasNames,
    /// Automatic rotation, if it is on.
    pub(crate) rotation: Option<Schedule>,
    /// Rotations on demand so far.
    pub(crate) on_demand_rotations: u32,
    /// How many grants it has.
    pub(crate) grants: u32,
    /// What is known of its materials, if its owner brings them.
    pub(crate) import: Option<Import>,
    /// The material that encrypts, by id; `None` while none was ever imported.
    pub(crate) current_material: Option<MaterialId>,
    /// All materials, oldest first: older ones still decrypt.
    pub(crate) materials: Vec<Material>,
}

/// The id of a key's material: 32 bytes, shown as 64 hexadecimal digits.
pub(crate) type MaterialId = [u8; 32];

/// One material of a key, and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Material {
    pub(crate) id: MaterialId,
    pub(crate) held: Held,
    /// When it was made, which for all but the first is when the key was rotated.
    pub(crate) created_ms: i64,
    /// Which kind of rotation made it; `None` for the first.
    pub(crate) rotation: Option<RotationKind>,
    /// What is known of it beside that, if its owner brings it.
    pub(crate) import: Option<Imported>,
}

/// Where a material is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// Nowhere: it was imported and is deleted or expired, or is known from another Region and not imported yet.
    Absent {
        /// The public half as a DER SubjectPublicKeyInfo, if the key is a pair: it is no secret, and stays.
        public: Option<Vec<u8>>,
    },
    /// In a built-in partition, sealed for it.
    Token {
        /// The token that is in force: the partition's handle of the key inside, and the token's digest.
        reference: TokenRef,
        /// The token.
        token: Vec<u8>,
        /// The public half as a DER SubjectPublicKeyInfo, if the key is a pair.
        public: Option<Vec<u8>>,
        /// What the token holds, once it has been used.
        opened: OpenedOnce,
    },
    /// In the HSMs of a cluster.
    InCluster {
        /// What the HSMs called it when it was made. The id attribute says which key it is: a cluster that
        /// takes the place of another may use other handles.
        handle: u64,
        /// The public half, if the key is a pair.
        public: Option<PublicHalf>,
    },
}

/// A material opened in memory. It stands beside its token, so that it lives as long as what is in memory of the row: when
/// the row changes, here or on another server, or makes room for others, the material is let go and wiped with it.
#[derive(Clone, Default)]
pub(crate) struct OpenedOnce(OnceLock<OpenedKey>);

impl OpenedOnce {
    /// What is open.
    pub(crate) fn get(&self) -> Option<&OpenedKey> {
        self.0.get()
    }

    /// Keeps what somebody has opened. If others were faster, theirs stays.
    pub(crate) fn keep(&self, opened: OpenedKey) -> &OpenedKey {
        self.0.get_or_init(|| opened)
    }
}

impl fmt::Debug for OpenedOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenedOnce")
    }
}

/// What is in memory of a material says nothing about which it is.
impl PartialEq for OpenedOnce {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for OpenedOnce {}

/// The public half of a pair that is in the HSMs of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicHalf {
    /// What the HSMs called it when it was made.
    pub(crate) handle: u64,
    /// The public key as a DER SubjectPublicKeyInfo.
    pub(crate) der: Vec<u8>,
}

impl Material {
    /// About how many bytes it holds beside itself, as what is held of it does.
    fn weight(&self, spec: KeySpec) -> usize {
        let description = self.import.as_ref().and_then(|import| import.description.as_ref());
        self.held.weight(spec) + description.map_or(0, String::len)
    }

    /// The public half as a DER SubjectPublicKeyInfo, if the key is a pair.
    pub(crate) fn public_key(&self) -> Option<&[u8]> {
        match &self.held {
            Held::Absent { public } | Held::Token { public, .. } => public.as_deref(),
            Held::InCluster { public, .. } => public.as_ref().map(|public| public.der.as_slice()),
        }
    }
}

impl Held {
    /// About how many bytes it holds beside itself, a token of that spec as if it were open.
    fn weight(&self, spec: KeySpec) -> usize {
        match self {
            Self::Absent { public } => public.as_ref().map_or(0, Vec::len),
            Self::Token { token, public, .. } => {
                token.len() + public.as_ref().map_or(0, Vec::len) + spec.opened_weight()
            }
            Self::InCluster { public, .. } => public.as_ref().map_or(0, |public| public.der.len()),
        }
    }
}

impl Key {
    /// The material of that id.
    pub(crate) fn material(&self, id: &MaterialId) -> Option<&Material> {
        self.materials.iter().find(|material| material.id == *id)
    }

    /// Where its materials come from.
    pub(crate) fn origin(&self) -> Origin {
        match (&self.store, &self.import) {
            (Some(_), _) => Origin::CustomKeyStore,
            (None, Some(_)) => Origin::External,
            (None, None) => Origin::AwsKms,
        }
    }

    /// Where its materials are. Keys of one place can be used in one step.
    pub(crate) fn place(&self) -> (&Home, Option<&str>) {
        (&self.home, self.store.as_deref())
    }

    /// The material that encrypts.
    pub(crate) fn current(&self) -> Option<&Material> {
        self.material(self.current_material.as_ref()?)
    }

    /// The id of the material that encrypts, as the API and records show it.
    pub(crate) fn current_material_id(&self) -> Option<String> {
        self.current_material.as_ref().map(|id| hex::encode(id))
    }

    /// When the key next changes by itself, in milliseconds since 1970: it is deleted or rotated, is made or brought up to
    /// date, or a material of it expires.
    pub(crate) fn due_ms(&self) -> Option<i64> {
        let of_state = match self.state {
            // Replicas rotate with their primary key.
            KeyState::Enabled if self.is_replica() => None,
            KeyState::Enabled => self.rotation.map(|schedule| schedule.next_ms),
            KeyState::Disabled | KeyState::PendingImport | KeyState::PendingReplicaDeletion { .. } => None,
            KeyState::Creating { until_ms } | KeyState::Updating { until_ms } => Some(until_ms),
            KeyState::PendingDeletion { due_ms } => Some(due_ms),
        };
        let of_import = self.import.and_then(|import| import.expires_ms);
        of_state.into_iter().chain(of_import).min()
    }
}

impl Weighed for Key {
    fn weight(&self) -> usize {
        let texts = [&self.id, &self.arn, &self.description].map(String::len).iter().sum::<usize>();
        let policy = self.policy.weight();
        let weight = |material: &Material| size_of::<Material>() + material.weight(self.spec);
        let tokens: usize = self.materials.iter().map(weight).sum();
        size_of::<Self>() + texts + policy + self.tags.weight() + self.aliases.weight() + tokens
    }
}

/// A key as a caller finds it: what the cache and the operations under way share, with the grants that he has on it.
#[derive(Clone, Debug)]
pub(crate) struct SharedKey {
    key: Arc<Key>,
    held: Holdings,
}

impl SharedKey {
    /// A key and the grants on it that whoever is asking for it has.
    pub(crate) fn new(key: Arc<Key>, held: Holdings) -> Self {
        Self { key, held }
    }

    /// The grants.
    pub(super) fn held(&self) -> &Holdings {
        &self.held
    }
}

impl Deref for SharedKey {
    type Target = Key;

    fn deref(&self) -> &Key {
        &self.key
    }
}
