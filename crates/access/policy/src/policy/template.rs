//! Policy variables: texts that are complete only once a request is there (IAM User Guide, "IAM policy
//! elements: Variables and tags").

use std::borrow::Cow;

use super::values::text_of;
use crate::decision::Facts;
use crate::document::Version;
use crate::effort::Effort;
use crate::keys::{ContextKeys, Values};
use crate::pattern::{Pattern, Place, Symbol, Trigrams};

/// The colons that precede the part of an ARN in which variables count.
const COLONS_BEFORE_RESOURCE: usize = 5;

/// A text of a policy, split where it has variables.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pieces: Box<[Piece]>,
}

#[derive(Clone, Debug)]
enum Piece {
    /// As it is written; `*` and `?` are wildcards where wildcards count.
    Written(Box<str>),
    /// `${*}`, `${?}` and `${$}`: the character itself.
    Character(char),
    /// `${key}` or `${key, 'default'}`.
    Variable { key: Box<str>, default: Option<Box<str>> },
}

/// A pattern, ready, or to be made for each request.
#[derive(Clone, Debug)]
pub(super) enum Fillable {
    Fixed(Pattern),
    Varying(Template, Place),
}

impl Template {
    /// Splits `text`. In version 2008-10-17 there are no variables, nor are there any in the first five
    /// fields of a resource's ARN.
    pub(super) fn parse(text: &str, version: Version, place: Place) -> Self {
        let mut pieces = Vec::new();
        let mut written = String::new();
        let mut rest = text;
        while let Some((before, opened)) = rest.split_once("${") {
            written.push_str(before);
            let colons = written.matches(':').count() + colons_of(&pieces);
            let counts =
                version == Version::V2012 && (place != Place::Resource || colons >= COLONS_BEFORE_RESOURCE);
            let variable = opened.split_once('}').filter(|_| counts);
            if let Some((piece, after)) = variable.and_then(|(inner, after)| Some((piece(inner)?, after))) {
                if !written.is_empty() {
                    pieces.push(Piece::Written(std::mem::take(&mut written).into()));
                }
                pieces.push(piece);
                rest = after;
            } else {
                written.push_str("${");
                rest = opened;
            }
        }
        written.push_str(rest);
        if !written.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Written(written.into()));
        }
        Self { pieces: pieces.into() }
    }

    /// Whether it is complete without a request.
    pub(super) fn is_fixed(&self) -> bool {
        !self.pieces.iter().any(|piece| matches!(piece, Piece::Variable { .. }))
    }

    /// The text with its variables filled in, wildcards taken as they are; `None` if the request lacks one.
    pub(super) fn text(&self, keys: &dyn ContextKeys) -> Option<Cow<'_, str>> {
        if let [Piece::Written(written)] = &*self.pieces {
            return Some(Cow::Borrowed(written));
        }
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Written(written) => text.push_str(written),
                Piece::Character(character) => text.push(*character),
                Piece::Variable { key, default } => text.push_str(&fill(key, default.as_deref(), keys)?),
            }
        }
        Some(Cow::Owned(text))
    }

    /// The template with its variables filled in; `None` if the request lacks one, or nothing more may be filled in.
    pub(super) fn filled(&self, facts: &Facts<'_>) -> Option<Self> {
        let effort = facts.effort();
        let text = if effort.is_spent() { None } else { self.text(facts) };
        let text = text.filter(|text| effort.spend(text.len()))?;
        Some(Self { pieces: [Piece::Written(text.into())].into() })
    }

    /// The template with what is written in lower case; variables are filled in as the request has them.
    pub(super) fn to_lowercase(&self) -> Self {
        let lower = |piece: &Piece| match piece {
            Piece::Written(written) => Piece::Written(written.to_lowercase().into()),
            other => other.clone(),
        };
        Self { pieces: self.pieces.iter().map(lower).collect() }
    }

    /// The pattern with its variables filled in, and its length. What they bring in stands for itself, wildcards
    /// included.
    fn pattern(&self, place: Place, keys: &dyn ContextKeys) -> Option<(Pattern, usize)> {
        let mut symbols = Vec::new();
        let literal = |character| Symbol { character, is_literal: true };
        for piece in &self.pieces {
            match piece {
                Piece::Written(written) => {
                    symbols.extend(written.chars().map(|character| Symbol { character, is_literal: false }));
                }
                Piece::Character(character) => symbols.push(literal(*character)),
                Piece::Variable { key, default } => {
                    symbols.extend(fill(key, default.as_deref(), keys)?.chars().map(literal));
                }
            }
        }
        let length = symbols.len();
        Some((Pattern::new(symbols.into_iter(), place), length))
    }
}

impl Fillable {
    pub(super) fn parse(text: &str, version: Version, place: Place) -> Self {
        let template = Template::parse(text, version, place);
        match template.is_fixed().then(|| template.pattern(place, &())).flatten() {
            Some((pattern, _)) => Self::Fixed(pattern),
            None => Self::Varying(template, place),
        }
    }

    /// Whether it is complete without a request.
    pub(super) fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed(_))
    }

    /// The pattern with its variables filled in; `None` if the request lacks one, or nothing more may be filled in.
    pub(super) fn filled(&self, facts: &Facts<'_>) -> Option<Self> {
        match self {
            Self::Fixed(pattern) => Some(Self::Fixed(pattern.clone())),
            Self::Varying(_, _) if facts.effort().is_spent() => None,
            Self::Varying(template, place) => {
                let (pattern, length) = template.pattern(*place, facts)?;
                facts.effort().spend(length).then_some(Self::Fixed(pattern))
            }
        }
    }

    /// Whether the request has all its variables.
    pub(super) fn can_be_filled(&self, keys: &dyn ContextKeys) -> bool {
        match self {
            Self::Fixed(_) => true,
            Self::Varying(template, _) => template.text(keys).is_some(),
        }
    }

    /// What a text must have that it may stand for.
    pub(super) fn needs(&self) -> Trigrams {
        match self {
            Self::Fixed(pattern) => pattern.needs(),
            Self::Varying(..) => Trigrams::default(),
        }
    }

    /// Whether it stands for what the request is about. A variable that the request lacks makes it stand for nothing.
    pub(super) fn matches_resource(&self, facts: &Facts<'_>) -> bool {
        let (text, effort) = (facts.resource(), facts.effort());
        match self {
            Self::Fixed(pattern) => {
                pattern.may_stand_for(facts.resource_trigrams()) && pattern.matches_within(text, effort)
            }
            Self::Varying(..) => self.filled(facts).is_some_and(|filled| filled.matches_filled(text, effort)),
        }
    }

    /// Whether it stands for `text`, where its variables are filled in already.
    pub(super) fn matches_filled(&self, text: &str, effort: &Effort) -> bool {
        matches!(self, Self::Fixed(pattern) if pattern.matches_within(text, effort))
    }
}

fn colons_of(pieces: &[Piece]) -> usize {
    let colons = |piece: &Piece| match piece {
        Piece::Written(written) => written.matches(':').count(),
        Piece::Character(_) | Piece::Variable { .. } => 0,
    };
    pieces.iter().map(colons).sum()
}

/// What stands between `${` and `}`; `None` if it is no variable.
fn piece(inner: &str) -> Option<Piece> {
    if let "*" | "?" | "$" = inner {
        return inner.chars().next().map(Piece::Character);
    }
    let (key, default) = match inner.split_once(',') {
        None => (inner, None),
        Some((key, default)) => {
            let quoted = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            (key, Some(quoted.into()))
        }
    };
    let key = key.trim();
    key.contains(':').then(|| Piece::Variable { key: key.to_ascii_lowercase().into(), default })
}

/// The value of a variable. A key with several values is none.
fn fill<'k>(key: &str, default: Option<&'k str>, keys: &'k dyn ContextKeys) -> Option<Cow<'k, str>> {
    match keys.values(key) {
        Some(Values::One(value)) => Some(Cow::Owned(text_of(&value).into_owned())),
        _ => default.map(Cow::Borrowed),
    }
}
