//! Everything that an account has of IAM, in memory: what operations read, and what they change.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_identity::{AccountId, PARTITION};

use super::aws_policies::AwsPolicy;
use super::group::Group;
use super::kind::Kind;
use super::mfa::Device;
use super::password::PasswordPolicy;
use super::policy::Policy;
use super::provider::Provider;
use super::role::Role;
use super::settings::{self, Settings};
use super::tags::Tags;
use super::user::User;
use crate::error::Refusal;

/// One entity, as the store keeps it. What has no life of its own (an access key's state, an inline policy) is
/// kept in what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Entry {
    User(User),
    Group(Group),
    Role(Role),
    Policy(Policy),
    Device(Device),
    Provider(Provider),
    Settings(Settings),
}

impl Entry {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::User(user) => &user.id,
            Self::Group(group) => &group.id,
            Self::Role(role) => &role.id,
            Self::Policy(policy) => &policy.id,
            Self::Device(device) => &device.id,
            Self::Provider(provider) => &provider.id,
            Self::Settings(_) => settings::ID,
        }
    }

    /// Kind, path and name.
    fn name(&self) -> Option<(Kind, &str, &str)> {
        match self {
            Self::User(user) => Some((Kind::User, &user.path, &user.name)),
            Self::Group(group) => Some((Kind::Group, &group.path, &group.name)),
            Self::Role(role) => Some((Kind::Role, &role.path, &role.name)),
            Self::Policy(policy) => Some((Kind::Policy, &policy.path, &policy.name)),
            Self::Device(device) => Some((Kind::Mfa, &device.path, &device.name)),
            Self::Provider(provider) => Some((Kind::Oidc, "/", &provider.url)),
            Self::Settings(_) => None,
        }
    }

    /// Its ARN; settings have none.
    pub(crate) fn arn(&self, account: AccountId) -> String {
        self.name().map(|(kind, path, name)| kind.arn(account, path, name)).unwrap_or_default()
    }

    pub(crate) fn tags(&self) -> Option<&Tags> {
        match self {
            Self::User(user) => Some(&user.tags),
            Self::Role(role) => Some(&role.tags),
            Self::Policy(policy) => Some(&policy.tags),
            Self::Device(device) => Some(&device.tags),
            Self::Provider(provider) => Some(&provider.tags),
            Self::Group(_) | Self::Settings(_) => None,
        }
    }

    /// The path of what has one.
    pub(crate) fn path(&self) -> Option<&str> {
        self.name().map(|(_, path, _)| path)
    }

    /// The ARN of the policy that bounds a user or role.
    pub(crate) fn boundary(&self) -> Option<&str> {
        match self {
            Self::User(user) => user.boundary.as_deref(),
            Self::Role(role) => role.boundary.as_deref(),
            Self::Group(_) | Self::Policy(_) | Self::Device(_) | Self::Provider(_) | Self::Settings(_) => {
                None
            }
        }
    }

    /// Under what it is found: names differ in more than case, those of devices together with their paths.
    fn key(&self) -> Option<Key> {
        self.name().map(|(kind, path, name)| key(kind, path, name))
    }
}

/// A kind and a name in lower case; of providers, whose names are URLs, in the case that they have.
type Key = (Kind, String);

fn key(kind: Kind, path: &str, name: &str) -> Key {
    let path = if kind == Kind::Mfa { path } else { "" };
    let name = format!("{path}{name}");
    (kind, if kind == Kind::Oidc { name } else { name.to_lowercase() })
}

/// All entities of an account at one version. Clones share the entities.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    pub(crate) account: AccountId,
    /// 0 where there has never been an entity.
    pub(crate) version: i64,
    /// Tells directories from before a reset from those after it.
    pub(crate) nonce: String,
    entries: BTreeMap<String, Arc<Entry>>,
    /// Ids by name.
    names: BTreeMap<Key, String>,
    /// The MACs of the entities' rows, by id.
    pub(crate) macs: BTreeMap<String, Vec<u8>>,
}

impl Directory {
    pub(crate) fn new(
        account: AccountId,
        version: i64,
        nonce: String,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Self {
        let (entries_by_id, names, macs) = Default::default();
        let mut directory = Self { account, version, nonce, entries: entries_by_id, names, macs };
        for entry in entries {
            directory.insert(entry);
        }
        directory
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        self.remove(entry.id());
        if let Some(key) = entry.key() {
            self.names.insert(key, entry.id().to_owned());
        }
        self.entries.insert(entry.id().to_owned(), Arc::new(entry));
    }

    pub(super) fn remove(&mut self, id: &str) {
        if let Some(key) = self.entries.remove(id).and_then(|entry| entry.key()) {
            self.names.remove(&key);
        }
    }

    /// All entities.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }

    /// The entity of that id, as it is stored.
    pub(crate) fn entry(&self, id: &str) -> Option<&Arc<Entry>> {
        self.entries.get(id)
    }

    /// The ARN of the entity of that id.
    pub(crate) fn arn_of(&self, id: &str) -> Option<String> {
        self.entries.get(id).map(|entry| entry.arn(self.account))
    }

    /// All entities of a kind, in the order of their names in lower case.
    pub(crate) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Entry> {
        let names =
            self.names.range((kind, String::new())..).take_while(move |((found, _), _)| *found == kind);
        names.filter_map(|(_, id)| self.entries.get(id).map(|entry| &**entry))
    }

    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.of_kind(kind).count()
    }

    pub(crate) fn users(&self) -> impl Iterator<Item = &User> {
        self.of_kind(Kind::User)
            .filter_map(|entry| if let Entry::User(user) = entry { Some(user) } else { None })
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.of_kind(Kind::Group)
            .filter_map(|entry| if let Entry::Group(group) = entry { Some(group) } else { None })
    }

    pub(crate) fn roles(&self) -> impl Iterator<Item = &Role> {
        self.of_kind(Kind::Role)
            .filter_map(|entry| if let Entry::Role(role) = entry { Some(role) } else { None })
    }

    pub(crate) fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.of_kind(Kind::Policy)
            .filter_map(|entry| if let Entry::Policy(policy) = entry { Some(policy) } else { None })
    }

    pub(crate) fn devices(&self) -> impl Iterator<Item = &Device> {
        self.of_kind(Kind::Mfa)
            .filter_map(|entry| if let Entry::Device(device) = entry { Some(device) } else { None })
    }

    /// Whether a name is taken, in whatever case.
    pub(crate) fn is_taken(&self, kind: Kind, path: &str, name: &str) -> bool {
        self.names.contains_key(&key(kind, path, name))
    }

    /// The entity of that very name; of a device, path and name.
    pub(crate) fn find(&self, kind: Kind, name: &str) -> Option<&Arc<Entry>> {
        let id = self.names.get(&key(kind, "", name))?;
        let found = self.entries.get(id)?;
        let (_, path, own) = found.name()?;
        let is_it = if kind == Kind::Mfa { name.strip_prefix(path) == Some(own) } else { name == own };
        is_it.then_some(found)
    }

    /// The user of that name, or AWS's refusal; so are the next ones.
    pub(crate) fn user(&self, name: &str) -> Result<&User, Refusal> {
        match self.find(Kind::User, name).map(|entry| &**entry) {
            Some(Entry::User(user)) => Ok(user),
            _ => Err(Kind::User.not_found(name)),
        }
    }

    pub(crate) fn group(&self, name: &str) -> Result<&Group, Refusal> {
        match self.find(Kind::Group, name).map(|entry| &**entry) {
            Some(Entry::Group(group)) => Ok(group),
            _ => Err(Kind::Group.not_found(name)),
        }
    }

    pub(crate) fn role(&self, name: &str) -> Result<&Role, Refusal> {
        match self.find(Kind::Role, name).map(|entry| &**entry) {
            Some(Entry::Role(role)) => Ok(role),
            _ => Err(Kind::Role.not_found(name)),
        }
    }

    /// The customer managed policy of that ARN.
    pub(crate) fn policy(&self, arn: &str) -> Result<&Policy, Refusal> {
        check_policy_arn(arn)?;
        let name = arn.rsplit('/').next().unwrap_or_default();
        match self.find(Kind::Policy, name).map(|entry| &**entry) {
            Some(entry @ Entry::Policy(policy)) if entry.arn(self.account) == arn => Ok(policy),
            _ => Err(Kind::Policy.not_found(arn)),
        }
    }

    /// The virtual device of that serial number, which is an ARN.
    pub(crate) fn device(&self, serial: &str) -> Result<&Device, Refusal> {
        let name = serial.strip_prefix(&Kind::Mfa.arn(self.account, "", ""));
        match name.and_then(|name| self.find(Kind::Mfa, name)).map(|entry| &**entry) {
            Some(Entry::Device(device)) => Ok(device),
            _ => Err(Kind::Mfa.not_found(serial)),
        }
    }

    /// The provider of identities of that ARN.
    pub(crate) fn provider(&self, arn: &str) -> Result<&Provider, Refusal> {
        let url = arn.strip_prefix(&Kind::Oidc.arn(self.account, "/", ""));
        match url.and_then(|url| self.find(Kind::Oidc, url)).map(|entry| &**entry) {
            Some(Entry::Provider(provider)) => Ok(provider),
            _ => Err(Kind::Oidc.not_found(arn)),
        }
    }

    /// The user of that id.
    pub(crate) fn user_of_id(&self, id: &str) -> Option<&User> {
        match self.entries.get(id).map(|entry| &**entry) {
            Some(Entry::User(user)) => Some(user),
            _ => None,
        }
    }

    /// The role of that id.
    pub(crate) fn role_of_id(&self, id: &str) -> Option<&Role> {
        match self.entries.get(id).map(|entry| &**entry) {
            Some(Entry::Role(role)) => Some(role),
            _ => None,
        }
    }

    /// Whose access key that is.
    pub(crate) fn owner_of_key(&self, access_key_id: &str) -> Option<&User> {
        self.users().find(|user| user.access_keys.iter().any(|key| key.id == access_key_id))
    }

    /// The members of a group, by name.
    pub(crate) fn members<'d>(&'d self, group: &'d Group) -> impl Iterator<Item = &'d User> {
        self.users().filter(|user| user.groups.contains(&group.id))
    }

    /// The groups of a user, by name.
    pub(crate) fn groups_of<'d>(&'d self, user: &'d User) -> impl Iterator<Item = &'d Group> {
        self.groups().filter(|group| user.groups.contains(&group.id))
    }

    /// The devices of the user of that id, or of the root user.
    pub(crate) fn devices_of<'d>(&'d self, id: &'d str) -> impl Iterator<Item = &'d Device> {
        self.devices().filter(move |device| device.enabled.as_ref().is_some_and(|enabled| enabled.user == id))
    }

    /// Refuses a managed policy that cannot be attached.
    pub(crate) fn expect_attachable(&self, arn: &str) -> Result<(), Refusal> {
        check_policy_arn(arn)?;
        if self.is_attachable(arn) {
            return Ok(());
        }
        if AwsPolicy::find(arn).is_some() {
            return Err(Refusal::not_attachable());
        }
        Err(Refusal::no_such(format!("Policy {arn} does not exist or is not attachable.")))
    }

    /// Refuses a managed policy that cannot bound anybody.
    pub(crate) fn expect_bounding(&self, arn: &str) -> Result<(), Refusal> {
        check_policy_arn(arn)?;
        if self.is_attachable(arn) {
            return Ok(());
        }
        Err(Refusal::no_such(format!("Scope ARN: {arn} does not exist or is not attachable.")))
    }

    fn is_attachable(&self, arn: &str) -> bool {
        AwsPolicy::find(arn).is_some_and(AwsPolicy::is_attachable) || self.policy(arn).is_ok()
    }

    /// The text that counts of a managed policy, AWS's or the account's, if it is there.
    pub(crate) fn managed_text(&self, arn: &str) -> Option<&str> {
        match AwsPolicy::find(arn) {
            Some(policy) => Some(policy.text),
            None => self.policy(arn).ok().and_then(Policy::default_text),
        }
    }

    /// What the account has one of.
    pub(crate) fn settings(&self) -> Settings {
        self.kept_settings().cloned().unwrap_or_default()
    }

    fn kept_settings(&self) -> Option<&Settings> {
        match self.entries.get(settings::ID).map(|entry| &**entry) {
            Some(Entry::Settings(settings)) => Some(settings),
            _ => None,
        }
    }

    /// Whether an access key of the root user counts: one that it was given, or has made.
    pub(crate) fn lets_root(&self, access_key_id: &str, is_given: bool) -> bool {
        let root = self.kept_settings().map(|settings| &settings.root);
        if is_given {
            root.is_none_or(|root| root.lets_given(access_key_id))
        } else {
            root.is_some_and(|root| root.has_active(access_key_id))
        }
    }

    /// The account's policy on passwords, if it has one.
    pub(crate) fn password_policy(&self) -> Option<PasswordPolicy> {
        self.settings().password_policy
    }
}

/// Refuses what is not of the form of a managed policy's ARN.
pub(crate) fn check_policy_arn(arn: &str) -> Result<(), Refusal> {
    let mut fields = arn.splitn(6, ':');
    let head = [(); 5].map(|()| fields.next().unwrap_or_default());
    let resource = fields.next().unwrap_or_default();
    let [scheme, partition, service, region, account] = head;
    if scheme == "arn" && !partition.is_empty() && partition != PARTITION {
        return Err(Refusal::Validation("Invalid ARN partition".to_owned()));
    }
    let is_account = account == "aws" || account.parse::<AccountId>().is_ok();
    let is_policy = resource.strip_prefix("policy/").is_some_and(|name| !name.is_empty());
    if scheme == "arn" && service == "iam" && region.is_empty() && is_account && is_policy {
        return Ok(());
    }
    Err(Refusal::invalid_input(format!("ARN {arn} is not valid.")))
}
