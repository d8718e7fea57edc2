//! `strongroom fault`: faults on demand of a development server, from another terminal.

use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use strongroom_client::{CallError, Endpoint};

use super::Fault;
use crate::up::say;

/// Where a development server listens, unless somebody says otherwise.
const USUAL: &str = "http://127.0.0.1:4566";

/// The path of faults.
const PATH: &str = "/_strongroom/faults";

#[derive(Args)]
pub(crate) struct FaultOptions {
    /// The development server
    #[arg(long, value_name = "URL", default_value = USUAL, env = "AWS_ENDPOINT_URL", global = true)]
    endpoint: String,
    #[command(subcommand)]
    command: FaultCommand,
}

#[derive(Subcommand)]
enum FaultCommand {
    /// Tell what goes wrong
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Have something go wrong until it is cleared, the server is reset or started anew
    Set {
        #[command(subcommand)]
        fault: NewFault,
    },
    /// Have something go wrong no longer
    Clear {
        /// The faults, as they are listed
        #[arg(value_name = "FAULT", required_unless_present = "all")]
        ids: Vec<String>,
        /// All faults
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
}

#[derive(Subcommand)]
enum NewFault {
    /// An HSM is down: its process is killed and not started again
    HsmDown {
        /// The HSM, hsm-...
        hsm: String,
    },
    /// An HSM is slow: all its answers come late
    HsmSlow {
        /// The HSM, hsm-...
        hsm: String,
        /// By how much, in milliseconds: 1 to 60000
        #[arg(long, value_name = "MILLISECONDS")]
        delay_ms: u32,
    },
    /// An HSM is inconsistent: it does not follow its cluster's log, and stays behind the others
    HsmInconsistent {
        /// The HSM, hsm-...
        hsm: String,
    },
    /// A custom key store is FAILED at once; disconnect it and connect it again
    KeyStoreFailed {
        /// The custom key store, cks-...
        key_store: String,
        /// AWS's ConnectionErrorCode, for example INVALID_CREDENTIALS
        #[arg(long, value_name = "CODE")]
        error_code: String,
    },
    /// The next attempt to connect a custom key store fails
    ConnectFails {
        /// The custom key store, cks-...
        key_store: String,
        /// AWS's ConnectionErrorCode, for example NETWORK_ERRORS
        #[arg(long, value_name = "CODE")]
        error_code: String,
    },
    /// Calls of an operation fail, with an error that AWS's model has for it
    CallFails {
        /// The operation, for example kms:Decrypt
        operation: String,
        /// The error's code, for example KMSInternalException
        #[arg(long, value_name = "CODE")]
        error_code: String,
    },
    /// Calls of KMS beyond AWS's request quotas are refused with ThrottlingException
    Throttling {
        /// Which part of the quotas is given: 0.000001 to 1
        #[arg(long, default_value_t = 1.0)]
        factor: f64,
    },
}

impl From<NewFault> for Fault {
    fn from(fault: NewFault) -> Self {
        match fault {
            NewFault::HsmDown { hsm } => Self::HsmDown { hsm },
            NewFault::HsmSlow { hsm, delay_ms } => Self::HsmSlow { hsm, delay_ms },
            NewFault::HsmInconsistent { hsm } => Self::HsmInconsistent { hsm },
            NewFault::KeyStoreFailed { key_store, error_code } => {
                Self::KeyStoreFailed { key_store, error_code }
            }
            NewFault::ConnectFails { key_store, error_code } => Self::ConnectFails { key_store, error_code },
            NewFault::CallFails { operation, error_code } => Self::CallFails { operation, error_code },
            NewFault::Throttling { factor } => Self::Throttling { factor },
        }
    }
}

pub(crate) fn run(options: FaultOptions) -> Result<ExitCode> {
    let server = Endpoint::parse(&options.endpoint)?;
    match options.command {
        FaultCommand::List { json } => {
            let answer = asked(server.dev_get(PATH))?;
            say(&if json { format!("{answer:#}\n") } else { lines(&answer)? });
        }
        FaultCommand::Set { fault } => {
            let fault = Fault::from(fault);
            let answer = asked(server.dev_post(PATH, &json!(fault)))?;
            say(&done(&fault, &answer)?);
        }
        FaultCommand::Clear { all: true, .. } => {
            asked(server.dev_delete(PATH))?;
            say("No faults.\n");
        }
        FaultCommand::Clear { ids, .. } => {
            for id in ids {
                // What is no id of ours is no path either.
                let is_id = |letter: char| letter.is_ascii_alphanumeric() || "-:".contains(letter);
                if id.is_empty() || !id.chars().all(is_id) {
                    return Err(anyhow!(
                        "{id:?} is no fault; `strongroom fault list` tells those that there are"
                    ));
                }
                asked(server.dev_delete(&format!("{PATH}/{id}")))?;
                say(&format!("{id} is cleared.\n"));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What the server answers, or its own words for why not.
fn asked(answer: Result<Value, CallError>) -> Result<Value> {
    answer.map_err(|error| match error {
        CallError::Refused(refusal) if !refusal.message.is_empty() => anyhow!(refusal.message),
        error => error.into(),
    })
}

/// What was done.
fn done(fault: &Fault, answer: &Value) -> Result<String> {
    match fault {
        Fault::KeyStoreFailed { key_store, error_code } => Ok(format!(
            "The custom key store {key_store} is FAILED with {error_code}. Disconnect it and connect it again.\n"
        )),
        _ => lines(answer),
    }
}

/// The faults, one a line.
fn lines(answer: &Value) -> Result<String> {
    let faults = answer.get("faults").and_then(Value::as_array).context("the server lists no faults")?;
    if faults.is_empty() {
        return Ok("No faults.\n".to_owned());
    }
    let line = |fault: &Value| {
        let mut members = fault.as_object().cloned().unwrap_or_default();
        let id = members.remove("id").and_then(|id| id.as_str().map(str::to_owned)).unwrap_or_default();
        let details = ["delay_ms", "error_code", "factor"].into_iter().filter_map(|name| {
            let detail = members.get(name)?;
            Some(format!("  {name}={}", detail.as_str().map_or_else(|| detail.to_string(), str::to_owned)))
        });
        format!("{id}{}\n", details.collect::<String>())
    };
    Ok(faults.iter().map(line).collect())
}
