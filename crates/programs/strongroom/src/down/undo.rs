//! Undoing deployments, one after the other, in the order in which nothing is lost before it may be.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::own::{Holding, Look};
use crate::cli::DownOptions;
use crate::moment;
use crate::up::cluster::{self, Cluster};
use crate::up::deployments::{Deployment, Deployments};
use crate::up::key::{self, Key};
use crate::up::key_store;
use crate::up::{Folder, Seen, Site, say};

/// The path of a development server's clock.
const CLOCK: &str = "/_strongroom/clock";

/// What stays of a deployment, for a while.
struct Remains {
    key_store_id: String,
    keys: usize,
    /// When the last key is deleted, in seconds since 1970.
    until: f64,
}

/// What has become of a deployment.
enum Undone {
    /// The server knows nothing of it.
    Unknown,
    /// Nothing is left of it but these.
    Done(Vec<Remains>),
}

/// Undoes every deployment that this server has.
pub(crate) fn undo(site: &Site, folder: &Folder, options: &DownOptions) -> Result<()> {
    ensure!(
        site.is_dev || !options.now,
        "--now moves the clock, and {} is no development server: leave it out, and run `strongroom down` again after the \
         date that it tells",
        site.aws.endpoint()
    );
    let turn = folder.take_turn()?;
    let mut deployments = Deployments::load(&folder.state())?;
    let mut taken_down = Deployments::load(&folder.taken_down())?;
    let clusters = cluster::all(site)?;
    let (mut remains, mut unknown) = (Vec::new(), Vec::new());
    for deployment in deployments.all().to_vec() {
        let is_its = |cluster: &&Cluster| {
            cluster.token() == Some(&deployment.token)
                && deployment.cluster_id.as_ref().is_none_or(|id| *id == cluster.id)
        };
        let look = Look {
            site,
            folder,
            deployment: &deployment,
            cluster: clusters.iter().find(is_its),
            was_taken: taken_down.knows(&deployment.token),
        };
        match undo_one(options, &look, &mut taken_down)? {
            Undone::Unknown => unknown.push(deployment),
            Undone::Done(left) if left.is_empty() => deployments.forget(&deployment.token)?,
            Undone::Done(left) => remains.extend(left),
        }
    }
    for left in &remains {
        say(&format!("{}\n", left.text()));
    }
    let is_all_gone = deployments.all().is_empty();
    drop(turn);
    if is_all_gone {
        folder.remove()?;
        say_all_is_gone(folder);
    }
    for one in unknown {
        say(&format!(
            "Nothing was done about {} at {} in {}: {} in {} does not know it.\n",
            one.cluster_id.as_deref().unwrap_or("a cluster"),
            one.endpoint,
            one.region,
            site.aws.endpoint(),
            site.aws.region()
        ));
    }
    Ok(())
}

/// Says so, and what is there for backups.
pub(crate) fn say_all_is_gone(folder: &Folder) {
    say("Nothing is left of what `strongroom up` made, but backups of its cluster for 10 days.\n");
    if folder.taken_down().exists() {
        say(&format!(
            "{} keeps the passwords of their users; remove it when you need none of the backups.\n",
            folder.taken_down().display()
        ));
    }
}

fn undo_one(options: &DownOptions, look: &Look<'_>, taken_down: &mut Deployments) -> Result<Undone> {
    let Look { site, deployment, cluster, .. } = *look;
    let mut holdings = Vec::new();
    for store in key_store::all(site)? {
        let is_known = deployment.key_store_id.as_ref() == Some(&store.id);
        // Whoever made it: without its HSMs it is lost.
        if is_known || cluster.is_some_and(|cluster| cluster.id == store.cluster_id) {
            let keys = key::of_store(site, &store.id)?;
            holdings.push((store, keys));
        }
    }
    if holdings.is_empty() && cluster.is_none() {
        // One that never came to make a cluster is undone by forgetting it.
        let is_unmade = deployment.cluster_id.is_none()
            && deployment.endpoint == site.aws.endpoint().to_string()
            && deployment.region == site.aws.region();
        return Ok(if is_unmade { Undone::Done(Vec::new()) } else { Undone::Unknown });
    }
    look.expect_own(options, &holdings)?;
    if cluster.is_some_and(Cluster::lives) {
        taken_down.keep_latest(deployment)?;
    }
    let mut remains = Vec::new();
    for holding in &holdings {
        remains.extend(undo_store(site, options, deployment, holding)?);
    }
    if let Some(cluster) = cluster.filter(|cluster| cluster.state != "DELETED") {
        site.progress.step("HSMs", || delete_hsms(site, &cluster.id))?;
        site.progress.step("cluster", || delete_cluster(site, &cluster.id))?;
    }
    Ok(Undone::Done(remains))
}

/// Deletes the key store with its keys, or answers what stays until the keys may be deleted.
fn undo_store(
    site: &Site,
    options: &DownOptions,
    deployment: &Deployment,
    (store, keys): &Holding,
) -> Result<Option<Remains>> {
    let (progress, id) = (&site.progress, &store.id);
    if let Some(alias) = &deployment.alias
        && key::find(site, alias)?.is_some_and(|named| keys.iter().any(|key| key.id == named.id))
    {
        progress.step("alias", || {
            key::delete_alias(site, alias)?;
            Ok(((), format!("deleted {alias}")))
        })?;
    }
    let until = progress.step("keys", || {
        let mut until = 0.0_f64;
        for key in keys {
            until = until.max(key::schedule_deletion(site, key)?);
        }
        Ok((until, format!("{} scheduled for deletion", keys.len())))
    })?;
    // While the key store is connected, so that the keys go in the HSMs too.
    if options.now && !keys.is_empty() {
        progress.step("clock", || move_clock(site, until))?;
        progress.step("keys", || gone(site, keys))?;
    }
    progress.step("disconnected", || {
        key_store::disconnect(site, id)?;
        Ok(((), id.to_owned()))
    })?;
    let is_gone = progress.step("key store", || retire(site, id))?;
    Ok((!is_gone).then(|| Remains { key_store_id: id.to_owned(), keys: keys.len(), until }))
}

/// Deletes a key store, or, while it has keys, gives it a name that nobody else wants.
fn retire(site: &Site, id: &str) -> Result<(bool, String)> {
    if key_store::delete(site, id)? {
        return Ok((true, format!("deleted {id}")));
    }
    let name = format!("{} {id}", key_store::RETIRED);
    key_store::rename(site, id, &name)?;
    Ok((false, format!("{id} stays as \"{name}\" until its keys are deleted")))
}

/// Moves the server's clock to a moment at which keys are deleted.
fn move_clock(site: &Site, until: f64) -> Result<((), String)> {
    let endpoint = site.aws.endpoint();
    let now = endpoint.dev_get(CLOCK)?;
    let now =
        now.get("now").and_then(Value::as_str).and_then(|now| OffsetDateTime::parse(now, &Rfc3339).ok());
    let now = now.context("the server does not tell the time")?.unix_timestamp();
    let seconds = (until.ceil() as i64 + 1 - now).max(0);
    let answer = endpoint.dev_post(CLOCK, &json!({ "advance_seconds": seconds }))?;
    let now = answer.get("now").and_then(Value::as_str).unwrap_or_default();
    Ok(((), format!("moved by {:.1} days, to {now}", seconds as f64 / 86_400.0)))
}

/// Waits until keys are deleted whose time has come.
fn gone(site: &Site, keys: &[Key]) -> Result<((), String)> {
    for key in keys {
        site.wait(&format!("the key {} deleted", key.id), || {
            Ok(match key::find(site, &key.id)? {
                None => Seen::Reached(()),
                Some(key) => Seen::NotYet(key.state),
            })
        })?;
    }
    Ok(((), format!("deleted {}", keys.len())))
}

fn delete_hsms(site: &Site, id: &str) -> Result<((), String)> {
    let hsms = cluster::describe(site, id)?.hsms;
    for hsm in hsms.iter().filter(|hsm| hsm.state != "DELETE_IN_PROGRESS") {
        site.cloudhsm("DeleteHsm", &json!({ "ClusterId": id, "HsmId": hsm.id }))?;
    }
    site.wait(&format!("{id} without HSMs"), || {
        let left = cluster::describe(site, id)?.hsms.len();
        Ok(if left == 0 { Seen::Reached(()) } else { Seen::NotYet(format!("one of {left} HSMs")) })
    })?;
    Ok(((), format!("deleted {}", hsms.len())))
}

fn delete_cluster(site: &Site, id: &str) -> Result<((), String)> {
    let state = cluster::describe(site, id)?.state;
    if !matches!(state.as_str(), "DELETE_IN_PROGRESS" | "DELETED") {
        site.cloudhsm("DeleteCluster", &json!({ "ClusterId": id }))?;
    }
    site.wait(&format!("{id} deleted"), || {
        Ok(match cluster::find(site, id)? {
            Some(cluster) if cluster.state != "DELETED" => Seen::NotYet(cluster.state),
            _ => Seen::Reached(()),
        })
    })?;
    Ok(((), format!("deleted {id}")))
}

impl Remains {
    fn text(&self) -> String {
        let date = moment::text((self.until as i64).saturating_mul(1000));
        format!(
            "The custom key store {} stays until its keys ({}) are deleted, by {date}: AWS's shortest wait.\nRun \
             `strongroom down` again after that, or now with --now, which moves the clock of a development server.",
            self.key_store_id, self.keys
        )
    }
}
