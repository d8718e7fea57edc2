//! `api.rs`: the typed trait, and its adapter to the server's seam.

use std::fmt::Write as _;

use anyhow::Result;

use super::Plan;
use crate::model::{Operation, Reference};
use crate::names::snake;

pub(super) fn render(plan: &Plan<'_>) -> Result<String> {
    let trait_name = plan.trait_name();
    let full_name = &plan.model.metadata.service_full_name;
    let mut text = plan.head("The typed trait of the API, and its adapter to the server's seam.");
    text.push_str(
        "use std::sync::Arc;\n\nuse async_trait::async_trait;\nuse strongroom_identity::RequestContext;\n\
         use strongroom_schema::{ServiceSchema, Structure, Unit};\nuse strongroom_service::{ApiError, Service, typed_input};\n\n\
         use crate::{SERVICE, shapes};\n\n",
    );
    write!(
        text,
        "/// {full_name}. Every method that an implementation leaves out answers \"not implemented\".\n#[async_trait]\n\
         pub trait {trait_name}: Send + Sync {{\n"
    )?;
    for (at, operation) in plan.model.operations.values().enumerate() {
        let link = plan.entry.documents.replace("{}", &operation.name);
        let (input, output) = types(plan, operation)?;
        write!(
            text,
            "/// [{}]({link})\nasync fn {}(&self, _context: &RequestContext, _input: {input}) -> Result<{output}, ApiError> {{\n\
             Err(ApiError::not_implemented(&SERVICE, &SERVICE.operations[{at}]))\n}}\n\n",
            operation.name,
            snake(&operation.name),
        )?;
    }
    write!(
        text,
        "}}\n\n/// The typed trait as the server sees it.\n#[derive(Clone)]\npub struct {trait_name}Service(pub Arc<dyn {trait_name}>);\n\n\
         #[async_trait]\nimpl Service for {trait_name}Service {{\n\
         fn schema(&self) -> &'static ServiceSchema {{\n&SERVICE\n}}\n\n\
         fn new_input(&self, operation: usize) -> Box<dyn Structure> {{\nmatch operation {{\n"
    )?;
    for (at, operation) in plan.model.operations.values().enumerate() {
        if operation.input.is_some() {
            let (input, _) = types(plan, operation)?;
            writeln!(text, "{at} => Box::<{input}>::default(),")?;
        }
    }
    text.push_str(
        "_ => Box::new(Unit),\n}\n}\n\n\
         async fn call(&self, context: &RequestContext, operation: usize, input: Box<dyn Structure>) \
         -> Result<Box<dyn Structure>, ApiError> {\nOk(match operation {\n",
    );
    for (at, operation) in plan.model.operations.values().enumerate() {
        let method = snake(&operation.name);
        writeln!(text, "{at} => Box::new(self.0.{method}(context, typed_input(input)?).await?),")?;
    }
    text.push_str("_ => return Err(ApiError::internal(\"no operation has that position\")),\n})\n}\n}\n");
    Ok(text)
}

/// The input and output types of an operation.
fn types(plan: &Plan<'_>, operation: &Operation) -> Result<(String, String)> {
    let name = |reference: &Option<Reference>| match reference {
        Some(reference) => plan.type_of(&reference.shape).map(|name| format!("shapes::{name}")),
        None => Ok("Unit".to_owned()),
    };
    Ok((name(&operation.input)?, name(&operation.output)?))
}
