//! Files that a reader can hold in mind.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Report, tree};

/// From here on a file is listed: look for the second idea in it.
const LONG: usize = 600;

/// From here on a file is refused.
const TOO_LONG: usize = 1_000;

/// Counts the lines of every hand-written file.
pub(super) fn check(root: &Path) -> Result<Report> {
    let files = tree::hand_written(root)?;
    let sizes: Vec<_> = files
        .into_iter()
        .map(|file| tree::read(root, &file).map(|text| (file, text.lines().count())))
        .collect::<Result<_>>()?;
    let total: usize = sizes.iter().map(|(_, lines)| lines).sum();
    Ok(judge(&sizes).noting(format!("{} files, {total} lines written by hand", sizes.len())))
}

fn judge(sizes: &[(PathBuf, usize)]) -> Report {
    let mut report = Report::default();
    for (file, lines) in sizes {
        if *lines > TOO_LONG {
            report.failures.push(format!(
                "{} has {lines} lines, more than {TOO_LONG}: split it by idea into a folder of its name",
                file.display()
            ));
        } else if *lines > LONG {
            report.notes.push(format!("long: {} has {lines} lines", file.display()));
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_listed_and_too_long_ones_refused() {
        let sizes = [600, 601, 1_000, 1_001].map(|lines| (PathBuf::from(format!("{lines}.rs")), lines));
        let report = judge(&sizes);
        assert_eq!(report.notes.len(), 2, "{report:?}");
        assert_eq!(report.failures.len(), 1, "{report:?}");
        assert!(report.failures[0].contains("1001.rs"));
    }
}
