//! `strongroom dev`.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use strongroom_journal::JournalOptions;
use strongroom_kms::Settings;
use strongroom_runtime::{LogFormat, ShutdownOwner, init_logging, termination, uptime};
use strongroom_secret::SecretString;
use strongroom_server::{Limits, Origins, Scrapers};
use strongroom_store::FeedOptions;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::carrier::{Endpoints, MailServer, Post, Reach};
use crate::cli::DevOptions;
use crate::data_dir::DataDir;
use crate::failures::Failures;
use crate::identity_providers::PublishedDocuments;
use crate::node::{Choices, Clusters, Development, Door, Messages, Node, RootKey};
use crate::process;
use crate::seed::{Secrets, Seed};
use crate::settings::enclave_roots;

/// The access key id and the secret of the account's root user.
const ROOT_KEY: &str = "test";

/// What a server logs, unless the operator says otherwise.
const USUAL_LOG: &str = "warn,strongroom=info";
/// The same where progress is told in another way.
pub(crate) const QUIET_LOG: &str = "warn";

/// The name of the HSM's program.
const HSMD: &str = "strongroom-hsmd";

pub(crate) fn run(options: &DevOptions) -> Result<ExitCode> {
    in_folder(options, USUAL_LOG, async |data: &DataDir| {
        let (serving, stopping) = Serving::start(options, data).await?;
        println!("{}", welcome(&serving.address.to_string(), options, data));
        stopping.await;
        serving.stop().await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Prepares the process, takes the data folder, and does the work of a server in it. `usual_log` is logged unless the
/// operator says otherwise.
pub(crate) fn in_folder(
    options: &DevOptions,
    usual_log: &str,
    work: impl AsyncFnOnce(&DataDir) -> Result<ExitCode>,
) -> Result<ExitCode> {
    if !options.listen.ip().is_loopback() {
        bail!(
            "{} is reached from other machines, and in dev mode everyone knows the root credential; listen on \
             127.0.0.1 or [::1]",
            options.listen
        );
    }
    let format = if options.log_json { LogFormat::Json } else { LogFormat::Text };
    init_logging(format, options.log.as_deref().unwrap_or(usual_log));
    process::prepare();
    let temporary =
        options.ephemeral.then(temporary_folder).transpose().context("making a temporary folder")?;
    let data = match &temporary {
        Some(folder) => DataDir::at(folder.path()),
        None => DataDir::named(&options.data)?,
    };
    let lock = data.lock()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let code = runtime.block_on(work(&data))?;
    drop(lock);
    Ok(code)
}

/// A development server, serving in this process.
pub(crate) struct Serving {
    node: Node,
    shutdown: ShutdownOwner,
    address: SocketAddr,
}

impl Serving {
    /// Starts it; beside it comes what ends when somebody wants it to stop.
    pub(crate) async fn start(
        options: &DevOptions,
        data: &DataDir,
    ) -> Result<(Self, impl Future<Output = ()> + use<>)> {
        // Heard from the start: whoever stops a server that is starting wants it closed properly too.
        let stopping = termination()?;
        let shutdown = ShutdownOwner::new();
        let origins = Origins::loopback().and_listed(options.allow_origin.clone())?;
        let root_key = RootKey {
            account: options.account_id,
            access_key_id: ROOT_KEY,
            secret: SecretString::new(ROOT_KEY.to_owned()),
        };
        // What does not need a server is refused before there is one.
        let seed = options.seed.as_deref().map(|file| Seed::read(file, Secrets::Taken)).transpose()?;
        // The address first: it is what most often stands in the way, and nothing is touched yet.
        let listener = TcpListener::bind(options.listen).await.with_context(|| {
            format!(
                "{} cannot be listened on; stop what listens there or choose another with --listen",
                options.listen
            )
        })?;
        let address = listener.local_addr()?;
        let clusters = Clusters {
            vpc_cidr: options.vpc_cidr.clone(),
            hsmd: hsmd(options)?,
            daily_backups: !options.pause_daily_backups,
            in_development: true,
        };
        let choices = Choices {
            clusters,
            key_stores: key_settings(options)?,
            explains_allowed: options.explain_allowed,
            feed: FeedOptions::new(Arc::new(uptime)),
            providers: PublishedDocuments::in_development(),
            trails: strongroom_cloudtrail::Settings::default(),
            trail_buckets: None,
            objects: data.objects(),
            messages: messages(options, address)?,
        };
        let door = Door {
            limits: process::within_files(Limits::default()),
            origins,
            failures: Failures::keep(data, &shutdown.handle())?,
            scrapers: Scrapers::loopback(),
            figures: Vec::new(),
        };
        let journal = JournalOptions {
            durability: options.journal_durability.durability(),
            gather: options.journal_gather_microseconds.map(Duration::from_micros),
            ..JournalOptions::default()
        };
        let development = Development { root_key, seed, journal };
        let node = Node::open_dev(data, choices, door, development, shutdown.handle()).await?;
        shutdown.handle().spawn(node.server.clone().serve(listener));
        Ok((Self { node, shutdown, address }, stopping))
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Finishes what is under way, and closes what is open.
    pub(crate) async fn stop(self) -> Result<()> {
        tracing::info!("stopping");
        let all_ended = self.shutdown.finish(Limits::default().shutdown_time).await;
        if !all_ended {
            tracing::warn!("requests were still under way");
        }
        // A development server takes its HSMs with it; their state stays where the data does.
        self.node.stop_hsms().await;
        self.node.close(all_ended).await
    }
}

/// How messages of SNS are carried in development: to this machine, too.
fn messages(options: &DevOptions, address: SocketAddr) -> Result<Messages> {
    let server = |url: &String| MailServer { url: url.clone(), password: None, sender: None };
    let post = options.smtp_url.as_ref().map(|url| Post::through(&server(url))).transpose()?;
    let carrier = Endpoints::new(Reach::this_machine_too(), post);
    Ok(Messages { carrier, public_url: format!("http://{address}") })
}

/// How KMS behaves in development.
fn key_settings(options: &DevOptions) -> Result<Settings> {
    let mut settings = Settings::default();
    settings.chosen_keys = true;
    settings.strict = options.compat_strict;
    settings.store_deadline = Duration::from_secs(options.key_store_timeout);
    settings.enclave_roots = enclave_roots(options.enclave_root.iter().map(PathBuf::as_path))?;
    Ok(settings)
}

/// Where the HSM's program is: beside this one, unless the operator says otherwise.
pub(crate) fn hsmd(options: &DevOptions) -> Result<PathBuf> {
    if let Some(named) = &options.hsmd {
        return Ok(named.clone());
    }
    let program =
        std::env::current_exe().context("finding the HSM's program; say where it is with --hsmd")?;
    Ok(program.with_file_name(HSMD))
}

/// A folder for its owner only, removed when it is dropped.
fn temporary_folder() -> std::io::Result<TempDir> {
    tempfile::Builder::new().prefix("strongroom-").permissions(Permissions::from_mode(0o700)).tempdir()
}

/// What a person needs to begin.
fn welcome(address: &str, options: &DevOptions, data: &DataDir) -> String {
    let kept =
        if options.ephemeral { "forgotten at the end".to_owned() } else { data.path().display().to_string() };
    format!(
        "Strongroom is ready at http://{address}

  export AWS_ENDPOINT_URL=http://{address}
  export AWS_ACCESS_KEY_ID={ROOT_KEY} AWS_SECRET_ACCESS_KEY={ROOT_KEY} AWS_DEFAULT_REGION=us-east-1

  account  {account}; any other: its 12 digits as access key id
  data     {kept}{seed}
  docs     docs/book/getting-started.md

Press Ctrl-C to stop.",
        account = options.account_id,
        seed =
            options.seed.as_ref().map(|file| format!("\n  seed     {}", file.display())).unwrap_or_default(),
    )
}
