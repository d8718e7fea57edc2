//! Which addresses a subnet has to give (VPC User Guide, "Subnet CIDR blocks").

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::error::Refusal;

/// Prefix lengths of VPCs and subnets.
pub(crate) const LARGEST: u8 = 16;
pub(crate) const SMALLEST: u8 = 28;

/// Addresses at the start of a subnet that nobody gets: the network, the router, DNS, and one for later. The
/// last address, for broadcasts, is nobody's either.
const RESERVED_FIRST: u32 = 4;
pub(crate) const RESERVED: u32 = RESERVED_FIRST + 1;

/// Reads a CIDR block in its canonical form: bits behind the prefix are cleared, as AWS does.
pub(crate) fn parse_block(text: &str) -> Result<Ipv4Net, Refusal> {
    text.parse::<Ipv4Net>().map(|net| net.trunc()).map_err(|_| {
        Refusal::invalid_value(format!(
            "Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
        ))
    })
}

/// Whether a VPC or a subnet can be that large.
pub(crate) fn is_allowed_size(net: Ipv4Net) -> bool {
    (LARGEST..=SMALLEST).contains(&net.prefix_len())
}

/// Whether no VPC can have that block: addresses that mean "this network", link-local and multicast ones, and
/// what is beyond. Unlike AWS's, our VPCs may be of the loopback network.
pub(crate) fn is_restricted(net: Ipv4Net) -> bool {
    let first = net.network();
    first.octets()[0] == 0 || first.octets()[0] >= 224 || first.is_link_local()
}

/// Whether two blocks have an address in common.
pub(crate) fn overlap(one: Ipv4Net, other: Ipv4Net) -> bool {
    one.contains(&other) || other.contains(&one)
}

/// The parts of `net` with that prefix length, in order; none if it is not longer than the net's.
pub(crate) fn parts(net: Ipv4Net, prefix: u8) -> impl Iterator<Item = Ipv4Net> {
    net.subnets(prefix).ok().into_iter().flatten()
}

/// How many addresses of a subnet can be given, if `used` are.
pub(crate) fn count_available(net: Ipv4Net, used: usize) -> i32 {
    let all = 1_i64 << (32 - u32::from(net.prefix_len()));
    (all - i64::from(RESERVED) - used as i64).max(0) as i32
}

/// Checks an address that a caller has chosen.
pub(crate) fn check_chosen(
    net: Ipv4Net,
    used: &BTreeSet<Ipv4Addr>,
    address: Ipv4Addr,
) -> Result<(), Refusal> {
    if !net.contains(&address) {
        return Err(Refusal::invalid_value("Address does not fall within the subnet's address range"));
    }
    if is_reserved(net, address) {
        return Err(Refusal::invalid_value("Address is in subnet's reserved address range"));
    }
    if used.contains(&address) {
        return Err(Refusal::client("InvalidIPAddress.InUse", format!("Address {address} is in use.")));
    }
    Ok(())
}

/// The lowest address that nobody has.
pub(crate) fn choose(net: Ipv4Net, used: &BTreeSet<Ipv4Addr>) -> Result<Ipv4Addr, Refusal> {
    let (first, last) = (u32::from(net.network()), u32::from(net.broadcast()));
    let free = (first.saturating_add(RESERVED_FIRST)..last)
        .map(Ipv4Addr::from)
        .find(|address| !used.contains(address));
    free.ok_or_else(|| {
        Refusal::client(
            "InsufficientFreeAddressesInSubnet",
            "The specified subnet does not have enough free addresses to satisfy the request.",
        )
    })
}

fn is_reserved(net: Ipv4Net, address: Ipv4Addr) -> bool {
    let offset = u32::from(address).saturating_sub(u32::from(net.network()));
    offset < RESERVED_FIRST || address == net.broadcast()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn addresses_are_given_once_and_all_of_them(
            prefix in 24_u8..=28,
            address: u32,
            chosen in proptest::collection::vec(0_u32..256, 0..40),
        ) {
            let net = Ipv4Net::new(Ipv4Addr::from(address), prefix).unwrap().trunc();
            let mut used = BTreeSet::new();
            for offset in chosen {
                let address = Ipv4Addr::from(u32::from(net.network()).wrapping_add(offset));
                if check_chosen(net, &used, address).is_ok() {
                    prop_assert!(net.contains(&address) && used.insert(address));
                }
            }
            while let Ok(address) = choose(net, &used) {
                prop_assert!(count_available(net, used.len()) > 0);
                prop_assert!(check_chosen(net, &used, address).is_ok());
                prop_assert!(used.insert(address));
            }
            prop_assert_eq!(count_available(net, used.len()), 0);
            prop_assert_eq!(used.len() as u32, (1_u32 << (32 - prefix)) - RESERVED);
        }

        #[test]
        fn blocks_overlap_when_an_address_is_in_both(one: u32, other: u32, a in 16_u8..=28, b in 16_u8..=28) {
            let net = |address: u32, prefix| Ipv4Net::new(Ipv4Addr::from(address), prefix).unwrap().trunc();
            // Near each other, so that both answers come up.
            let (one, other) = (net(one, a), net(one ^ (other & 0x000f_ffff), b));
            let larger = if one.prefix_len() < other.prefix_len() { one } else { other };
            let smaller = if one.prefix_len() < other.prefix_len() { other } else { one };
            prop_assert_eq!(overlap(one, other), larger.contains(&smaller.network()));
        }
    }
}
