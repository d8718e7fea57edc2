//! Networks read and changed. Every function that reads or changes one for a caller asks for permission first,
//! or on the state that the change commits on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::{IpNet, Ipv4Net};
use strongroom_api_ec2::actions;
use strongroom_identity::{AccountId, Action, ConditionKeys, Region, RequestContext};
use strongroom_policy::{Authority, Resource, Values};
use strongroom_seal::Root as SealRoot;
use strongroom_store::{Db, RowMac, StoreError};
use tokio::sync::watch;

use crate::domain::id::{Kind, new_id};
use crate::domain::network::{Edit, Home, Network};
use crate::domain::sources;
use crate::domain::tags::Tags;
use crate::domain::vpc::Vpc;
use crate::error::Refusal;
use crate::repo::{self, Root};

/// Networks kept in memory, each of one account in one Region. The largest that quotas allow takes a few
/// megabytes, a usual one a few kilobytes.
const KEPT: usize = 256;

/// How often a network that changes while it is read is read again.
const ATTEMPTS: usize = 20;

/// The block of the default VPC, unless the settings say otherwise: loopback addresses, which every Linux
/// machine can listen on without further ado.
const DEFAULT_VPC: Ipv4Net = Ipv4Net::new_assert(std::net::Ipv4Addr::new(127, 31, 0, 0), 16);

/// What an operator decides about networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    default_vpc: Ipv4Net,
}

/// Why a setting cannot be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingsError {
    /// The default VPC's block is no block, or cannot be split into a subnet for each zone.
    #[error(
        "the default VPC needs an IPv4 block of a size from /16 to /24, for example 127.31.0.0/16, not {0}"
    )]
    DefaultVpc(String),
}

impl Default for Settings {
    fn default() -> Self {
        Self { default_vpc: DEFAULT_VPC }
    }
}

impl Settings {
    /// The same settings with another block for default VPCs that are made from now on, for example
    /// `127.32.0.0/16`.
    pub fn with_default_vpc(self, block: &str) -> Result<Self, SettingsError> {
        let read =
            block.parse::<Ipv4Net>().ok().map(|net| net.trunc()).filter(|net| Vpc::can_be_default(*net));
        let default_vpc = read.ok_or_else(|| SettingsError::DefaultVpc(block.to_owned()))?;
        Ok(Self { default_vpc })
    }

    /// The block of default VPCs.
    pub fn default_vpc(&self) -> Ipv4Net {
        self.default_vpc
    }
}

/// Why nobody knows whom security groups let in.
#[derive(Debug, thiserror::Error)]
#[error("the security groups cannot be read")]
pub struct SourcesError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// The EC2 service over one store and one seal.
pub struct Networks {
    db: Db,
    mac: RowMac,
    authority: Authority,
    settings: Settings,
    kept: Mutex<HashMap<Home, Arc<Network>>>,
    changes: watch::Sender<u64>,
}

/// What a call acts on, as policies and records name it.
#[derive(Clone, Copy)]
pub(crate) enum Target<'t> {
    /// The resource of that id; of an attachment, the interface.
    One(&'t str),
    /// The security group of that name in the default VPC.
    GroupNamed(&'t str),
    /// The default VPC.
    DefaultVpc,
    /// One that is to be made.
    New(Kind),
    /// One that is to be made with tags, which takes permission to tag it too.
    Tagged(Kind),
    /// All that there is.
    All,
}

impl Target<'_> {
    /// One that is to be made, with these tags.
    pub(crate) fn new(kind: Kind, tags: &Tags) -> Self {
        if tags.is_empty() { Self::New(kind) } else { Self::Tagged(kind) }
    }

    /// The security group that a request names by its id or by its name.
    pub(crate) fn group<'t>(id: Option<&'t str>, name: Option<&'t str>) -> Target<'t> {
        match (id.filter(|id| !id.is_empty()), name.filter(|name| !name.is_empty())) {
            (Some(id), _) => Target::One(id),
            (None, Some(name)) => Target::GroupNamed(name),
            (None, None) => Target::All,
        }
    }
}

impl<'t> Target<'t> {
    /// What kind of resource it is, and its id, as far as the network is known; no kind of what has no id.
    fn resolve(self, network: Option<&'t Network>) -> (Option<Kind>, Option<&'t str>) {
        match self {
            Self::All => (None, None),
            Self::New(kind) | Self::Tagged(kind) => (Some(kind), None),
            Self::One(id) => match Kind::of(id) {
                Some(Kind::Attachment) => {
                    let attached = network.and_then(|network| network.interface_attached_by(id));
                    (Some(Kind::Interface), attached.map(|interface| interface.id.as_str()))
                }
                Some(kind) => (Some(kind), Some(id)),
                // No resource has such an id, which whoever looks for it will say.
                None => (None, None),
            },
            Self::GroupNamed(name) => {
                let group = network.and_then(|network| network.default_vpc_group(name));
                (Some(Kind::Group), group.map(|group| group.id.as_str()))
            }
            Self::DefaultVpc => {
                let vpc = network.and_then(Network::default_vpc);
                (Some(Kind::Vpc), vpc.map(|vpc| vpc.id.as_str()))
            }
        }
    }
}

/// The condition key by which permission to tag can be given for what some operation makes, and nothing else (EC2
/// User Guide, "Grant permission to tag Amazon EC2 resources during creation").
const CREATE_ACTION: &str = "ec2:CreateAction";

/// A target as policies protect it.
struct Protected<'n> {
    account: AccountId,
    arn: String,
    tags: Option<&'n Tags>,
    /// The ARN of the VPC that it is in.
    vpc: Option<String>,
}

/// The condition keys that tell of a resource's tags (Service Authorization Reference, "Actions, resources, and
/// condition keys for Amazon EC2").
const TAG_KEYS: [&str; 2] = ["aws:resourcetag/", "ec2:resourcetag/"];

impl Resource for Protected<'_> {
    fn owner(&self) -> AccountId {
        self.account
    }

    fn arn(&self) -> String {
        self.arn.clone()
    }

    fn condition_key(&self, key: &str, context: &RequestContext) -> Option<Values<'_>> {
        match key {
            "ec2:region" => return Some(Values::text(context.region.name())),
            "ec2:vpc" => return self.vpc.as_deref().map(Values::text),
            _ => {}
        }
        let tag = TAG_KEYS.iter().find_map(|prefix| key.strip_prefix(prefix))?;
        match self.tags?.in_any_case(tag).as_slice() {
            [] => None,
            [value] => Some(Values::text(*value)),
            several => Some(Values::texts(several.iter().copied())),
        }
    }
}

impl Networks {
    /// The service on `db`, whose rows are MACed under `root`.
    pub fn new(db: Db, root: &SealRoot, authority: Authority, settings: Settings) -> Self {
        let mac = RowMac::new(root);
        let (changes, _) = watch::channel(0);
        let told = changes.clone();
        db.feed().on(repo::NETWORKS, move |_| told.send_modify(|number| *number += 1));
        Self { db, mac, authority, settings, kept: Mutex::default(), changes }
    }

    /// Forgets everything that is in memory, after the store has been emptied.
    pub fn start_over(&self) {
        self.kept().clear();
        self.tell_of_change();
    }

    /// A number that grows with every change to any network; what it was when the receiver was made counts as
    /// seen. What other servers on the same store change shows as long as the store's feed is followed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The sources from which the security groups of those ids let connections to a TCP port in, as they are
    /// now. A rule by group stands for the addresses of the network interfaces in that group. Groups that do
    /// not exist let nobody in, and nobody at all is let in where EC2 has never been used.
    ///
    /// For the program's own use: nobody's permission is asked for.
    pub async fn allowed_sources(
        &self,
        account: AccountId,
        region: Region,
        groups: &[String],
        port: u16,
    ) -> Result<Vec<IpNet>, SourcesError> {
        let found = self.find(&Home { account, region }).await;
        let network = found.map_err(|refusal| SourcesError(refusal.into_cause()))?;
        Ok(network.map_or_else(Vec::new, |network| sources::allowed(&network, groups, port)))
    }

    /// The settings.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The caller's network, for an operation that only reads it, once permission to do `A` is given.
    pub(crate) async fn read<A: Action>(
        &self,
        context: &RequestContext,
        dry_run: Option<bool>,
        targets: &[Target<'_>],
    ) -> Result<Arc<Network>, Refusal> {
        let home = Home { account: context.account(), region: context.region };
        let known = self.find(&home).await?;
        self.permit::<A>(context, &home, known.as_deref(), targets)?;
        if dry_run == Some(true) {
            return Err(Refusal::DryRun);
        }
        match known {
            Some(network) => Ok(network),
            None => self.find_or_make(&home).await,
        }
    }

    /// Permission to do `A`, for an operation that needs no network.
    pub(crate) fn allow<A: Action>(
        &self,
        context: &RequestContext,
        dry_run: Option<bool>,
    ) -> Result<(), Refusal> {
        let home = Home { account: context.account(), region: context.region };
        self.permit::<A>(context, &home, None, &[Target::All])?;
        if dry_run == Some(true) { Err(Refusal::DryRun) } else { Ok(()) }
    }

    /// Changes the caller's network. Permission to do `A` is asked for in the transaction that the change
    /// commits in; `act` may run more than once, on another state each time. A dry run goes as far as to act,
    /// and changes nothing.
    pub(crate) async fn change<A: Action, T: Send>(
        &self,
        context: &RequestContext,
        dry_run: Option<bool>,
        targets: &[Target<'_>],
        act: impl Fn(&mut Edit) -> Result<T, Refusal> + Send + Sync,
    ) -> Result<(T, Arc<Network>), Refusal> {
        let home = &Home { account: context.account(), region: context.region };
        let known = self.find(home).await?;
        self.permit::<A>(context, home, known.as_deref(), targets)?;
        if known.is_none() {
            self.make(home).await?;
        }
        let act = &act;
        let changed = self.db.transaction(|tx| {
            Box::pin(async move {
                let root = repo::load_root(tx, &self.mac, home).await?;
                let root = root.ok_or_else(|| Refusal::internal("a network that was made is gone"))?;
                let network = match self.kept_at(&root) {
                    Some(network) => Network::clone(&network),
                    None => repo::load_resources(tx, &self.mac, &root).await?,
                };
                self.permit::<A>(context, home, Some(&network), targets)?;
                let mut edit = Edit::new(network);
                let answer = act(&mut edit)?;
                if dry_run == Some(true) {
                    return Err(Refusal::DryRun);
                }
                let (network, changed) = edit.finish(root.version + 1);
                repo::replace(tx, &self.mac, &network, &changed, root.version).await?;
                repo::post(tx, context.draft()).await?;
                Ok((answer, Arc::new(network)))
            })
        });
        let (answer, network) = changed.await?;
        self.keep(&network);
        self.tell_of_change();
        Ok((answer, network))
    }

    /// Permission to do `A` to all of the targets, as far as the network is known.
    fn permit<A: Action>(
        &self,
        context: &RequestContext,
        home: &Home,
        network: Option<&Network>,
        targets: &[Target<'_>],
    ) -> Result<(), Refusal> {
        for target in targets {
            let (kind, id) = target.resolve(network);
            let arn = match (kind, id) {
                (Some(kind), Some(id)) => named(context, home, kind, id),
                (Some(kind), None) => home.arn(kind, "*"),
                (None, _) => "*".to_owned(),
            };
            let known = network.zip(id);
            let tags = known.and_then(|(network, id)| network.tags(id));
            let vpc = known.and_then(|(network, id)| network.vpc_of(id)).map(|id| home.arn(Kind::Vpc, id));
            let protected = Protected { account: home.account, arn, tags, vpc };
            let protected = self.authority.authorize::<A, _>(context, protected)?.into_resource();
            if let Target::Tagged(_) = target {
                self.permit_tags::<A>(context, protected)?;
            }
        }
        Ok(())
    }

    /// Permission to tag what `A` makes.
    fn permit_tags<A: Action>(&self, context: &RequestContext, made: Protected<'_>) -> Result<(), Refusal> {
        let asked = context.asked();
        let by = A::NAME.strip_prefix("ec2:").unwrap_or(A::NAME);
        context.ask(ConditionKeys::clone(&asked).with(CREATE_ACTION, by));
        let answer = self.authority.authorize::<actions::CreateTags, _>(context, made);
        context.ask(ConditionKeys::clone(&asked));
        Ok(answer.map(drop)?)
    }

    /// The network, which comes into being when EC2 is first used.
    async fn find_or_make(&self, home: &Home) -> Result<Arc<Network>, Refusal> {
        if let Some(network) = self.find(home).await? {
            return Ok(network);
        }
        self.make(home).await?;
        self.find(home).await?.ok_or_else(|| Refusal::internal("a network that was made is gone"))
    }

    async fn find(&self, home: &Home) -> Result<Option<Arc<Network>>, Refusal> {
        for _ in 0..ATTEMPTS {
            let Some(root) = repo::find_root(&self.db, &self.mac, home).await? else { return Ok(None) };
            if let Some(network) = self.kept_at(&root) {
                return Ok(Some(network));
            }
            let network = repo::find_resources(&self.db, &self.mac, &root).await?;
            let after = repo::find_root(&self.db, &self.mac, home).await?;
            if after.is_some_and(|after| after.version == root.version) {
                let network = Arc::new(network);
                self.keep(&network);
                return Ok(Some(network));
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Makes a network with its default VPC, unless another call is faster. Nobody asked for it, so it has no
    /// record of its own.
    async fn make(&self, home: &Home) -> Result<(), Refusal> {
        let root = &Root { home: *home, version: 1, dhcp_options_id: new_id("dopt-")? };
        let made = self.db.transaction(|tx| {
            Box::pin(async move {
                if !repo::insert_root(tx, &self.mac, root).await? {
                    return Ok(());
                }
                let empty = Network::new(root.home, root.version, root.dhcp_options_id.clone(), []);
                let mut edit = Edit::new(empty);
                Vpc::create_default(&mut edit, self.settings.default_vpc)?;
                let (network, changed) = edit.finish(root.version);
                repo::write(tx, &self.mac, &network, &changed).await?;
                Ok::<_, Refusal>(())
            })
        });
        made.await
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Home, Arc<Network>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is in memory of the network at that very version. The options' id tells networks from before a
    /// reset from those after it.
    fn kept_at(&self, root: &Root) -> Option<Arc<Network>> {
        let is_it = |network: &&Arc<Network>| {
            network.version == root.version && network.dhcp_options_id == root.dhcp_options_id
        };
        self.kept().get(&root.home).filter(is_it).cloned()
    }

    /// Keeps a network in memory, unless a later version is there.
    fn keep(&self, network: &Arc<Network>) {
        let mut kept = self.kept();
        if kept.get(&network.home).is_some_and(|known| known.version > network.version) {
            return;
        }
        if kept.len() >= KEPT && !kept.contains_key(&network.home) {
            kept.clear();
        }
        kept.insert(network.home, network.clone());
    }

    fn tell_of_change(&self) {
        self.changes.send_modify(|number| *number += 1);
    }
}

/// The ARN of a resource that a call names or makes; the record shows it too.
pub(crate) fn named(context: &RequestContext, home: &Home, kind: Kind, id: &str) -> String {
    let arn = home.arn(kind, id);
    context.touched(kind.cloudformation(), home.account, arn.clone());
    arn
}
