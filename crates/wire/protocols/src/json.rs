//! The JSON codec of `awsJson1_0` and `awsJson1_1`.
//!
//! Reading takes one pass over the bytes, in linear time, and borrows what needs no unescaping. RFC 8259 to
//! the letter, and stricter where leniency would let two readers of one message see two messages: a member
//! or key that comes twice is refused, as are half surrogate pairs. Null members count as absent, unknown
//! members are passed over (and still have to be JSON).

mod cursor;
mod read;
mod write;

pub use read::read;
pub(crate) use write::{Style, Writer, push_string};

use strongroom_schema::{Member, Schema, Structure, Timestamp, TimestampFormat};
use strongroom_secret::{SecretBuffer, SecretBytes};

use crate::out::Out as _;
use crate::{Limits, scalar};

/// Writes a structure: compact, its members in the order of the schema, those not set left out.
pub fn write(structure: &dyn Structure) -> SecretBytes {
    let mut writer = Writer::<Wire>::default();
    writer.structure(structure);
    writer.finish().into_secret()
}

/// Whether a text is one JSON object and nothing else.
pub(crate) fn is_object(text: &str) -> bool {
    let skipped = cursor::Cursor::new(text.as_bytes()).and_then(|mut cursor| {
        cursor.skip(Limits::default().depth)?;
        Ok(cursor.is_at_end())
    });
    text.trim_start().starts_with('{') && skipped.is_ok_and(|is_at_end| is_at_end)
}

/// The form in which messages travel.
pub(crate) struct Wire;

impl Style for Wire {
    type Out = SecretBuffer;

    fn push_name(out: &mut SecretBuffer, member: &Member) {
        out.push_str(member.name);
    }

    fn omits(_: &Schema) -> bool {
        false
    }

    fn push_timestamp(out: &mut SecretBuffer, moment: Timestamp, format: TimestampFormat) {
        let text = scalar::timestamp_text(moment, format);
        if format == TimestampFormat::EpochSeconds {
            out.push_str(&text);
        } else {
            push_string(out, &text);
        }
    }
}
