//! One call: the attempts at one HSM after another.

use std::time::Duration;

use strongroom_hsm_proto::command::{Call, Failure, FailureCode, Reply};

use super::channel::Channel;
use super::{Inner, Trouble};
use crate::ClientError;
use crate::attempts::{Attempts, Step};
use crate::error::Reason;
use crate::moment::{millis, now_ms};
use crate::roster::MemberId;
use crate::verdict::Verdict;

impl Inner {
    /// Asks HSM after HSM until one does it. Answers which did, and on which of the connections to it.
    pub(super) async fn attempt(
        &self,
        call: &mut Call,
        only: Option<MemberId>,
        until: u64,
    ) -> Result<(MemberId, u64, Reply), ClientError> {
        let patience = millis(self.options.timeouts.absent);
        let mut attempts = Attempts::new(self.options.retry, until, only).patient_for(patience).of(call);
        let mut renewed = Vec::new();
        loop {
            self.check_open()?;
            let step = attempts.next(&mut self.state().roster, now_ms(&self.clocks));
            match step {
                Step::Ask(id) => match self.ask(id, call, until).await {
                    Ok((connection, reply)) => return Ok((id, connection, reply)),
                    Err(Trouble::Broken(reason)) => attempts.broke(reason),
                    Err(Trouble::SecondFactor) => attempts.login_lost(),
                    Err(Trouble::NotLetIn(failure)) => attempts.not_let_in(failure),
                    // Somebody has changed the user: whether it is let in still, the HSM says when it logs in.
                    Err(Trouble::Refused(failure))
                        if self.is_logged_out(&failure) && !renewed.contains(&id) =>
                    {
                        renewed.push(id);
                        attempts.again(id);
                    }
                    Err(Trouble::Refused(failure)) => {
                        let verdict = attempts.refused(failure)?;
                        if verdict == Verdict::NewSession && !renewed.contains(&id) {
                            renewed.push(id);
                            attempts.again(id);
                        }
                    }
                },
                Step::Wait(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                Step::GiveUp => return Err(attempts.give_up(now_ms(&self.clocks))),
            }
        }
    }

    /// Asks one HSM.
    pub(super) async fn ask(
        &self,
        id: MemberId,
        call: &mut Call,
        until: u64,
    ) -> Result<(u64, Reply), Trouble> {
        let begun = now_ms(&self.clocks);
        let result = {
            let _under_way = UnderWay::new(self, id);
            self.ask_counted(id, call, until).await
        };
        let is_failed = match &result {
            Err(Trouble::Broken(reason)) => {
                tracing::info!(%reason, "an HSM cannot be asked");
                true
            }
            Err(Trouble::NotLetIn(_)) => true,
            Err(Trouble::Refused(failure)) => matches!(
                failure.code(),
                FailureCode::Busy
                    | FailureCode::Behind
                    | FailureCode::Halted
                    | FailureCode::Forked
                    | FailureCode::ReadOnly
            ),
            _ => false,
        };
        if is_failed {
            self.state().roster.failed(id, begun, now_ms(&self.clocks));
        }
        result
    }

    async fn ask_counted(&self, id: MemberId, call: &mut Call, until: u64) -> Result<(u64, Reply), Trouble> {
        let channel = self.channel(id, until).await?;
        call.session = channel.session;
        call.cursor = self.state().highest.get();
        let result = self.exchange(id, &channel, call, until).await;
        match &result {
            // The session is gone and the connection is not: both are made anew.
            Err(Trouble::Refused(failure))
                if failure.code() == FailureCode::NoSession || self.is_logged_out(failure) =>
            {
                channel.close();
            }
            _ => {}
        }
        Ok((channel.number, result?))
    }

    /// Whether a session in which the user was logged in is not any more.
    fn is_logged_out(&self, failure: &Failure) -> bool {
        failure.code() == FailureCode::NotLoggedIn && self.state().credentials.is_some()
    }

    /// One call on one connection.
    pub(super) async fn exchange(
        &self,
        id: MemberId,
        channel: &Channel,
        call: &Call,
        until: u64,
    ) -> Result<Reply, Trouble> {
        use strongroom_hsm_proto::command::Outcome;
        let left = until.saturating_sub(now_ms(&self.clocks)).min(millis(self.options.timeouts.attempt));
        if left == 0 {
            return Err(Trouble::Broken("the time for the call is over".into()));
        }
        let answer = channel.call(call, Duration::from_millis(left)).await.map_err(Trouble::Broken)?;
        {
            let mut state = self.state();
            state.highest.note(answer.cursor.as_ref());
            state.roster.answered(id, answer.load);
        }
        match answer.outcome {
            Some(Outcome::Reply(reply)) => Ok(reply),
            Some(Outcome::Failure(failure)) => Err(Trouble::Refused(failure)),
            None => Err(Trouble::Broken(Reason::after_sending("it answers nothing"))),
        }
    }
}

/// A call that is counted as under way, until it ends or its caller gives it up.
struct UnderWay<'a> {
    inner: &'a Inner,
    id: MemberId,
}

impl<'a> UnderWay<'a> {
    fn new(inner: &'a Inner, id: MemberId) -> Self {
        inner.state().roster.sent(id);
        Self { inner, id }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.inner.state().roster.ended(self.id);
    }
}
