//! What is in a bucket, page by page.

use strongroom_identity::Action;
use strongroom_policy::Authorized;

use super::ObjectStorage;
use crate::domain::access::Place;
use crate::domain::listing::{Token, View, behind};
use crate::domain::object::Version;
use crate::error::Refusal;
use crate::repo::{self, Cursor};

/// Rows that are read at once.
const ROWS: i64 = 1001;

/// What stands on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Version(Box<Version>),
    CommonPrefix(String),
}

/// Where a page begins.
#[derive(Clone, Debug)]
pub(crate) enum Start {
    Token(Token),
    /// Behind the version of that key which has that number.
    Within(String, i64),
}

/// A page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    pub(crate) is_truncated: bool,
}

impl ObjectStorage {
    /// A page of a bucket: its objects, or all of their versions.
    pub(crate) async fn list<A: Action>(
        &self,
        permitted: &Authorized<A, Place>,
        view: View<'_>,
        start: Start,
        limit: i32,
        with_versions: bool,
    ) -> Result<Page, Refusal> {
        let bucket = &permitted.resource().bucket.name;
        let mut page = Page::default();
        let most = usize::try_from(limit).unwrap_or_default();
        if most == 0 {
            return Ok(page);
        }
        let mut cursor = first(view, start);
        loop {
            let rows = if with_versions {
                repo::list_versions(&self.db, &self.mac, bucket, &cursor, ROWS).await?
            } else {
                repo::list_latest(&self.db, &self.mac, bucket, &cursor, ROWS).await?
            };
            let is_end = (rows.len() as i64) < ROWS;
            let mut rolled_up: Option<String> = None;
            let mut last: Option<(String, i64)> = None;
            for version in rows {
                if !view.covers(&version.key) {
                    return Ok(page);
                }
                if rolled_up.as_ref().is_some_and(|prefix| version.key.starts_with(prefix.as_str())) {
                    continue;
                }
                if page.entries.len() >= most {
                    page.is_truncated = true;
                    return Ok(page);
                }
                if let Some(prefix) = view.common_prefix(&version.key) {
                    rolled_up = Some(prefix.to_owned());
                    page.entries.push(Entry::CommonPrefix(prefix.to_owned()));
                } else {
                    rolled_up = None;
                    last = Some((version.key.clone(), version.number));
                    page.entries.push(Entry::Version(Box::new(version)));
                }
            }
            if is_end {
                return Ok(page);
            }
            cursor = match (rolled_up, last) {
                (Some(prefix), _) => match behind(&prefix) {
                    Some(key) => Cursor::From(key),
                    None => return Ok(page),
                },
                (None, Some((key, number))) if with_versions => Cursor::Within(key, number),
                (None, Some((key, _))) => Cursor::After(key),
                (None, None) => return Ok(page),
            };
        }
    }
}

/// Nothing that does not begin with the prefix is looked at.
fn first(view: View<'_>, start: Start) -> Cursor {
    let cursor = match start {
        Start::Token(Token::From(key)) => Cursor::From(key),
        Start::Token(Token::After(key)) => match view.common_prefix(&key) {
            // A marker that stands for all that begins with it, as a page's last entry may.
            Some(prefix) if prefix == key => behind(&key).map_or(Cursor::After(key), Cursor::From),
            _ if key.is_empty() => Cursor::From(key),
            _ => Cursor::After(key),
        },
        Start::Within(key, number) => Cursor::Within(key, number),
    };
    let at = match &cursor {
        Cursor::From(key) | Cursor::After(key) | Cursor::Within(key, _) => key.as_str(),
    };
    if at < view.prefix { Cursor::From(view.prefix.to_owned()) } else { cursor }
}

impl Page {
    /// Where the next page begins, if there is one.
    pub(crate) fn next(&self) -> Option<Token> {
        if !self.is_truncated {
            return None;
        }
        match self.entries.last()? {
            Entry::Version(version) => Some(Token::After(version.key.clone())),
            Entry::CommonPrefix(prefix) => behind(prefix).map(Token::From),
        }
    }
}
