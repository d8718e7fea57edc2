//! AWS's wire protocols: what a request says, and how its answer is framed.
//!
//! Codecs walk a [`strongroom_schema::Schema`] and fill or show a [`strongroom_schema::Structure`]:
//! [`json`], [`cbor`], [`query`] and [`ec2`] read requests, [`json`], [`cbor`] and [`xml`] write answers, [`trail`]
//! writes what CloudTrail records of either. [`validate()`] checks what was read against the model, in AWS's
//! words. [`envelope`] says which protocol a request speaks and puts answers and errors into that protocol's form; [`rest`]
//! does both for rest-xml, and [`chunked`] takes S3's uploads out of their chunks.
//!
//! The crate is pure: no I/O, no clock, no server, no service. Every bound on what a caller may send is in
//! [`Limits`]; the size of a body is bounded by whoever reads it. Start at [`envelope::detect_head`].

#![warn(missing_docs)]

pub mod cbor;
pub mod chunked;
mod cut;
pub mod ec2;
pub mod envelope;
pub mod json;
mod limits;
mod missing;
mod name;
mod out;
mod path;
pub mod query;
pub mod rest;
mod scalar;
mod seen;
mod text;
pub mod trail;
mod validate;
pub mod xml;

pub use limits::Limits;
pub use missing::Missing;
pub use validate::{Violations, validate};
