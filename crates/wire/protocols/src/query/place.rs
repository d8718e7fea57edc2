//! A level of the tree that dotted parameter names form.

use std::cmp::Ordering;

use strongroom_schema::ReadError;

use super::Parameter;
use crate::text;

/// The parameter of one name (`Tags.member.1`) and those below it (`Tags.member.1.Key`), as a range of the
/// sorted parameters.
#[derive(Clone, Copy)]
pub(super) struct Place<'f> {
    /// The parameter of just that name.
    own: Option<&'f Parameter<'f>>,
    below: &'f [Parameter<'f>],
    /// Bytes that the names below have in common, their last dot included.
    prefix: usize,
}

impl<'f> Place<'f> {
    /// The level of all parameters.
    pub(super) fn top(parameters: &'f [Parameter<'f>]) -> Self {
        Self { own: None, below: parameters, prefix: 0 }
    }

    /// Whether there is no parameter here or below.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of parameters here and below.
    pub(super) fn len(&self) -> usize {
        self.below.len() + usize::from(self.own.is_some())
    }

    /// The number of parameters below.
    pub(super) fn len_below(&self) -> usize {
        self.below.len()
    }

    /// The value of the parameter of just that name.
    pub(super) fn value(&self) -> Option<&'f str> {
        self.own.map(|(_, value)| value.as_ref())
    }

    /// The name of the parameter here, or of the first one below.
    pub(super) fn name(&self) -> &'f str {
        self.own.or(self.below.first()).map_or("", |(name, _)| name.as_ref())
    }

    /// What the names below have in common, with its last dot; empty if there is nothing below.
    pub(super) fn prefix(&self) -> &'f str {
        self.below.first().and_then(|(name, _)| name.get(..self.prefix)).unwrap_or_default()
    }

    /// The first parameter below whose next part is none of the `known`.
    pub(super) fn first_other(&self, known: impl Fn(&str) -> bool) -> Option<&'f str> {
        let other = self.below.iter().find(|parameter| !known(self.next_part(parameter)));
        other.map(|(name, _)| name.as_ref())
    }

    /// Whether this is the level of all parameters.
    pub(super) fn is_top(&self) -> bool {
        self.prefix == 0
    }

    /// Whether there are parameters below.
    pub(super) fn has_below(&self) -> bool {
        !self.below.is_empty()
    }

    /// The level of `name`, empty if there is none.
    pub(super) fn child(&self, name: &str) -> Self {
        let at = self.below.partition_point(|parameter| self.rest(parameter) < name);
        let own = self.below.get(at).filter(|parameter| self.rest(parameter) == name);
        let dotted =
            |parameter: &Parameter<'_>| self.rest(parameter).bytes().cmp(name.bytes().chain(Some(b'.')));
        let start = self.below.partition_point(|parameter| dotted(parameter) == Ordering::Less);
        let below = &self.below[start..];
        let inside = |parameter: &Parameter<'_>| {
            self.rest(parameter).strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
        };
        let below = &below[..below.partition_point(inside)];
        Self { own, below, prefix: self.prefix + name.len() + 1 }
    }

    /// The only child, which must bear that name: the level between a list or map and its items. Empty if
    /// there are no items.
    pub(super) fn only_child(&self, name: &str) -> Result<Self, ReadError> {
        let child = self.child(name);
        if child.below.len() == self.below.len() {
            Ok(child)
        } else {
            Err(ReadError::new(text::BAD_ITEM_NAME))
        }
    }

    /// The levels below, which must be numbered, by number.
    pub(super) fn numbered(&self) -> Result<Vec<Self>, ReadError> {
        for parameter in self.below {
            number(self.next_part(parameter))?;
        }
        // No digit sorts before the dot, so that the parameters of one number stand together.
        let mut items: Vec<(u32, Self)> = Vec::new();
        let mut rest = self.below;
        while let Some(parameter) = rest.first() {
            let name = self.next_part(parameter);
            let item = self.child(name);
            rest = rest.get(item.len().max(1)..).unwrap_or_default();
            items.push((number(name)?, item));
        }
        items.sort_unstable_by_key(|(number, _)| *number);
        Ok(items.into_iter().map(|(_, item)| item).collect())
    }

    /// The part of a name up to the next dot.
    fn next_part(&self, parameter: &'f Parameter<'f>) -> &'f str {
        let rest = self.rest(parameter);
        rest.split_once('.').map_or(rest, |(part, _)| part)
    }

    /// What of a name comes after the common prefix.
    fn rest(&self, parameter: &'f Parameter<'f>) -> &'f str {
        parameter.0.get(self.prefix..).unwrap_or_default()
    }
}

/// Reads an item's number: up to nine digits, without leading zeros, so that each number has one spelling.
pub(super) fn number(name: &str) -> Result<u32, ReadError> {
    let plain = name.len() <= 9 && name.bytes().all(|byte| byte.is_ascii_digit());
    let plain = plain && (name.len() == 1 || !name.starts_with('0'));
    name.parse().ok().filter(|_| plain).ok_or_else(|| ReadError::new(text::BAD_INDEX))
}
