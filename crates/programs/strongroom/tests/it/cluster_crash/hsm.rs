//! One HSM, asked alone.

use std::time::Duration;

use anyhow::bail;
use strongroom_hsm_client::{Connection, Options, Server};
use strongroom_hsm_proto::command::{
    Call, CloseSession, Command, Cursor, Failure, FailureCode, FindKeys, HsmInfo, ListUsers, Login,
    OpenSession, Outcome, Result as Done, Role, ShowKeys,
};
use strongroom_runtime::Clocks;

use super::cluster::PASSWORD;
use super::model::Shown;

/// How long an HSM may take for an answer.
const WAIT: Duration = Duration::from_mins(1);

/// Keys that are shown at a time.
const PAGE: usize = 256;

pub(super) struct Hsm {
    pub(super) id: String,
    connection: Connection,
    session: u64,
    /// What it must have seen before it answers.
    pub(super) cursor: Option<Cursor>,
}

impl Hsm {
    pub(super) fn open(server: &Server, options: &Options) -> anyhow::Result<Self> {
        let (connection, welcome) = Connection::open(server, options, None, &Clocks::system())?;
        Ok(Self { id: welcome.hsm_id, connection, session: 0, cursor: welcome.cursor })
    }

    /// How many calls it has under way.
    pub(super) fn load(&mut self) -> anyhow::Result<u32> {
        let call = Call { command: Some(Command::HsmInfo(HsmInfo {})), ..Call::default() };
        Ok(self.connection.call(&call, WAIT)?.load)
    }

    /// Whether it has not seen yet what it must have seen.
    pub(super) fn is_behind(&mut self) -> anyhow::Result<bool> {
        match self.ask(Command::HsmInfo(HsmInfo {})) {
            Ok(_) => Ok(false),
            Err(failure) if failure.code() == FailureCode::Behind => Ok(true),
            Err(failure) => bail!("{}: {failure:?}", self.id),
        }
    }

    pub(super) fn ask(&mut self, command: Command) -> Result<Option<Done>, Failure> {
        let call = Call {
            session: self.session,
            cursor: self.cursor.clone(),
            command: Some(command),
            ..Call::default()
        };
        let answer = self.connection.call(&call, WAIT).unwrap();
        match answer.outcome.unwrap() {
            Outcome::Reply(reply) => Ok(reply.result),
            Outcome::Failure(failure) => Err(failure),
        }
    }

    /// Does something while a user is logged in; none if the password does not let in.
    pub(super) fn logged_in<T>(
        &mut self,
        username: &str,
        role: Role,
        password: &str,
        act: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        match self.ask(Command::OpenSession(OpenSession {})) {
            Ok(Some(Done::Session(opened))) => self.session = opened.session,
            other => panic!("{}: {other:?}", self.id),
        }
        let login = Login { username: username.to_owned(), role: role.into(), password: password.to_owned() };
        let done = match self.ask(Command::Login(login)) {
            Ok(_) => Some(act(self)),
            Err(failure) if failure.code() == FailureCode::LoginFailed => None,
            Err(failure) => panic!("{}: {username} cannot log in: {failure:?}", self.id),
        };
        // Whoever is logged in cannot be deleted.
        self.ask(Command::CloseSession(CloseSession {})).unwrap();
        self.session = 0;
        done
    }

    /// Everything that it shows to the administrator.
    pub(super) fn show(&mut self) -> Shown {
        let shown = self.logged_in("admin", Role::Admin, PASSWORD, |hsm| {
            let users = match hsm.ask(Command::ListUsers(ListUsers {})) {
                Ok(Some(Done::Users(list))) => list.users,
                other => panic!("{}: {other:?}", hsm.id),
            };
            let find = FindKeys { filter: None, after: 0, most: 4_096 };
            let handles = match hsm.ask(Command::FindKeys(find)) {
                Ok(Some(Done::Found(found))) => found.keys,
                other => panic!("{}: {other:?}", hsm.id),
            };
            let show = |keys: &[u64]| match hsm.ask(Command::ShowKeys(ShowKeys { keys: keys.to_vec() })) {
                Ok(Some(Done::Keys(list))) => list.keys,
                other => panic!("{}: {other:?}", hsm.id),
            };
            let keys = handles.chunks(PAGE).flat_map(show).collect();
            Shown { users, keys }
        });
        shown.unwrap()
    }
}
