//! Statements as constants, checked when they are compiled.

use crate::{StoreError, Value};

/// One SQL statement in the dialect (see the crate's head), with parameters `$1` to `$n`.
///
/// Made in a `const`, so that a text that begins with anything but `SELECT`, `WITH`, `INSERT`, `UPDATE` or
/// `DELETE`, or that skips a parameter, does not compile:
///
/// ```
/// use strongroom_store::Statement;
/// const FIND: Statement = Statement::new("SELECT state FROM kms_keys WHERE account = $1 AND key_id = $2");
/// ```
/// ```compile_fail
/// # use strongroom_store::Statement;
/// const FIND: Statement = Statement::new("SELECT state FROM kms_keys WHERE account = $1 AND key_id = $3");
/// ```
/// Each service lists its statements in a `STATEMENTS` constant for
/// [`Db::check_statements`](crate::Db::check_statements).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    sql: &'static str,
    parameters: usize,
    reads: bool,
}

impl Statement {
    /// The statement of that text. Meant for `const` items.
    ///
    /// # Panics
    /// When the text breaks the rules above, which in a `const` is a compile error.
    #[must_use]
    pub const fn new(sql: &'static str) -> Self {
        Self { sql, parameters: count_parameters(sql), reads: only_reads(sql) }
    }

    /// The text.
    #[must_use]
    pub const fn sql(self) -> &'static str {
        self.sql
    }

    /// How many parameters it takes.
    #[must_use]
    pub const fn parameters(self) -> usize {
        self.parameters
    }

    /// Whether it is a query that changes nothing (`SELECT` or `WITH`).
    #[must_use]
    pub const fn reads(self) -> bool {
        self.reads
    }

    /// Refuses values that do not fit the statement. SQLite would take a missing one for NULL.
    pub(crate) fn admit(self, values: &[Value]) -> Result<(), StoreError> {
        if values.len() != self.parameters {
            return Err(self.misused(format!("it takes {} values, not {}", self.parameters, values.len())));
        }
        for value in values {
            match value {
                Value::Text(text) if text.contains('\0') => {
                    return Err(self.misused("text with U+0000 cannot be stored"));
                }
                Value::F64(number) if number.is_nan() => return Err(self.misused("NaN cannot be stored")),
                _ => {}
            }
        }
        Ok(())
    }

    pub(crate) fn misused(self, reason: impl Into<String>) -> StoreError {
        StoreError::Misuse { sql: self.sql, reason: reason.into() }
    }
}

/// The statement's first keyword decides.
const fn only_reads(sql: &str) -> bool {
    let text = sql.as_bytes().trim_ascii_start();
    if begins_with(text, b"SELECT ") {
        return true;
    }
    if begins_with(text, b"WITH ") {
        assert!(
            !contains(text, b"INSERT ") && !contains(text, b"UPDATE ") && !contains(text, b"DELETE "),
            "a WITH only reads"
        );
        return true;
    }
    assert!(
        begins_with(text, b"INSERT ") || begins_with(text, b"UPDATE ") || begins_with(text, b"DELETE "),
        "a statement begins with SELECT, WITH, INSERT, UPDATE or DELETE"
    );
    false
}

const fn contains(mut text: &[u8], word: &[u8]) -> bool {
    while let [_, rest @ ..] = text {
        if begins_with(text, word) {
            return true;
        }
        text = rest;
    }
    false
}

const fn begins_with(text: &[u8], word: &[u8]) -> bool {
    match text.split_at_checked(word.len()) {
        Some((mut head, _)) => {
            let mut word = word;
            while let ([a, rest @ ..], [b, wanted @ ..]) = (head, word) {
                if *a != *b {
                    return false;
                }
                head = rest;
                word = wanted;
            }
            true
        }
        None => false,
    }
}

/// The highest `$n`, after checking that none below it is missing.
const fn count_parameters(sql: &str) -> usize {
    let text = sql.as_bytes();
    let mut seen = 0_u64;
    let mut at = 0;
    while at < text.len() {
        if text[at] == b'$' {
            let mut number = 0;
            while at + 1 < text.len() && text[at + 1].is_ascii_digit() {
                at += 1;
                number = number * 10 + (text[at] - b'0') as u32;
            }
            assert!(number >= 1 && number <= 63, "a parameter is $1 to $63");
            seen |= 1 << (number - 1);
        }
        at += 1;
    }
    let count = seen.trailing_ones();
    assert!(seen >> count == 0, "a parameter is skipped");
    count as usize
}
