//! Rust source without what is no code, and the rules that count words in it.

use std::path::Path;

use anyhow::Result;

use super::{Report, tree};

/// Counts the places where the two database engines get statements of their own.
pub(super) fn check_dialect(root: &Path) -> Result<Report> {
    let mut uses = Vec::new();
    for file in tree::hand_written(root)? {
        let code = code_only(&tree::read(root, &file)?);
        let lines = code.lines().enumerate().filter(|(_, line)| line.contains(".pick("));
        uses.extend(lines.map(|(at, _)| format!("{}:{}", file.display(), at + 1)));
    }
    let count = format!("{} use(s) of the store's escape hatch, `pick`", uses.len());
    Ok(Report { notes: std::iter::once(count).chain(uses).collect(), failures: Vec::new() })
}

/// The source with comments and the insides of literals blanked out; every line keeps its number.
pub(super) fn code_only(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        if let Some(end) = literal_or_comment_end(&chars, at) {
            code.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            code.push(chars[at]);
            at += 1;
        }
    }
    code
}

/// Where the comment or literal that starts at `at` ends; `None` where none starts.
fn literal_or_comment_end(chars: &[char], at: usize) -> Option<usize> {
    let next = |offset: usize| chars.get(at + offset).copied();
    match chars[at] {
        '/' if next(1) == Some('/') => Some(find(chars, at, |rest| rest[0] == '\n').unwrap_or(chars.len())),
        '/' if next(1) == Some('*') => Some(block_comment_end(chars, at)),
        '"' => Some(quoted_end(chars, at, '"')),
        // A quote that does not close after one character starts a lifetime.
        '\'' if next(1) == Some('\\') || next(2) == Some('\'') => Some(quoted_end(chars, at, '\'')),
        'r' if at == 0 || !is_word(chars[at - 1]) || matches!(chars[at - 1], 'b' | 'c') => {
            raw_string_end(chars, at)
        }
        _ => None,
    }
}

fn find(chars: &[char], from: usize, fits: impl Fn(&[char]) -> bool) -> Option<usize> {
    (from..chars.len()).find(|&at| fits(&chars[at..]))
}

fn block_comment_end(chars: &[char], start: usize) -> usize {
    let (mut depth, mut at) = (0, start);
    while at < chars.len() {
        match chars[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted_end(chars: &[char], start: usize, quote: char) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// The end of a raw string that starts at the `r` at `start`; `None` for a raw identifier or a plain word.
fn raw_string_end(chars: &[char], start: usize) -> Option<usize> {
    let hashes = chars[start + 1..].iter().take_while(|&&c| c == '#').count();
    let open = start + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let closes =
        |rest: &[char]| rest[0] == '"' && rest[1..].iter().take_while(|&&c| c == '#').count() >= hashes;
    Some(find(chars, open + 1, closes).map_or(chars.len(), |quote| quote + 1 + hashes))
}

/// Whether the character belongs to a word of Rust.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_is_left() {
        for (source, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"a("b\"c") d"#, r"a(      ) d"),
            ("r#\"a\" b\"# c", "          c"),
            ("br\"a\" c", "b     c"),
            ("r#type r", "r#type r"),
            (r"'a' '\'' 'b: &'c str", r"         'b: &'c str"),
            ("a \"never closed", "a              "),
            ("\"two\nlines\" b", "    \n       b"),
        ] {
            assert_eq!(code_only(source), code, "{source}");
        }
    }
}
