//! `operations.rs`: the service's schema with its operation table, and the actions that policies name.

use std::fmt::Write as _;

use anyhow::{Result, bail};

use super::{Plan, optional};
use crate::model::{Operation, Reference};
use crate::names::type_name;

pub(super) fn render(plan: &Plan<'_>) -> Result<String> {
    let metadata = &plan.model.metadata;
    let mut text = plan.head("The service and its operations.");
    text.push_str(
        "use strongroom_schema::{HttpBinding, Operation, Protocol, ServiceSchema, Unit};\n\nuse crate::{errors, schemas};\n\n",
    );
    let mut protocols = String::new();
    for protocol in protocol_names(plan)? {
        write!(protocols, "Protocol::{protocol}, ")?;
    }
    write!(
        text,
        "/// {full}, API version {version}.\npub static SERVICE: ServiceSchema = ServiceSchema {{\n name: {name:?},\n \
         full_name: {full:?},\n signing_name: {signing:?},\n home_region: {home},\n api_version: {version:?},\n target_prefix: {target},\n \
         shape_namespace: {shapes:?},\n protocols: &[{protocols}],\n query_compatible: {compatible},\n xml_namespace: {namespace},\n \
         event_source: {source:?},\n error_message: {message:?},\n invalid_input: {invalid:?},\n left_out: &{left_out:?},\n \
         operations: &[\n",
        full = metadata.service_full_name,
        version = metadata.api_version,
        name = plan.name,
        signing = plan.signing_name(),
        home = optional(plan.entry.home_region.as_deref()),
        target = optional(metadata.target_prefix.as_deref()),
        // Smithy's models are in namespaces named after the folders of botocore.
        shapes = format!("com.amazonaws.{}", plan.entry.model.as_deref().unwrap_or(plan.name)),
        compatible = metadata.aws_query_compatible.is_some(),
        namespace = optional(plan.entry.xml_namespace.as_deref().or(metadata.xml_namespace.as_deref())),
        source = plan.entry.event_source,
        message = plan.entry.error_message.name(),
        invalid = plan.entry.invalid_input,
        left_out = plan.model.left_out,
    )?;
    for operation in plan.model.operations.values() {
        row(plan, operation, &mut text)?;
    }
    text.push_str(
        "],\n};\n\n/// The actions that policies name, one for each operation.\npub mod actions {\n",
    );
    text.push_str("    use strongroom_identity::Action;\n\n");
    for name in plan.model.operations.keys() {
        let prefix = plan.entry.action_prefix.as_deref().unwrap_or(plan.signing_name());
        let action = format!("{prefix}:{name}");
        write!(
            text,
            "    /// `{action}`\n    #[derive(Clone, Copy, Debug)]\n    pub struct {marker};\n\n    impl Action for {marker} {{\n\
             const NAME: &'static str = {action:?};\n    }}\n\n",
            marker = type_name(name)
        )?;
    }
    text.push_str("}\n");
    Ok(text)
}

fn row(plan: &Plan<'_>, operation: &Operation, text: &mut String) -> Result<()> {
    let schema = |reference: &Option<Reference>| match reference {
        Some(reference) => plan.schema_path(&reference.shape).map(|path| format!("&{path}")),
        None => Ok("Unit::SCHEMA".to_owned()),
    };
    let mut errors = String::new();
    for error in &operation.errors {
        write!(errors, "&errors::{}, ", plan.statics[error.shape.as_str()])?;
    }
    let root = plan.entry.roots.get(&operation.name);
    let wrapper = root.or(operation.output.as_ref().and_then(|output| output.result_wrapper.as_ref()));
    writeln!(
        text,
        "Operation {{ name: {:?}, http: HttpBinding {{ method: {:?}, uri: {:?}, code: {} }}, input: {}, output: {}, has_output: {}, \
         result_wrapper: {}, errors: &[{errors}], read_only: {}, data_event: {}, unsigned: {} }},",
        operation.name,
        operation.http.method,
        operation.http.request_uri,
        operation.http.response_code.unwrap_or(200),
        schema(&operation.input)?,
        schema(&operation.output)?,
        operation.output.is_some(),
        optional(wrapper.map(String::as_str)),
        is_read_only(plan, &operation.name),
        plan.entry.data_events.contains(&operation.name),
        operation.authtype.as_deref() == Some("none") || plan.entry.unsigned_too.contains(&operation.name),
    )?;
    Ok(())
}

fn is_read_only(plan: &Plan<'_>, name: &str) -> bool {
    let listed = |list: &[String]| list.iter().any(|listed| listed == name);
    let by_name = ["Describe", "Get", "List", "Lookup"].iter().any(|verb| name.starts_with(verb));
    (by_name || listed(&plan.entry.read_only)) && !listed(&plan.entry.mutating)
}

fn protocol_names(plan: &Plan<'_>) -> Result<Vec<&'static str>> {
    let metadata = &plan.model.metadata;
    let name = |protocol: &String| -> Result<&'static str> {
        Ok(match (protocol.as_str(), metadata.json_version.as_deref()) {
            ("json", Some("1.0")) => "Json10",
            ("json", Some("1.1")) => "Json11",
            ("smithy-rpc-v2-cbor", _) => "RpcV2Cbor",
            ("query", _) => "Query",
            ("ec2", _) => "Ec2",
            ("rest-xml", _) => "RestXml",
            (other, _) => bail!("{}: protocol {other} is not known", plan.name),
        })
    };
    metadata.protocols.iter().map(name).collect()
}
