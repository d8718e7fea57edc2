//! Where statements stand in the text of a document.

use proptest::prelude::*;
use serde_json::Value;
use strongroom_policy::document::{Document, Place, statement_extents};

use crate::accepted::ACCEPTED;

/// The text between two places.
fn between(text: &str, start: Place, end: Place) -> String {
    let mut at = Place { line: 1, column: 1 };
    let mut found = String::new();
    for character in text.chars() {
        if (start.line, start.column) <= (at.line, at.column) && (at.line, at.column) < (end.line, end.column)
        {
            found.push(character);
        }
        at = match character {
            '\n' => Place { line: at.line + 1, column: 1 },
            _ => Place { column: at.column + 1, ..at },
        };
    }
    found
}

proptest! {
    /// What stands between the places of a statement is that statement, behind a comma perhaps, wherever there is white
    /// space.
    #[test]
    fn statements_stand_between_their_places(
        which in prop::sample::select(ACCEPTED),
        space in "[ \t\n]{0,3}",
    ) {
        let mut in_string = false;
        let mut text = String::new();
        for character in which.1.chars().filter(|character| *character != '\n') {
            in_string ^= character == '"';
            text.push(character);
            if !in_string && "{}[],:".contains(character) {
                text.push_str(&space);
            }
        }
        let document = Document::parse(&text, which.0).unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        let statements = match &json["Statement"] {
            Value::Array(statements) => statements.clone(),
            one => vec![one.clone()],
        };
        let extents = statement_extents(&text);
        prop_assert_eq!(extents.len(), document.statements.len());
        for (extent, statement) in extents.into_iter().zip(statements) {
            let found = between(&text, extent.start, extent.end);
            let found = found.trim_start();
            let found: Value = serde_json::from_str(found.strip_prefix(',').unwrap_or(found)).unwrap();
            prop_assert_eq!(found, statement);
        }
    }

    #[test]
    fn texts_that_are_no_documents_do_no_harm(text in "[\\[\\]{}\",:a\\\\ \n]{0,60}") {
        statement_extents(&format!("{{\"Statement\":{text}"));
        statement_extents(&text);
    }
}
