//! `cargo xtask gen`: from the trimmed models to `crates/api`.
//!
//! Each service becomes one crate of facts: `schemas.rs` (a static schema per shape), `shapes.rs` (structs
//! and open enums), `errors.rs`, `operations.rs` (the operation table and the actions that policies name)
//! and `api.rs` (the typed trait and its adapter to the server's seam). `--check` writes nothing and names
//! the files that differ.

mod api;
mod operations;
mod schemas;
mod shapes;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::model::{Catalogue, Entry, Model, Reference, Shape};
use crate::names::{Names, screaming, type_name};

/// Writes (or checks) every generated crate.
pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let catalogue = Catalogue::read(root)?;
    let mut stale = Vec::new();
    for (name, entry) in &catalogue.service {
        let model = Model::read(&root.join(format!("models/{name}.json")))?;
        let plan = Plan::new(name, entry, &model)?;
        for (file, text) in plan.files()? {
            let path = root.join(format!("crates/api/{name}/{file}"));
            let is_rust = path.extension().is_some_and(|extension| extension == "rs");
            let text = if is_rust { rustfmt(root, &text)? } else { text };
            if std::fs::read_to_string(&path).is_ok_and(|present| present == text) {
                continue;
            }
            if check {
                stale.push(path.display().to_string());
                continue;
            }
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
            println!("{}", path.display());
        }
    }
    if !stale.is_empty() {
        bail!("generated code is out of date; run `cargo xtask gen`:\n  {}", stale.join("\n  "));
    }
    Ok(())
}

/// A model with every Rust name decided.
pub(crate) struct Plan<'a> {
    name: &'a str,
    entry: &'a Entry,
    model: &'a Model,
    types: BTreeMap<&'a str, String>,
    statics: BTreeMap<&'a str, String>,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(name: &'a str, entry: &'a Entry, model: &'a Model) -> Result<Self> {
        let (mut type_names, mut static_names) = (Names::types(), Names::default());
        let (mut types, mut statics) = (BTreeMap::new(), BTreeMap::new());
        for (shape_name, shape) in &model.shapes {
            statics.insert(shape_name.as_str(), static_names.unique(&screaming(shape_name)));
            if shape.is_structure() || is_enum(shape) {
                types.insert(shape_name.as_str(), type_names.unique(&type_name(shape_name)));
            }
        }
        // What clients ask for is looked up in it, after the operations.
        let left_out = &model.left_out;
        ensure!(
            left_out.is_sorted_by(|before, after| before < after),
            "{name}: leftOut is not in order, or names an operation twice"
        );
        if let Some(kept) = left_out.iter().find(|left_out| model.operations.contains_key(*left_out)) {
            bail!("{name}: leftOut names {kept}, which the model has");
        }
        for shape in entry.patterns.keys() {
            ensure!(model.shapes.contains_key(shape), "{name}: no shape {shape} to give a pattern");
        }
        for shape in entry.enum_listed.keys().chain(entry.enum_also.keys()) {
            ensure!(
                model.shapes.get(shape).is_some_and(is_enum),
                "{name}: no enum {shape} to list values of"
            );
        }
        Ok(Self { name, entry, model, types, statics })
    }

    /// Every file of the crate with its text, not yet formatted.
    pub(crate) fn files(&self) -> Result<Vec<(&'static str, String)>> {
        Ok(vec![
            ("Cargo.toml", self.manifest()),
            ("src/lib.rs", self.crate_head()),
            ("src/schemas.rs", schemas::render(self)?),
            ("src/shapes.rs", shapes::render(self)?),
            ("src/errors.rs", self.errors()?),
            ("src/operations.rs", operations::render(self)?),
            ("src/api.rs", api::render(self)?),
        ])
    }

    fn shape(&self, name: &str) -> Result<&'a Shape> {
        self.model.shapes.get(name).with_context(|| format!("{}: no shape {name}", self.name))
    }

    /// The path of a shape's static schema, as seen from inside the crate.
    fn schema_path(&self, shape: &str) -> Result<String> {
        let name = self.statics.get(shape).with_context(|| format!("{}: no shape {shape}", self.name))?;
        Ok(format!("schemas::{name}"))
    }

    /// The struct or enum of a shape.
    fn type_of(&self, shape: &str) -> Result<&str> {
        self.types
            .get(shape)
            .map(String::as_str)
            .with_context(|| format!("{}: no type for {shape}", self.name))
    }

    /// The name of the typed trait: `Kms`, `CloudTrail`.
    fn trait_name(&self) -> String {
        if let Some(name) = &self.entry.trait_name {
            return name.clone();
        }
        let id = &self.model.metadata.service_id;
        let words = id.split(' ').map(|word| {
            let capitals = word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
            if capitals { word[..1].to_owned() + &word[1..].to_ascii_lowercase() } else { word.to_owned() }
        });
        words.collect()
    }

    fn signing_name(&self) -> &str {
        let metadata = &self.model.metadata;
        metadata.signing_name.as_deref().unwrap_or(&metadata.endpoint_prefix)
    }

    /// Whether a shape's values are shown in no record.
    fn is_sensitive(&self, name: &str, shape: &Shape) -> bool {
        shape.sensitive && !self.entry.not_sensitive.iter().any(|listed| listed == name)
    }

    fn is_rest_xml(&self) -> bool {
        self.model.metadata.protocols.iter().any(|protocol| protocol == "rest-xml")
    }

    /// The lines at the head of every generated file.
    fn head(&self, what: &str) -> String {
        format!(
            "//! {what}\n//!\n//! Generated by `cargo xtask gen` from `models/{}.json`; not edited by hand.\n\n",
            self.name
        )
    }

    fn manifest(&self) -> String {
        let mut text = format!(
            "# Generated by `cargo xtask gen`; not edited by hand.\n[package]\nname = \"strongroom-api-{}\"\n",
            self.name
        );
        for field in ["version", "edition", "rust-version", "license", "repository", "publish"] {
            text.push_str(field);
            text.push_str(".workspace = true\n");
        }
        text.push_str("\n[lints]\nworkspace = true\n\n[dependencies]\nasync-trait.workspace = true\n");
        for name in ["identity", "schema", "secret", "service"] {
            text.push_str("strongroom-");
            text.push_str(name);
            text.push_str(".workspace = true\n");
        }
        text
    }

    fn crate_head(&self) -> String {
        let name = &self.model.metadata.service_full_name;
        let version = &self.model.metadata.api_version;
        let trait_name = self.trait_name();
        let mut text = self.head(&format!(
            "The API of {name}, version {version}: shapes, schemas, errors, operations, and the trait [`{trait_name}`]\n\
             //! whose methods the service implements. Those that it does not answer \"not implemented\"."
        ));
        text.push_str(
            "#![allow(clippy::pedantic, clippy::large_enum_variant, reason = \"names and sizes are AWS's\")]\n\
             #![allow(unused_imports, reason = \"not every model uses every kind of shape\")]\n\n\
             mod api;\npub mod errors;\nmod operations;\nmod schemas;\nmod shapes;\n\n",
        );
        writeln!(text, "pub use api::{{{trait_name}, {trait_name}Service}};").unwrap_or_default();
        text.push_str("pub use operations::{SERVICE, actions};\npub use shapes::*;\n");
        text
    }

    fn errors(&self) -> Result<String> {
        let mut text = self.head("The modelled errors.");
        text.push_str("use strongroom_schema::{ErrorShape, Fault, QueryError};\n\nuse crate::schemas;\n\n");
        for (name, shape) in
            self.model.shapes.iter().filter(|(_, shape)| shape.exception || shape.error.is_some())
        {
            let error = shape.error.as_ref();
            let query = match error.and_then(|error| error.http_status_code) {
                Some(status) => {
                    let code = error.and_then(|error| error.code.as_deref()).unwrap_or(name);
                    format!("Some(QueryError {{ code: {code:?}, http_status: {status} }})")
                }
                None => "None".to_owned(),
            };
            let server = shape.fault
                || error.is_some_and(|error| {
                    error.sender_fault == Some(false)
                        || error.http_status_code.is_some_and(|status| status >= 500)
                });
            let fault = if server { "Fault::Server" } else { "Fault::Client" };
            let schema = self.schema_path(name)?;
            let constant = &self.statics[name.as_str()];
            write!(
                text,
                "/// `{name}`\npub static {constant}: ErrorShape = ErrorShape {{ name: {name:?}, query: {query}, \
                 fault: {fault}, schema: &{schema} }};\n\n"
            )?;
        }
        Ok(text)
    }
}

/// Whether a shape becomes an open enum.
fn is_enum(shape: &Shape) -> bool {
    shape.kind == "string" && !shape.values.is_empty()
}

/// A string literal or `None`, as source text.
fn optional(text: Option<&str>) -> String {
    text.map_or("None".to_owned(), |text| format!("Some({text:?})"))
}

/// Whether a mention or its shape is flattened.
fn is_flattened(reference: &Reference, shape: &Shape) -> bool {
    reference.flattened || shape.flattened
}

/// Formats source text with the workspace's settings.
fn rustfmt(root: &Path, text: &str) -> Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("running rustfmt")?;
    let mut input = child.stdin.take().context("rustfmt has no input")?;
    let text = text.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output()?;
    writer.join().map_err(|_| anyhow::anyhow!("writing to rustfmt"))??;
    ensure!(output.status.success(), "rustfmt refused generated code");
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests;
