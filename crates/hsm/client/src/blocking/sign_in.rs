//! Log-ins: at every HSM, since sessions are of one HSM each.

use strongroom_hsm_proto::command::{AnswerChallenge, CloseSession, Command, Result as Done};

use super::cluster::Cluster;
use super::link::Trouble;
use crate::ClientError;
use crate::login::{Credentials, Identity, LoginChallenge, LoginStep, is_about_the_user};
use crate::moment::now_ms;
use crate::roster::MemberId;

impl Cluster {
    /// Logs in at every HSM that can be reached; who was logged in is logged out. A password that the first HSM
    /// refuses is not shown to the others.
    pub fn login(&mut self, credentials: Credentials) -> Result<LoginStep, ClientError> {
        self.logout()?;
        let mut challenges = Vec::new();
        let mut logged_in = 0;
        let (reached, mut last) = self.connect_all();
        for id in reached {
            // HSMs that say nothing take their own time, and not that of the others.
            let until = self.deadline();
            match self.login_at(id, &credentials, until) {
                Ok(None) => logged_in += 1,
                Ok(Some(challenge)) => challenges.push(LoginChallenge { member: id, challenge }),
                Err(Trouble::Refused(failure)) if is_about_the_user(failure.code()) => {
                    if logged_in + challenges.len() == 0 {
                        return Err(failure.into());
                    }
                    tracing::warn!(text = failure.text, "an HSM refuses a log-in that another took");
                    last = Some(failure.into());
                }
                Err(trouble) => last = Some(trouble.into()),
            }
        }
        if !challenges.is_empty() {
            self.identity = Identity::SecondFactor(credentials);
            return Ok(LoginStep::Challenges(challenges));
        }
        match last {
            Some(error) if logged_in == 0 => Err(error),
            _ => {
                self.identity = Identity::Password(credentials);
                Ok(LoginStep::Done)
            }
        }
    }

    /// Those that can be reached, and why the last of the others cannot. What each says in its welcome of how far the
    /// cluster is, is known before one is asked: one that is behind does not know the newest users and passwords. Those
    /// that are connected already say nothing new: what they said last counts, as a rule when their session was closed.
    fn connect_all(&mut self) -> (Vec<MemberId>, Option<ClientError>) {
        let mut reached = Vec::new();
        let mut last = None;
        let mut at = 0;
        // HSMs that are reached may name others.
        while let Some(id) = self.roster.ids().nth(at) {
            at += 1;
            let begun = now_ms(&self.clocks);
            match self.connect(id) {
                Ok(()) => reached.push(id),
                Err(broken) => {
                    let trouble = Trouble::from(broken);
                    self.left_out(id, &trouble, begun);
                    last = Some(trouble.into());
                }
            }
        }
        (reached, last)
    }

    /// An HSM that is not asked for a while, if it is the connection that broke.
    fn left_out(&mut self, id: MemberId, trouble: &Trouble, begun: u64) {
        if let Trouble::Broken(reason) = trouble {
            tracing::info!(%reason, "an HSM cannot be asked");
            self.roster.failed(id, begun, now_ms(&self.clocks));
            self.link(id).drop_connection();
        }
    }

    /// The challenge, if there is one.
    fn login_at(
        &mut self,
        id: MemberId,
        credentials: &Credentials,
        until: u64,
    ) -> Result<Option<Vec<u8>>, Trouble> {
        let begun = now_ms(&self.clocks);
        let result = self.connect(id).map_err(Trouble::from).and_then(|()| {
            self.open_session(id, until)?;
            self.exchange_in_session(id, credentials.login(), until)
        });
        match result {
            Ok(reply) => match reply.result {
                Some(Done::Login(login)) if !login.challenge.is_empty() => Ok(Some(login.challenge)),
                _ => {
                    self.link(id).is_logged_in = true;
                    Ok(None)
                }
            },
            Err(trouble) => {
                self.left_out(id, &trouble, begun);
                Err(trouble)
            }
        }
    }

    /// Ends a log-in with a second factor: each challenge of [`LoginStep::Challenges`] with the signature over it.
    pub fn answer_challenges(&mut self, answers: Vec<(LoginChallenge, Vec<u8>)>) -> Result<(), ClientError> {
        let until = self.deadline();
        let mut last = None;
        let mut logged_in = false;
        for (challenge, signature) in answers {
            let id = challenge.member;
            let answer = Command::AnswerChallenge(AnswerChallenge { signature });
            match self.exchange_in_session(id, answer, until) {
                Ok(_) => {
                    self.link(id).is_logged_in = true;
                    logged_in = true;
                }
                Err(Trouble::Broken(reason)) => {
                    self.link(id).drop_connection();
                    last = Some(ClientError::Unreachable(reason.text));
                }
                Err(Trouble::Refused(failure)) => {
                    self.identity = Identity::Nobody;
                    return Err(failure.into());
                }
                Err(Trouble::SecondFactorAgain) => last = Some(ClientError::LoginLost),
            }
        }
        match last {
            Some(error) if !logged_in => {
                self.identity = Identity::Nobody;
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// Ends the sessions at all HSMs, with their keys and tokens. Connections stay.
    pub fn logout(&mut self) -> Result<(), ClientError> {
        let until = self.deadline();
        for id in self.roster.ids() {
            if self.link(id).session != 0 && self.link(id).connection.is_some() {
                let close = Command::CloseSession(CloseSession {});
                if let Err(trouble) = self.exchange_in_session(id, close, until) {
                    // The HSM ends the session with the connection.
                    tracing::debug!(?trouble, "a session could not be closed");
                    self.link(id).drop_connection();
                }
            }
            self.link(id).end_session();
        }
        self.identity = Identity::Nobody;
        self.login_refused = None;
        self.session_keys.clear();
        Ok(())
    }
}
