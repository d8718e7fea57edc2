//! What only the HSMs of a cluster know: quorums, administrators, trusted keys.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;
use strongroom_hsm_client::limits::Timeouts;
use strongroom_hsm_client::{Cluster as Client, DEFAULT_PORT, KnownServer, LoginStep, Options, Server, tls};
use strongroom_hsm_proto::command::{
    self, AttributeName, AttributeValue, Command, KeyDescription, ListQuorumValues, ListUsers, QuorumValues,
    Role,
};

use super::checks::{HSM_MFA, HSM_QUORUM, HSM_TRUSTED};
use super::hsm_access::{HsmAccess, Known};
use super::outcome::Tally;
use super::site::{Site, text};
use crate::hsm_keys;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Looks into the HSMs of a cluster, if they may be asked.
pub(super) fn examine(site: &Site, region: &str, cluster: &Value, tally: &mut Tally) {
    let about = format!("the HSMs of {}", text(cluster, "ClusterId"));
    match &site.hsms {
        HsmAccess::LeftOut => {}
        HsmAccess::Unknown => {
            let why = "not looked at: name the authority of the cluster's certificate with --hsm-ca-cert, and an \
                       administrator with CLOUDHSM_PIN, or leave the HSMs out with --without-hsms";
            tally.not_asked(Some(region), &about, &why);
        }
        HsmAccess::Known(known) => {
            if let Err(error) = look(site, region, cluster, known, tally) {
                tally.not_asked(Some(region), &about, &format!("{error:#}"));
            }
        }
    }
}

fn look(site: &Site, region: &str, cluster: &Value, known: &Known, tally: &mut Tally) -> Result<()> {
    let id = text(cluster, "ClusterId");
    let mut client = client(site, cluster, &known.authority)?;
    let Some(command::Result::QuorumValues(values)) =
        client.call(Command::ListQuorumValues(ListQuorumValues {}))?.result
    else {
        bail!("the HSM answers ListQuorumValues with something else");
    };
    tally.examined(HSM_QUORUM, Some(region), id, without_quorum(&values));
    let Some(administrator) = &known.administrator else {
        bail!("users and keys were not looked at: name an administrator with CLOUDHSM_PIN");
    };
    if !matches!(client.login(administrator.clone())?, LoginStep::Done) {
        bail!("`{}` has a second factor, which the report cannot show", administrator.username);
    }
    let looked = users(region, id, &mut client, tally);
    client.logout()?;
    looked
}

/// What administrators and crypto users have.
fn users(region: &str, id: &str, client: &mut Client, tally: &mut Tally) -> Result<()> {
    let Some(command::Result::Users(list)) = client.call(Command::ListUsers(ListUsers {}))?.result else {
        bail!("the HSM answers ListUsers with something else");
    };
    let mut trusted: BTreeMap<String, usize> = BTreeMap::new();
    hsm_keys::each(client, |key| {
        if is_trusted(&key) {
            for username in key.shared_with.into_iter().chain([key.owner]) {
                *trusted.entry(username.to_lowercase()).or_default() += 1;
            }
        }
    })?;
    for user in &list.users {
        let name = format!("{id} ({})", user.username);
        match user.role() {
            Role::Admin => {
                let found = (!user.mfa).then(|| "logs in with a password alone".to_owned());
                tally.examined(HSM_MFA, Some(region), &name, found);
            }
            Role::CryptoUser => {
                let found = trusted.get(&user.username).map(|keys| match keys {
                    1 => "may use 1 trusted key".to_owned(),
                    keys => format!("may use {keys} trusted keys"),
                });
                tally.examined(HSM_TRUSTED, Some(region), &name, found);
            }
            _ => {}
        }
    }
    Ok(())
}

/// The services of administrators for which one is enough.
fn without_quorum(values: &QuorumValues) -> Option<String> {
    let services = [("user", values.user), ("quorum", values.quorum)];
    let alone: Vec<_> = services.iter().filter(|(_, value)| *value < 2).map(|(name, _)| *name).collect();
    (!alone.is_empty()).then(|| format!("one administrator alone may act: {}", alone.join(", ")))
}

fn is_trusted(key: &KeyDescription) -> bool {
    let mut attributes = key.attributes.iter().flat_map(|template| &template.attributes);
    attributes.any(|attribute| {
        attribute.name() == AttributeName::Trusted
            && matches!(attribute.value, Some(AttributeValue::Flag(true)))
    })
}

/// A client of the cluster's active HSMs.
fn client(site: &Site, cluster: &Value, authority: &str) -> Result<Client> {
    let hsms = cluster["Hsms"].as_array().map_or(&[][..], Vec::as_slice);
    let addresses = hsms.iter().filter(|hsm| text(hsm, "State") == "ACTIVE").map(|hsm| text(hsm, "EniIp"));
    let servers = addresses.filter(|address| !address.is_empty()).map(|address| KnownServer {
        server: Server { host: address.to_owned(), port: DEFAULT_PORT },
        learned: false,
    });
    let servers: Vec<_> = servers.collect();
    if servers.is_empty() {
        bail!("none of them is active");
    }
    let mut options = Options::new(servers, tls(authority, None)?);
    options.cluster_id = Some(text(cluster, "ClusterId").to_owned());
    options.client_name = String::from(concat!("strongroom audit report ", env!("CARGO_PKG_VERSION")));
    options.timeouts = Timeouts::within(PATIENCE);
    Ok(Client::new(options, site.clocks.clone())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quorum_is_two_or_more() {
        let of = |user, quorum| without_quorum(&QuorumValues { user, quorum, cluster: 1 });
        assert_eq!(of(2, 2), None);
        assert_eq!(of(2, 1).as_deref(), Some("one administrator alone may act: quorum"));
        assert_eq!(of(1, 0).as_deref(), Some("one administrator alone may act: user, quorum"));
    }
}
