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

mod trigrams;

pub(crate) use self::trigrams::Trigrams;
use crate::effort::Effort;

/// The colons before the last field of an ARN.
const COLONS_BEFORE_RESOURCE: usize = 5;

/// The fields of an ARN.
const FIELDS: usize = COLONS_BEFORE_RESOURCE + 1;

/// A text with wildcards, ready to be compared with.
///
/// Where every `*` may stand for anything and no `?` stands between two of them, as in most patterns, a comparison goes
/// through the text once. Otherwise it takes at most as many steps as the product of both lengths, and about as many as
/// the longer of them where few wildcards compete for the same characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    shape: Shape,
    folds_case: bool,
    /// What a text must have to be worth a look: it stands here, beside what would have to be looked up elsewhere in
    /// memory, so that of a thousand patterns only few are.
    needs: Trigrams,
}

/// Most patterns are simpler than the language allows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// No wildcards.
    Exact(Box<str>),
    /// Every `*` stands for anything: what stands between them is looked for from left to right.
    Parts {
        /// Before the first `*`.
        head: Part,
        /// Between two of them.
        inner: Box<[Part]>,
        /// After the last.
        tail: Part,
    },
    /// An ARN in a condition: its six fields, each for itself.
    Fields(Box<[Pattern; FIELDS]>),
    Walked {
        /// What precedes the first wildcard.
        head: Box<str>,
        /// The whole. No two neighbours are `Many`; `Walk::enter` counts on it.
        tokens: Box<[Token]>,
    },
}

/// A piece of a pattern without `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    /// `None` stands for a `?`, which stands for any character.
    Open(Box<[Option<char>]>),
}

impl Part {
    /// `None` if a `?` is confined to its field.
    fn new(tokens: &[Token]) -> Option<Self> {
        let characters: Vec<_> = tokens
            .iter()
            .map(|token| match token {
                Token::Literal(literal) => Some(Some(*literal)),
                Token::One(Reach::Anything) => Some(None),
                Token::One(Reach::Field) | Token::Many(_) => None,
            })
            .collect::<Option<_>>()?;
        let text: Option<String> = characters.iter().copied().collect();
        Some(text.map_or_else(|| Self::Open(characters.into()), |text| Self::Text(text.into())))
    }

    /// How many bytes of `text` it takes up if it stands for its beginning.
    fn begins(&self, text: &str, folds_case: bool, effort: &Effort) -> Option<usize> {
        match self {
            Self::Text(part) => starts(text, part, folds_case).then_some(part.len()),
            Self::Open(part) => {
                let mut found = text.chars();
                let mut steps = 0;
                let fits = part.iter().all(|wanted| {
                    steps += 1;
                    let character = found.next();
                    character.is_some_and(|character| {
                        wanted.is_none_or(|wanted| same(wanted, character, folds_case))
                    })
                });
                let may = effort.spend(steps);
                (fits && may).then(|| text.len() - found.as_str().len())
            }
        }
    }

    /// Where it first stands in `text`, and where that ends.
    fn find(&self, text: &str, folds_case: bool, effort: &Effort) -> Option<usize> {
        match self {
            // A search begins by looking at all of what is searched for, however short the text.
            Self::Text(part) if !folds_case && part.len() > text.len() => None,
            Self::Text(part) if !folds_case => {
                let at = if part.len() * text.len() <= SHORT {
                    short_find(text, part)
                } else {
                    text.find(&**part)
                };
                let end = at.map(|at| at + part.len());
                effort.spend(end.unwrap_or(text.len())).then_some(end)?
            }
            _ => text
                .char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .take_while(|_| effort.spend(1))
                .find_map(|at| Some(at + self.begins(text.get(at..)?, folds_case, effort)?)),
        }
    }

    /// What precedes it in `text`, if it stands for its end.
    fn cut_from_end<'t>(&self, text: &'t str, folds_case: bool, effort: &Effort) -> Option<&'t str> {
        let at = match self {
            Self::Text(part) => text.len().checked_sub(part.len())?,
            Self::Open(part) if part.is_empty() => text.len(),
            Self::Open(part) => text.char_indices().rev().nth(part.len() - 1)?.0,
        };
        let (before, end) = text.split_at_checked(at)?;
        (self.begins(end, folds_case, effort)? == end.len()).then_some(before)
    }
}

/// Up to this product of lengths, looking everywhere takes less than preparing a search that need not.
const SHORT: usize = 1 << 13;

/// Where a text first stands in another, both of them short.
fn short_find(text: &str, part: &str) -> Option<usize> {
    let Some(first) = part.as_bytes().first() else { return Some(0) };
    let last = text.len().checked_sub(part.len())?;
    let starts = text.as_bytes().get(..=last)?;
    let begins_at =
        |at: usize| text.as_bytes().get(at..).is_some_and(|rest| rest.starts_with(part.as_bytes()));
    starts.iter().enumerate().find(|(at, byte)| *byte == first && begins_at(*at)).map(|(at, _)| at)
}

fn starts(text: &str, head: &str, folds_case: bool) -> bool {
    let start = text.as_bytes().get(..head.len());
    start.is_some_and(|start| {
        start == head.as_bytes() || folds_case && start.eq_ignore_ascii_case(head.as_bytes())
    })
}

fn same(one: char, other: char, folds_case: bool) -> bool {
    one == other || folds_case && one.eq_ignore_ascii_case(&other)
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
            Self::Resource => COLONS_BEFORE_RESOURCE,
            Self::Action | Self::ConditionArn | Self::Text => 0,
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
        if place == Place::ConditionArn {
            return Self::of_fields(symbols);
        }
        let tokens = tokens(symbols, place);
        let literal = |token: &Token| if let Token::Literal(literal) = token { Some(*literal) } else { None };
        let head: String = tokens.iter().map_while(literal).collect();
        // What stands between wildcards must stand in a text as it is.
        let runs = tokens.split(|token| literal(token).is_none());
        let runs_of_text: Vec<String> = runs.map(|run| run.iter().filter_map(literal).collect()).collect();
        let shape = if tokens.iter().all(|token| literal(token).is_some()) {
            Shape::Exact(head.into())
        } else {
            parts(&tokens).unwrap_or_else(|| Shape::Walked { head: head.into(), tokens })
        };
        let folds_case = place == Place::Action;
        let runs = runs_of_text.iter().filter(|_| !folds_case);
        let needs = runs.fold(Trigrams::default(), |needs, run| needs.with(run));
        Self { shape, folds_case, needs }
    }

    /// The pattern of an ARN in a condition. The text `*` stands for every ARN; with fewer fields than an ARN has, a
    /// pattern stands for none.
    fn of_fields(symbols: impl Iterator<Item = Symbol>) -> Self {
        let mut fields: [Vec<Symbol>; FIELDS] = Default::default();
        let mut at = 0;
        for symbol in symbols {
            if symbol.character == ':' && at < COLONS_BEFORE_RESOURCE {
                at += 1;
            } else if let Some(field) = fields.get_mut(at) {
                field.push(symbol);
            }
        }
        let is_anything = matches!(&*fields[0], [only] if only.is_wildcard('*')) && at == 0;
        if at < COLONS_BEFORE_RESOURCE {
            return if is_anything { Self::written("*", Place::Text) } else { Self::of_no_arn() };
        }
        let field = |symbols: Vec<Symbol>| Self::new(symbols.into_iter(), Place::Text);
        let (shape, needs) = (Shape::Fields(Box::new(fields.map(field))), Trigrams::default());
        Self { shape, folds_case: false, needs }
    }

    /// A pattern that stands for the empty text, which no ARN is.
    fn of_no_arn() -> Self {
        Self { shape: Shape::Exact("".into()), folds_case: false, needs: Trigrams::default() }
    }

    /// Whether the pattern stands for the whole of `text`.
    pub fn matches(&self, text: &str) -> bool {
        self.matches_within(text, &Effort::boundless())
    }

    /// What a text must have that it may stand for.
    pub(crate) fn needs(&self) -> Trigrams {
        self.needs
    }

    /// Whether it may stand for a text that has these runs.
    pub(crate) fn may_stand_for(&self, text: Trigrams) -> bool {
        text.has(self.needs)
    }

    /// Whether the pattern stands for the whole of `text`, if the effort suffices to find out; no, if it does not.
    pub(crate) fn matches_within(&self, text: &str, effort: &Effort) -> bool {
        match &self.shape {
            Shape::Exact(whole) => whole.len() == text.len() && starts(text, whole, self.folds_case),
            Shape::Parts { head, inner, tail } => self.joined(head, inner, tail, text, effort),
            Shape::Fields(fields) => {
                let mut of_text = text.splitn(FIELDS, ':');
                fields
                    .iter()
                    .all(|field| of_text.next().is_some_and(|text| field.matches_within(text, effort)))
            }
            Shape::Walked { head, tokens } => {
                starts(text, head, self.folds_case) && self.walk(tokens, text, effort)
            }
        }
    }

    /// The first place that fits a part leaves the most room to those that follow, so none is tried twice.
    fn joined(&self, head: &Part, inner: &[Part], tail: &Part, text: &str, effort: &Effort) -> bool {
        let folds_case = self.folds_case;
        let begun = head.begins(text, folds_case, effort).and_then(|length| text.get(length..));
        let Some(mut rest) = begun.and_then(|rest| tail.cut_from_end(rest, folds_case, effort)) else {
            return false;
        };
        inner.iter().all(|part| match part.find(rest, folds_case, effort).and_then(|end| rest.get(end..)) {
            Some(behind) => {
                rest = behind;
                true
            }
            None => false,
        })
    }

    fn walk(&self, tokens: &[Token], text: &str, effort: &Effort) -> bool {
        let mut walk = Walk { tokens, places: Vec::new() };
        walk.enter(0);
        let mut before = Vec::new();
        for character in text.chars() {
            std::mem::swap(&mut walk.places, &mut before);
            walk.places.clear();
            for &place in &before {
                match tokens.get(place) {
                    Some(Token::Literal(literal)) if same(*literal, character, self.folds_case) => {
                        walk.enter(place + 1);
                    }
                    Some(Token::One(reach)) if reach.covers(character) => walk.enter(place + 1),
                    Some(Token::Many(reach)) if reach.covers(character) => walk.enter(place),
                    _ => {}
                }
            }
            if walk.places.is_empty() || !effort.spend(before.len()) {
                return false;
            }
        }
        walk.places.last() == Some(&tokens.len())
    }
}

/// The pattern in parts, if all of its wildcards stand for anything and there is a `*`.
fn parts(tokens: &[Token]) -> Option<Shape> {
    let is_many = |token: &Token| matches!(token, Token::Many(_));
    let is_open =
        |token: &Token| matches!(token, Token::Literal(_) | Token::One(_) | Token::Many(Reach::Anything));
    if !tokens.iter().all(is_open) || !tokens.iter().any(is_many) {
        return None;
    }
    let mut parts = tokens.split(is_many).map(Part::new).collect::<Option<Vec<_>>>()?;
    let tail = parts.pop()?;
    let mut parts = parts.into_iter();
    let head = parts.next()?;
    Some(Shape::Parts { head, inner: parts.collect(), tail })
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
    while let Some(symbol) = symbols.next() {
        let next = symbols.peek().copied();
        let reach = if colons < place.confining() { Reach::Field } else { Reach::Anything };
        if symbol.is_wildcard('*') {
            let ends_field = next.is_none_or(|next| next.character == ':');
            match next {
                Some(next) if next.is_wildcard('*') => {}
                _ => tokens.push(Token::Many(if ends_field { Reach::Anything } else { reach })),
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
