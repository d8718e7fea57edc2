//! From AWS's names to Rust's, without collisions.

use std::collections::BTreeSet;

/// Type names that generated code uses itself, so that no shape may take them.
const TAKEN_TYPES: &[&str] = &[
    "ApiError",
    "Arc",
    "Blob",
    "Box",
    "ByteStream",
    "Clone",
    "Debug",
    "Default",
    "Err",
    "From",
    "Map",
    "None",
    "Ok",
    "Option",
    "Result",
    "RequestContext",
    "Secret",
    "Self",
    "Service",
    "Some",
    "String",
    "Structure",
    "Timestamp",
    "Unit",
    "Unknown",
    "Vec",
];

/// Rust's keywords, as far as snake case can meet them.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];

/// Hands out names of one namespace, each once: the second that would get a name gets it with a `2`.
#[derive(Default)]
pub(crate) struct Names(BTreeSet<String>);

impl Names {
    /// Names of types: what generated code uses itself is taken from the start.
    pub(crate) fn types() -> Self {
        Self(TAKEN_TYPES.iter().map(ToString::to_string).collect())
    }

    /// Variants of an open enum.
    pub(crate) fn variants() -> Self {
        Self(["Unknown", "Self"].map(str::to_owned).into())
    }

    /// `wanted`, or `wanted` with the least number from 2 that makes it new.
    pub(crate) fn unique(&mut self, wanted: &str) -> String {
        let numbered = (2..).map(|n| format!("{wanted}{n}"));
        let free = std::iter::once(wanted.to_owned()).chain(numbered).find(|name| !self.0.contains(name));
        let name = free.unwrap_or_default();
        self.0.insert(name.clone());
        name
    }
}

/// The words of a name: split at what is no letter or digit, where lower case meets upper, and before the
/// last capital of a run (`AWSAccountId` is `AWS`, `Account`, `Id`; `MD5OfBody` is `MD5`, `Of`, `Body`).
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let chars: Vec<char> = name.chars().collect();
    for (at, &char) in chars.iter().enumerate() {
        if !char.is_ascii_alphanumeric() {
            words.push(String::new());
            continue;
        }
        let before = at.checked_sub(1).map(|at| chars[at]);
        let after_lower = before.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let ends_run = before.is_some_and(|c| c.is_ascii_uppercase())
            && chars.get(at + 1).is_some_and(char::is_ascii_lowercase);
        if char.is_ascii_uppercase() && (after_lower || ends_run) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(char);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `KeyId` to `key_id`; keywords are written raw.
pub(crate) fn snake(name: &str) -> String {
    let snake = words(name).join("_").to_ascii_lowercase();
    match snake.as_str() {
        "self" | "super" | "crate" => format!("{snake}_"),
        keyword if KEYWORDS.contains(&keyword) => format!("r#{keyword}"),
        _ if snake.starts_with(|c: char| c.is_ascii_digit()) || snake.is_empty() => format!("n{snake}"),
        _ => snake,
    }
}

/// `KeyId` to `KEY_ID`.
pub(crate) fn screaming(name: &str) -> String {
    words(name).join("_").to_ascii_uppercase()
}

/// A shape's name as a type: AWS's own, with a capital at the start.
pub(crate) fn type_name(name: &str) -> String {
    let mut name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    if let Some(first) = name.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    name
}

/// An enum value as a variant: `RSAES_OAEP_SHA_256` to `RsaesOaepSha256`, `SignatureVersion4` as it is.
pub(crate) fn variant(value: &str) -> String {
    let capitalised = |word: String| {
        let lower =
            if word.chars().any(|c| c.is_ascii_lowercase()) { word } else { word.to_ascii_lowercase() };
        lower[..1].to_ascii_uppercase() + &lower[1..]
    };
    let variant: String = words(value).into_iter().map(capitalised).collect();
    match variant.chars().next() {
        None => "Empty".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("V{variant}"),
        Some(_) => variant,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_rust() {
        let snakes = [
            ("KeyId", "key_id"),
            ("AWSAccountId", "aws_account_id"),
            ("MD5OfBody", "md5_of_body"),
            ("Type", "r#type"),
            ("Self", "self_"),
            ("EBSVolume", "ebs_volume"),
            ("IPv6Address", "i_pv6_address"),
            ("x-amz-meta", "x_amz_meta"),
        ];
        for (aws, rust) in snakes {
            assert_eq!(snake(aws), rust);
        }
        let variants = [
            ("RSAES_OAEP_SHA_256", "RsaesOaepSha256"),
            ("aws:kms", "AwsKms"),
            ("2012-10-17", "V20121017"),
            ("", "Empty"),
            ("SignatureVersion4", "SignatureVersion4"),
        ];
        for (aws, rust) in variants {
            assert_eq!(variant(aws), rust);
        }
    }

    #[test]
    fn collisions_are_numbered() {
        let mut types = Names::types();
        assert_eq!(types.unique("Option"), "Option2");
        assert_eq!(types.unique("Tag"), "Tag");
        assert_eq!(types.unique("Tag"), "Tag2");
        assert_eq!(types.unique("Tag"), "Tag3");
        let mut variants = Names::variants();
        assert_eq!([variants.unique("Unknown"), variants.unique("A")], ["Unknown2", "A"]);
    }
}
