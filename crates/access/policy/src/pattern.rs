//! The wildcards of policies: `*` for any number of characters, none included, and `?` for exactly one.
//!
//! What a wildcard may stand for depends on where it is written (IAM User Guide, "IAM JSON policy elements:
//! Resource"):
//!
//! - In an action, both stand for anything, and letters match in either case.
//! - In one of the first five fields of an ARN, both stay inside the field, which is to say that they stand
//!   for no colon. Only a `*` that ends its field may run past later colons.
//! - In the last field of an ARN, which has colons and slashes of its own, both stand for anything.
//! - In a condition on an ARN, each field is compared on its own: no wildcard of the first five runs over
//!   ("IAM JSON policy elements: Condition operators"). In a condition on a text, both stand for anything.

/// The colons before the last field of an ARN.
const COLONS_BEFORE_RESOURCE: usize = 5;

/// A text with wildcards, ready to be compared with.
///
/// A comparison takes at most as many steps as the product of both lengths, whatever the wildcards, and
/// about as many as the longer of them where few wildcards compete for the same characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    shape: Shape,
    folds_case: bool,
}

/// Most patterns are simpler than the language allows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// No wildcards.
    Exact(Box<str>),
    /// One wildcard, a `*` at the end that stands for anything.
    StartsWith(Box<str>),
    Walked {
        /// What precedes the first wildcard.
        head: Box<str>,
        /// The whole. No two neighbours are `Many`; `Walk::enter` counts on it.
        tokens: Box<[Token]>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Literal(char),
    /// `?`
    One(Reach),
    /// `*`
    Many(Reach),
}

/// What a wildcard may stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Field,
    Anything,
}

impl Reach {
    fn covers(self, character: char) -> bool {
        self == Self::Anything || character != ':'
    }
}

/// Where a pattern is written, which says what its wildcards may stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Action,
    /// An ARN in a `Resource` element.
    Resource,
    /// An ARN in a condition, whose six fields are compared one by one.
    ConditionArn,
    /// Any text in a condition.
    Text,
}

impl Place {
    /// The colons that end the fields to which wildcards are confined.
    fn confining(self) -> usize {
        match self {
            Self::Action | Self::Text => 0,
            Self::Resource | Self::ConditionArn => COLONS_BEFORE_RESOURCE,
        }
    }
}

/// A character of a pattern. Whether `*` and `?` are wildcards is part of it: those that policy variables
/// bring in are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Symbol {
    pub(crate) character: char,
    pub(crate) is_literal: bool,
}

impl Symbol {
    fn is_wildcard(self, wildcard: char) -> bool {
        self.character == wildcard && !self.is_literal
    }
}

impl Pattern {
    /// The pattern of an action, for example `kms:Describe*`.
    pub fn of_action(text: &str) -> Self {
        Self::written(text, Place::Action)
    }

    /// The pattern of an ARN, for example `arn:aws:kms:*:111122223333:key/*`. The text `*` stands for every
    /// ARN.
    pub fn of_arn(text: &str) -> Self {
        Self::written(text, Place::Resource)
    }

    fn written(text: &str, place: Place) -> Self {
        Self::new(text.chars().map(|character| Symbol { character, is_literal: false }), place)
    }

    pub(crate) fn new(symbols: impl Iterator<Item = Symbol>, place: Place) -> Self {
        let tokens = tokens(symbols, place);
        let literal = |token: &Token| if let Token::Literal(literal) = token { Some(*literal) } else { None };
        let head: String = tokens.iter().map_while(literal).collect();
        let wildcards = tokens.get(head.chars().count()..).unwrap_or_default();
        let shape = match wildcards {
            [] => Shape::Exact(head.into()),
            [Token::Many(Reach::Anything)] => Shape::StartsWith(head.into()),
            _ => Shape::Walked { head: head.into(), tokens },
        };
        Self { shape, folds_case: place == Place::Action }
    }

    /// Whether the pattern stands for the whole of `text`.
    pub fn matches(&self, text: &str) -> bool {
        match &self.shape {
            Shape::Exact(whole) => whole.len() == text.len() && self.starts(text, whole),
            Shape::StartsWith(head) => self.starts(text, head),
            Shape::Walked { head, tokens } => self.starts(text, head) && self.walk(tokens, text),
        }
    }

    fn starts(&self, text: &str, head: &str) -> bool {
        let start = text.as_bytes().get(..head.len());
        start.is_some_and(|start| {
            start == head.as_bytes() || self.folds_case && start.eq_ignore_ascii_case(head.as_bytes())
        })
    }

    fn walk(&self, tokens: &[Token], text: &str) -> bool {
        let mut walk = Walk { tokens, places: Vec::new() };
        walk.enter(0);
        let mut before = Vec::new();
        for character in text.chars() {
            std::mem::swap(&mut walk.places, &mut before);
            walk.places.clear();
            for &place in &before {
                match tokens.get(place) {
                    Some(Token::Literal(literal)) if self.same(*literal, character) => walk.enter(place + 1),
                    Some(Token::One(reach)) if reach.covers(character) => walk.enter(place + 1),
                    Some(Token::Many(reach)) if reach.covers(character) => walk.enter(place),
                    _ => {}
                }
            }
            if walk.places.is_empty() {
                return false;
            }
        }
        walk.places.last() == Some(&tokens.len())
    }

    fn same(&self, one: char, other: char) -> bool {
        one == other || self.folds_case && one.eq_ignore_ascii_case(&other)
    }
}

/// Everywhere in a pattern that a comparison can be at one time.
struct Walk<'p> {
    tokens: &'p [Token],
    /// Ascending, each once. The number of tokens stands for the end.
    places: Vec<usize>,
}

impl Walk<'_> {
    /// Goes to `place`, and to the one behind it where `place` may stand for nothing. Places must come in
    /// ascending order, so that one look at the last tells whether a place is there already.
    fn enter(&mut self, place: usize) {
        if self.places.last().is_some_and(|&last| last >= place) {
            return;
        }
        self.places.push(place);
        if let Some(Token::Many(_)) = self.tokens.get(place) {
            self.places.push(place + 1);
        }
    }
}

/// Splits a pattern. Wildcards in the first fields of an ARN are confined to their field. A run
/// of `*` counts as its last.
fn tokens(symbols: impl Iterator<Item = Symbol>, place: Place) -> Box<[Token]> {
    let mut tokens = Vec::with_capacity(symbols.size_hint().0);
    let mut colons = 0;
    let mut symbols = symbols.peekable();
    let is_only = |tokens: &[Token], next: Option<Symbol>| tokens.is_empty() && next.is_none();
    while let Some(symbol) = symbols.next() {
        let next = symbols.peek().copied();
        let reach = if colons < place.confining() { Reach::Field } else { Reach::Anything };
        if symbol.is_wildcard('*') {
            let ends_field = next.is_none_or(|next| next.character == ':');
            let runs_over = ends_field && place != Place::ConditionArn || is_only(&tokens, next);
            match next {
                Some(next) if next.is_wildcard('*') => {}
                _ => tokens.push(Token::Many(if runs_over { Reach::Anything } else { reach })),
            }
        } else if symbol.is_wildcard('?') {
            tokens.push(Token::One(reach));
        } else {
            colons += usize::from(symbol.character == ':');
            tokens.push(Token::Literal(symbol.character));
        }
    }
    tokens.into_boxed_slice()
}
