//! Finding files.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Folders that are not ours to judge, wherever they stand.
const NOT_OURS: &[&str] = &["target", "testdata", "node_modules", "corpus", "artifacts"];

/// Every file under `folder` (relative to `root`) with that extension, relative to `root` and in order. A
/// folder that is not there has no files.
pub(super) fn files(root: &Path, folder: &str, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(root, &root.join(folder), extension, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(root: &Path, folder: &Path, extension: &str, found: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    let entries = std::fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !name.starts_with('.') && !NOT_OURS.contains(&name.as_ref()) {
                collect(root, &path, extension, found)?;
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path.strip_prefix(root).unwrap_or(&path).to_path_buf());
        }
    }
    Ok(())
}

/// Reads a file that [`files`] found.
pub(super) fn read(root: &Path, file: &Path) -> Result<String> {
    std::fs::read_to_string(root.join(file)).with_context(|| format!("reading {}", file.display()))
}

/// Every hand-written Rust file, relative to `root`: all but `crates/api`, which is generated.
pub(super) fn hand_written(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in ["crates", "xtask", "fuzz"] {
        found.extend(files(root, folder, "rs")?);
    }
    found.retain(|file| !file.starts_with("crates/api"));
    Ok(found)
}
