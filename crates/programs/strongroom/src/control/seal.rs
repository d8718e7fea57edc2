//! The seal rotated.

use std::time::Duration;

use anyhow::{Context as _, Result};
use strongroom_resealing::{Outcome, Progress};
use strongroom_secret::SecretString;
use tokio::sync::watch;

use super::{Answer, Answers, Parts};
use crate::seal::Rotated;

/// Between two lines of progress.
const TOLD_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn rotate(parts: &Parts, answers: &Answers) -> Result<SecretString> {
    let (sender, seen) = watch::channel(None);
    let tell = |progress: Progress| drop(sender.send_replace(Some(progress)));
    let rotation = parts.resealing.rotate(&tell);
    let outcome = tokio::select! {
        outcome = rotation => outcome.context("rotating the seal")?,
        gone = tell_of(seen, answers) => return Err(gone),
    };
    let Outcome { epoch, totals, finished } = outcome;
    let rotated = Rotated {
        epoch: epoch.number(),
        resealed: totals.resealed,
        refused: totals.refused,
        names: totals.names,
        finished,
    };
    Ok(SecretString::new(serde_json::to_string(&rotated)?))
}

/// Tells how far it is, until nobody listens any more; what is begun then goes on in the background.
async fn tell_of(mut seen: watch::Receiver<Option<Progress>>, answers: &Answers) -> anyhow::Error {
    loop {
        tokio::time::sleep(TOLD_EVERY).await;
        let told = seen.borrow_and_update().clone();
        let line = match told {
            None => "waiting for other servers".to_owned(),
            Some(Progress { of, totals }) => format!("{of}: {} rows sealed afresh so far", totals.resealed),
        };
        if let Err(gone) = answers.send(Answer::Progress(line)).await {
            return gone;
        }
    }
}
