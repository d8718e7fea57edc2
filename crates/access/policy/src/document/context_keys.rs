//! The condition keys that a document needs: those of its conditions, and those of its policy variables.

use std::collections::HashSet;

use super::{Document, Operator, Scope, Statement, Version};

/// The colons of an ARN in front of the part that may have variables.
const COLONS_BEFORE_RESOURCE: usize = 5;

/// Condition keys by name, each once: letters count in either case.
#[derive(Clone, Debug, Default)]
pub struct ContextKeyNames {
    names: Vec<String>,
    lower: HashSet<String>,
}

impl ContextKeyNames {
    /// The names as they were written first, in the order of their coming.
    pub fn into_vec(self) -> Vec<String> {
        self.names
    }

    /// Adds what the statements of a document need to be decided on.
    pub fn add_document(&mut self, document: &Document) {
        for statement in &document.statements {
            self.add_statement(statement, document.version);
        }
    }

    /// Adds what a statement needs, of a document of that version.
    pub fn add_statement(&mut self, statement: &Statement, version: Version) {
        let has_variables = version == Version::V2012;
        if has_variables {
            for resource in statement.resources.iter().flat_map(Scope::listed) {
                let fields = resource.as_str().splitn(COLONS_BEFORE_RESOURCE + 1, ':');
                fields.skip(COLONS_BEFORE_RESOURCE).for_each(|own| self.add_variables(own));
            }
        }
        for condition in &statement.conditions {
            self.add(&condition.key);
            if has_variables && takes_variables(condition.operator) {
                condition.values.iter().for_each(|value| self.add_variables(value));
            }
        }
    }

    /// Adds one.
    pub fn add(&mut self, name: &str) {
        if self.lower.insert(name.to_ascii_lowercase()) {
            self.names.push(name.to_owned());
        }
    }

    /// Adds those of the variables in a text. `${*}`, `${?}` and `${$}` are none.
    fn add_variables(&mut self, text: &str) {
        for opened in text.split("${").skip(1) {
            let Some((inner, _)) = opened.split_once('}') else { continue };
            let name = inner.split_once(',').map_or(inner, |(name, _default)| name).trim();
            if name.contains(':') {
                self.add(name);
            }
        }
    }
}

/// Whether an operator's values may have variables (IAM User Guide, "IAM policy elements: Variables and tags").
fn takes_variables(operator: Operator) -> bool {
    let name = operator.name();
    name.starts_with("String") || name.starts_with("Arn")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Kind;

    fn names(text: &str) -> Vec<String> {
        let mut keys = ContextKeyNames::default();
        keys.add_document(&Document::parse(text, Kind::Identity).unwrap());
        keys.into_vec()
    }

    /// The sample of the AWS CLI Command Reference, "get-context-keys-for-custom-policy".
    #[test]
    fn variables_and_conditions_are_found() {
        let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*",
            "Resource":"arn:aws:dynamodb:us-west-2:123456789012:table/${aws:username}",
            "Condition":{"DateGreaterThan":{"aws:CurrentTime":"2015-08-16T12:00:00Z"}}}}"#;
        assert_eq!(names(text), ["aws:username", "aws:CurrentTime"]);
        // Without variables, of a version that has none.
        assert_eq!(names(&text.replace("2012-10-17", "2008-10-17")), ["aws:CurrentTime"]);
    }

    #[test]
    fn each_is_named_once_and_as_it_is_written() {
        let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*",
            "Resource":["arn:aws:s3:::${*}/${aws:PrincipalTag/Team, 'none'}","*"],
            "Condition":{"StringLike":{"aws:userid":["${AWS:UserName}-*","${$}"],"aws:principaltag/team":"a"},
                         "NumericEquals":{"a:b":"${c:d}"}}}}"#;
        assert_eq!(names(text), ["aws:PrincipalTag/Team", "aws:userid", "AWS:UserName", "a:b"]);
    }
}
