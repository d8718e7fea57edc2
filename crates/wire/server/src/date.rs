//! The `Date` header, which is the same for a second.

use std::sync::{PoisonError, RwLock};

use http::HeaderValue;
use strongroom_schema::Timestamp;

/// Milliseconds of a second.
const SECOND_MS: i64 = 1_000;

/// The header of the last answer, kept: writing a date takes longer than all other headers together.
#[derive(Debug, Default)]
pub(crate) struct DateHeader(RwLock<Option<Kept>>);

#[derive(Debug)]
struct Kept {
    second: i64,
    value: HeaderValue,
}

impl DateHeader {
    /// The header for that moment, milliseconds since 1970.
    pub(crate) fn at(&self, now_ms: i64) -> Option<HeaderValue> {
        let second = now_ms.div_euclid(SECOND_MS);
        if let Some(kept) = &*self.0.read().unwrap_or_else(PoisonError::into_inner)
            && kept.second == second
        {
            return Some(kept.value.clone());
        }
        let value = HeaderValue::from_str(&Timestamp::from_millis(now_ms).to_http_date()).ok()?;
        let kept = Kept { second, value: value.clone() };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_changes_with_the_second_whichever_way_the_clock_goes() {
        let header = DateHeader::default();
        let shown = |now_ms| header.at(now_ms).unwrap().to_str().unwrap().to_owned();
        assert_eq!(shown(1_600_000_000_000), "Sun, 13 Sep 2020 12:26:40 GMT");
        assert_eq!(shown(1_600_000_000_999), "Sun, 13 Sep 2020 12:26:40 GMT");
        assert_eq!(shown(1_600_000_001_000), "Sun, 13 Sep 2020 12:26:41 GMT");
        assert_eq!(shown(1_599_999_999_999), "Sun, 13 Sep 2020 12:26:39 GMT");
    }
}
