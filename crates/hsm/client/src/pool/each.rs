//! One command at every HSM.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use strongroom_hsm_proto::command::{Command, FailureCode, Reply};

use super::{Inner, Pool, Trouble};
use crate::roster::MemberId;
use crate::{ClientError, routing};

/// How often one HSM is asked: once more if the connection, or the session in it, was found to be gone.
const ATTEMPTS: usize = 2;

impl Pool {
    /// Asks every HSM that is known, all at a time. Each answers, or fails, for itself: nothing is asked elsewhere
    /// instead. The answers stand in no order that means anything.
    pub async fn call_each(&self, command: Command) -> Vec<Result<Reply, ClientError>> {
        let until = self.0.deadline();
        let members: Vec<_> = self.0.state().roster.ids().collect();
        let asked = members.into_iter().map(|id| self.0.ask_only(id, command.clone(), until));
        let answers = all(asked.collect()).await;
        if answers.iter().any(Result::is_ok) {
            self.0.state().note_password(&command);
        }
        answers
    }
}

impl Inner {
    /// Asks this HSM and no other.
    async fn ask_only(&self, id: MemberId, command: Command, until: u64) -> Result<Reply, ClientError> {
        let mut call = routing::call(command, Vec::new())?;
        let mut left = ATTEMPTS;
        loop {
            self.check_open()?;
            left -= 1;
            match self.ask(id, &mut call, until).await {
                Ok((_, reply)) => return Ok(reply),
                Err(trouble) if left == 0 || !is_worth_another(&trouble) => return Err(trouble.into()),
                Err(_) => {}
            }
        }
    }
}

fn is_worth_another(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Broken(reason) => !reason.lasts && !reason.is_absent,
        Trouble::Refused(failure) => {
            matches!(failure.code(), FailureCode::NoSession | FailureCode::NotLoggedIn)
        }
        Trouble::NotLetIn(_) | Trouble::SecondFactor => false,
    }
}

/// Waits for all of them at once.
pub(super) async fn all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        let mut are_ready = true;
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(done) => *output = Some(done),
                    Poll::Pending => are_ready = false,
                }
            }
        }
        if are_ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outputs.into_iter().flatten().collect()
}
