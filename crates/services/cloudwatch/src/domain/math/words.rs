//! Words of an expression.

use super::MathError;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    Number(f64),
    /// An id, a function or a keyword.
    Name(String),
    Text(String),
    Sign(&'static str),
}

/// The signs, the longer ones of those that begin alike first.
const SIGNS: [&str; 19] =
    ["&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "^", "(", ")", "[", "]", ",", "="];

pub(super) fn words(text: &str) -> Result<Vec<Word>, MathError> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let taken;
        if first.is_ascii_digit() || first == '.' {
            let length = number_length(rest);
            let number = rest.get(..length).and_then(|digits| digits.parse().ok());
            words.push(Word::Number(number.ok_or_else(|| MathError::invalid("a number cannot be read"))?));
            taken = length;
        } else if first.is_ascii_alphabetic() {
            let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            taken = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
            words.push(Word::Name(rest.get(..taken).unwrap_or_default().to_owned()));
        } else if first == '"' || first == '\'' {
            let inner = rest.get(1..).unwrap_or_default();
            let end = inner.find(first).ok_or_else(|| MathError::invalid("a quoted text does not end"))?;
            words.push(Word::Text(inner.get(..end).unwrap_or_default().to_owned()));
            taken = end + 2;
        } else {
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
            let sign = sign.ok_or_else(|| MathError::invalid(format!("unexpected '{first}'")))?;
            words.push(Word::Sign(sign));
            taken = sign.len();
        }
        rest = rest.get(taken..).unwrap_or_default().trim_start();
    }
    Ok(words)
}

/// How many bytes of a text that begins with one are a number.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if bytes.get(end).is_some_and(|letter| letter.eq_ignore_ascii_case(&b'e')) {
        let signed = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + signed);
        if exponent > end + 1 + signed {
            end = exponent;
        }
    }
    end
}
