//! Pages of lists: sizes, and markers that callers cannot make sense of.

use strongroom_crypto::hex;

use crate::error::Refusal;

/// The longest name that a marker carries, in bytes: a tag's of 128 characters.
const LONGEST_NAME: usize = 4 * 128;

/// The first byte of a marker: its form, and for which list.
const FORM: u8 = 1;

/// What one call asks for of a list that is ordered by name.
#[derive(Debug)]
pub(crate) struct Page {
    /// Entries start after this name.
    pub(crate) after: String,
    /// At most so many.
    pub(crate) limit: usize,
}

impl Page {
    /// Reads `Limit` and `Marker`. The schema has checked the limit's range.
    pub(crate) fn parse(
        list: u8,
        limit: Option<i32>,
        default: usize,
        marker: Option<&str>,
    ) -> Result<Self, Refusal> {
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(default);
        let after = marker.map_or(Ok(String::new()), |marker| open(list, marker))?;
        Ok(Self { after, limit })
    }

    /// The same for a list whose pages hold fewer entries than the model allows.
    pub(crate) fn parse_up_to(
        most: usize,
        list: u8,
        limit: Option<i32>,
        default: usize,
        marker: Option<&str>,
    ) -> Result<Self, Refusal> {
        let bound = i32::try_from(most).unwrap_or(i32::MAX);
        if let Some(limit) = limit.filter(|limit| *limit > bound) {
            return Err(Refusal::out_of_range("limit", limit, "less", bound));
        }
        Self::parse(list, limit, default, marker)
    }

    /// Cuts `entries`, read with one more than the limit, to the page, and makes the marker of the next.
    pub(crate) fn cut<T>(
        &self,
        list: u8,
        mut entries: Vec<T>,
        name: impl Fn(&T) -> String,
    ) -> (Vec<T>, Option<String>) {
        if entries.len() <= self.limit {
            return (entries, None);
        }
        entries.truncate(self.limit);
        let marker = entries.last().map(|last| close(list, &name(last)));
        (entries, marker)
    }
}

fn close(list: u8, name: &str) -> String {
    hex::encode(&[&[FORM, list], name.as_bytes()].concat())
}

fn open(list: u8, marker: &str) -> Result<String, Refusal> {
    let name = hex::decode(marker).and_then(|bytes| match bytes.split_at_checked(2) {
        Some((head, name)) if head == [FORM, list] => {
            String::from_utf8(name.to_vec()).ok().filter(|name| is_name(name))
        }
        _ => None,
    });
    name.ok_or(Refusal::InvalidMarker)
}

/// Whether an entry of a list can have that name. A forged marker may carry anything, and the store takes not
/// everything.
fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME && !name.is_empty() && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_lead_to_the_next_page_of_their_own_list_only() {
        let page = Page { after: String::new(), limit: 2 };
        let (entries, marker) = page.cut(7, vec!["a", "b", "c"], |name| (*name).to_owned());
        assert_eq!(entries, ["a", "b"]);
        let marker = marker.unwrap();
        assert_eq!(Page::parse(7, None, 2, Some(&marker)).unwrap().after, "b");
        assert!(Page::parse(8, None, 2, Some(&marker)).is_err());
        assert!(Page::parse(7, None, 2, Some("b")).is_err());
        assert!(Page::parse(7, None, 2, Some(&close(7, "\0"))).is_err());
        assert_eq!(page.cut(7, vec!["a", "b"], |name| (*name).to_owned()).1, None);
    }
}
