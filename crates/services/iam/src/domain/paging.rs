//! Pages of lists: sizes, and markers that callers cannot make sense of.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::Refusal;

/// What a page holds if nobody asks (IAM API Reference, `MaxItems`); the model bounds what may be asked for.
const USUAL: usize = 100;

/// The first byte of a marker: its form.
const FORM: u8 = 1;

/// What one call asks for of a list that is ordered by key.
#[derive(Debug)]
pub(crate) struct Page {
    after: Option<String>,
    limit: usize,
}

impl Page {
    /// Reads `MaxItems` and `Marker`.
    pub(crate) fn parse(max_items: Option<i32>, marker: Option<&str>) -> Result<Self, Refusal> {
        let limit = max_items.and_then(|number| usize::try_from(number).ok()).unwrap_or(USUAL);
        let after = match marker {
            None => None,
            Some(marker) => {
                Some(open(marker).ok_or_else(|| Refusal::Validation("Invalid Marker.".to_owned()))?)
            }
        };
        Ok(Self { after, limit: limit.max(1) })
    }

    /// The same page with so many entries at most, and one at least.
    pub(crate) fn at_most(self, entries: usize) -> Self {
        Self { limit: self.limit.min(entries).max(1), ..self }
    }

    /// The page out of all entries, which come in the order of their keys, and the marker of the next.
    pub(crate) fn cut<T>(
        &self,
        entries: impl Iterator<Item = T>,
        key: impl Fn(&T) -> String,
    ) -> (Vec<T>, Option<String>) {
        let later = entries.filter(|entry| self.after.as_ref().is_none_or(|after| key(entry) > *after));
        let mut page: Vec<T> = later.take(self.limit + 1).collect();
        if page.len() <= self.limit {
            return (page, None);
        }
        page.truncate(self.limit);
        let marker = page.last().map(|last| marker(&key(last)));
        (page, marker)
    }
}

/// The marker of the page that begins after the entry with that key.
pub(crate) fn marker(key: &str) -> String {
    URL_SAFE_NO_PAD.encode([&[FORM], key.as_bytes()].concat())
}

/// The model bounds the length.
fn open(marker: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(marker).ok()?;
    let (&form, key) = bytes.split_first()?;
    (form == FORM).then(|| String::from_utf8(key.to_vec()).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_lead_to_the_next_page() {
        let names: Vec<String> = (0..12).map(|number| format!("n{number:02}")).collect();
        let cut = |marker: Option<&str>| {
            Page::parse(Some(5), marker).unwrap().cut(names.iter(), |name| (*name).clone())
        };
        let (first, marker) = cut(None);
        assert_eq!(first.len(), 5);
        let (second, next) = cut(marker.as_deref());
        assert_eq!(second[0], "n05");
        let (third, end) = cut(next.as_deref());
        assert_eq!((third.len(), end), (2, None));
        assert!(Page::parse(None, Some("x")).is_err());
    }
}
