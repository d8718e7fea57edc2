//! Who may use whom: the tree is the layers, and dependencies point down.
//!
//! Judged are the dependencies of product code (`[dependencies]`, `[build-dependencies]` and their
//! target-specific forms). Tests may use what they need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use toml::Table;

use super::{Report, tree};

/// What the crates of one kind may use of ours. Paths are relative to `crates/`; `*` stands for any name.
struct Layer {
    crates: &'static str,
    may_use: &'static [&'static str],
    why: &'static str,
}

/// The first row that fits a crate is its row.
const LAYERS: &[Layer] = &[
    Layer {
        crates: "base/store",
        may_use: &["base/secret", "base/crypto", "base/seal"],
        why: "the store seals rows and knows no service",
    },
    Layer {
        crates: "base/resealing",
        may_use: &["base/*"],
        why: "resealing brings seal and store together and knows no service",
    },
    Layer {
        crates: "base/attestation",
        may_use: &["base/crypto", "base/pki"],
        why: "an attestation is a document and the certificates that it was signed under",
    },
    Layer {
        crates: "base/*",
        may_use: &["base/secret", "base/crypto"],
        why: "base is below everything: no AWS service, no network protocol",
    },
    Layer {
        crates: "wire/schema",
        may_use: &["base/secret"],
        why: "the schema is what everything generated stands on",
    },
    Layer {
        crates: "wire/protocols",
        may_use: &["wire/schema", "base/secret"],
        why: "codecs know shapes, not callers or services",
    },
    Layer {
        crates: "wire/sigv4",
        may_use: &["base/secret", "base/crypto"],
        why: "a signature is verified from bytes alone",
    },
    Layer {
        crates: "wire/service",
        may_use: &["wire/schema", "access/identity"],
        why: "it is the seam between the server and the services, and knows neither",
    },
    Layer {
        crates: "wire/client",
        may_use: &["base/secret", "base/crypto", "base/runtime"],
        why: "a client knows how APIs are called, and neither services nor the server",
    },
    Layer {
        crates: "wire/server",
        may_use: &["wire/*", "access/identity", "base/secret", "base/crypto", "base/runtime"],
        why: "the server knows no service; what it needs is plugged in by programs",
    },
    Layer {
        crates: "access/identity",
        may_use: &["base/secret", "base/runtime"],
        why: "identity decides nothing",
    },
    Layer {
        crates: "access/policy",
        may_use: &["access/identity"],
        why: "policy evaluation is pure: it asks nobody",
    },
    Layer {
        crates: "api/*",
        may_use: &["wire/schema", "wire/service", "access/identity", "base/secret"],
        why: "generated code states facts of an API",
    },
    Layer {
        crates: "evidence/*",
        may_use: &["base/*", "access/identity", "evidence/*"],
        why: "evidence records calls and knows no service",
    },
    Layer {
        crates: "hsm/core",
        may_use: &["base/secret", "base/crypto", "base/pki", "hsm/proto"],
        why: "the HSM's core does no input or output",
    },
    Layer { crates: "hsm/*", may_use: &["base/*", "hsm/*"], why: "an HSM knows no AWS service" },
    Layer {
        crates: "services/kms",
        may_use: &[
            "api/*",
            "access/*",
            "evidence/*",
            "base/*",
            "wire/schema",
            "wire/service",
            "hsm/core",
            "hsm/client",
            "hsm/proto",
        ],
        why: "a service reaches another through its api trait, joined in programs",
    },
    Layer {
        crates: "services/cloudhsm",
        may_use: &["api/*", "access/*", "evidence/*", "base/*", "wire/schema", "wire/service", "hsm/proto"],
        why: "the control plane speaks with HSMs and cannot do what they do",
    },
    Layer {
        crates: "services/*",
        may_use: &["api/*", "access/*", "evidence/*", "base/*", "wire/schema", "wire/service"],
        why: "a service reaches another through its api trait, joined in programs",
    },
    Layer {
        crates: "programs/*",
        may_use: &["base/*", "wire/*", "access/*", "api/*", "evidence/*", "hsm/*", "services/*"],
        why: "programs join everything, and the testkit is for tests only",
    },
    Layer { crates: "testkit", may_use: &["base/*"], why: "the testkit is below what it tests" },
];

/// A foreign crate that only some of ours may see.
struct Kept {
    foreign: &'static str,
    seen_by: &'static [&'static str],
    instead: &'static str,
}

const KEPT: &[Kept] = &[
    Kept {
        foreign: "aws-lc-*",
        seen_by: &["base/crypto"],
        instead: "offer the algorithm in strongroom-crypto",
    },
    Kept {
        foreign: "argon2",
        seen_by: &["base/crypto"],
        instead: "hash passwords with strongroom_crypto::password",
    },
    Kept {
        foreign: "x509-parser",
        seen_by: &["base/pki"],
        instead: "read certificates with strongroom_pki::Certificate",
    },
    Kept {
        foreign: "rcgen",
        seen_by: &["base/pki"],
        instead: "make certificates with strongroom_pki::issue",
    },
    Kept { foreign: "sqlx*", seen_by: &["base/store"], instead: "go through strongroom_store::Db" },
    Kept { foreign: "libsqlite3-sys", seen_by: &["base/store"], instead: "go through strongroom_store::Db" },
    Kept {
        foreign: "hyper*",
        seen_by: &["wire/server", "programs/*"],
        instead: "the types of the crate `http` are enough below the server",
    },
    Kept {
        foreign: "anyhow",
        seen_by: &["programs/*"],
        instead: "a library has an error type of its own, with thiserror",
    },
];

/// A crate as the rules see it.
struct Member {
    /// Its folder, relative to `crates/`.
    path: String,
    /// The packages that its product code uses.
    uses: BTreeSet<String>,
}

/// Reads every manifest under `crates/` and judges it.
pub(super) fn check(root: &Path) -> Result<Report> {
    let mut members = Vec::new();
    let mut paths = BTreeMap::new();
    for file in tree::files(root, "crates", "toml")? {
        if file.file_name().is_none_or(|name| name != "Cargo.toml") {
            continue;
        }
        let manifest: Table =
            tree::read(root, &file)?.parse().with_context(|| format!("parsing {}", file.display()))?;
        let folder = file.parent().unwrap_or(&file);
        let path = folder.strip_prefix("crates").unwrap_or(folder).display().to_string();
        let name = manifest.get("package").and_then(|package| package.get("name")?.as_str());
        paths.insert(name.context("a manifest without a package name")?.to_owned(), path.clone());
        members.push(Member { path, uses: uses(&manifest) });
    }
    let note = format!("{} crates", members.len());
    Ok(Report::of(judge(&members, &paths)).noting(note))
}

/// The packages that a manifest's product code depends on.
fn uses(manifest: &Table) -> BTreeSet<String> {
    let targets = manifest.get("target").and_then(|targets| targets.as_table());
    let targets =
        targets.into_iter().flat_map(|targets| targets.values()).filter_map(|target| target.as_table());
    let mut uses = BTreeSet::new();
    for section in std::iter::once(manifest).chain(targets) {
        for kind in ["dependencies", "build-dependencies"] {
            let Some(dependencies) = section.get(kind).and_then(|kind| kind.as_table()) else { continue };
            for (key, dependency) in dependencies {
                let package = dependency.get("package").and_then(|package| package.as_str());
                uses.insert(package.unwrap_or(key).to_owned());
            }
        }
    }
    uses
}

/// Judges crates; `paths` says where each package of ours lives.
fn judge(members: &[Member], paths: &BTreeMap<String, String>) -> Vec<String> {
    let mut failures = Vec::new();
    for member in members {
        let path = &member.path;
        let Some(layer) = LAYERS.iter().find(|layer| fits(layer.crates, path)) else {
            failures.push(format!(
                "crates/{path} has no layer: add its row to LAYERS in xtask/src/check/layers.rs"
            ));
            continue;
        };
        for used in &member.uses {
            if let Some(used_path) = paths.get(used) {
                if !layer.may_use.iter().any(|pattern| fits(pattern, used_path)) {
                    failures.push(format!(
                        "crates/{path} uses {used} (crates/{used_path}) and may use only {}: {}",
                        layer.may_use.join(", "),
                        layer.why
                    ));
                }
            } else if let Some(kept) = KEPT.iter().find(|kept| fits(kept.foreign, used))
                && !kept.seen_by.iter().any(|pattern| fits(pattern, path))
            {
                failures.push(format!(
                    "crates/{path} uses {used}, which is for {} only: {}",
                    kept.seen_by.join(", "),
                    kept.instead
                ));
            }
        }
    }
    failures
}

/// Whether `text` is `pattern`, in which a final `*` stands for any rest without a slash.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => text.strip_prefix(start).is_some_and(|rest| !rest.contains('/')),
        None => pattern == text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge_one(path: &str, manifest: &str) -> Vec<String> {
        let paths = [
            ("sr-secret", "base/secret"),
            ("sr-store", "base/store"),
            ("sr-schema", "wire/schema"),
            ("sr-server", "wire/server"),
            ("sr-api-iam", "api/iam"),
            ("sr-core", "hsm/core"),
            ("sr-kms", "services/kms"),
            ("sr-iam", "services/iam"),
            ("sr-testkit", "testkit"),
        ];
        let paths = paths.map(|(name, path)| (name.to_owned(), path.to_owned())).into();
        let member = Member { path: path.to_owned(), uses: uses(&manifest.parse().unwrap()) };
        judge(&[member], &paths)
    }

    #[test]
    fn dependencies_point_down() {
        for (path, used) in [
            ("base/store", "sr-secret"),
            ("services/kms", "sr-api-iam"),
            ("services/kms", "sr-core"),
            ("programs/strongroom", "sr-iam"),
            ("wire/server", "sr-schema"),
        ] {
            let failures = judge_one(path, &format!("[dependencies]\n{used}.workspace = true"));
            assert!(failures.is_empty(), "{failures:?}");
        }
        for (path, used) in [
            ("base/secret", "sr-schema"),
            ("services/kms", "sr-iam"),
            ("services/iam", "sr-core"),
            ("services/iam", "sr-server"),
            ("hsm/core", "sr-store"),
            ("hsm/client", "sr-api-iam"),
            ("api/iam", "sr-store"),
            ("programs/strongroom", "sr-testkit"),
        ] {
            let failures = judge_one(path, &format!("[dependencies]\n{used}.workspace = true"));
            assert_eq!(failures.len(), 1, "{path} must not use {used}");
            assert!(failures[0].contains(path) && failures[0].contains(used), "{failures:?}");
        }
    }

    #[test]
    fn foreign_crates_are_kept_where_they_belong() {
        for (path, used) in
            [("base/crypto", "aws-lc-rs"), ("base/store", "sqlx"), ("wire/server", "hyper-util")]
        {
            assert!(judge_one(path, &format!("[dependencies]\n{used} = \"1\"")).is_empty(), "{path} {used}");
        }
        for (path, used) in [
            ("hsm/core", "aws-lc-rs"),
            ("base/seal", "aws-lc-sys"),
            ("services/kms", "sqlx"),
            ("services/kms", "sqlx-core"),
            ("wire/protocols", "hyper"),
            ("base/store", "anyhow"),
        ] {
            assert_eq!(judge_one(path, &format!("[dependencies]\n{used} = \"1\"")).len(), 1, "{path} {used}");
        }
    }

    #[test]
    fn no_section_and_no_other_name_is_a_way_around() {
        for manifest in [
            "[build-dependencies]\nsr-iam = \"1\"",
            "[target.'cfg(unix)'.dependencies]\nsr-iam = \"1\"",
            "[dependencies]\nother = { package = \"sr-iam\", version = \"1\" }",
        ] {
            assert_eq!(judge_one("services/kms", manifest).len(), 1, "{manifest}");
        }
        assert!(judge_one("services/kms", "[dev-dependencies]\nsr-testkit = \"1\"").is_empty());
    }

    #[test]
    fn a_crate_outside_the_layers_is_told_to_find_its_own() {
        let failures = judge_one("utils", "");
        assert!(failures[0].contains("crates/utils has no layer"), "{failures:?}");
    }
}
