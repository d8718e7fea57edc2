//! The wildcards of policies: `*` for any number of characters, none included, and `?` for exactly one.
//!
//! What a wildcard may stand for depends on where it is written (IAM User Guide, "IAM JSON policy elements:
//! Resource"):
//!
//! - In an action, both stand for anything, and letters match in either case.
//! - In one of the first five fields of an ARN, both stay inside the field, which is to say that they stand
//!   for no colon. Only a `*` that ends its field may run past later colons.
//! - In the last field of an ARN, which has colons and slashes of its own, both stand for anything.

/// The colons before the last field of an ARN.
const COLONS_BEFORE_RESOURCE: usize = 5;

/// A text with wildcards, ready to be compared with.
///
/// A comparison takes at most as many steps as the product of both lengths, whatever the wildcards, and
/// about as many as the longer of them where few wildcards compete for the same characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// No two neighbours are `Many`; `Walk::enter` counts on it.
    tokens: Box<[Token]>,
    folds_case: bool,
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

impl Pattern {
    /// The pattern of an action, for example `kms:Describe*`.
    pub fn of_action(text: &str) -> Self {
        Self { tokens: tokens(text, 0), folds_case: true }
    }

    /// The pattern of an ARN, for example `arn:aws:kms:*:111122223333:key/*`. The text `*` stands for every
    /// ARN.
    pub fn of_arn(text: &str) -> Self {
        Self { tokens: tokens(text, COLONS_BEFORE_RESOURCE), folds_case: false }
    }

    /// Whether the pattern stands for the whole of `text`.
    pub fn matches(&self, text: &str) -> bool {
        let mut walk = Walk { tokens: &self.tokens, places: Vec::new() };
        walk.enter(0);
        let mut before = Vec::new();
        for character in text.chars() {
            std::mem::swap(&mut walk.places, &mut before);
            walk.places.clear();
            for &place in &before {
                match self.tokens.get(place) {
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
        walk.places.last() == Some(&self.tokens.len())
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

/// Splits a pattern. Wildcards that fewer than `confining` colons precede are confined to their field. A run
/// of `*` counts as its last.
fn tokens(text: &str, confining: usize) -> Box<[Token]> {
    let mut tokens = Vec::with_capacity(text.len());
    let mut colons = 0;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        let reach = if colons < confining { Reach::Field } else { Reach::Anything };
        match (character, next) {
            ('*', Some('*')) => {}
            ('*', None | Some(':')) => tokens.push(Token::Many(Reach::Anything)),
            ('*', Some(_)) => tokens.push(Token::Many(reach)),
            ('?', _) => tokens.push(Token::One(reach)),
            (literal, _) => {
                colons += usize::from(literal == ':');
                tokens.push(Token::Literal(literal));
            }
        }
    }
    tokens.into_boxed_slice()
}
