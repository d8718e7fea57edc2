//! Every error that AWS's model declares for an operation is reached, with its code and text, or said to be out of reach
//! and why. What comes of it is the page `docs/compatibility/kms.md`.
//!
//! Most rows follow from one good call of each operation: the same call on a key that is not there, that is disabled,
//! with a grant token that is none. What does not follow so is in `rows.rs`.

mod goods;
mod page;
mod refusals;
mod rows;
mod specs;
mod world;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use strongroom_api_kms::SERVICE;
use strongroom_schema::Operation;
use strongroom_testkit::{TestDatabase, on_both_engines};

use self::goods::{Good, goods};
use self::rows::{Reach, Row, reach, rows};
use self::world::World;
use crate::fixture::{ABSENT, operation};

on_both_engines! {
    every_declared_error_is_reached,
    a_store_that_does_not_answer_is_a_time_out,
    where_the_model_has_no_time_out_it_is_a_failure_of_ours,
    a_store_that_is_broken_is_a_failure_of_ours,
}

/// An ARN that is none.
const NO_ARN: &str = "arn:aws:kms:nowhere";

/// What did not answer in time, and what failed.
const TIME_OUT: &str = "DependencyTimeoutException";
const FAILURE: &str = "KMSInternalException";

/// Errors that come from the machine and not from what is asked; whoever rehearses has them on demand.
const OF_THE_MACHINE: [(&str, &str); 3] = [
    // AWS's texts: KMS API Reference, of each.
    (FAILURE, "The request was rejected because an internal exception occurred. The request can be retried."),
    (TIME_OUT, "The system timed out while trying to fulfill the request. You can retry the request."),
    (
        "KeyUnavailableException",
        "The request was rejected because the specified KMS key was not available. You can retry the request.",
    ),
];

/// The row for an error that follows from a good call. None if it does not.
fn derived(good: &Good, code: &'static str) -> Option<Row> {
    let row = |input: Value, text: &str| {
        Some(Row { operation: good.operation, code, input, text: text.to_owned() })
    };
    let with = |member: &str, value: Value| {
        let mut input = good.input.clone();
        input[member] = value;
        input
    };
    match (code, good.key) {
        ("NotFoundException", Some((member, _))) => {
            let input = with(member, ABSENT.into());
            row(input, &format!("Key '<arn of {ABSENT}>' does not exist"))
        }
        ("InvalidArnException", Some((member, _))) => {
            row(with(member, NO_ARN.into()), &format!("Invalid arn {NO_ARN}"))
        }
        ("DisabledException", Some((_, kind))) => {
            row(good.in_state("disabled"), &format!("<{kind} disabled arn> is disabled."))
        }
        ("KMSInvalidStateException", Some((_, kind))) => {
            row(good.in_state("pending"), &format!("<{kind} pending arn> is pending deletion."))
        }
        ("InvalidKeyUsageException", Some((member, kind))) => {
            let (other, usage) =
                if kind == "symmetric" { ("ecc", "SIGN_VERIFY") } else { ("symmetric", "ENCRYPT_DECRYPT") };
            let text =
                format!("<{other} arn> key usage is {usage} which is not valid for {}.", good.operation);
            row(with(member, format!("<{other}>").into()), &text)
        }
        // Ours: no text of AWS's is known.
        ("InvalidGrantTokenException", _) => {
            row(with("GrantTokens", json!(["token"])), "Invalid grant token.")
        }
        ("InvalidMarkerException", _) => {
            row(with("Marker", "bm9uZQ".into()), "Could not deserialize marker.")
        }
        ("DryRunOperationException", _) => {
            let text = "The request would have succeeded, but the DryRun option is set.";
            row(with("DryRun", true.into()), text)
        }
        _ => None,
    }
}

/// What came of an operation.
pub(crate) struct Outcome {
    pub(crate) operation: &'static Operation,
    /// The good call is answered.
    pub(crate) works: bool,
    /// Each declared error, and how it is reached.
    pub(crate) errors: Vec<(&'static str, Reach)>,
}

async fn every_declared_error_is_reached(database: &TestDatabase) {
    let world = World::new(database).await;
    let goods: BTreeMap<_, _> = goods().into_iter().map(|good| (good.operation, good)).collect();
    let rows = rows();
    let (mut outcomes, mut failures) = (Vec::new(), Vec::new());
    for operation in SERVICE.operations {
        let mut outcome = Outcome { operation, works: false, errors: Vec::new() };
        let good = goods.get(operation.name).unwrap_or_else(|| panic!("no good call of {}", operation.name));
        match world.call(good.operation, &good.input).await {
            Ok(_) => outcome.works = true,
            Err(error) => failures.push(format!("{}: {error}", good.operation)),
        }
        for error in operation.errors {
            let reach = reach(operation.name, error.name).unwrap_or(Reach::Called);
            failures.extend(reached(&world, good, &rows, error.name, reach).await.err());
            outcome.errors.push((error.name, reach));
        }
        outcomes.push(outcome);
    }
    for row in &rows {
        let declared = operation(row.operation).errors.iter().any(|error| error.name == row.code);
        assert!(declared, "{} does not declare {}", row.operation, row.code);
    }
    for refusal in refusals::refusals() {
        let said = world.call(refusal.operation, &refusal.input).await;
        if said.as_ref().err().is_none_or(|error| error.code() != refusal.code) {
            failures.push(format!("{} with {}: {said:?}", refusal.operation, refusal.with));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    page::check(&outcomes, &specs::all(&world.client).await);
}

/// Reaches an error of an operation, or tells why it did not.
async fn reached(
    world: &World,
    good: &Good,
    rows: &[Row],
    code: &'static str,
    reach: Reach,
) -> Result<(), String> {
    match reach {
        Reach::Called if OF_THE_MACHINE.iter().any(|(of_machine, _)| *of_machine == code) => {
            on_demand(world, good, code).await
        }
        Reach::Called => {
            let own = rows.iter().find(|row| (row.operation, row.code) == (good.operation, code));
            let row = own.cloned().or_else(|| derived(good, code));
            let row = row.ok_or_else(|| format!("{} has no row for {code}", good.operation))?;
            world.refused(&row).await
        }
        Reach::OnDemand(_) => on_demand(world, good, code).await,
        Reach::Elsewhere(test, file, text) if !rows::speaks_of(text, test, code) => {
            Err(format!("{code} of {}: no word of it in {test} of {file}", good.operation))
        }
        Reach::Elsewhere(..) | Reach::ExternalKeyStores => Ok(()),
    }
}

/// The error, brought about by the fault `call-fails`.
async fn on_demand(world: &World, good: &Good, code: &'static str) -> Result<(), String> {
    let name = good.operation;
    world.client.kms.fail_calls(&format!("kms:{name}"), code).unwrap();
    let said = world.call(name, &good.input).await;
    assert_eq!(world.client.kms.let_calls(|_| true), 1);
    let error = said.err().ok_or_else(|| format!("{name} {code}: answered"))?;
    let text = error.message().unwrap_or_default();
    let is_text = match OF_THE_MACHINE.iter().find(|(of_machine, _)| *of_machine == code) {
        Some((_, expected)) => text == *expected,
        None => text.contains("call-fails"),
    };
    if error.code() == code && is_text {
        Ok(())
    } else {
        Err(format!("{name}: expected {code}, was {error}"))
    }
}

/// Whether the model of an operation has `code`.
fn declares(name: &str, code: &str) -> bool {
    operation(name).errors.iter().any(|error| error.name == code)
}

/// Calls each operation that needs the store and that `which` says, with nothing in memory, after `break_it`.
async fn all_answer(
    database: &TestDatabase,
    which: impl Fn(&str) -> bool,
    code: &str,
    break_it: impl AsyncFn(&strongroom_store::Db),
) {
    let world = World::new(database).await;
    let mut calls = Vec::new();
    // Random bytes come from the machine; a dry run of them does not exist.
    let needs = |name: &str| name != "GenerateRandom" && which(name);
    for good in goods().into_iter().filter(|good| needs(good.operation)) {
        assert!(declares(good.operation, code), "{} {code}", good.operation);
        calls.push((good.operation, world.resolved(&good.input).await));
    }
    break_it(world.db()).await;
    let text = OF_THE_MACHINE.iter().find(|(of_machine, _)| *of_machine == code).map(|(_, text)| *text);
    let mut failures = Vec::new();
    for (operation, input) in calls {
        world.client.kms.forget_everything().await;
        match world.client.call(operation, &input).await {
            Err(error) if (error.code(), error.message()) == (code, text) => {}
            said => failures.push(format!("{operation}: {said:?}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Has the store answer nobody any more.
async fn close(db: &strongroom_store::Db) {
    db.close().await.unwrap();
}

async fn a_store_that_does_not_answer_is_a_time_out(database: &TestDatabase) {
    all_answer(database, |name| declares(name, TIME_OUT), TIME_OUT, close).await;
}

async fn where_the_model_has_no_time_out_it_is_a_failure_of_ours(database: &TestDatabase) {
    all_answer(database, |name| !declares(name, TIME_OUT), FAILURE, close).await;
}

async fn a_store_that_is_broken_is_a_failure_of_ours(database: &TestDatabase) {
    all_answer(database, |_| true, FAILURE, world::break_tables).await;
}
