//! The models hold facts of AWS's interfaces, and none of the prose that describes them: that is AWS's work.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Report, tree};

/// The keys under which botocore's models have prose.
const PROSE: &[&str] = &["documentation", "deprecatedMessage"];

/// Looks for prose in every model.
pub(super) fn check(root: &Path) -> Result<Report> {
    let mut failures = Vec::new();
    for file in tree::files(root, "models", "json")? {
        let model =
            serde_json::from_str(&tree::read(root, &file)?).with_context(|| file.display().to_string())?;
        let mut places = Vec::new();
        find(&model, "", &mut places);
        if let Some(first) = places.first() {
            failures.push(format!(
                "{} has prose of AWS's in {} place(s), first at {first}: run `cargo xtask models update`, or let \
                 xtask/src/model.rs drop it",
                file.display(),
                places.len()
            ));
        }
    }
    Ok(Report::of(failures))
}

/// Collects the places of prose. A member may have such a name; then an object stands under it and no text.
fn find(value: &Value, place: &str, places: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            for (name, value) in entries {
                let place = format!("{place}/{name}");
                if PROSE.contains(&name.as_str()) && value.is_string() {
                    places.push(place);
                } else {
                    find(value, &place, places);
                }
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                find(item, &format!("{place}/{at}"), places);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(model: &str) -> Vec<String> {
        let mut places = Vec::new();
        find(&serde_json::from_str(model).unwrap(), "", &mut places);
        places
    }

    #[test]
    fn prose_is_found_wherever_it_stands() {
        let model = r#"{
            "documentation": "a",
            "operations": {"Get": {"errors": [{"shape": "E", "documentation": "b"}]}},
            "shapes": {"S": {"members": {"M": {"shape": "T", "deprecatedMessage": "c"}}}}
        }"#;
        assert_eq!(
            places(model),
            [
                "/documentation",
                "/operations/Get/errors/0/documentation",
                "/shapes/S/members/M/deprecatedMessage"
            ]
        );
    }

    #[test]
    fn a_member_may_be_called_documentation() {
        assert_eq!(
            places(r#"{"members": {"documentation": {"shape": "T"}}, "enum": ["documentation"]}"#),
            [""; 0]
        );
    }
}
