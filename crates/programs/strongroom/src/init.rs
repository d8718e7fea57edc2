//! `strongroom init`: makes everything that a server in production needs, where nothing is yet.
//!
//! What can be found wrong is found before anything is made. The configuration comes first, then the certificate, then
//! store, seal and account, under a mark: whatever is cut off is noticed, and no half of it is ever served.

mod certificate;
mod chosen;
pub(crate) mod files;
pub(crate) mod unfinished;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use strongroom_iam::RootCredential;

use self::certificate::Made;
use self::unfinished::Mark;
use crate::cli::InitOptions;
use crate::control::Parts;
use crate::node::{Foundation, Offline};
use crate::process;
use crate::settings::{AbsolutePath, Place, Settings, StorePlace};
use crate::terminal::show_once;

/// Makes what is not there.
pub(crate) fn run(options: &InitOptions) -> Result<ExitCode> {
    process::prepare();
    let config = std::path::absolute(&options.config)
        .with_context(|| format!("finding {}", options.config.display()))?;
    let options = &InitOptions { config, ..options.clone() };
    let settings = chosen::settings(options)?;
    let place = Place::of(&settings);
    expect_nothing(&place)?;
    let certificate = certificate::provide(&settings, &options.name)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let credential = runtime.block_on(make(options, &settings, &place))?;
    let outcome = Outcome { options, settings: &settings, place: &place, certificate, credential };
    let told = if options.json { outcome.json() } else { outcome.text() };
    show_once(
        &told,
        "everything is there, but the secret of the root user's access key could not be shown, and nobody has it: make \
         another with `strongroom root reset`",
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses to touch a data folder or a seal that is there.
fn expect_nothing(place: &Place) -> Result<()> {
    let data = place.data.path();
    // What was cut off before there was a seal has left nothing of worth.
    if place.seal.dir.exists() || is_store_there(place) {
        unfinished::refuse(place)?;
    }
    for folder in [data, &place.seal.dir] {
        if !is_empty(folder).with_context(|| format!("looking into {}", folder.display()))? {
            bail!(
                "{} is not empty, and nothing that is there is touched; serve it with `strongroom serve`, or name another \
                 folder",
                folder.display()
            );
        }
    }
    Ok(())
}

fn is_store_there(place: &Place) -> bool {
    matches!(&place.store, StorePlace::Sqlite(file) if file.exists())
}

/// Whether a folder has nothing in it but what the start of an `init` leaves, or is not there.
fn is_empty(folder: &Path) -> std::io::Result<bool> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let name = entry?.file_name();
        if name != "lock" && name != unfinished::NAME {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes store, seal and account.
async fn make(options: &InitOptions, settings: &Settings, place: &Place) -> Result<RootCredential> {
    let lock = place.data.try_lock()?;
    let lock =
        lock.with_context(|| format!("another strongroom works in {}", place.data.path().display()))?;
    let mark = Mark::make(place)?;
    let foundation = Foundation::create(place).await?;
    let offline = Offline::on(foundation, place, &settings.journal.options()).await?;
    let Parts { ground, iam, .. } = &offline.parts;
    let now_ms = ground.clocks.domain_now();
    let credential =
        iam.create_account(&ground.outbox, options.account_id, &options.account_name, now_ms).await;
    offline.close().await?;
    let credential = credential.context("making the first account")?;
    mark.done()?;
    drop(lock);
    Ok(credential)
}

/// What there is now.
struct Outcome<'o> {
    options: &'o InitOptions,
    settings: &'o Settings,
    place: &'o Place,
    certificate: Option<Made>,
    credential: RootCredential,
}

impl Outcome<'_> {
    /// Where the server will be, for programs of this machine.
    fn url(&self) -> String {
        let scheme = if self.settings.server.certificate.is_some() { "https" } else { "http" };
        let listen = self.settings.server.listen;
        match &self.certificate {
            Some(made) => format!("{scheme}://{}:{}", made.host, listen.port()),
            None => format!("{scheme}://{listen}"),
        }
    }

    /// For programs.
    fn json(&self) -> String {
        let RootCredential { account, access_key_id, secret } = &self.credential;
        json!({
            "endpoint": self.url(),
            "configuration": self.options.config,
            "data": self.place.data.path(),
            "seal": self.place.seal.dir,
            "certificate": self.settings.server.certificate.as_ref().map(AbsolutePath::as_path),
            "ca_bundle": self.certificate.as_ref().map(|made| &made.authority),
            "account": account.to_string(),
            "access_key_id": access_key_id,
            "secret_access_key": secret.expose(),
        })
        .to_string()
    }

    /// For people.
    fn text(&self) -> String {
        let RootCredential { account, access_key_id, secret } = &self.credential;
        let config = self.options.config.display();
        let (made, bundle) = match &self.certificate {
            Some(made) => (
                format!(
                    "\n  certificate    {}, for {}\n  authority      {}, which clients trust",
                    made.certificate.display(),
                    made.names.join(", "),
                    made.authority.display()
                ),
                format!("\n  export AWS_CA_BUNDLE={}", made.authority.display()),
            ),
            None => (String::new(), String::new()),
        };
        format!(
            "Everything is there; nothing is served yet.

  configuration  {config}
  data           {data}
  seal           {seal}: keep a copy of it, apart from the data{made}
  account        {account}, {name}

The access key of the account's root user. The secret is shown this once and kept nowhere in the clear:

  export AWS_ENDPOINT_URL={url}{bundle}
  export AWS_ACCESS_KEY_ID={access_key_id} AWS_DEFAULT_REGION=us-east-1
  export AWS_SECRET_ACCESS_KEY={secret}

Serve it:

  strongroom serve --config {config}",
            data = self.place.data.path().display(),
            seal = self.place.seal.dir.display(),
            name = self.options.account_name,
            url = self.url(),
            secret = secret.expose(),
        )
    }
}
