//! `strongroom serve`: a server in production.

mod certificate;
mod door;
mod supervisor;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use strongroom_runtime::{ShutdownOwner, init_logging, termination};
use strongroom_server::Origins;

use self::door::Listening;
use crate::cli::ServeOptions;
use crate::control::Control;
use crate::failures::Failures;
use crate::identity_providers::PublishedDocuments;
use crate::init::unfinished;
use crate::node::{Choices, Clusters, Door, Messages, Node};
use crate::process;
use crate::seed::{Secrets, Seed};
use crate::settings::{Place, Settings};

/// Why a server ends by itself.
const JOURNAL_LOST: &str = "another process records in this server's journal: this one did not answer for a minute and was \
    taken for gone, or another was started from a copy of its data folder; in the latter case remove the file server-name \
    from the copy";

/// Serves until somebody wants it to stop.
pub(crate) fn run(options: &ServeOptions) -> Result<ExitCode> {
    let settings = Settings::read_to_serve(&options.config.config)?;
    init_logging(settings.log.format(), &settings.log.filter);
    process::prepare();
    // What does not need a server is refused before there is one.
    let seed = options.seed.as_deref().map(|file| Seed::read(file, Secrets::Refused)).transpose()?;
    let place = Place::of(&settings);
    unfinished::refuse(&place)?;
    let folder = place.data.path().display();
    let lock = place.data.try_lock()?.with_context(|| {
        format!("another strongroom serves from {folder}; stop it, or name another folder as [data] dir")
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(&settings, &place, seed))?;
    drop(lock);
    Ok(ExitCode::SUCCESS)
}

async fn serve(settings: &Settings, place: &Place, seed: Option<Seed>) -> Result<()> {
    // Heard from the start: whoever stops a server that is starting wants it closed properly too.
    let stopping = termination()?;
    let listening = Listening::open(&settings.server).await?;
    let shutdown = ShutdownOwner::new();
    let limits = settings.limits.limits();
    let origins = Origins::loopback()
        .and_listed(settings.server.allow_origins.clone())
        .context("[server] allow_origins")?;
    let failures = Failures::keep(&place.data, &shutdown.handle())?;
    let scrapers = settings.metrics.scrapers(settings.server.tls()?.is_some());
    let door = Door { limits, origins, failures, scrapers, figures: listening.figures() };
    let (node, parts) = Node::open(
        place,
        &settings.journal.options(),
        choices(settings, &listening.url())?,
        door,
        seed,
        shutdown.handle(),
    )
    .await?;
    let control = Control::bind(&place.data)?;
    shutdown.handle().spawn(control.serve(parts, shutdown.handle()));
    let url = listening.url();
    listening.serve(&node.server, &shutdown.handle());
    tracing::info!(%url, data = %place.data.path().display(), "serving");
    supervisor::ready();
    let is_lost = tokio::select! {
        () = stopping => false,
        () = node.journal_lost() => true,
    };
    supervisor::stopping();
    if is_lost {
        tracing::error!("{JOURNAL_LOST}");
    } else {
        tracing::info!("stopping");
    }
    let all_ended = shutdown.finish(limits.shutdown_time).await;
    if !all_ended {
        tracing::warn!("requests were still under way");
    }
    // HSMs are left running: whoever works in them does not notice that the server was away.
    let closed = node.close(all_ended).await;
    if is_lost {
        bail!("{JOURNAL_LOST}");
    }
    closed
}

/// What is chosen; `listening` is where the server listens, as a URL.
fn choices(settings: &Settings, listening: &str) -> Result<Choices> {
    let clusters = Clusters {
        vpc_cidr: settings.clusters.vpc_cidr.clone(),
        hsmd: settings.clusters.hsmd()?,
        daily_backups: settings.clusters.daily_backups,
        in_development: false,
    };
    let mut key_stores = strongroom_kms::Settings::default();
    key_stores.strict = settings.compat.strict;
    key_stores.store_deadline = settings.key_stores.timeout();
    key_stores.throttles = settings.quotas.requests;
    key_stores.quotas = settings.quotas.of_kms();
    key_stores.enclave_roots = settings.enclaves.roots()?;
    Ok(Choices {
        clusters,
        key_stores,
        explains_allowed: settings.journal.explain_allowed,
        feed: settings.feed.options(),
        providers: PublishedDocuments::in_public(),
        trails: settings.trails.choices(),
        trail_buckets: settings.trails.buckets()?,
        objects: Place::of(settings).objects,
        messages: Messages {
            carrier: settings.sns.endpoints()?,
            public_url: settings.sns.public_url(listening)?,
        },
    })
}
