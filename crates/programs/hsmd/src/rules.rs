//! Which sources may connect.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use strongroom_hsm_proto::fleet;

/// The most networks that are taken; more would make every connection slow.
const MOST_NETWORKS: usize = 8_192;

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
    /// Why nobody is let in.
    trouble: Option<String>,
}

impl Rules {
    /// Takes rules, unless newer ones are in force. They count for connections from now on. Where they cannot be
    /// taken nobody is let in: whom they were to keep out is not known.
    pub(crate) fn set(&self, rules: &fleet::Rules) -> Result<(), String> {
        self.take(rules, false)
    }

    /// Takes the rules of an assignment, whatever is in force: revisions count from there on. The control plane's
    /// clock, which they come from, may have been set back.
    pub(crate) fn begin_with(&self, rules: &fleet::Rules) -> Result<(), String> {
        self.take(rules, true)
    }

    fn take(&self, rules: &fleet::Rules, anew: bool) -> Result<(), String> {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if rules.revision < state.revision && !anew {
            return Ok(());
        }
        let read = read(&rules.allow);
        let trouble = read.as_ref().err().cloned();
        let taken = trouble.clone().map_or(Ok(()), Err);
        *state = State { revision: rules.revision, allowed: read.unwrap_or_default(), trouble };
        taken
    }

    /// Why nobody is let in, if the rules are such.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).trouble.clone()
    }

    pub(crate) fn allow(&self, source: IpAddr) -> bool {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        state.allowed.iter().any(|network| network.contains(source))
    }

    pub(crate) fn revision(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).revision
    }
}

fn read(allow: &[String]) -> Result<Vec<Network>, String> {
    if allow.len() > MOST_NETWORKS {
        return Err(format!(
            "the security groups let in {} networks, {MOST_NETWORKS} at most are taken; nobody is let in",
            allow.len()
        ));
    }
    let read = |text: &String| Network::parse(text).ok_or_else(|| format!("\"{text}\" is no network"));
    allow.iter().map(read).collect()
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
    fn older_rules_change_nothing_and_an_assignment_counts_anew() {
        let all = Rules::default();
        all.set(&rules(5, &["10.0.0.0/8"])).unwrap();
        all.set(&rules(4, &["0.0.0.0/0"])).unwrap();
        assert!(!allows(&all, "203.0.113.9") && allows(&all, "10.9.9.9"));
        // The control plane's clock was set back, and somebody is not to be let in any more.
        all.begin_with(&rules(2, &["192.0.2.0/24"])).unwrap();
        assert!(!allows(&all, "10.9.9.9") && allows(&all, "192.0.2.9"));
        all.set(&rules(3, &[])).unwrap();
        assert!(!allows(&all, "192.0.2.9"));
        assert_eq!(all.revision(), 3);
    }

    #[test]
    fn nobody_is_let_in_by_rules_that_cannot_be_taken() {
        let many = vec!["10.0.0.0/8"; MOST_NETWORKS + 1];
        let odd = ["10.0.0.0", "10.0.0.0/33", "::/129", "10.0.0/8", "/8", "10.0.0.0/-1", "x/8"];
        for nonsense in odd.iter().map(std::slice::from_ref).chain([&*many]) {
            let all = Rules::default();
            all.set(&rules(5, &many[1..])).unwrap();
            assert!(allows(&all, "10.9.9.9") && all.trouble().is_none());
            assert!(all.set(&rules(4, nonsense)).is_ok(), "older ones are not looked at");
            assert!(all.set(&rules(6, nonsense)).is_err(), "{nonsense:?}");
            assert!(!allows(&all, "10.9.9.9") && all.trouble().is_some(), "{nonsense:?}");
            all.set(&rules(7, &["10.0.0.0/8"])).unwrap();
            assert!(allows(&all, "10.9.9.9") && all.trouble().is_none());
        }
    }
}
