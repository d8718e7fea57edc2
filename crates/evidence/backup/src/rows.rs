//! Rows as bytes. Of each value: 0 for NULL, or 1 and eight bytes of a number, 2 and eight bytes of a floating point number,
//! 3 or 4 and the length (u32) of a text or of bytes, which follow. Big-endian.

use strongroom_store::{Type, Value};

use crate::BackupError;

/// Appends a row.
pub(crate) fn put(row: &[Value], out: &mut Vec<u8>) {
    for value in row {
        match value {
            Value::Null(_) => out.push(0),
            Value::I64(number) => {
                out.push(1);
                out.extend(number.to_be_bytes());
            }
            Value::F64(number) => {
                out.push(2);
                out.extend(number.to_bits().to_be_bytes());
            }
            Value::Text(text) => put_bytes(3, text.as_bytes(), out),
            Value::Blob(bytes) => put_bytes(4, bytes, out),
        }
    }
}

fn put_bytes(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend((bytes.len() as u32).to_be_bytes());
    out.extend(bytes);
}

/// Reads rows of a table with these columns, as many as there are.
pub(crate) fn read(columns: &[(String, Type)], mut bytes: &[u8]) -> Result<Vec<Vec<Value>>, BackupError> {
    if columns.is_empty() {
        return Err(BackupError::content("a table has rows and no columns"));
    }
    let mut rows = Vec::new();
    while !bytes.is_empty() {
        let row = columns.iter().map(|(_, kind)| value(*kind, &mut bytes)).collect::<Option<Vec<_>>>();
        rows.push(row.ok_or_else(|| BackupError::content("a row is not one of its table"))?);
    }
    Ok(rows)
}

fn value(kind: Type, bytes: &mut &[u8]) -> Option<Value> {
    let [tag] = *take::<1>(bytes)?;
    Some(match (tag, kind) {
        (0, _) => Value::Null(kind),
        (1, Type::I64) => Value::I64(i64::from_be_bytes(*take(bytes)?)),
        (2, Type::F64) => Value::F64(f64::from_bits(u64::from_be_bytes(*take(bytes)?))),
        (3, Type::Text) => Value::Text(str::from_utf8(take_counted(bytes)?).ok()?.to_owned()),
        (4, Type::Blob) => Value::Blob(take_counted(bytes)?.to_vec()),
        _ => return None,
    })
}

fn take<'b, const N: usize>(bytes: &mut &'b [u8]) -> Option<&'b [u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(taken)
}

fn take_counted<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = u32::from_be_bytes(*take(bytes)?) as usize;
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}
