//! What an operator chooses for a server: read from one file in TOML, each value to be replaced by an environment variable.
//!
//! A section is a struct in a file of its own: its fields with their meaning, bounds and defaults. [`Settings::read`] reads
//! them all; whatever is wrong is told with its place, its value and what would be right. What the commands work on is a
//! [`Place`], which comes out of the settings, or is a folder of `strongroom dev`.

mod clusters;
mod compat;
mod data;
mod enclaves;
mod environment;
mod feed;
mod journal;
mod key_stores;
mod limits;
mod log;
mod metrics;
mod notifications;
mod objects;
mod place;
mod quotas;
mod read;
mod seal;
pub(crate) mod secret_file;
mod server;
mod store;
mod template;
mod trails;
mod values;

use serde::Deserialize;

pub(crate) use self::clusters::ClusterSettings;
pub(crate) use self::compat::CompatSettings;
pub(crate) use self::data::DataSettings;
pub(crate) use self::enclaves::{EnclaveSettings, enclave_roots};
pub(crate) use self::feed::FeedSettings;
pub(crate) use self::journal::{JournalChoices, JournalSettings, Recorded};
pub(crate) use self::key_stores::KeyStoreSettings;
pub(crate) use self::limits::LimitSettings;
pub(crate) use self::log::LogSettings;
pub(crate) use self::metrics::MetricSettings;
pub(crate) use self::notifications::NotificationSettings;
pub(crate) use self::objects::ObjectSettings;
pub(crate) use self::place::{Place, SealPlace, StorePlace};
pub(crate) use self::quotas::QuotaSettings;
pub(crate) use self::seal::{SealSettings, Slot};
pub(crate) use self::server::ServerSettings;
pub(crate) use self::store::{StoreSettings, StoreUrl};
pub(crate) use self::template::{Chosen, configuration};
pub(crate) use self::trails::TrailSettings;
pub(crate) use self::values::{AbsolutePath, Whole};

/// The file that commands read unless they are told another.
pub(crate) const USUAL_FILE: &str = "/etc/strongroom/strongroom.toml";

/// All that an operator chooses. What the file leaves out has its default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) server: ServerSettings,
    pub(crate) data: DataSettings,
    pub(crate) store: StoreSettings,
    pub(crate) objects: ObjectSettings,
    pub(crate) seal: SealSettings,
    pub(crate) journal: JournalSettings,
    pub(crate) clusters: ClusterSettings,
    pub(crate) key_stores: KeyStoreSettings,
    pub(crate) enclaves: EnclaveSettings,
    pub(crate) feed: FeedSettings,
    pub(crate) trails: TrailSettings,
    pub(crate) sns: NotificationSettings,
    pub(crate) quotas: QuotaSettings,
    pub(crate) compat: CompatSettings,
    pub(crate) log: LogSettings,
    pub(crate) metrics: MetricSettings,
    pub(crate) limits: LimitSettings,
}

/// The sections, as the file and the environment name them.
const SECTIONS: &[&str] = &[
    "server",
    "data",
    "store",
    "objects",
    "seal",
    "journal",
    "clusters",
    "key_stores",
    "enclaves",
    "feed",
    "trails",
    "sns",
    "quotas",
    "compat",
    "log",
    "metrics",
    "limits",
];
