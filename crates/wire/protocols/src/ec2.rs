//! Reading and checking requests of the ec2 protocol: `Action=CreateTags&ResourceId.1=vpc-1&Tag.1.Key=team`.
//!
//! The parameters are those of the query protocol under other names, see [`crate::query`]. What EC2 says of a
//! request that it cannot take is its own, too: one error, of the first parameter that is wrong, under a code that
//! tells what is wrong with it (`MissingParameter`, `UnknownParameter`, `InvalidParameterValue`).
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>

mod check;

use strongroom_schema::Structure;

use crate::envelope::Refusal;
use crate::query::{Dialect, Fault, Form};

/// Reads the parameters into `input` and checks it against its schema.
pub fn read(form: &Form<'_>, input: &mut dyn Structure) -> Result<(), Refusal> {
    let read = form.read_as(Dialect::Ec2, input);
    read.map_err(|fault| match fault {
        Fault::Form(error) => Refusal::ec2_form(&error),
        Fault::Unknown(name) => Refusal::ec2_unknown(&name),
        Fault::Missing(name) => Refusal::ec2_missing(&name),
        Fault::Value { name, value, error } => Refusal::ec2_value(&name, &value, error.message()),
    })?;
    check::check(input)
}
