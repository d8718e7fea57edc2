//! Paths of files in a backup: what may be written into a folder, and nowhere else.

/// The most components of a path.
const DEPTH: usize = 4;
/// The longest component.
const LONGEST: usize = 128;

/// Whether a path leads into a folder, wherever that is: up to four names of letters, digits, `.`, `_` and `-` that do
/// not begin with a dot.
pub(crate) fn check_path(path: &str) -> bool {
    let names: Vec<_> = path.split('/').collect();
    let is_name = |name: &&str| {
        (1..=LONGEST).contains(&name.len())
            && !name.starts_with('.')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    names.len() <= DEPTH && names.iter().all(is_name)
}

#[cfg(test)]
mod tests {
    use super::check_path;

    #[test]
    fn no_path_leads_out() {
        for good in ["journal/0f/000001.seg.zst", "a", "a/b/c/d"] {
            assert!(check_path(good), "{good}");
        }
        for bad in
            ["", "/etc/passwd", "../a", "a/../b", "a//b", "a/", ".", "a/.hidden", "a/b/c/d/e", "a\\b", "a\0"]
        {
            assert!(!check_path(bad), "{bad}");
        }
    }
}
