//! What is wrong with a seed, each thing by its place in the file.

use std::fmt;

use strongroom_schema::{Kind, Schema, ServiceSchema};

/// Findings that are told; of more, their number.
const MOST_TOLD: usize = 50;

/// The characters of a value that a finding repeats.
const MOST_REPEATED: usize = 80;

/// Everything that is wrong.
#[derive(Default)]
pub(super) struct Findings {
    told: Vec<String>,
    untold: usize,
}

impl Findings {
    /// Notes what is wrong at a place, and what to do about it.
    pub(super) fn add(&mut self, place: &str, what: impl fmt::Display) {
        if self.told.len() < MOST_TOLD {
            self.told.push(format!("{place}: {what}"));
        } else {
            self.untold += 1;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// Checks a text against what the service's model says of the member of an operation's input.
    pub(super) fn check_text(&mut self, place: &str, of: Member, text: &str) {
        let Some(schema) = of.schema() else { return };
        let constraints = &schema.constraints;
        let length = text.chars().map(char::len_utf16).sum::<usize>() as i64;
        let shown = Shown(text);
        if let Some(most) = constraints.max.map(|bound| bound.as_i64()).filter(|most| length > *most) {
            self.add(place, format_args!("{shown} has {length} characters; at most {most} are allowed"));
        } else if let Some(least) =
            constraints.min.map(|bound| bound.as_i64()).filter(|least| length < *least)
        {
            self.add(place, format_args!("{shown} has {length} characters; at least {least} are needed"));
        } else if let Some(pattern) = constraints.pattern.filter(|pattern| !pattern.matches(text)) {
            self.add(
                place,
                format_args!(
                    "{shown} has characters or a form that it must not have; it must match {}",
                    pattern.text()
                ),
            );
        } else if let Kind::Enum(values) = schema.kind
            && !values.contains(&text)
        {
            self.add(place, format_args!("{shown} is unknown; use one of {}", values.join(", ")));
        }
    }

    /// Checks a number in the same way.
    pub(super) fn check_number(&mut self, place: &str, of: Member, number: i32) {
        let Some(constraints) = of.schema().map(|schema| &schema.constraints) else { return };
        let (least, most) =
            (constraints.min.map(|bound| bound.as_i64()), constraints.max.map(|bound| bound.as_i64()));
        let number = i64::from(number);
        if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
            let (least, most) = (least.unwrap_or(i64::MIN), most.unwrap_or(i64::MAX));
            self.add(place, format_args!("{number} is out of range; use {least} to {most}"));
        }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for told in &self.told {
            write!(f, "\n  {told}")?;
        }
        if self.untold > 0 {
            write!(f, "\n  and {} more", self.untold)?;
        }
        Ok(())
    }
}

/// A text as a finding repeats it.
pub(super) struct Shown<'s>(pub(super) &'s str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.0.chars().count() > MOST_REPEATED { "..." } else { "" };
        let start: String = self.0.chars().take(MOST_REPEATED).collect();
        write!(f, "{start:?}{more}")
    }
}

/// A member of the input of an operation, or of a structure in it, or (without a name) an item of a list: the limits of what the seed says are the API's.
#[derive(Clone, Copy)]
pub(super) struct Member {
    service: &'static ServiceSchema,
    operation: &'static str,
    path: &'static [&'static str],
}

impl Member {
    const fn iam(operation: &'static str, path: &'static [&'static str]) -> Self {
        Self { service: &strongroom_api_iam::SERVICE, operation, path }
    }

    const fn kms(operation: &'static str, path: &'static [&'static str]) -> Self {
        Self { service: &strongroom_api_kms::SERVICE, operation, path }
    }

    /// What the model says of it. Every member below is in its model, as a test shows.
    fn schema(self) -> Option<&'static Schema> {
        let operation = self.service.operations.get(self.service.position(self.operation)?)?;
        self.path.iter().try_fold(operation.input, |schema, name| {
            let inner = if let Kind::List(item) = &schema.kind { item.schema } else { schema };
            if name.is_empty() {
                return Some(inner);
            }
            let position = inner.position(name)?;
            inner.members().get(position).map(|member| member.schema)
        })
    }
}

macro_rules! members {
    ($($name:ident = $service:ident $operation:literal $path:expr;)*) => {
        $(pub(super) const $name: Member = Member::$service($operation, &$path);)*

        #[cfg(test)]
        const ALL: &[(&str, Member)] = &[$((stringify!($name), $name)),*];
    };
}

members! {
    ACCOUNT_ALIAS = iam "CreateAccountAlias" ["AccountAlias"];
    POLICY_NAME = iam "CreatePolicy" ["PolicyName"];
    POLICY_PATH = iam "CreatePolicy" ["Path"];
    POLICY_DESCRIPTION = iam "CreatePolicy" ["Description"];
    GROUP_NAME = iam "CreateGroup" ["GroupName"];
    USER_NAME = iam "CreateUser" ["UserName"];
    ROLE_NAME = iam "CreateRole" ["RoleName"];
    ROLE_DESCRIPTION = iam "CreateRole" ["Description"];
    MAX_SESSION_DURATION = iam "CreateRole" ["MaxSessionDuration"];
    ENTITY_PATH = iam "CreateUser" ["Path"];
    IAM_TAG_KEY = iam "CreateUser" ["Tags", "Key"];
    IAM_TAG_VALUE = iam "CreateUser" ["Tags", "Value"];
    INLINE_POLICY_NAME = iam "PutUserPolicy" ["PolicyName"];
    POLICY_ARN = iam "AttachUserPolicy" ["PolicyArn"];
    ACCESS_KEY_ID = iam "UpdateAccessKey" ["AccessKeyId"];
    KEY_SPEC = kms "CreateKey" ["KeySpec"];
    KEY_USAGE = kms "CreateKey" ["KeyUsage"];
    KEY_DESCRIPTION = kms "CreateKey" ["Description"];
    KMS_TAG_KEY = kms "CreateKey" ["Tags", "TagKey"];
    KMS_TAG_VALUE = kms "CreateKey" ["Tags", "TagValue"];
    ALIAS_NAME = kms "CreateAlias" ["AliasName"];
    GRANT_NAME = kms "CreateGrant" ["Name"];
    GRANT_PRINCIPAL = kms "CreateGrant" ["GranteePrincipal"];
    GRANT_OPERATION = kms "CreateGrant" ["Operations", ""];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_in_its_model() {
        for (name, member) in ALL {
            assert!(member.schema().is_some(), "{name}");
        }
    }

    #[test]
    fn a_finding_says_what_is_wrong_with_a_text() {
        let mut findings = Findings::default();
        findings.check_text("Name", USER_NAME, "alice");
        assert!(findings.is_empty(), "{findings}");
        findings.check_text("A", USER_NAME, &"a".repeat(65));
        findings.check_text("B", ACCESS_KEY_ID, "AKIA");
        findings.check_text("C", USER_NAME, "no spaces");
        findings.check_text("D", KEY_SPEC, "AES_256");
        findings.check_number("E", MAX_SESSION_DURATION, 60);
        let told = findings.to_string();
        for expected in [
            "has 65 characters; at most 64 are allowed",
            "B: \"AKIA\" has 4 characters; at least 16 are needed",
            "C: \"no spaces\" has characters or a form",
            "D: \"AES_256\" is unknown; use one of",
            "E: 60 is out of range; use 3600 to 43200",
        ] {
            assert!(told.contains(expected), "{expected} in {told}");
        }
    }
}
