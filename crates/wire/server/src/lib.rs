//! The front door: HTTP in, AWS's protocols, a verified signature, one operation of one service, one record,
//! and an answer.
//!
//! [`Server`] knows no service by name; programs give it a [`Registry`] of them, the credentials against which
//! signatures are verified, and a [`Recorder`]. A request's way through is [`Server::answer`] in `pipeline`,
//! from top to bottom; what is asked of the server itself branches off in `own`. [`Origins`] says which web
//! pages may call, [`Admission`] may say "not now", [`DevTools`] is what dev mode can do. Every bound is in [`Limits`].

#![warn(missing_docs)]

mod admission;
mod authenticate;
mod body;
mod by_path;
mod connection;
mod cors;
mod date;
mod detached;
mod dev;
mod documents;
mod download;
mod freshness;
mod health;
mod host;
mod inflate;
mod limits;
mod listener;
mod metrics;
mod operate;
mod own;
mod pipeline;
mod places;
mod recorder;
mod registry;
mod renewal;
mod security_log;
mod server;
mod tls;
mod unsigned;
mod upload;

pub use admission::Admission;
pub use cors::{InvalidOrigin, Origins};
pub use dev::{Advanced, DevClock, DevError, DevTools};
pub use documents::{Document, Documents};
pub use freshness::Freshness;
pub use limits::{Limits, LongerBody, Pace};
pub use metrics::{Figure, Figures, Reading, Scrapers};
pub use recorder::{FinishedCall, Recorder};
pub use registry::Registry;
pub use security_log::{FailedAuthentication, FailureLog};
pub use server::{Server, ServerParts};
pub use tls::{Certificate, UnusableCertificate};
