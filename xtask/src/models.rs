//! `cargo xtask models update`: from the pinned botocore release to the trimmed files in `models/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::model::{Catalogue, Entry, Model, Operation, Operations, Reference};

/// Writes every model of the catalogue anew, and where they come from.
pub(crate) fn update(root: &Path) -> Result<()> {
    let catalogue = Catalogue::read(root)?;
    let data = install(root, &catalogue.botocore)?;
    let mut provenance = format!(
        "# Where the models come from\n\nThe Python package `botocore` {} (Apache-2.0), files `data/<service>/<version>/service-2.json`,\n\
         trimmed to the operations that `services.toml` names. Documentation, examples and endpoint rules are\n\
         left out: the files state facts of the interface only. Written by `cargo xtask models update`.\n\n\
         | model | API version | operations | shapes |\n|---|---|---|---|\n",
        catalogue.botocore
    );
    for (name, entry) in &catalogue.service {
        let model = trim(read_original(&data, entry.model.as_deref().unwrap_or(name))?, entry)?;
        let rows = (model.metadata.api_version.as_str(), model.operations.len(), model.shapes.len());
        writeln!(provenance, "| {name} | {} | {} | {} |", rows.0, rows.1, rows.2)?;
        let mut text = serde_json::to_string_pretty(&model)?;
        text.push('\n');
        write(&root.join(format!("models/{name}.json")), &text)?;
        println!("models/{name}.json: {} operations, {} shapes", rows.1, rows.2);
    }
    write(&root.join("models/PROVENANCE.md"), &provenance)
}

/// Installs the release into a folder under `target` and answers its data folder.
fn install(root: &Path, version: &str) -> Result<PathBuf> {
    let folder = root.join(format!("target/models/botocore-{version}"));
    let data = folder.join("botocore/data");
    if !data.is_dir() {
        let status = Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
            .arg(&folder)
            .arg(format!("botocore=={version}"))
            .status()
            .context("running pip; Python 3 with pip is needed")?;
        ensure!(status.success(), "pip could not install botocore {version}");
    }
    Ok(data)
}

/// Reads the newest version of a service's model.
fn read_original(data: &Path, service: &str) -> Result<Model> {
    let folder = data.join(service);
    let mut versions: Vec<_> = std::fs::read_dir(&folder)
        .with_context(|| format!("botocore has no service {service}"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    versions.sort();
    let newest = versions.pop().context("no version")?.join("service-2.json.gz");
    let output = Command::new("gzip").arg("-dc").arg(&newest).output().context("running gzip")?;
    ensure!(output.status.success(), "{} is no gzip file", newest.display());
    serde_json::from_slice(&output.stdout).with_context(|| format!("parsing {}", newest.display()))
}

/// Keeps the operations that the catalogue names, and the shapes that they reach.
fn trim(mut model: Model, entry: &Entry) -> Result<Model> {
    match &entry.operations {
        Operations::All(word) => ensure!(word == "all", "operations is \"all\" or a list, not {word:?}"),
        Operations::Some(names) => {
            if let Some(name) = names.iter().find(|name| !model.operations.contains_key(*name)) {
                bail!("the model has no operation {name}");
            }
            let (kept, left_out) =
                std::mem::take(&mut model.operations).into_iter().partition(|(name, _)| names.contains(name));
            model.operations = kept;
            let left_out: BTreeMap<_, Operation> = left_out;
            model.left_out = left_out.into_keys().collect();
        }
    }
    leave_out(&mut model, &entry.leave_out)?;
    let mut reached = BTreeSet::new();
    for operation in model.operations.values() {
        for reference in operation.input.iter().chain(&operation.output).chain(&operation.errors) {
            reach(&model, reference, &mut reached)?;
        }
    }
    let shapes = std::mem::take(&mut model.shapes);
    model.shapes = shapes.into_iter().filter(|(name, _)| reached.contains(name)).collect::<BTreeMap<_, _>>();
    Ok(model)
}

/// Drops every member that has one of these shapes.
fn leave_out(model: &mut Model, shapes: &[String]) -> Result<()> {
    if let Some(name) = shapes.iter().find(|name| !model.shapes.contains_key(*name)) {
        bail!("the model has no shape {name} to leave out");
    }
    for shape in model.shapes.values_mut() {
        shape.members.retain(|_, member| !shapes.contains(&member.shape));
        let members: BTreeSet<_> = shape.members.iter().map(|(name, _)| name.to_owned()).collect();
        shape.required.retain(|name| members.contains(name));
    }
    Ok(())
}

fn reach(model: &Model, reference: &Reference, reached: &mut BTreeSet<String>) -> Result<()> {
    if !reached.insert(reference.shape.clone()) {
        return Ok(());
    }
    let shape =
        model.shapes.get(&reference.shape).with_context(|| format!("no shape {}", reference.shape))?;
    let members = shape.members.iter().map(|(_, member)| member);
    for part in members.chain(&shape.member).chain(&shape.key).chain(&shape.value) {
        reach(model, part, reached)?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = r#"{
      "metadata": {"apiVersion": "1", "endpointPrefix": "a", "serviceFullName": "A", "serviceId": "A", "protocols": []},
      "operations": {
        "Get": {"name": "Get", "http": {"method": "POST", "requestUri": "/"}, "input": {"shape": "In"}},
        "Put": {"name": "Put", "http": {"method": "POST", "requestUri": "/"}, "input": {"shape": "Other"}}},
      "shapes": {
        "In": {"type": "structure", "required": ["Kept", "Dropped"],
               "members": {"Kept": {"shape": "Text"}, "Dropped": {"shape": "Pools"}, "Nested": {"shape": "Inner"}}},
        "Inner": {"type": "structure", "members": {"Pool": {"shape": "Pool"}}},
        "Pools": {"type": "list", "member": {"shape": "Pool"}},
        "Pool": {"type": "string"}, "Text": {"type": "string"}, "Other": {"type": "structure"}}}"#;

    fn trimmed(leave_out: &str) -> Result<Model> {
        let entry =
            format!("operations = [\"Get\"]\nleave_out = {leave_out}\ndocuments = \"\"\nevent_source = \"\"");
        trim(serde_json::from_str(MODEL).unwrap(), &toml::from_str(&entry).unwrap())
    }

    #[test]
    fn what_is_left_out_goes_with_its_members_and_with_what_they_alone_reach() {
        let model = trimmed(r#"["Pools", "Pool"]"#).unwrap();
        assert_eq!(model.operations.keys().collect::<Vec<_>>(), ["Get"]);
        assert_eq!(model.left_out, ["Put"]);
        assert_eq!(model.shapes.keys().collect::<Vec<_>>(), ["In", "Inner", "Text"]);
        let input = &model.shapes["In"];
        assert_eq!(input.members.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["Kept", "Nested"]);
        assert_eq!(input.required, ["Kept"]);
        assert!(model.shapes["Inner"].members.is_empty());
    }

    #[test]
    fn a_shape_that_the_model_does_not_have_cannot_be_left_out() {
        let error = trimmed(r#"["Poole"]"#).err().unwrap().to_string();
        assert_eq!(error, "the model has no shape Poole to leave out");
    }
}
