//! Users, inside the HSMs.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use strongroom_hsm_client::{
    ClientError, Cluster as Client, Credentials, DEFAULT_PORT, KnownServer, LoginStep, Options, Server, tls,
};
use strongroom_hsm_proto::command::{
    self, Activate, AttributeName, AttributeValue, ChangePassword, Command, CreateUser, FailureCode, HsmInfo,
    KeyDescription, ListUsers, Reply, Role,
};

use super::cluster::Cluster;
use super::password::Password;
use super::site::{PATIENCE_MS, Seen, Site};
use crate::hsm_keys;

/// The administrator that every cluster begins with.
pub(crate) const ADMIN: &str = "admin";
/// The crypto user that KMS logs in as.
pub(crate) const KMSUSER: &str = "kmsuser";

/// An administrator, logged in.
pub(crate) struct Users {
    client: Client,
    usernames: Vec<String>,
}

/// A client of a cluster's HSMs that nobody is logged in with, when one of them answers. `authority` is the trust anchor.
pub(crate) fn client(site: &Site, cluster: &Cluster, authority: &str) -> Result<Client> {
    client_within(site, cluster, authority, PATIENCE_MS)
}

/// The same, with a patience of one's own, in milliseconds.
pub(crate) fn client_within(
    site: &Site,
    cluster: &Cluster,
    authority: &str,
    patience_ms: i64,
) -> Result<Client> {
    let address = |host: &String| Server { host: host.clone(), port: DEFAULT_PORT };
    let servers = cluster.active().filter_map(|hsm| hsm.eni_ip.as_ref()).map(address);
    let servers = servers.map(|server| KnownServer { server, learned: false }).collect();
    let mut options = Options::new(servers, tls(authority, None)?);
    options.cluster_id = Some(cluster.id.clone());
    options.client_name = String::from(concat!("strongroom up ", env!("CARGO_PKG_VERSION")));
    let mut client = Client::new(options, site.clocks.clone())?;
    // A server that has just started shows its HSMs as they were when it stopped.
    site.wait_within(patience_ms, &format!("an HSM of {} that answers", cluster.id), || {
        match client.call(Command::HsmInfo(HsmInfo {})) {
            Ok(_) => Ok(Seen::Reached(())),
            Err(error @ (ClientError::Unreachable(_) | ClientError::DeadlineExceeded(_))) => {
                Ok(Seen::NotYet(format!("not there: {error}")))
            }
            Err(error) => Err(error.into()),
        }
    })?;
    Ok(client)
}

/// Sets the administrator's password, unless that has happened; answers whether it was set now.
pub(crate) fn activate(client: &mut Client, password: &Password) -> Result<bool> {
    let activate = Activate { password: password.expose().to_owned() };
    match client.call(Command::Activate(activate)) {
        Ok(_) => Ok(true),
        Err(error) if error.code() == Some(FailureCode::WrongState) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl Users {
    /// Logs in as the administrator. A refusal is not repeated: several lock the user. `state` is the file that the
    /// password comes from.
    pub(crate) fn log_in(mut client: Client, password: &Password, state: &Path) -> Result<Self> {
        let step = client.login(credentials(ADMIN, Role::Admin, password)).map_err(|error| match error.code() {
            Some(FailureCode::LoginFailed | FailureCode::Locked) => anyhow!(
                "the HSMs do not take the password of `{ADMIN}` that is kept in {}: {error}; if it was changed, write \
                 the new one there as admin_password",
                state.display()
            ),
            _ => error.into(),
        })?;
        if !matches!(step, LoginStep::Done) {
            bail!("`{ADMIN}` has a second factor, and `strongroom up` has not: deregister it");
        }
        let mut users = Self { client, usernames: Vec::new() };
        let Reply { result: Some(command::Result::Users(list)) } =
            users.call(Command::ListUsers(ListUsers {}))?
        else {
            bail!("the HSM answers ListUsers with something else");
        };
        let crypto_users = list.users.iter().filter(|user| user.role() == Role::CryptoUser);
        users.usernames = crypto_users.map(|user| user.username.to_lowercase()).collect();
        Ok(users)
    }

    /// Whether there is a crypto user of that name.
    pub(crate) fn has(&self, username: &str) -> bool {
        self.usernames.contains(&username.to_lowercase())
    }

    /// Makes a crypto user.
    pub(crate) fn create(&mut self, username: &str, password: &Password) -> Result<()> {
        let create = CreateUser {
            username: username.to_owned(),
            role: Role::CryptoUser.into(),
            password: password.expose().to_owned(),
        };
        self.call(Command::CreateUser(create))
            .with_context(|| format!("making the crypto user `{username}`"))?;
        self.usernames.push(username.to_lowercase());
        Ok(())
    }

    /// Gives a crypto user another password, which also unlocks it.
    pub(crate) fn change_password(&mut self, username: &str, password: &Password) -> Result<()> {
        let change = ChangePassword {
            username: username.to_owned(),
            role: Role::CryptoUser.into(),
            password: password.expose().to_owned(),
            deregister_mfa: false,
            deregister_quorum: false,
        };
        self.call(Command::ChangePassword(change))
            .with_context(|| format!("changing the password of the crypto user `{username}`"))?;
        Ok(())
    }

    /// Who owns keys in the HSMs, and how many. Those that KMS made are left out.
    pub(crate) fn owners_of_keys(&mut self) -> Result<BTreeMap<String, u64>> {
        let mut owners = BTreeMap::new();
        hsm_keys::each(&mut self.client, |key| {
            if !is_of_kms(&key) {
                *owners.entry(key.owner).or_default() += 1;
            }
        })?;
        Ok(owners)
    }

    fn call(&mut self, command: Command) -> Result<Reply, ClientError> {
        self.client.call(command)
    }
}

/// Whether the HSMs take the crypto user's password.
pub(crate) fn takes(mut client: Client, username: &str, password: &Password) -> Result<bool> {
    match client.login(credentials(username, Role::CryptoUser, password)) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.code(), Some(FailureCode::LoginFailed | FailureCode::Locked)) => {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether KMS made a key: it labels its own with the ARN of the KMS key.
fn is_of_kms(key: &KeyDescription) -> bool {
    let attributes = key.attributes.iter().flat_map(|template| &template.attributes);
    let mut labels = attributes.filter(|one| one.name() == AttributeName::Label);
    let is_arn =
        |value: &AttributeValue| matches!(value, AttributeValue::Bytes(label) if label.starts_with(b"arn:"));
    key.owner == KMSUSER && labels.any(|label| label.value.as_ref().is_some_and(is_arn))
}

fn credentials(username: &str, role: Role, password: &Password) -> Credentials {
    Credentials { username: username.to_owned(), role, password: password.secret() }
}
