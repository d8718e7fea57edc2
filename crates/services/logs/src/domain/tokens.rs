//! Tokens of pages.

use strongroom_crypto::hex;

use crate::error::Refusal;

/// Where an event stands in its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) at_ms: i64,
    pub(crate) sequence: i64,
}

/// Which way a page of GetLogEvents goes from a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Forward(Place),
    Backward(Place),
}

fn bad() -> Refusal {
    Refusal::invalid("The specified nextToken is invalid.")
}

impl Way {
    /// As AWS writes them: `f/` or `b/`, digits, `/s`.
    pub(crate) fn close(self) -> String {
        let (letter, Place { at_ms, sequence }) = match self {
            Self::Forward(place) => ('f', place),
            Self::Backward(place) => ('b', place),
        };
        format!("{letter}/{at_ms:028}{sequence:028}/s")
    }

    pub(crate) fn open(token: &str) -> Result<Self, Refusal> {
        let (letter, rest) = token.split_once('/').ok_or_else(bad)?;
        let digits = rest.strip_suffix("/s").filter(|digits| digits.len() == 56).ok_or_else(bad)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad());
        }
        let (at_ms, sequence) = digits.split_at_checked(28).ok_or_else(bad)?;
        let number = |text: &str| text.parse().map_err(|_| bad());
        let place = Place { at_ms: number(at_ms)?, sequence: number(sequence)? };
        match letter {
            "f" => Ok(Self::Forward(place)),
            "b" => Ok(Self::Backward(place)),
            _ => Err(bad()),
        }
    }
}

/// A token that leads to what comes after some texts of a list.
pub(crate) fn close(list: &str, place: &[&str]) -> String {
    hex::encode([&[list], place].concat().join("\0").as_bytes())
}

/// The texts that a token of a list leads to; as many as there must be.
pub(crate) fn open<const N: usize>(list: &str, token: &str) -> Result<[String; N], Refusal> {
    let bytes = hex::decode(token).ok_or_else(bad)?;
    let text = String::from_utf8(bytes).map_err(|_| bad())?;
    let mut parts = text.split('\0');
    if parts.next() != Some(list) {
        return Err(bad());
    }
    let parts: Vec<_> = parts.map(str::to_owned).collect();
    parts.try_into().map_err(|_| bad())
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
        for token in ["", "f", "f//s", "g/1/s", &Way::Forward(place).close()[1..]] {
            assert!(Way::open(token).is_err(), "{token}");
        }
        assert_eq!(open::<2>("l", &close("l", &["a", "b"])).unwrap(), ["a", "b"]);
        assert!(open::<2>("m", &close("l", &["a", "b"])).is_err());
        assert!(open::<1>("l", &close("l", &["a", "b"])).is_err());
    }
}
