//! Which addresses this server calls when somebody names a host.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far calls go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To public addresses.
    Public,
    /// To private ones and this machine, too.
    LocalToo,
}

impl Reach {
    /// Whether an address may be called, with TLS or without.
    pub(crate) fn covers(self, address: IpAddr, is_tls: bool) -> bool {
        let address = address.to_canonical();
        match self {
            Self::Public => is_tls && is_public(address),
            Self::LocalToo if address.is_loopback() => true,
            Self::LocalToo => is_tls && (is_private(address) || is_public(address)),
        }
    }
}

/// Networks of one's own (RFC 1918, RFC 4193).
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private(),
        IpAddr::V6(address) => address.is_unique_local(),
    }
}

/// Whether an address is one of the public network: not private, and none that the registries of addresses for special
/// purposes keep for something else (RFC 6890).
pub(crate) fn is_public(address: IpAddr) -> bool {
    if is_private(address) || address.is_loopback() || address.is_unspecified() || address.is_multicast() {
        return false;
    }
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        // This network; shared among customers of a carrier; protocol assignments; between networks' benchmarks.
        // What is kept for later, and everybody.
        [0 | 240..=255, ..] | [100, 64..=127, ..] | [192, 0, 0, _] | [198, 18..=19, ..] => false,
        // Cloud providers answer with a machine's credentials there.
        _ => !address.is_link_local() && !address.is_documentation(),
    }
}

/// Of the public part of the address space, without what wraps an IPv4 address: 6to4, Teredo and documentation.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_not_called() {
        for (address, public, in_development) in [
            ("93.184.216.34", true, true),
            ("2606:2800:220:1:248:1893:25c8:1946", true, true),
            ("127.0.0.1", false, true),
            ("127.8.8.8", false, true),
            ("::1", false, true),
            ("::ffff:127.0.0.1", false, true),
            ("10.1.2.3", false, true),
            ("172.16.0.1", false, true),
            ("192.168.1.1", false, true),
            ("fd00:ec2::254", false, true),
            ("169.254.169.254", false, false),
            ("::ffff:169.254.169.254", false, false),
            ("fe80::1", false, false),
            ("0.0.0.0", false, false),
            ("::", false, false),
            ("100.64.0.1", false, false),
            ("192.0.0.192", false, false),
            ("198.18.0.1", false, false),
            ("203.0.113.1", false, false),
            ("224.0.0.1", false, false),
            ("255.255.255.255", false, false),
            ("2001:db8::1", false, false),
            ("2002:7f00:1::", false, false),
            ("64:ff9b::7f00:1", false, false),
            ("ff02::1", false, false),
        ] {
            let parsed: IpAddr = address.parse().unwrap();
            assert_eq!(Reach::Public.covers(parsed, true), public, "{address}");
            assert_eq!(Reach::LocalToo.covers(parsed, true), in_development, "{address}");
        }
    }

    #[test]
    fn only_this_machine_needs_no_tls_and_only_in_development() {
        for (address, wanted) in
            [("127.0.0.1", true), ("::1", true), ("10.1.2.3", false), ("93.184.216.34", false)]
        {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(Reach::LocalToo.covers(address, false), wanted, "{address}");
            assert!(!Reach::Public.covers(address, false), "{address}");
        }
    }
}
