//! From the models' patterns, written for Java's engine, to ours: equal languages, linear time.

use anyhow::{Result, bail};

/// Translates a pattern. Java's `\w`, `\d` and `\s` are ASCII, its `\uXXXX` are UTF-16 units, and a match
/// of the whole value is meant, with or without anchors.
pub(crate) fn translate(java: &str) -> Result<String> {
    let mut out = String::new();
    let mut chars = java.chars().peekable();
    let mut in_class = false;
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next() {
                Some('u') => {
                    let digits: String = chars.by_ref().take(4).collect();
                    out.push_str(&code_unit(&digits)?);
                }
                Some('w') => out.push_str(class("0-9A-Za-z_", in_class)),
                Some('d') => out.push_str(class("0-9", in_class)),
                Some('s') => out.push_str(class(r"\t\n\x0B\f\r ", in_class)),
                // Not special in our engine, where an escape of what needs none is an error.
                Some(plain @ ('/' | '@' | '=' | ',' | ':' | '_')) => out.push(plain),
                Some(escaped) => out.extend(['\\', escaped]),
                None => bail!("a pattern ends in a backslash"),
            },
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                if chars.peek() == Some(&'^') {
                    out.extend(chars.next());
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            // A second bracket, `&&` and `~~` mean more to our engine than to the models' authors.
            '[' | '&' | '~' if in_class => out.extend(['\\', char]),
            '-' if in_class => out.push_str(if is_range(&out, chars.peek().copied()) { "-" } else { r"\-" }),
            _ => out.push(char),
        }
    }
    if let Err(error) = regex::Regex::new(&out) {
        bail!("pattern {java:?} became {out:?}, which does not compile: {error}");
    }
    Ok(out)
}

/// A set of ASCII characters, as a class of its own unless it stands in one.
fn class(set: &'static str, in_class: bool) -> &'static str {
    match (set, in_class) {
        (set, true) => set,
        ("0-9", _) => "[0-9]",
        ("0-9A-Za-z_", _) => "[0-9A-Za-z_]",
        _ => r"[\t\n\x0B\f\r ]",
    }
}

/// One UTF-16 unit. Surrogates cannot occur alone in our text; a range that ends in them means "and all
/// beyond", and one between them adds nothing.
fn code_unit(digits: &str) -> Result<String> {
    Ok(match u32::from_str_radix(digits, 16)? {
        0xD800 | 0xDC00 => r"\x{10000}".to_owned(),
        0xDBFF | 0xDFFF => r"\x{10FFFF}".to_owned(),
        unit => format!(r"\x{{{unit:X}}}"),
    })
}

/// Whether a dash in a class stands between two characters and so makes a range. After a class escape or
/// at either end it stands for itself.
fn is_range(before: &str, next: Option<char>) -> bool {
    let after_set = ["0-9A-Za-z_", r"\t\n\x0B\f\r "].iter().any(|set| before.ends_with(set));
    !(before.ends_with('[') || before.ends_with("[^") || after_set || next == Some(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_meaning() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            (r"^\p{ASCII}+$", &["a b"], &["", "ä"]),
            (r"[\w+=,.@-]+", &["a-b@c", "_"], &["é", "a b", ""]),
            (r"[\w-]*", &["a-b", ""], &["a.b"]),
            (r"^[a-zA-Z0-9-_.]+$", &["a-b_c."], &["a b"]),
            (r"[\u0009\u000A\u000D\u0020-\u00FF]+", &["a\tÿ"], &["\u{100}", ""]),
            (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", &["\u{1F600}a"], &["\u{FFFE}"]),
            (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", &["Äß 1-2@x"], &["\t", "!"]),
            (r"\d{12}", &["000000000000"], &["٠٠٠٠٠٠٠٠٠٠٠٠"]),
            (r"^(/[a-zA-Z0-9\/_-]+/kms/xks/v\d{1,2})$|^(/kms/xks/v\d{1,2})$", &["/a/kms/xks/v1"], &["/kms"]),
            (r"[a-zA-Z0-9+-/=\s]*", &["a b/c-"], &["!"]),
        ];
        for (java, matching, other) in cases {
            let ours = regex::Regex::new(&format!(r"\A(?:{})\z", translate(java).unwrap())).unwrap();
            assert!(matching.iter().all(|text| ours.is_match(text)), "{java} became {ours}");
            assert!(!other.iter().any(|text| ours.is_match(text)), "{java} became {ours}");
        }
    }
}
