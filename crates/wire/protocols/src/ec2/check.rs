//! The model's constraints in EC2's words: the first one that is broken.

use strongroom_schema::{Kind, Member, Schema, Structure, Value};

use crate::envelope::Refusal;
use crate::query::Dialect;
use crate::validate::echo;
use crate::validate::rules::{self, Rule};

/// Checks a structure against its schema.
pub(super) fn check(structure: &dyn Structure) -> Result<(), Refusal> {
    members(structure, "")
}

/// Recurses as deep as the data is, which the reader has bounded. `above` is the name of the structure with its dot.
fn members(structure: &dyn Structure, above: &str) -> Result<(), Refusal> {
    for (index, member) in structure.schema().members().iter().enumerate() {
        if let Some(held) = structure.member(index) {
            let name = format!("{above}{}", Dialect::Ec2.name(member));
            value(member, held, &name)?;
        }
    }
    Ok(())
}

fn value(member: &'static Member, held: Value<'_>, name: &str) -> Result<(), Refusal> {
    let schema = member.schema;
    if let Some(rule) = rules::of(schema).find(|rule| !rule.holds(held)) {
        let shown = if schema.sensitive { String::new() } else { echo::of(schema, held) };
        return Err(match expectation(rule) {
            // AWS was seen to set numbers apart like this: "Value ( 3 ) for parameter maxResults is invalid."
            Some(expectation) => Refusal::ec2_value(name, &format!(" {shown} "), &expectation),
            None => Refusal::ec2_value(name, &shown, ""),
        });
    }
    match (&schema.kind, held) {
        (Kind::List(item), Value::List(list)) => {
            for index in 0..list.len() {
                value(item, list.item(index), &format!("{name}.{}", index + 1))?;
            }
            Ok(())
        }
        (Kind::Map(key, entry), Value::Map(map)) => {
            for index in 0..map.len() {
                let (name_of, held) = map.entry(index);
                let name = format!("{name}.{}", index + 1);
                value(key, Value::String(name_of), &name)?;
                value(entry, held, &name)?;
            }
            Ok(())
        }
        (_, Value::Structure(structure)) => members(structure, &format!("{name}.")),
        _ => Ok(()),
    }
}

/// What would have been right, of a number. Of other values EC2 does not say.
fn expectation(rule: Rule) -> Option<String> {
    let is_number =
        |schema: &Schema| matches!(schema.kind, Kind::Integer | Kind::Long | Kind::Float | Kind::Double);
    match rule {
        // AWS's wording; the bound itself is accepted.
        Rule::Least(schema, bound) if is_number(schema) => {
            Some(format!("Expecting a value greater than {bound}."))
        }
        Rule::Most(schema, bound) if is_number(schema) => {
            Some(format!("Expecting a value less than or equal to {bound}."))
        }
        _ => None,
    }
}
