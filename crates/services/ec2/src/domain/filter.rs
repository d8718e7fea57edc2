//! Filters of Describe operations (EC2 API Reference, "Filter"; EC2 User Guide, "List and filter using the
//! CLI and API"): several filters must all fit, of a filter's values one; `*` and `?` are wildcards, and a
//! backslash takes them literally.

use strongroom_api_ec2 as ec2;

use super::tags::Tags;
use crate::error::Refusal;

/// Values in all filters of a call, together.
const MOST_VALUES: usize = 200;

/// A filter's value, in characters.
const LONGEST_VALUE: usize = 255;

/// The name of a filter, and how a resource shows what the filter looks at.
pub(crate) type Attribute<R> = (&'static str, fn(&R) -> Vec<String>);

/// What an optional member of an answer shows to a filter.
#[expect(clippy::ref_option, reason = "it is called on the members of answers, which are options")]
pub(crate) fn text<T: ToString>(member: &Option<T>) -> Vec<String> {
    member.iter().map(ToString::to_string).collect()
}

/// The filters of one call, for resources of type `R`.
pub(crate) struct Filters<R: 'static> {
    each: Vec<Filter<R>>,
}

struct Filter<R: 'static> {
    looks_at: LooksAt<R>,
    values: Vec<Pattern>,
}

enum LooksAt<R: 'static> {
    Attribute(fn(&R) -> Vec<String>),
    /// `tag:KEY`
    Tag(String),
    /// `tag-key`
    TagKey,
    /// `tag-value`
    TagValue,
}

impl<R: 'static> Filters<R> {
    /// Reads the filters of a request. `attributes` are those that the operation knows, beside tags.
    pub(crate) fn parse(
        filters: Option<Vec<ec2::Filter>>,
        attributes: &'static [Attribute<R>],
    ) -> Result<Self, Refusal> {
        let filters = filters.unwrap_or_default();
        let values: usize = filters.iter().filter_map(|filter| filter.values.as_ref()).map(Vec::len).sum();
        if values > MOST_VALUES {
            return Err(Refusal::client(
                "FilterLimitExceeded",
                format!("The maximum number of filter values specified on a single call is {MOST_VALUES}"),
            ));
        }
        let each = filters.into_iter().map(|filter| Filter::parse(filter, attributes));
        Ok(Self { each: each.collect::<Result<_, _>>()? })
    }

    /// Whether a resource with these tags fits all filters.
    pub(crate) fn admit(&self, resource: &R, tags: &Tags) -> bool {
        self.each.iter().all(|filter| filter.admits(resource, tags))
    }
}

impl<R: 'static> Filter<R> {
    fn parse(filter: ec2::Filter, attributes: &'static [Attribute<R>]) -> Result<Self, Refusal> {
        let name = filter.name.unwrap_or_else(|| "null".to_owned());
        let looks_at = match (name.strip_prefix("tag:"), name.as_str()) {
            (Some(key), _) if !key.is_empty() => LooksAt::Tag(key.to_owned()),
            (_, "tag-key") => LooksAt::TagKey,
            (_, "tag-value") => LooksAt::TagValue,
            (_, name) => match attributes.iter().find(|(known, _)| *known == name) {
                Some((_, attribute)) => LooksAt::Attribute(*attribute),
                None => return Err(Refusal::invalid_value(format!("The filter '{name}' is invalid"))),
            },
        };
        let values = filter.values.unwrap_or_default();
        if values.is_empty() {
            return Err(Refusal::client("MissingParameter", format!("The filter '{name}' needs a value")));
        }
        if values.iter().any(|value| value.chars().count() > LONGEST_VALUE) {
            return Err(Refusal::invalid_value(format!(
                "A value of the filter '{name}' exceeds the maximum length of {LONGEST_VALUE} characters"
            )));
        }
        Ok(Self { looks_at, values: values.iter().map(|value| Pattern::parse(value)).collect() })
    }

    fn admits(&self, resource: &R, tags: &Tags) -> bool {
        let any = |text: &str| self.values.iter().any(|pattern| pattern.matches(text));
        match &self.looks_at {
            LooksAt::Attribute(attribute) => attribute(resource).iter().any(|text| any(text)),
            LooksAt::Tag(key) => tags.get(key).is_some_and(any),
            LooksAt::TagKey => tags.iter().any(|(key, _)| any(key)),
            LooksAt::TagValue => tags.iter().any(|(_, value)| any(value)),
        }
    }
}

/// A value with wildcards.
#[derive(Debug, PartialEq, Eq)]
struct Pattern(Vec<Token>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Literal(char),
    /// `?`
    One,
    /// `*`
    Many,
}

impl Pattern {
    fn parse(text: &str) -> Self {
        let mut tokens = Vec::with_capacity(text.len());
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            tokens.push(match character {
                '*' => Token::Many,
                '?' => Token::One,
                '\\' => Token::Literal(characters.next().unwrap_or('\\')),
                literal => Token::Literal(literal),
            });
        }
        tokens.dedup_by(|a, b| *a == Token::Many && *b == Token::Many);
        Self(tokens)
    }

    /// Whether it stands for the whole of `text`. On a mismatch the last `*` takes one character more, so
    /// that the steps are at most the product of both lengths.
    fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut token, mut at) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.0.get(token) {
                Some(Token::Many) => {
                    star = Some((token, at));
                    token += 1;
                }
                Some(Token::One) => (token, at) = (token + 1, at + 1),
                Some(Token::Literal(literal)) if *literal == text[at] => (token, at) = (token + 1, at + 1),
                _ => match &mut star {
                    Some((many, from)) => {
                        *from += 1;
                        (token, at) = (*many + 1, *from);
                    }
                    None => return false,
                },
            }
        }
        self.0[token..].iter().all(|token| *token == Token::Many)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_and_what_a_backslash_takes_literally() {
        for (pattern, text, fits) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything", true),
            ("a*c", "abbc", true),
            ("a*c", "abbcd", false),
            ("*b*", "abc", true),
            ("**b", "ab", true),
            ("?", "", false),
            ("?", "x", true),
            ("??", "é1", true),
            ("vpc-?*", "vpc-", false),
            (r"\*", "*", true),
            (r"\*", "a", false),
            (r"a\?b", "a?b", true),
            (r"a\\b", r"a\b", true),
            (r"a\", r"a\", true),
            ("A", "a", false),
            ("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(Pattern::parse(pattern).matches(text), fits, "{pattern} {text}");
        }
    }
}
