//! What whoever runs the machine asks of a server: over a socket in its data folder where one runs, and else of its parts,
//! opened for that.
//!
//! A command makes a [`Request`] and has it [done](ask). Its handler does not know the difference: it has the [`Parts`],
//! tells how far it is through [`Answers`], and answers with JSON. A new command is one variant of `Request` and one arm of
//! `Parts::handle`.

mod accounts;
mod answers;
mod client;
mod lines;
mod listener;
mod request;
mod seal;

use std::sync::Arc;

use anyhow::Result;
use strongroom_iam::IdentityManagement;
use strongroom_resealing::Resealing;
use strongroom_secret::SecretString;

pub(crate) use self::answers::{Answer, Answers};
pub(crate) use self::client::ask;
pub(crate) use self::listener::Control;
pub(crate) use self::request::{AccountCreate, Request, RootReset};
use crate::backup;
use crate::node::Ground;
use crate::settings::Place;

/// What handlers work on.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) place: Place,
    pub(crate) ground: Ground,
    pub(crate) iam: Arc<IdentityManagement>,
    pub(crate) resealing: Arc<Resealing>,
}

impl Parts {
    /// Does what was asked, and answers with JSON.
    async fn handle(&self, request: Request, answers: &Answers) -> Result<SecretString> {
        let _ = answers;
        match request {
            Request::AccountCreate(asked) => accounts::create(self, asked).await,
            Request::AccountList {} => accounts::list(self).await,
            Request::RootReset(asked) => accounts::reset_root(self, asked).await,
            Request::SealRotate {} => seal::rotate(self, answers).await,
            Request::Backup {} => backup::make(self, answers).await,
        }
    }
}
