//! What an AWS API looks like, as data: schemas of shapes, operations and services, and the two visitors
//! (read a member, view a member) through which codecs reach generated types.
//!
//! The crate knows no protocol and no HTTP. A codec walks a [`Schema`] and either fills a [`Structure`]
//! through a [`Reader`] or shows one as [`Value`]s. Generated code (the `api` crates) supplies the schemas
//! and the structures. Start at [`Schema`] and [`Structure`].

#![warn(missing_docs)]

mod macros;
mod pattern;
mod read;
mod schema;
mod service;
mod shape;
mod stream;
mod timestamp;
mod value;

pub use pattern::Pattern;
pub use read::{ReadError, Reader};
pub use schema::{Bound, Constraints, Kind, Location, Member, MemberTraits, Schema, TimestampFormat};
pub use service::{ErrorShape, Fault, HttpBinding, Operation, Protocol, QueryError, ServiceSchema};
pub use shape::{Blob, Map, Shape, Structure, Unit};
pub use stream::{ByteSource, ByteStream, StreamError};
pub use timestamp::Timestamp;
pub use value::{ListView, MapView, Value};
