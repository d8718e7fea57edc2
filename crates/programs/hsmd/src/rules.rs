//! Which sources may connect.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use strongroom_hsm_proto::fleet;

/// The most networks that are taken; more would make every connection slow.
const MOST_NETWORKS: usize = 1_024;

/// A network: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: u128,
    bits: u32,
    is_v6: bool,
}

/// The networks whose clients are let in. Clones are the same. Nobody is let in before rules are set.
#[derive(Clone, Default)]
pub(crate) struct Rules(Arc<RwLock<State>>);

#[derive(Default)]
struct State {
    revision: u64,
    allowed: Vec<Network>,
}

impl Rules {
    /// Takes rules, unless newer ones are in force. They count for connections from now on.
    pub(crate) fn set(&self, rules: &fleet::Rules) -> Result<(), String> {
        if rules.allow.len() > MOST_NETWORKS {
            return Err(format!("{} networks, {MOST_NETWORKS} at most are taken", rules.allow.len()));
        }
        let allowed =
            rules.allow.iter().map(|text| Network::parse(text).ok_or_else(|| format!("no network: {text}")));
        let allowed = allowed.collect::<Result<_, _>>()?;
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if rules.revision >= state.revision {
            *state = State { revision: rules.revision, allowed };
        }
        Ok(())
    }

    pub(crate) fn allow(&self, source: IpAddr) -> bool {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        state.allowed.iter().any(|network| network.contains(source))
    }

    pub(crate) fn revision(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).revision
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let (address, is_v6) = number(address);
        let bits: u32 = bits.parse().ok()?;
        (bits <= if is_v6 { 128 } else { 32 }).then_some(Self { address, bits, is_v6 })
    }

    fn contains(self, source: IpAddr) -> bool {
        let (source, is_v6) = number(source.to_canonical());
        let width = if is_v6 { 128 } else { 32 };
        // Shifting by the whole width would be an overflow.
        is_v6 == self.is_v6 && (source ^ self.address).checked_shr(width - self.bits).unwrap_or(0) == 0
    }
}

fn number(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), false),
        IpAddr::V6(address) => (u128::from(address), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(revision: u64, allow: &[&str]) -> fleet::Rules {
        fleet::Rules { revision, allow: allow.iter().map(ToString::to_string).collect() }
    }

    fn allows(rules: &Rules, source: &str) -> bool {
        rules.allow(source.parse().unwrap())
    }

    #[test]
    fn sources_are_judged_by_their_leading_bits() {
        let all = Rules::default();
        assert!(!allows(&all, "127.0.0.1"), "nobody before rules are set");
        all.set(&rules(1, &["127.31.0.0/16", "10.1.2.3/32", "2001:db8::/32"])).unwrap();
        for source in ["127.31.0.1", "127.31.255.255", "10.1.2.3", "2001:db8::1", "::ffff:10.1.2.3"] {
            assert!(allows(&all, source), "{source}");
        }
        for source in ["127.32.0.1", "127.30.255.255", "10.1.2.4", "2001:db9::1", "::1", "0.0.0.0"] {
            assert!(!allows(&all, source), "{source}");
        }
        all.set(&rules(2, &["0.0.0.0/0"])).unwrap();
        assert!(allows(&all, "203.0.113.9") && !allows(&all, "2001:db8::1"));
        all.set(&rules(3, &["::/0"])).unwrap();
        assert!(allows(&all, "2001:db8::1") && !allows(&all, "203.0.113.9"));
    }

    #[test]
    fn older_rules_and_nonsense_change_nothing() {
        let all = Rules::default();
        all.set(&rules(5, &["10.0.0.0/8"])).unwrap();
        all.set(&rules(4, &["0.0.0.0/0"])).unwrap();
        for nonsense in ["10.0.0.0", "10.0.0.0/33", "::/129", "10.0.0/8", "/8", "10.0.0.0/-1", "x/8"] {
            assert!(all.set(&rules(6, &[nonsense])).is_err(), "{nonsense}");
        }
        assert!(all.set(&rules(7, &vec!["10.0.0.0/8"; 1_025])).is_err());
        assert!(!allows(&all, "203.0.113.9") && allows(&all, "10.9.9.9"));
        assert_eq!(all.revision(), 5);
    }
}
