//! Which HSMs there are, how they do, and which one to ask.

use crate::limits::{FAILURES_OF_THE_GONE, FIRST_PENALTY_MS, LONGEST_PENALTY_MS, MAX_SERVERS};
use crate::{KnownServer, Server};

/// Names a member of a [`Roster`] for as long as the roster lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct MemberId(pub(crate) usize);

/// What is known of one HSM.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) server: Server,
    /// It was named by another HSM and not by the configuration.
    pub(crate) learned: bool,
    /// An HSM has named it, or it has answered itself, since the client started.
    pub(crate) current: bool,
    /// `hsm-...`, once it has said so.
    pub(crate) hsm_id: Option<String>,
    /// Calls that it has under way, as far as it said.
    load: u32,
    /// Calls that this client has sent and that are not answered.
    in_flight: u32,
    failures: u32,
    failed_ms: u64,
    /// Not to be asked before, unless there is nobody else.
    out_until_ms: u64,
}

/// All HSMs that the client knows of.
#[derive(Clone, Debug)]
pub(crate) struct Roster {
    members: Vec<Member>,
    /// Where the search for the least loaded begins, so that equals take turns.
    turn: usize,
    /// Since when no HSM has answered anything, as far as that was tried.
    silent_since_ms: Option<u64>,
}

impl Roster {
    /// The configured HSMs; `turn` is any number, so that clients do not all begin with the same.
    pub(crate) fn new(servers: &[(Server, bool)], turn: usize) -> Self {
        let mut roster = Self { members: Vec::new(), turn, silent_since_ms: None };
        for (server, learned) in servers {
            roster.add(server.clone(), *learned, false, None);
        }
        roster
    }

    /// Answers the HSM whose place the new one has taken, if there was no other.
    fn add(
        &mut self,
        server: Server,
        learned: bool,
        current: bool,
        from: Option<MemberId>,
    ) -> Option<MemberId> {
        if let Some(member) = self.members.iter_mut().find(|member| member.server == server) {
            member.current |= current;
            return None;
        }
        let member = Member {
            server,
            learned,
            current,
            hsm_id: None,
            load: 0,
            in_flight: 0,
            failures: 0,
            failed_ms: 0,
            out_until_ms: 0,
        };
        if self.members.len() < MAX_SERVERS {
            self.members.push(member);
            return None;
        }
        // Clusters live longer than their HSMs: the one that has failed most often in a row is gone for good.
        let (at, gone) = self
            .members
            .iter_mut()
            .enumerate()
            .filter(|(at, member)| {
                member.failures >= FAILURES_OF_THE_GONE
                    && member.in_flight == 0
                    && from != Some(MemberId(*at))
            })
            .max_by_key(|(_, member)| member.failures)?;
        *gone = member;
        Some(MemberId(at))
    }

    /// An HSM, or somebody else, has named HSMs. Answers those whose places they have taken: whatever else is known by
    /// these ids is of the HSMs that were there before.
    pub(crate) fn learn(
        &mut self,
        from: Option<MemberId>,
        peers: impl IntoIterator<Item = Server>,
    ) -> Vec<MemberId> {
        peers.into_iter().filter_map(|peer| self.add(peer, true, true, from)).collect()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = MemberId> + use<> {
        (0..self.members.len()).map(MemberId)
    }

    pub(crate) fn get(&self, id: MemberId) -> Option<&Member> {
        self.members.get(id.0)
    }

    /// The addresses to begin with next time: the configured ones, and of the learned ones those that an HSM has
    /// named, or that answered, this time. If none answered, what was known stays.
    pub(crate) fn worth_keeping(&self) -> Vec<KnownServer> {
        let any = self.members.iter().any(|member| member.current);
        let kept = self.members.iter().filter(|member| !member.learned || member.current || !any);
        kept.map(|member| KnownServer { server: member.server.clone(), learned: member.learned }).collect()
    }

    fn change(&mut self, id: MemberId, change: impl FnOnce(&mut Member)) {
        if let Some(member) = self.members.get_mut(id.0) {
            change(member);
        }
    }

    /// A call has been sent.
    pub(crate) fn sent(&mut self, id: MemberId) {
        self.change(id, |member| member.in_flight += 1);
    }

    /// A call has ended, however.
    pub(crate) fn ended(&mut self, id: MemberId) {
        self.change(id, |member| member.in_flight = member.in_flight.saturating_sub(1));
    }

    /// The HSM has welcomed the client.
    pub(crate) fn welcomed(&mut self, id: MemberId, hsm_id: String, load: u32) {
        self.silent_since_ms = None;
        self.change(id, |member| {
            member.hsm_id = Some(hsm_id);
            member.current = true;
            member.load = load;
        });
    }

    /// The HSM has answered, whatever.
    pub(crate) fn answered(&mut self, id: MemberId, load: u32) {
        self.silent_since_ms = None;
        self.change(id, |member| {
            member.load = load;
            member.failures = 0;
            member.out_until_ms = 0;
        });
    }

    /// The HSM cannot be used now; to find out took since `begun_ms`. What takes long is tried less often.
    pub(crate) fn failed(&mut self, id: MemberId, begun_ms: u64, now_ms: u64) {
        let took = now_ms.saturating_sub(begun_ms);
        self.silent_since_ms.get_or_insert(now_ms);
        self.change(id, |member| {
            // Many calls at once that hear of one failure are one failure.
            if begun_ms < member.failed_ms {
                return;
            }
            member.failed_ms = now_ms;
            let penalty =
                FIRST_PENALTY_MS.saturating_mul(1 << member.failures.min(16)).min(LONGEST_PENALTY_MS);
            member.failures = member.failures.saturating_add(1);
            let penalty = penalty.max(took.saturating_mul(2).min(LONGEST_PENALTY_MS));
            member.out_until_ms = now_ms.saturating_add(penalty);
        });
    }

    /// For how long no HSM has answered anything, as far as that was tried.
    pub(crate) fn silent_ms(&self, now_ms: u64) -> u64 {
        self.silent_since_ms.map_or(0, |since| now_ms.saturating_sub(since))
    }

    /// Whether the HSM could not be used a moment ago.
    pub(crate) fn is_out(&self, id: MemberId, now_ms: u64) -> bool {
        self.get(id).is_some_and(|member| member.out_until_ms > now_ms)
    }

    /// The HSM to ask: the least loaded of those that do well, else whichever failed longest ago. `tried` are
    /// left out.
    pub(crate) fn choose(&mut self, tried: &[MemberId], now_ms: u64) -> Option<MemberId> {
        let count = self.members.len();
        if count == 0 {
            return None;
        }
        let start = self.turn;
        let best = (0..count)
            .map(|step| (start.wrapping_add(step)) % count)
            .map(MemberId)
            .filter(|id| !tried.contains(id))
            .filter_map(|id| Some((id, self.members.get(id.0)?)))
            // The first of equals wins.
            .min_by_key(|(_, member)| {
                let out = member.out_until_ms > now_ms;
                // What this client has sent may be in what the HSM reports already: the larger of the two counts.
                (out, if out { member.out_until_ms } else { 0 }, member.load.max(member.in_flight))
            })
            .map(|(id, _)| id)?;
        self.turn = (best.0 + 1) % count;
        Some(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(number: usize) -> Server {
        Server { host: format!("hsm{number}"), port: 2223 }
    }

    #[test]
    fn in_a_full_roster_new_hsms_take_the_places_of_those_that_are_gone() {
        let all: Vec<_> = (0..MAX_SERVERS).map(|number| (server(number), false)).collect();
        let mut roster = Roster::new(&all, 0);
        let knows =
            |roster: &Roster, number| roster.members.iter().any(|member| member.server == server(number));
        let fail = |roster: &mut Roster, id, times: u32| {
            for now_ms in 0..times.into() {
                roster.failed(MemberId(id), now_ms, now_ms);
            }
        };
        fail(&mut roster, 3, FAILURES_OF_THE_GONE - 1);
        assert_eq!(roster.learn(None, [server(MAX_SERVERS)]), [], "the others do well, or may come back");
        assert!(!knows(&roster, MAX_SERVERS));
        fail(&mut roster, 4, FAILURES_OF_THE_GONE);
        fail(&mut roster, 5, FAILURES_OF_THE_GONE + 1);
        fail(&mut roster, 6, FAILURES_OF_THE_GONE + 2);
        assert_eq!(roster.learn(Some(MemberId(6)), [server(MAX_SERVERS)]), [MemberId(5)], "6 speaks");
        assert!(knows(&roster, MAX_SERVERS) && knows(&roster, 3) && !knows(&roster, 5));
        assert!(!roster.is_out(MemberId(5), 0), "it has its own chance");
    }
}
