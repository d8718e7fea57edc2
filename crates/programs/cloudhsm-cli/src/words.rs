//! Cuts a line into words as a shell does, without a shell's other powers.

/// A quotation mark or a backslash that nothing follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the line ends within quotation marks")]
pub(crate) struct Unfinished;

/// The words of a line. Words are parted by blanks, except within `'...'` and `"..."`; a backslash takes the next
/// character as it is, except within `'...'`.
pub(crate) fn split(line: &str) -> Result<Vec<String>, Unfinished> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => {
                word.get_or_insert_default().push(characters.next().ok_or(Unfinished)?);
            }
            ('"' | '\'', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(Unfinished);
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn quoted_words_come_back(words in prop::collection::vec("[^']*", 0..5)) {
            let line = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(split(&line), Ok(words));
        }

        #[test]
        fn no_line_is_too_strange(line in any::<String>()) {
            let _ = split(&line);
        }
    }

    #[test]
    fn words_are_parted_as_in_a_shell() {
        for (line, words) in [
            ("", vec![]),
            ("  user   list ", vec!["user", "list"]),
            ("--filter attr.label=\"my key\"", vec!["--filter", "attr.label=my key"]),
            ("a'b \"c'd", vec!["ab \"cd"]),
            ("''", vec![""]),
            (r#"a\ b "c\"d" 'e\f'"#, vec!["a b", "c\"d", "e\\f"]),
        ] {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
        for line in ["'a", "\"a\\", "a\\"] {
            assert_eq!(split(line), Err(Unfinished), "{line}");
        }
    }
}
