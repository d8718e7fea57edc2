//! All HSMs of a cluster.

use std::thread::sleep;
use std::time::Duration;

use strongroom_crypto::random;
use strongroom_hsm_proto::command::{
    Approval, Call, Command, Cursor, Failure, FailureCode, Reply, Role, Welcome,
};
use strongroom_runtime::Clocks;

use super::link::{Link, Trouble};
use crate::attempts::{Attempts, Step};
use crate::cursor::Highest;
use crate::error::Reason;
use crate::keys::{Confirmed, Place, SessionKeys};
use crate::login::Identity;
use crate::moment::{millis, now_ms};
use crate::options::{KnownServer, another_cluster};
use crate::roster::{MemberId, Roster};
use crate::verdict::Verdict;
use crate::{ClientError, Options, RetryMode, routing};

/// A client of a whole cluster, for one user at a time.
///
/// Nothing is connected before it is needed. A value of this type is one session: its log-in, its session keys, its
/// quorum tokens. Dropping it ends them.
pub struct Cluster {
    pub(super) options: Options,
    pub(super) clocks: Clocks,
    pub(super) roster: Roster,
    pub(super) links: Vec<Link>,
    pub(super) highest: Highest,
    /// While every HSM is asked: the highest state before the first of them answered. Each shows its own state, as
    /// long as it is not older than what the caller knew.
    pub(super) asking_as_of: Option<Highest>,
    pub(super) identity: Identity,
    /// An HSM does not take the password any more.
    pub(super) login_refused: Option<Failure>,
    pub(super) session_keys: SessionKeys,
    pub(super) confirmed: Confirmed,
    id: Option<String>,
}

/// What one of all HSMs answered.
#[derive(Debug)]
pub struct HsmAnswer {
    /// The HSM, `hsm-...`.
    pub hsm_id: String,
    /// What it said.
    pub result: Result<Reply, ClientError>,
    pub(crate) member: MemberId,
}

impl Cluster {
    /// A client of the cluster that `options` says. Only the addresses are looked at.
    pub fn new(options: Options, clocks: Clocks) -> Result<Self, ClientError> {
        if options.servers.is_empty() {
            return Err(ClientError::Configuration("no address of an HSM is configured".to_owned()));
        }
        let servers: Vec<_> =
            options.servers.iter().map(|known| (known.server.clone(), known.learned)).collect();
        let [turn] = random::bytes::<1>()?;
        Ok(Self {
            roster: Roster::new(&servers, turn.into()),
            links: Vec::new(),
            highest: Highest::default(),
            asking_as_of: None,
            identity: Identity::Nobody,
            login_refused: None,
            session_keys: SessionKeys::default(),
            confirmed: Confirmed::default(),
            id: options.cluster_id.clone(),
            options,
            clocks,
        })
    }

    /// Asks for something that needs no approvals.
    pub fn call(&mut self, command: Command) -> Result<Reply, ClientError> {
        self.call_approved(command, Vec::new())
    }

    /// Asks for something that others have approved.
    ///
    /// A change takes effect once, however many HSMs have to be asked. A key of the cluster is told to be made when
    /// a second HSM has it.
    pub fn call_approved(
        &mut self,
        command: Command,
        approvals: Vec<Approval>,
    ) -> Result<Reply, ClientError> {
        let until = self.deadline();
        let only = self.session_keys.route(&command, |place| is_alive(&self.links, place))?;
        if routing::needs_available_keys(&command) {
            self.check_available(&routing::keys_used(&command), until)?;
        }
        let mut call = routing::call(command, approvals)?;
        let (member, reply) = self.attempt(&mut call, only, self.options.retry, until)?;
        self.done(member, &call, &reply, until)?;
        Ok(reply)
    }

    /// Asks every HSM that can be reached; fails if none can. The command may change nothing of the cluster's. Each
    /// answers from its own state, as long as that is not older than what the caller has seen before.
    pub fn call_each(&mut self, command: &Command) -> Result<Vec<HsmAnswer>, ClientError> {
        self.asking_as_of = Some(self.highest.clone());
        let answers = self.ask_each(command);
        self.asking_as_of = None;
        answers
    }

    fn ask_each(&mut self, command: &Command) -> Result<Vec<HsmAnswer>, ClientError> {
        let until = self.deadline();
        let mut answers = Vec::new();
        let mut last = None;
        let mut left_out = Vec::new();
        let mut at = 0;
        // HSMs that are asked may name others.
        while let Some(id) = self.roster.ids().nth(at) {
            at += 1;
            if self.roster.is_out(id, now_ms(&self.clocks)) {
                left_out.push(id);
            } else {
                self.ask_for_answer(id, command, until, &mut answers, &mut last);
            }
        }
        // One that could not be reached a moment ago is not waited for, unless there is nobody else.
        for id in left_out {
            if answers.is_empty() {
                self.ask_for_answer(id, command, until, &mut answers, &mut last);
            }
        }
        match last {
            Some(error) if answers.is_empty() => Err(error),
            _ => Ok(answers),
        }
    }

    fn ask_for_answer(
        &mut self,
        id: MemberId,
        command: &Command,
        until: u64,
        answers: &mut Vec<HsmAnswer>,
        last: &mut Option<ClientError>,
    ) {
        let mut call = Call { command: Some(command.clone()), ..Call::default() };
        match self.attempt_at(id, &mut call, until) {
            Ok(reply) => answers.push(self.answer_of(id, Ok(reply))),
            Err(Trouble::Refused(failure)) => answers.push(self.answer_of(id, Err(failure.into()))),
            Err(trouble) => *last = Some(trouble.into()),
        }
    }

    fn answer_of(&self, member: MemberId, result: Result<Reply, ClientError>) -> HsmAnswer {
        let known = self.roster.get(member);
        let hsm_id = known.and_then(|member| member.hsm_id.clone()).unwrap_or_default();
        HsmAnswer { hsm_id, result, member }
    }

    /// Asks the HSM that gave `answer`.
    pub fn call_at(
        &mut self,
        answer: &HsmAnswer,
        command: Command,
        approvals: Vec<Approval>,
    ) -> Result<Reply, ClientError> {
        let until = self.deadline();
        let mut call = routing::call(command, approvals)?;
        let (member, reply) = self.attempt(&mut call, Some(answer.member), RetryMode::Standard, until)?;
        self.done(member, &call, &reply, until)?;
        Ok(reply)
    }

    /// Asks HSM after HSM until one does it.
    fn attempt(
        &mut self,
        call: &mut Call,
        only: Option<MemberId>,
        retry: RetryMode,
        until: u64,
    ) -> Result<(MemberId, Reply), ClientError> {
        let mut attempts =
            Attempts::new(retry, until, only).patient_for(millis(self.options.timeouts.absent)).of(call);
        let mut renewed = Vec::new();
        loop {
            match attempts.next(&mut self.roster, now_ms(&self.clocks)) {
                Step::Ask(id) => match self.ask(id, call, until) {
                    Ok(reply) => return Ok((id, reply)),
                    Err(Trouble::Broken(reason)) => attempts.broke(reason),
                    Err(Trouble::SecondFactorAgain) => attempts.login_lost(),
                    Err(Trouble::Refused(failure)) => {
                        let verdict = attempts.refused(failure)?;
                        if verdict == Verdict::NewSession && !renewed.contains(&id) {
                            renewed.push(id);
                            attempts.again(id);
                        }
                    }
                },
                Step::Wait(ms) => sleep(Duration::from_millis(ms)),
                Step::GiveUp => return Err(attempts.give_up(now_ms(&self.clocks))),
            }
        }
    }

    /// Asks one HSM; once more if its connection or session had ended unnoticed.
    pub(super) fn attempt_at(&mut self, id: MemberId, call: &mut Call, until: u64) -> Result<Reply, Trouble> {
        let was_connected = self.link(id).connection.is_some();
        match self.ask(id, call, until) {
            Err(Trouble::Broken(_)) if was_connected => self.ask(id, call, until),
            Err(Trouble::Refused(failure)) if failure.code() == FailureCode::NoSession => {
                self.ask(id, call, until)
            }
            result => result,
        }
    }

    /// Takes note of what a call has done.
    fn done(&mut self, member: MemberId, call: &Call, reply: &Reply, until: u64) -> Result<(), ClientError> {
        let Some(command) = &call.command else { return Ok(()) };
        let consequences = routing::consequences(command, reply);
        let session = self.link(member).sessions;
        self.session_keys.note(&consequences, Place { member, session });
        if let Some(change) = routing::new_password(command) {
            self.identity.note(change);
        }
        if consequences.cluster_keys.is_empty() {
            Ok(())
        } else {
            self.make_available(&consequences.cluster_keys, member, until)
        }
    }

    /// Takes note of a welcome, or tells why it is none.
    pub(super) fn welcomed(&mut self, id: MemberId, welcome: &Welcome) -> Result<(), Reason> {
        let expected = self.id.get_or_insert_with(|| welcome.cluster_id.clone());
        if *expected != welcome.cluster_id {
            return Err(another_cluster(&welcome.cluster_id, expected));
        }
        self.highest.note(welcome.cursor.as_ref());
        self.roster.welcomed(id, welcome.hsm_id.clone(), welcome.load);
        let peers = welcome.peers.iter().filter_map(|peer| peer.parse().ok());
        for replaced in self.roster.learn(Some(id), peers) {
            self.link(replaced).drop_connection();
        }
        Ok(())
    }

    pub(super) fn link(&mut self, id: MemberId) -> &mut Link {
        if self.links.len() <= id.0 {
            self.links.resize_with(id.0 + 1, Link::default);
        }
        &mut self.links[id.0]
    }

    /// The cursor to show to an HSM.
    pub(super) fn shown_cursor(&self) -> Option<Cursor> {
        self.asking_as_of.as_ref().unwrap_or(&self.highest).get()
    }

    pub(super) fn deadline(&self) -> u64 {
        now_ms(&self.clocks).saturating_add(millis(self.options.timeouts.call))
    }

    /// The addresses to begin with next time: the configured ones, and of the learned ones those that an HSM has
    /// named, or that answered, this time. If none answered, what was known stays.
    pub fn servers(&self) -> Vec<KnownServer> {
        self.roster.worth_keeping()
    }

    /// The cluster's id, if it was given, or once an HSM has told it.
    pub fn cluster_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The highest state that was seen.
    pub fn cursor(&self) -> Option<Cursor> {
        self.highest.get()
    }

    /// Who is logged in.
    pub fn user(&self) -> Option<(&str, Role)> {
        self.identity.credentials().map(|credentials| (credentials.username.as_str(), credentials.role))
    }
}

/// Whether a session is the one that the client has at its HSM now.
fn is_alive(links: &[Link], place: Place) -> bool {
    links.get(place.member.0).is_some_and(|link| link.sessions == place.session && link.session != 0)
}

impl From<Trouble> for ClientError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Broken(reason) => Self::Unreachable(reason.text),
            Trouble::Refused(failure) => failure.into(),
            Trouble::SecondFactorAgain => Self::LoginLost,
        }
    }
}
