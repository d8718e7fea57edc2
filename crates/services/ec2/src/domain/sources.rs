//! Who may connect: what the rules of security groups come to, in addresses.

use ipnet::{IpNet, Ipv4Net};

use super::group::Group;
use super::network::Network;
use super::rule::Peer;

/// The sources that the groups' rules let in to a TCP port. A rule by group stands for the addresses of the
/// interfaces that are in that group now. Groups that do not exist let nobody in. What is in another block
/// is left out, and neighbours become one.
pub(crate) fn allowed(network: &Network, groups: &[String], port: u16) -> Vec<IpNet> {
    let groups = groups.iter().filter_map(|id| network.find_group(id));
    let rules = groups.flat_map(Group::rules);
    let mut sources = Vec::new();
    for rule in rules.filter(|rule| !rule.egress && rule.traffic.covers_tcp(port)) {
        match &rule.peer {
            Peer::V4(net) => sources.push(IpNet::V4(*net)),
            Peer::V6(net) => sources.push(IpNet::V6(*net)),
            Peer::Group(id) => {
                let members = network.interfaces().filter(|member| member.groups.contains(id));
                let addresses = members.flat_map(|member| &member.addresses);
                sources.extend(addresses.map(|address| IpNet::V4(Ipv4Net::from(*address))));
            }
        }
    }
    IpNet::aggregate(&sources)
}
