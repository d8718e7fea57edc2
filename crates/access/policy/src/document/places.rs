//! Where the statements of a document stand in its text, as IAM's simulations tell it.

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
}

/// Where a statement begins and ends.
///
/// AWS's places lie between tokens (answers of AWS quoted in public): the first statement begins right behind the
/// bracket, each other one right behind the one before, at its comma; it ends right behind its brace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// Where it begins.
    pub start: Place,
    /// Where it ends: the first place behind.
    pub end: Place,
}

/// The element that holds the statements, as a JSON string without its quotes.
const STATEMENT: &str = "Statement";

/// Where each statement of a document stands, in their order. The text is one that reads as a document; of any other,
/// and of one that spells `Statement` with escapes, some or all are not found.
pub fn statement_extents(text: &str) -> Vec<Extent> {
    let mut reader = Reader::default();
    for character in text.chars() {
        reader.take(character);
    }
    reader.found
}

/// Goes through a text once.
struct Reader {
    at: Place,
    /// Braces and brackets that are open.
    depth: usize,
    /// The string that is open, as far as it goes, and whether its next character is escaped.
    string: Option<(String, bool)>,
    /// The last string that was closed; a colon behind it makes it a key.
    last: String,
    /// Within the value of `Statement`.
    is_inside: bool,
    /// Where the next statement begins.
    start: Option<Place>,
    /// The depth of the statement's own brace, once it is open.
    opened: Option<usize>,
    found: Vec<Extent>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            at: Place { line: 1, column: 1 },
            depth: 0,
            string: None,
            last: String::new(),
            is_inside: false,
            start: None,
            opened: None,
            found: Vec::new(),
        }
    }
}

impl Reader {
    fn take(&mut self, character: char) {
        self.advance(character);
        if let Some((text, is_escaped)) = &mut self.string {
            match character {
                _ if *is_escaped => *is_escaped = false,
                '\\' => *is_escaped = true,
                '"' => self.last = self.string.take().map(|(text, _)| text).unwrap_or_default(),
                _ => text.push(character),
            }
            return;
        }
        match character {
            '"' => self.string = Some((String::new(), false)),
            ':' if self.depth == 1 => {
                self.is_inside = self.last == STATEMENT;
                self.start = self.is_inside.then_some(self.at);
            }
            ',' if self.depth == 1 => self.is_inside = false,
            '[' | '{' => self.open(character),
            ']' | '}' => self.close(),
            _ => {}
        }
    }

    /// Moves behind the character.
    fn advance(&mut self, character: char) {
        if character == '\n' {
            self.at = Place { line: self.at.line + 1, column: 1 };
        } else {
            self.at.column += 1;
        }
    }

    fn open(&mut self, character: char) {
        self.depth += 1;
        if !self.is_inside || self.opened.is_some() {
            return;
        }
        if character == '[' {
            self.start = Some(self.at);
        } else {
            self.opened = Some(self.depth);
        }
    }

    fn close(&mut self) {
        if self.opened == Some(self.depth)
            && let Some(start) = self.start
        {
            self.found.push(Extent { start, end: self.at });
            self.start = Some(self.at);
            self.opened = None;
        }
        self.depth = self.depth.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extents(text: &str) -> Vec<(usize, usize, usize, usize)> {
        let numbers =
            |extent: Extent| (extent.start.line, extent.start.column, extent.end.line, extent.end.column);
        statement_extents(text).into_iter().map(numbers).collect()
    }

    /// AWS's own answers for AdministratorAccess as it was formatted then, for a document on one line that Python wrote,
    /// and for one without white space that has two statements.
    #[test]
    fn places_are_those_of_aws() {
        let administrator = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\",\n      \
                             \"Action\": \"*\",\n      \"Resource\": \"*\"\n    }\n  ]\n}";
        assert_eq!(extents(administrator), [(3, 17, 8, 6)]);
        let spaced = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}"#;
        assert_eq!(extents(spaced), [(1, 41, 1, 60)]);
        let dense = r#"{"Version":"2012-10-17","Statement":[{"Sid":"a"},{"Sid":"b"}]}"#;
        assert_eq!(extents(dense), [(1, 38, 1, 49), (1, 49, 1, 61)]);
    }

    #[test]
    fn braces_in_strings_and_below_are_none() {
        let text = r#"{"Id":"Statement","Statement":[{"a":"\"}{","b":{"c":[{}]}} , {}],"Version":"{"}"#;
        assert_eq!(extents(text), [(1, 32, 1, 59), (1, 59, 1, 64)]);
        assert_eq!(extents(r#"{"Statement":{"a":{}}}"#), [(1, 14, 1, 22)]);
        assert_eq!(extents(r#"{"x":[{"Statement":[{}]}]}"#), []);
        assert_eq!(extents("}]{\"Statement\":["), []);
    }
}
