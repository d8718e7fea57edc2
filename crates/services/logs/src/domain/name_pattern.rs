//! Which names of groups a list is asked for.

/// What a name must be like.
#[derive(Clone, Debug)]
pub(crate) enum NamePattern {
    Any,
    Begins(String),
    /// In that case of letters.
    Contains(String),
    /// One of these must hold (Logs API Reference, ListLogGroups: `^` says that a name begins so, `|` is "or").
    AnyOf(Vec<NamePattern>),
}

impl NamePattern {
    /// The pattern of ListLogGroups, whose form the schema has checked.
    pub(crate) fn parse(text: &str) -> Self {
        let one = |part: &str| match part.strip_prefix('^') {
            Some(prefix) => Self::Begins(prefix.to_owned()),
            None => Self::Contains(part.to_owned()),
        };
        Self::AnyOf(text.split('|').map(one).collect())
    }

    pub(crate) fn fits(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Begins(prefix) => name.starts_with(prefix),
            Self::Contains(part) => name.contains(part),
            Self::AnyOf(patterns) => patterns.iter().any(|pattern| pattern.fits(name)),
        }
    }

    /// No name before this one fits.
    pub(crate) fn from(&self) -> &str {
        match self {
            Self::Begins(prefix) => prefix,
            _ => "",
        }
    }

    /// Whether neither this name fits nor any after it.
    pub(crate) fn is_past(&self, name: &str) -> bool {
        matches!(self, Self::Begins(prefix) if name > prefix.as_str() && !name.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_as_the_reference_says() {
        for (pattern, name, fits) in [
            ("DataLogs", "aws/DataLogs", true),
            ("DataLogs", "datalogs", false),
            ("^abc", "abcdef", true),
            ("^abc", "xabc", false),
            ("^abc|xyz", "0xyz0", true),
            ("^abc|xyz", "0abc0", false),
        ] {
            assert_eq!(NamePattern::parse(pattern).fits(name), fits, "{pattern} on {name}");
        }
        let begins = NamePattern::Begins("b".to_owned());
        assert!(begins.is_past("c") && !begins.is_past("b") && !begins.is_past("bz"));
    }
}
