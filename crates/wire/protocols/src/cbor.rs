//! The CBOR codec of `rpc-v2-cbor` (RFC 8949 as <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>
//! uses it).
//!
//! Reading takes one pass over the bytes, in linear time. What the RFC leaves open to decoders is taken: lengths that
//! are said or left open, text in pieces, arguments and floating-point numbers of any width. What would let two
//! readers of one message see two messages is refused: a member or key that comes twice, text that is not UTF-8.
//! Null and undefined members count as absent, unknown members are passed over (and still have to be CBOR).
//! Nothing is allocated by a length before that many bytes are there.

mod cursor;
mod read;
mod write;

pub use read::read;
pub(crate) use write::write_with;

use strongroom_schema::Structure;
use strongroom_secret::SecretBytes;

/// Writes a structure: definite lengths, its members in the order of the schema, those not set left out.
pub fn write(structure: &dyn Structure) -> SecretBytes {
    write_with(&[], Some(structure), |_| true)
}
