//! What a cluster's client has with one HSM: a connection and a session, made when they are needed.

use std::time::Duration;

use strongroom_hsm_proto::command::{
    Answer, Call, Command, Failure, FailureCode, OpenSession, Outcome, Reply, Result as Done,
};

use super::cluster::Cluster;
use super::connection::{Broken, Connection};
use crate::error::Reason;
use crate::login::{Identity, is_about_the_user};
use crate::moment::{millis, now_ms};
use crate::roster::MemberId;
use crate::routing;

/// One HSM.
#[derive(Default)]
pub(super) struct Link {
    pub(super) connection: Option<Connection>,
    /// The session at the HSM; 0 is none.
    pub(super) session: u64,
    pub(super) is_logged_in: bool,
    /// Counts the sessions that there were.
    pub(super) sessions: u64,
}

impl Link {
    pub(super) fn drop_connection(&mut self) {
        self.connection = None;
        self.end_session();
    }

    pub(super) fn end_session(&mut self) {
        self.session = 0;
        self.is_logged_in = false;
        self.sessions += 1;
    }
}

/// Why one HSM did not do it.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It could not be asked.
    Broken(Reason),
    /// It said no.
    Refused(Failure),
    /// It is there, and the user would have to log in anew.
    SecondFactorAgain,
}

impl From<Broken> for Trouble {
    fn from(broken: Broken) -> Self {
        Self::Broken(Reason {
            text: broken.to_string(),
            lasts: broken.is_lasting,
            was_sent: broken.was_sent,
            is_absent: broken.is_absent,
        })
    }
}

impl Cluster {
    /// Asks one HSM, connecting, opening a session and logging in as far as the command needs it.
    pub(super) fn ask(&mut self, id: MemberId, call: &mut Call, until: u64) -> Result<Reply, Trouble> {
        let begun = now_ms(&self.clocks);
        let result = self.ask_once(id, call, until);
        match &result {
            Err(Trouble::Broken(reason)) => {
                tracing::info!(%reason, "an HSM cannot be asked");
                self.roster.failed(id, begun, now_ms(&self.clocks));
                self.link(id).drop_connection();
            }
            Err(Trouble::Refused(failure)) => match failure.code() {
                FailureCode::NoSession => self.link(id).end_session(),
                FailureCode::Busy
                | FailureCode::Behind
                | FailureCode::Halted
                | FailureCode::Forked
                | FailureCode::ReadOnly => self.roster.failed(id, begun, now_ms(&self.clocks)),
                _ => {}
            },
            Ok(_) | Err(Trouble::SecondFactorAgain) => {}
        }
        result
    }

    fn ask_once(&mut self, id: MemberId, call: &mut Call, until: u64) -> Result<Reply, Trouble> {
        self.connect(id)?;
        let anonymous = call.command.as_ref().is_some_and(routing::needs_no_session);
        if !anonymous || self.identity.credentials().is_some() {
            self.begin_session(id, until).map_err(|trouble| match trouble {
                Trouble::Broken(reason) => Trouble::Broken(reason.before_sending()),
                other => other,
            })?;
        }
        call.session = self.link(id).session;
        self.exchange(id, call, until)
    }

    /// Makes sure of a connection.
    pub(super) fn connect(&mut self, id: MemberId) -> Result<(), Broken> {
        if self.link(id).connection.is_some() {
            return Ok(());
        }
        let Some(member) = self.roster.get(id) else {
            return Ok(());
        };
        let server = member.server.clone();
        let (connection, welcome) =
            Connection::open(&server, &self.options, self.shown_cursor(), &self.clocks)?;
        self.welcomed(id, &welcome).map_err(|reason| Broken::new(&server, reason))?;
        self.link(id).connection = Some(connection);
        Ok(())
    }

    /// Makes sure of a session in which the client's user is logged in.
    fn begin_session(&mut self, id: MemberId, until: u64) -> Result<(), Trouble> {
        if self.link(id).session == 0 {
            self.open_session(id, until)?;
        }
        if self.link(id).is_logged_in {
            return Ok(());
        }
        if let Some(failure) = &self.login_refused {
            return Err(Trouble::Refused(failure.clone()));
        }
        let login = match &self.identity {
            Identity::Nobody => return Ok(()),
            Identity::SecondFactor(_) => return Err(Trouble::SecondFactorAgain),
            Identity::Password(credentials) => credentials.login(),
        };
        let reply = self.exchange_in_session(id, login, until).inspect_err(|trouble| {
            // The password has changed: it is not tried again, which could lock the user.
            if let Trouble::Refused(failure) = trouble
                && is_about_the_user(failure.code())
            {
                self.login_refused = Some(failure.clone());
            }
        })?;
        match reply.result {
            Some(Done::Login(login)) if !login.challenge.is_empty() => Err(Trouble::SecondFactorAgain),
            _ => {
                self.link(id).is_logged_in = true;
                Ok(())
            }
        }
    }

    pub(super) fn open_session(&mut self, id: MemberId, until: u64) -> Result<(), Trouble> {
        let mut open = Call { command: Some(Command::OpenSession(OpenSession {})), ..Call::default() };
        match self.exchange(id, &mut open, until)?.result {
            Some(Done::Session(opened)) if opened.session != 0 => {
                self.link(id).session = opened.session;
                Ok(())
            }
            _ => Err(Trouble::Broken("it opens no session".into())),
        }
    }

    /// One call in the session that is there.
    pub(super) fn exchange_in_session(
        &mut self,
        id: MemberId,
        command: Command,
        until: u64,
    ) -> Result<Reply, Trouble> {
        let session = self.link(id).session;
        self.exchange(id, &mut Call { session, command: Some(command), ..Call::default() }, until)
    }

    /// One call, as it is.
    fn exchange(&mut self, id: MemberId, call: &mut Call, until: u64) -> Result<Reply, Trouble> {
        call.cursor = self.shown_cursor();
        let left = until.saturating_sub(now_ms(&self.clocks)).min(millis(self.options.timeouts.attempt));
        if left == 0 {
            return Err(Trouble::Broken("the time for the call is over".into()));
        }
        let Some(connection) = self.link(id).connection.as_mut() else {
            return Err(Trouble::Broken("there is no connection".into()));
        };
        let answer = connection.call(call, Duration::from_millis(left))?;
        self.answered(id, &answer);
        match answer.outcome {
            Some(Outcome::Reply(reply)) => Ok(reply),
            Some(Outcome::Failure(failure)) => Err(Trouble::Refused(failure)),
            None => Err(Trouble::Broken(Reason::after_sending("it answers nothing"))),
        }
    }

    fn answered(&mut self, id: MemberId, answer: &Answer) {
        self.highest.note(answer.cursor.as_ref());
        self.roster.answered(id, answer.load);
    }
}
