//! Rules of security groups (VPC User Guide, "Security group rules").

use std::fmt;

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use super::id::Kind;
use super::tags::Tags;
use crate::error::Refusal;

/// Stands for all protocols, all ports and all ICMP types.
pub(crate) const ALL: i32 = -1;

/// Characters of a description, and which (EC2 API Reference, "IpRange").
const LONGEST_DESCRIPTION: usize = 255;
pub(crate) const DESCRIPTION_SIGNS: &str = " ._-:/()#,@[]+=&;{}!$*";

/// A rule: traffic of that kind is let in from, or out to, a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) egress: bool,
    pub(crate) traffic: Traffic,
    pub(crate) peer: Peer,
    pub(crate) description: Option<String>,
    pub(crate) tags: Tags,
}

/// A protocol and its ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Traffic {
    pub(crate) protocol: Protocol,
    /// The first port, or the ICMP type; [`ALL`] for all, and where the protocol has none.
    pub(crate) from: i32,
    /// The last port, or the ICMP code.
    pub(crate) to: i32,
}

/// An IP protocol by its number, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Protocol(i32);

/// Where traffic comes from or goes to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Peer {
    V4(Ipv4Net),
    V6(Ipv6Net),
    /// The interfaces in the security group of that id.
    Group(String),
}

impl Protocol {
    pub(crate) const ALL: Self = Self(ALL);
    pub(crate) const TCP: Self = Self(6);
    const UDP: Self = Self(17);
    const ICMP: Self = Self(1);
    const ICMP_V6: Self = Self(58);

    /// The protocols that have names.
    const NAMES: &[(&str, Self)] =
        &[("tcp", Self::TCP), ("udp", Self::UDP), ("icmp", Self::ICMP), ("icmpv6", Self::ICMP_V6)];

    /// Reads `IpProtocol`: a name, a number, or -1.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let lower = text.to_ascii_lowercase();
        if let Some((_, protocol)) = Self::NAMES.iter().find(|(name, _)| *name == lower) {
            return Ok(*protocol);
        }
        match text.parse::<i32>() {
            Ok(number) if (ALL..=255).contains(&number) => Ok(Self(number)),
            _ => Err(Refusal::invalid_value(format!(
                "Invalid value '{text}' for IP protocol. Unknown protocol."
            ))),
        }
    }

    fn has_ports(self) -> bool {
        matches!(self, Self::TCP | Self::UDP)
    }

    fn has_types(self) -> bool {
        matches!(self, Self::ICMP | Self::ICMP_V6)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(_, protocol)| protocol == self) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

impl Traffic {
    pub(crate) const EVERYTHING: Self = Self { protocol: Protocol::ALL, from: ALL, to: ALL };

    /// Reads protocol and ports.
    pub(crate) fn parse(protocol: &str, from: Option<i32>, to: Option<i32>) -> Result<Self, Refusal> {
        let protocol = Protocol::parse(protocol)?;
        let missing = |names: &str| {
            Refusal::invalid_value(format!(
                "Invalid value 'Must specify both from and to ports with {names}.' for portRange."
            ))
        };
        let malformed = |text: String| Refusal::client("InvalidPermission.Malformed", text);
        let (from, to) = match (from, to) {
            (Some(from), Some(to)) if protocol.has_ports() => {
                for port in [from, to] {
                    if !(0..=65_535).contains(&port) {
                        return Err(malformed(format!("TCP/UDP port ({port}) out of range")));
                    }
                }
                if from > to {
                    return Err(Refusal::invalid_value(format!("Invalid TCP/UDP port range ({from}:{to})")));
                }
                (from, to)
            }
            _ if protocol.has_ports() => return Err(missing("TCP/UDP")),
            (Some(kind), Some(code)) if protocol.has_types() => {
                if !(ALL..=255).contains(&kind) {
                    return Err(malformed(format!("ICMP type ({kind}) out of range")));
                }
                if !(ALL..=255).contains(&code) || kind == ALL && code != ALL {
                    return Err(malformed(format!("ICMP code ({code}) out of range")));
                }
                (kind, code)
            }
            _ if protocol == Protocol::ICMP => return Err(missing("ICMP")),
            // Of other protocols AWS ignores the ports.
            _ => (ALL, ALL),
        };
        Ok(Self { protocol, from, to })
    }

    /// Whether connections to that TCP port are meant.
    pub(crate) fn covers_tcp(&self, port: u16) -> bool {
        let port = i32::from(port);
        match self.protocol {
            Protocol::ALL => true,
            Protocol::TCP => self.from <= port && port <= self.to,
            _ => false,
        }
    }

    /// First and last port as a permission shows them, which leaves them out where there are none.
    pub(crate) fn shown_ports(&self) -> (Option<i32>, Option<i32>) {
        if self.protocol.has_ports() || self.protocol.has_types() {
            (Some(self.from), Some(self.to))
        } else {
            (None, None)
        }
    }
}

/// As AWS describes it in the text of a refusal.
impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, from, to } = self;
        let shown = |number: &i32| if *number == ALL { "ALL".to_owned() } else { number.to_string() };
        let name = if *protocol == Protocol::ALL { "ALL".to_owned() } else { protocol.to_string() };
        f.write_str(&name.to_ascii_uppercase())?;
        if protocol.has_ports() {
            write!(f, ", from port: {from}, to port: {to}")?;
        } else if protocol.has_types() {
            write!(f, ", type: {}, code: {}", shown(from), shown(to))?;
        }
        Ok(())
    }
}

impl Peer {
    /// Reads an IPv4 CIDR block; bits behind the prefix are cleared, as AWS does.
    pub(crate) fn parse_v4(text: &str) -> Result<Self, Refusal> {
        text.parse::<Ipv4Net>().map(|net| Self::V4(net.trunc())).map_err(|_| malformed_block(text))
    }

    /// Reads an IPv6 CIDR block.
    pub(crate) fn parse_v6(text: &str) -> Result<Self, Refusal> {
        text.parse::<Ipv6Net>().map(|net| Self::V6(net.trunc())).map_err(|_| malformed_block(text))
    }

    /// Whether a rule can be changed from one to the other: the kind of its peer stays.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

fn malformed_block(text: &str) -> Refusal {
    Refusal::invalid_value(format!("CIDR block {text} is malformed"))
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(net) => fmt::Display::fmt(net, f),
            Self::V6(net) => fmt::Display::fmt(net, f),
            Self::Group(id) => f.write_str(id),
        }
    }
}

/// What one rule says, before it has an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Permission {
    pub(crate) traffic: Traffic,
    pub(crate) peer: Peer,
    pub(crate) description: Option<String>,
}

impl Permission {
    /// Whether a rule says the same; descriptions do not count.
    pub(crate) fn is(&self, rule: &Rule) -> bool {
        self.traffic == rule.traffic && self.peer == rule.peer
    }

    /// The rule that it becomes.
    pub(crate) fn into_rule(self, egress: bool, tags: &Tags) -> Result<Rule, Refusal> {
        let Self { traffic, peer, description } = self;
        Ok(Rule { id: Kind::Rule.new_id()?, egress, traffic, peer, description, tags: tags.clone() })
    }

    /// The refusal of a rule that is not there.
    pub(crate) fn not_found() -> Refusal {
        Refusal::client(
            "InvalidPermission.NotFound",
            "The specified rule does not exist in this security group.",
        )
    }

    /// The refusal of a rule that is there.
    pub(crate) fn duplicate(&self) -> Refusal {
        let Self { traffic, peer, .. } = self;
        let text = format!("the specified rule \"peer: {peer}, {traffic}, ALLOW\" already exists");
        Refusal::client("InvalidPermission.Duplicate", text)
    }
}

/// Checks a rule's description; an empty one is none.
pub(crate) fn parse_description(description: Option<String>) -> Result<Option<String>, Refusal> {
    let Some(description) = description.filter(|description| !description.is_empty()) else {
        return Ok(None);
    };
    if is_plain(&description, LONGEST_DESCRIPTION) {
        return Ok(Some(description));
    }
    Err(Refusal::invalid_value(format!(
        "Invalid rule description. Valid descriptions are strings less than 256 characters from the following \
         set:  a-zA-Z0-9{}",
        &DESCRIPTION_SIGNS.replacen(" .", ". ", 1)
    )))
}

/// Whether a text has only the characters that names and descriptions of security groups can have.
pub(crate) fn is_plain(text: &str, longest: usize) -> bool {
    text.len() <= longest && text.chars().all(|c| c.is_ascii_alphanumeric() || DESCRIPTION_SIGNS.contains(c))
}
