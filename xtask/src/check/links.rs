//! Links between the documents lead somewhere.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use anyhow::Result;

use super::{Report, tree};

/// Checks every relative link of the documents at the root and under `docs/`, headings included.
pub(super) fn check(root: &Path) -> Result<Report> {
    let mut documents = tree::files(root, "docs", "md")?;
    for entry in std::fs::read_dir(root)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            documents.push(PathBuf::from(path.file_name().unwrap_or_default()));
        }
    }
    let (mut failures, mut count) = (Vec::new(), 0);
    for document in &documents {
        let text = tree::read(root, document)?;
        for link in links(&text) {
            count += 1;
            if let Some(fault) = judge(root, document, &text, &link) {
                failures.push(format!("{}: the link `{link}` {fault}", document.display()));
            }
        }
    }
    Ok(Report::of(failures).noting(format!("{count} links in {} documents", documents.len())))
}

/// What is wrong with a link of `document`, whose text is `text`.
fn judge(root: &Path, document: &Path, text: &str, link: &str) -> Option<String> {
    let (path, heading) = link.split_once('#').map_or((link, None), |(path, heading)| (path, Some(heading)));
    let target = if path.is_empty() { document.to_path_buf() } else { resolve(document, path) };
    if !root.join(&target).exists() {
        return Some(format!("leads to {}, which does not exist: correct it", target.display()));
    }
    let heading = heading?;
    let other;
    let text = if path.is_empty() {
        text
    } else {
        other = tree::read(root, &target).unwrap_or_default();
        &other
    };
    (!anchors(text).contains(heading))
        .then(|| format!("leads to a heading that {} does not have: correct it", target.display()))
}

/// `link` as a path from the root, seen from the folder of `document`.
fn resolve(document: &Path, link: &str) -> PathBuf {
    let mut path = document.parent().unwrap_or(Path::new("")).to_path_buf();
    for component in Path::new(link).components() {
        match component {
            Component::ParentDir => drop(path.pop()),
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path
}

/// The relative links of a Markdown text, `[words](target)`, outside code.
fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    for line in prose(text) {
        for rest in line.split("](").skip(1) {
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            let is_absolute = target.contains("://") || target.starts_with("mailto:");
            if !target.is_empty() && !is_absolute {
                links.push(target.to_owned());
            }
        }
    }
    links
}

/// The anchors of a Markdown text's headings, made as forges make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = fenced_out(text).filter_map(|line| {
        let title = line.trim_start_matches('#');
        (title.len() < line.len()).then(|| title.strip_prefix(' ')).flatten()
    });
    let anchor = |title: &str| -> String {
        let kept = title.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

/// The lines outside fenced code.
fn fenced_out(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    })
}

/// The lines outside fenced code, without their code spans.
fn prose(text: &str) -> impl Iterator<Item = String> {
    fenced_out(text).map(|line| line.split('`').step_by(2).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_links_are_found_and_code_is_not_read() {
        let text = "See [a](docs/a.md#b-c) and [`b`](../b.md \"title\"), [c](https://c.example).\n\
                    ```\n[not](this.md)\n```\nNor `[this](one.md)`, but [d](#e).\n";
        assert_eq!(links(text), ["docs/a.md#b-c", "../b.md", "#e"]);
    }

    #[test]
    fn headings_become_anchors() {
        let found = anchors("# The `journal`, and how\n```\n# no heading\n```\n### B-C_d\n#hash\n");
        assert_eq!(found, ["the-journal-and-how", "b-c_d"].map(str::to_owned).into());
    }

    #[test]
    fn links_are_resolved_from_their_document() {
        assert_eq!(resolve(Path::new("docs/book/a.md"), "../adr/b.md"), Path::new("docs/adr/b.md"));
        assert_eq!(resolve(Path::new("README.md"), "./docs"), Path::new("docs"));
    }

    #[test]
    fn a_link_to_nothing_says_so() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let judge = |link| judge(root, Path::new("Cargo.toml"), "# Here\n", link);
        assert_eq!(judge("Cargo.toml"), None);
        assert_eq!(judge("#here"), None);
        assert!(judge("#there").unwrap().contains("heading"));
        assert!(judge("nothing.md").unwrap().contains("nothing.md"));
    }
}
