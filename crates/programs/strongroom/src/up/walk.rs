//! The walk: from whatever there is to a key in a connected key store on an HSM cluster of two zones.
//!
//! Each step looks at the server first and does what is missing, so that the walk can be taken again at any time,
//! and goes on where it was cut off.

use std::path::PathBuf;
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;

use super::authority::{self, Authority};
use super::client;
use super::cluster::{self, Cluster, told};
use super::deployments::{Deployment, Deployments};
use super::folder::{Folder, Turn};
use super::key::{self, Key};
use super::key_store::{self, KeyStore};
use super::outcome::Outcome;
use super::password::Password;
use super::site::Site;
use super::users::{self, KMSUSER, Users};

/// What the crypto user is called, unless the person says otherwise.
const CRYPTO_USER: &str = "crypto_user";

/// What the person says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    /// The person's own authority: certificate and private key.
    pub(crate) authority: Option<(PathBuf, PathBuf)>,
    /// What the crypto user is called, if they say so.
    pub(crate) crypto_user: Option<String>,
    /// What the key store is called.
    pub(crate) key_store: String,
    /// What the alias is called.
    pub(crate) alias: String,
}

/// One walk.
struct Walk<'a> {
    site: &'a Site,
    folder: &'a Folder,
    wishes: &'a Wishes,
    deployments: Deployments,
    deployment: Deployment,
    /// Whether `kmsuser` was made in this walk, with the password that is written down.
    kmsuser_is_new: bool,
}

/// Takes the walk.
pub(crate) fn walk<'a>(site: &'a Site, folder: &'a Folder, wishes: &'a Wishes) -> Result<Outcome<'a>> {
    let turn = folder.take_turn()?;
    // What cannot be used is told before anything is made.
    let own =
        wishes.authority.as_ref().map(|(certificate, key)| Authority::load(certificate, key)).transpose()?;
    let mut deployments = Deployments::load(&folder.state())?;
    let clusters = cluster::all(site)?;
    let known: Vec<_> = clusters.iter().filter_map(Cluster::token).map(str::to_owned).collect();
    let clusters: Vec<_> = clusters.into_iter().filter(Cluster::lives).collect();
    let tokens: Vec<_> = clusters.iter().filter_map(Cluster::token).collect();
    let (endpoint, region) = (site.aws.endpoint().to_string(), site.aws.region());
    let deployment = if let Some(found) = deployments.to_go_on_with(&tokens, &endpoint, region) {
        Deployment { endpoint, ..found }
    } else {
        if deployments.are_full() {
            make_room(site, folder, &mut deployments, &known)?;
        }
        let crypto_user = wishes.crypto_user.as_deref().unwrap_or(CRYPTO_USER);
        Deployment::begin(&endpoint, region, crypto_user)?
    };
    let found = clusters.into_iter().find(|cluster| cluster.token() == Some(&deployment.token));
    let mut taken_down = Deployments::load(&folder.taken_down())?;
    if taken_down.knows(&deployment.token) {
        taken_down.forget(&deployment.token)?;
    }
    let mut walk = Walk { site, folder, wishes, deployments, deployment, kmsuser_is_new: false };
    let outcome = walk.take(found, own);
    drop::<Turn>(turn);
    outcome
}

/// Takes the oldest deployment of this server's out that it does not know any more: it has begun anew since.
fn make_room(site: &Site, folder: &Folder, deployments: &mut Deployments, known: &[String]) -> Result<()> {
    let (endpoint, region) = (site.aws.endpoint().to_string(), site.aws.region());
    for one in deployments.all().to_vec() {
        if one.endpoint != endpoint || one.region != region || known.contains(&one.token) {
            continue;
        }
        let store = one.key_store_id.as_deref().map(|id| key_store::find(site, id)).transpose()?;
        if store.flatten().is_none() {
            Deployments::load(&folder.taken_down())?.keep_latest(&one)?;
            return deployments.forget(&one.token);
        }
    }
    Ok(())
}

impl<'a> Walk<'a> {
    fn take(&mut self, found: Option<Cluster>, own: Option<Authority>) -> Result<Outcome<'a>> {
        let progress = &self.site.progress;
        self.keep()?;
        let cluster = progress.step("cluster", || self.cluster(found))?;
        let cluster = progress.step("first HSM", || cluster::first_hsm(self.site, &cluster))?;
        let cluster = progress.step("initialized", || self.initialize(cluster, own))?;
        let authority = self.deployment.customer_ca.clone().context("the trust anchor is not known")?;
        let cluster = progress.step("activated", || self.activate(cluster, &authority))?;
        // A second HSM starts while users are made in the first.
        let (site, active) = (self.site, &cluster);
        let (cluster, users) = thread::scope(|scope| {
            let second =
                scope.spawn(move || progress.step("second HSM", || cluster::second_hsm(site, active)));
            let users = progress.step("users", || self.users(active, &authority));
            if users.is_err() {
                // Told at once, and not when there is a second HSM.
                site.stop();
            }
            let second = second.join().unwrap_or_else(|_| bail!("a step failed in an unknown way"));
            let users = users?;
            Ok::<_, anyhow::Error>((second?, users))
        })?;
        client::configure(self.folder, &cluster, &authority)?;
        let key_store = self.connected(&cluster, users)?;
        let (key, rotates) = self.key(&key_store)?;
        client::write_environment(self.site, self.folder, &self.deployment)?;
        Ok(Outcome {
            site: self.site,
            folder: self.folder,
            deployment: self.deployment.clone(),
            cluster,
            key_store,
            key,
            rotates,
        })
    }

    /// Writes the deployment down.
    fn keep(&mut self) -> Result<()> {
        self.deployments.keep(&self.deployment)
    }

    fn cluster(&mut self, found: Option<Cluster>) -> Result<(Cluster, String)> {
        let made = found.is_none();
        let id = match found {
            Some(cluster) => cluster.id,
            None => cluster::create(self.site, &self.deployment.token)?,
        };
        self.deployment.cluster_id = Some(id.clone());
        self.keep()?;
        let cluster = cluster::wait(self.site, &id, "made", |cluster| cluster.state != "CREATE_IN_PROGRESS")?;
        let zones = cluster.subnet_mapping.keys().map(String::as_str).collect::<Vec<_>>().join(" and ");
        let text = told(made, &format!("{id} in {zones}, {}", cluster.state));
        Ok((cluster, text))
    }

    /// Has the cluster's request signed by an authority, and hands in the certificate.
    fn initialize(&mut self, cluster: Cluster, own: Option<Authority>) -> Result<(Cluster, String)> {
        let id = cluster.id.clone();
        if cluster.state == "UNINITIALIZED" {
            return self.sign(&cluster, own);
        }
        let cluster =
            if cluster.state == "INITIALIZE_IN_PROGRESS" { self.initialized(&id)? } else { cluster };
        let certificate = cluster.certificates.cluster_certificate.clone().unwrap_or_default();
        if let Some(own) = own {
            ensure!(
                authority::signed(&own.certificates, &certificate),
                "{id} was initialized with another authority than the one of --ca-cert, and that cannot be changed: \
                 leave out --ca-cert and --ca-key, or begin anew with `strongroom down`"
            );
            self.deployment.customer_ca = Some(own.certificates);
            self.keep()?;
        }
        let known = self.deployment.customer_ca.as_ref();
        ensure!(
            known.is_some_and(|known| authority::signed(known, &certificate)),
            "{id} was initialized by somebody else: give the authority that signed its certificate, with --ca-cert and \
             --ca-key"
        );
        Ok((cluster, "found".to_owned()))
    }

    fn sign(&mut self, cluster: &Cluster, own: Option<Authority>) -> Result<(Cluster, String)> {
        let id = &cluster.id;
        let now = self.site.clocks.real_now().div_euclid(1_000);
        let whose = if own.is_some() { "your authority" } else { "a local authority" };
        let authority = own.map_or_else(|| Authority::load_or_make(self.folder, now), Ok)?;
        let requested = cluster::wait(self.site, id, "with a signing request", |cluster| {
            cluster.certificates.cluster_csr.is_some() && cluster.certificates.hsm_certificate.is_some()
        })?;
        let (csr, hsm) = requested
            .certificates
            .cluster_csr
            .zip(requested.certificates.hsm_certificate)
            .unwrap_or_default();
        let certificate = authority.sign(&csr, &hsm, now)?;
        self.deployment.customer_ca = Some(authority.certificates.clone());
        self.keep()?;
        let input =
            json!({ "ClusterId": id, "SignedCert": certificate, "TrustAnchor": authority.certificates });
        self.site.cloudhsm("InitializeCluster", &input)?;
        Ok((self.initialized(id)?, format!("certificate signed by {whose}")))
    }

    fn initialized(&self, id: &str) -> Result<Cluster> {
        cluster::wait(self.site, id, "initialized", |cluster| {
            matches!(cluster.state.as_str(), "INITIALIZED" | "ACTIVE")
        })
    }

    /// Sets the administrator's password.
    fn activate(&mut self, cluster: Cluster, authority: &str) -> Result<(Cluster, String)> {
        if cluster.state == "ACTIVE" {
            return Ok((cluster, "found".to_owned()));
        }
        let id = &cluster.id;
        let cluster = cluster::wait(self.site, id, "with an HSM in service", |cluster| {
            cluster.active().next().is_some()
        })?;
        let mut client = users::client(self.site, &cluster, authority)?;
        let made = users::activate(&mut client, &self.deployment.admin_password)?;
        let cluster = cluster::wait(self.site, id, "activated", |cluster| cluster.state == "ACTIVE")?;
        Ok((cluster, told(made, "the administrator's password")))
    }

    /// The administrator, logged in, after the crypto user and `kmsuser` are there.
    fn users(&mut self, cluster: &Cluster, authority: &str) -> Result<(Users, String)> {
        let client = || users::client(self.site, cluster, authority);
        let mut users = Users::log_in(client()?, &self.deployment.admin_password, &self.folder.state())?;
        let mut made = Vec::new();
        // As long as it is not made, it is called what the person says now.
        let wish = self.wishes.crypto_user.as_ref().filter(|wish| **wish != self.deployment.crypto_user);
        if let Some(wish) = wish.filter(|_| !users.has(&self.deployment.crypto_user)) {
            ensure!(!users.has(wish), "there is a crypto user `{wish}`, which `strongroom up` did not make");
            self.deployment.crypto_user.clone_from(wish);
            self.keep()?;
        }
        let name = self.deployment.crypto_user.clone();
        if !users.has(&name) {
            users.create(&name, &self.deployment.crypto_user_password)?;
            made.push(name);
        } else if !users::takes(client()?, &name, &self.deployment.crypto_user_password)? {
            bail!(
                "the HSMs do not take the password of `{name}` that is kept in {}; if it was changed, write the new \
                 one there as crypto_user_password",
                self.folder.state().display()
            );
        }
        // One that is there is known to KMS, or given another password when KMS needs it.
        if !users.has(KMSUSER) {
            let password = Password::random()?;
            self.deployment.kmsuser_password = Some(password.clone());
            self.keep()?;
            users.create(KMSUSER, &password)?;
            self.kmsuser_is_new = true;
            made.push(KMSUSER.to_owned());
            return Ok((users, told(true, &made.join(" and "))));
        }
        let found = [&self.deployment.crypto_user, KMSUSER].join(" and ");
        Ok((users, told(!made.is_empty(), if made.is_empty() { &found } else { &made[0] })))
    }

    /// The key store of the cluster, connected.
    fn connected(&mut self, cluster: &Cluster, mut users: Users) -> Result<KeyStore> {
        let progress = &self.site.progress;
        let store = progress.step("key store", || self.key_store(cluster))?;
        self.deployment.key_store_id = Some(store.id.clone());
        self.keep()?;
        progress.step("connected", || self.connect(&store, &mut users))
    }

    fn key_store(&mut self, cluster: &Cluster) -> Result<(KeyStore, String)> {
        let shown = |store: &KeyStore| format!("{} {}", store.name, store.id);
        if let Some(store) = key_store::of(self.site, &cluster.id)? {
            let text = told(false, &shown(&store));
            return Ok((store, text));
        }
        let password = if let Some(password) = self.deployment.kmsuser_password.clone() {
            password
        } else {
            // An earlier key store's KMS has it. `kmsuser` is given another before this one connects.
            let password = Password::random()?;
            self.deployment.kmsuser_password = Some(password.clone());
            self.keep()?;
            password
        };
        let anchor = self.deployment.customer_ca.as_deref().unwrap_or_default();
        let store = key_store::create(self.site, &cluster.id, &self.wishes.key_store, anchor, &password)?;
        let text = told(true, &shown(&store));
        Ok((store, text))
    }

    fn connect(&mut self, store: &KeyStore, users: &mut Users) -> Result<(KeyStore, String)> {
        let site = self.site;
        let mut store = key_store::settled(site, &store.id)?;
        if store.is_connected() {
            self.connection_is_made()?;
            return Ok((store, "found".to_owned()));
        }
        let mut text = "KMS logs in as `kmsuser` and has changed its password";
        if store.is_failed() {
            key_store::disconnect(site, &store.id)?;
        }
        match self.deployment.kmsuser_password.clone() {
            Some(password) => {
                // An earlier run may have been cut off before it set the password, or after KMS had changed it.
                if !self.kmsuser_is_new {
                    users.change_password(KMSUSER, &password)?;
                }
                key_store::give_password(site, &store.id, &password)?;
            }
            // KMS has its own password, unless that is what it failed for.
            None if store.is_about_password() => self.renew_password(&store, users)?,
            None => text = "again",
        }
        store = key_store::connect(site, &store.id)?;
        if store.is_about_password() {
            key_store::disconnect(site, &store.id)?;
            self.renew_password(&store, users)?;
            store = key_store::connect(site, &store.id)?;
            text = "`kmsuser` has got a new password";
        }
        if !store.is_connected() {
            return Err(store.advice());
        }
        self.connection_is_made()?;
        Ok((store, text.to_owned()))
    }

    /// Gives `kmsuser` a password that is written down first, and tells it KMS. The key store is disconnected.
    fn renew_password(&mut self, store: &KeyStore, users: &mut Users) -> Result<()> {
        let password = Password::random()?;
        self.deployment.kmsuser_password = Some(password.clone());
        self.keep()?;
        users.change_password(KMSUSER, &password)?;
        key_store::give_password(self.site, &store.id, &password)
    }

    /// From now on KMS alone knows the password.
    fn connection_is_made(&mut self) -> Result<()> {
        self.deployment.kmsuser_password = None;
        self.keep()
    }

    /// The key, with its alias, tried out, and whether it rotates.
    fn key(&mut self, store: &KeyStore) -> Result<(Key, bool)> {
        let (site, progress) = (self.site, &self.site.progress);
        let key = progress
            .step("key", || key::ensure(site, &store.id, &mut self.deployment, &mut self.deployments))?;
        let rotates = progress.step("rotation", || key::rotate(site, &key))?;
        let alias = self.deployment.alias.clone().unwrap_or_else(|| self.wishes.alias.clone());
        progress.step("alias", || Ok(((), key::name(site, &key, &alias)?)))?;
        self.deployment.alias = Some(alias.clone());
        self.keep()?;
        progress.step("tried", || Ok(((), key::try_out(site, &alias)?)))?;
        Ok((key, rotates))
    }
}
