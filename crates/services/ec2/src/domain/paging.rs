//! Pages of lists: sizes, and tokens that callers cannot make sense of.

use strongroom_crypto::hex;

use crate::error::Refusal;

/// The least and the most that a caller may ask for in a page (EC2 API Reference, "Pagination"), and what a
/// page holds if nobody asks.
const LEAST: i32 = 5;
const MOST: usize = 1000;

/// The first byte of a token: its form.
const FORM: u8 = 1;

/// The longest name that a token carries, in bytes: an id and a tag's key.
const LONGEST_NAME: usize = 64 + 4 * 128;

/// What one call asks for of a list that is ordered by name.
#[derive(Debug)]
pub(crate) struct Page {
    list: u8,
    after: String,
    limit: usize,
}

impl Page {
    /// Reads `MaxResults` and `NextToken` of the list with that number.
    pub(crate) fn parse(
        list: u8,
        max_results: Option<i32>,
        next_token: Option<&str>,
    ) -> Result<Self, Refusal> {
        let limit = match max_results {
            None => MOST,
            Some(number) if number < LEAST => {
                return Err(Refusal::invalid_value(format!(
                    "Value ( {number} ) for parameter maxResults is invalid. Expecting a value greater than {LEAST}."
                )));
            }
            Some(number) if number as usize > MOST => {
                return Err(Refusal::invalid_value(format!(
                    "Value ( {number} ) for parameter maxResults is invalid. Expecting a value less than or equal to {MOST}."
                )));
            }
            Some(number) => number as usize,
        };
        let after = match next_token {
            None | Some("") => String::new(),
            Some(token) => open(list, token).ok_or_else(|| {
                Refusal::client(
                    "InvalidPaginationToken",
                    "The specified pagination token is not valid or is expired.",
                )
            })?,
        };
        Ok(Self { list, after, limit })
    }

    /// The same, for an operation that wants either ids or pages.
    pub(crate) fn parse_with_ids(
        list: u8,
        max_results: Option<i32>,
        next_token: Option<&str>,
        ids: Option<&[String]>,
        parameter: &str,
    ) -> Result<Self, Refusal> {
        let page = Self::parse(list, max_results, next_token)?;
        if max_results.is_some() && ids.is_some_and(|ids| !ids.is_empty()) {
            return Err(Refusal::combination(format!(
                "The parameter {parameter} cannot be used with the parameter maxResults"
            )));
        }
        Ok(page)
    }

    /// The page out of all entries, which are ordered by name, and the token of the next.
    pub(crate) fn cut<T>(
        &self,
        entries: impl Iterator<Item = T>,
        name: impl Fn(&T) -> String,
    ) -> (Vec<T>, Option<String>) {
        let later = entries.filter(|entry| self.after.is_empty() || name(entry) > self.after);
        let mut page: Vec<T> = later.take(self.limit + 1).collect();
        if page.len() <= self.limit {
            return (page, None);
        }
        page.truncate(self.limit);
        let token = page.last().map(|last| close(self.list, &name(last)));
        (page, token)
    }
}

fn close(list: u8, name: &str) -> String {
    hex::encode(&[&[FORM, list], name.as_bytes()].concat())
}

fn open(list: u8, token: &str) -> Option<String> {
    if token.len() > 2 * (LONGEST_NAME + 2) {
        return None;
    }
    let bytes = hex::decode(token)?;
    let (head, name) = bytes.split_at_checked(2)?;
    if head != [FORM, list] {
        return None;
    }
    String::from_utf8(name.to_vec()).ok().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_lead_to_the_next_page_of_their_own_list_only() {
        let names: Vec<String> = (0..12).map(|number| format!("n{number:02}")).collect();
        let page = |token: Option<&str>| Page::parse(7, Some(5), token).unwrap();
        let cut = |page: &Page| page.cut(names.iter(), |name| (*name).clone());
        let (first, token) = cut(&page(None));
        assert_eq!(first.len(), 5);
        let (second, next) = cut(&page(token.as_deref()));
        assert_eq!(second[0], "n05");
        let (third, end) = cut(&page(next.as_deref()));
        assert_eq!((third.len(), end), (2, None));
        assert!(Page::parse(8, None, token.as_deref()).is_err());
        assert!(Page::parse(7, None, Some("x")).is_err());
    }
}
