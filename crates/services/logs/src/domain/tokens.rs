//! Tokens of pages.

use strongroom_crypto::hex;

use super::id::Id;
use crate::error::Refusal;

/// Digits of each number in a token of GetLogEvents.
const DIGITS: usize = 28;

/// Where an event stands in its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) at_ms: i64,
    pub(crate) sequence: i64,
}

impl Place {
    /// Before every event from a moment on.
    pub(crate) fn from_ms(at_ms: i64) -> Self {
        Self { at_ms, sequence: 0 }
    }

    /// Right after the event here.
    pub(crate) fn next(self) -> Self {
        Self { sequence: self.sequence.saturating_add(1), ..self }
    }
}

/// Which way a page of GetLogEvents goes: from a place on, or before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Forward(Place),
    Backward(Place),
}

/// Where FilterLogEvents goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) place: Place,
    pub(crate) stream: Id,
    pub(crate) is_descending: bool,
}

impl Way {
    /// As AWS writes them: `f/` or `b/`, digits, `/s`.
    pub(crate) fn close(self) -> String {
        let (letter, Place { at_ms, sequence }) = match self {
            Self::Forward(place) => ('f', place),
            Self::Backward(place) => ('b', place),
        };
        format!("{letter}/{at_ms:0DIGITS$}{sequence:0DIGITS$}/s")
    }

    pub(crate) fn open(token: &str) -> Result<Self, Refusal> {
        let (letter, rest) = token.split_once('/').ok_or_else(Refusal::bad_token)?;
        let digits = rest
            .strip_suffix("/s")
            .filter(|digits| digits.len() == 2 * DIGITS)
            .ok_or_else(Refusal::bad_token)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Refusal::bad_token());
        }
        let (at_ms, sequence) = digits.split_at_checked(DIGITS).ok_or_else(Refusal::bad_token)?;
        let number = |text: &str| text.parse().map_err(|_| Refusal::bad_token());
        let place = Place { at_ms: number(at_ms)?, sequence: number(sequence)? };
        match letter {
            "f" => Ok(Self::Forward(place)),
            "b" => Ok(Self::Backward(place)),
            _ => Err(Refusal::bad_token()),
        }
    }
}

impl Cursor {
    pub(crate) fn close(self) -> String {
        let Self { place, stream, is_descending } = self;
        let way = if is_descending { "back" } else { "on" };
        close("events", &[way, &place.at_ms.to_string(), &place.sequence.to_string(), &stream.to_string()])
    }

    pub(crate) fn open(token: &str) -> Result<Self, Refusal> {
        let [way, at_ms, sequence, stream] = open("events", token)?;
        let number = |text: String| text.parse().map_err(|_| Refusal::bad_token());
        let stream =
            hex::decode(&stream).and_then(|bytes| Id::from_bytes(&bytes)).ok_or_else(Refusal::bad_token)?;
        let place = Place { at_ms: number(at_ms)?, sequence: number(sequence)? };
        Ok(Self { place, stream, is_descending: way == "back" })
    }
}

/// A token that leads to what comes after some texts of a list.
pub(crate) fn close(list: &str, place: &[&str]) -> String {
    hex::encode([&[list], place].concat().join("\0").as_bytes())
}

/// The texts that a token of a list leads to; as many as there must be.
pub(crate) fn open<const N: usize>(list: &str, token: &str) -> Result<[String; N], Refusal> {
    let bytes = hex::decode(token).ok_or_else(Refusal::bad_token)?;
    let text = String::from_utf8(bytes).map_err(|_| Refusal::bad_token())?;
    let mut parts = text.split('\0');
    if parts.next() != Some(list) {
        return Err(Refusal::bad_token());
    }
    let parts: Vec<_> = parts.map(str::to_owned).collect();
    parts.try_into().map_err(|_| Refusal::bad_token())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_lead_back() {
        let place = Place { at_ms: 1_700_000_000_000, sequence: 7 };
        for way in [Way::Forward(place), Way::Backward(place)] {
            assert_eq!(Way::open(&way.close()).unwrap(), way);
        }
        let long = Way::Forward(place).close().replace("f/0", "f/9");
        for token in ["", "f", "f//s", "g/1/s", &Way::Forward(place).close()[1..], &long] {
            assert!(Way::open(token).is_err(), "{token}");
        }
        let cursor = Cursor { place, stream: Id::new().unwrap(), is_descending: true };
        assert_eq!(Cursor::open(&cursor.close()).unwrap(), cursor);
        assert_eq!(open::<2>("l", &close("l", &["a", "b"])).unwrap(), ["a", "b"]);
        assert!(open::<2>("m", &close("l", &["a", "b"])).is_err());
        assert!(open::<1>("l", &close("l", &["a", "b"])).is_err());
    }
}
