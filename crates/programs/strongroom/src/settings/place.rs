//! Where a server's things are: what every command that works on them begins with.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use strongroom_seal::Unlock;

use super::store::{StoreSettings, StoreUrl};
use super::{SealSettings, Settings, Slot, USUAL_FILE, secret_file};
use crate::cli::PlaceOptions;
use crate::data_dir::DataDir;
use crate::seal::prompt;

/// Data folder, seal and store, which belong together.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) data: DataDir,
    pub(crate) seal: SealPlace,
    pub(crate) store: StorePlace,
    /// The folder of S3's objects.
    pub(crate) objects: PathBuf,
}

/// The folder of a seal, and what opens it.
#[derive(Clone, Debug)]
pub(crate) struct SealPlace {
    pub(crate) dir: PathBuf,
    pub(crate) settings: SealSettings,
}

/// A store.
#[derive(Clone, Debug)]
pub(crate) enum StorePlace {
    /// The file of SQLite.
    Sqlite(PathBuf),
    /// PostgreSQL, as settings name it.
    Postgres(StoreSettings),
}

impl Place {
    /// Everything in one folder, as `strongroom dev` has it.
    pub(crate) fn in_folder(data: DataDir) -> Self {
        let seal = SealPlace { dir: data.seal(), settings: SealSettings::default() };
        let (store, objects) = (StorePlace::Sqlite(data.database()), data.objects());
        Self { data, seal, store, objects }
    }

    /// Where settings say.
    pub(crate) fn of(settings: &Settings) -> Self {
        let data = DataDir::at(&settings.data.dir());
        let dir = settings.seal.dir.as_ref().map_or_else(|| data.seal(), |dir| dir.as_path().to_owned());
        let seal = SealPlace { dir, settings: settings.seal.clone() };
        let store = match settings.store.url {
            StoreUrl::InDataFolder => StorePlace::Sqlite(data.database()),
            StoreUrl::Postgres(_) => StorePlace::Postgres(settings.store.clone()),
        };
        let objects = settings.objects.dir(&data);
        Self { data, seal, store, objects }
    }

    /// What a command's options name: a configuration, or the folder of a development server. If they name neither, it is
    /// the configuration in its usual place, where there is one.
    pub(crate) fn named(options: &PlaceOptions) -> Result<Self> {
        match Settings::named(options)? {
            Some(settings) => Ok(Self::of(&settings)),
            None => Ok(Self::in_folder(DataDir::named(&options.data).context("finding the data folder")?)),
        }
    }
}

impl Settings {
    /// The configuration that a command's options name, or the one in its usual place; none where a development server's
    /// folder is meant.
    pub(crate) fn named(options: &PlaceOptions) -> Result<Option<Self>> {
        let usual = Path::new(USUAL_FILE);
        let config = match (&options.config, &options.data.data_dir) {
            (Some(config), _) => Some(config.as_path()),
            (None, None) if usual.exists() => Some(usual),
            _ => None,
        };
        config.map(Self::read).transpose()
    }
}

impl SealPlace {
    /// What opens the seal.
    pub(crate) fn unlock(&self) -> Result<Unlock> {
        match (self.settings.slot, &self.settings.passphrase_file) {
            (Slot::File, _) => Ok(Unlock::File),
            (Slot::Passphrase, Some(file)) => Ok(Unlock::Passphrase(secret_file::read(file.as_path())?)),
            (Slot::Passphrase, None) => prompt::for_passphrase("Passphrase of the seal: ")
                .context("[seal] slot = \"passphrase\" names no passphrase_file")
                .map(Unlock::Passphrase),
        }
    }
}
