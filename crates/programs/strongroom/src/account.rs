//! `strongroom account` and `strongroom root`: what whoever runs the machine does for accounts.

use std::process::ExitCode;

use anyhow::Result;
use serde::Deserialize;
use strongroom_secret::SecretString;

use crate::cli::{AccountCommand, AccountCreateOptions, AccountListOptions, ConfigOptions, RootResetOptions};
use crate::control::{self, Request};
use crate::settings::Settings;
use crate::terminal::show_once;
use crate::{moment, process};

/// What to do where a credential could not be shown.
const LOST: &str = "it is done, but the secret could not be shown, and nobody has it: make another with `strongroom root reset`";

/// A credential as it comes back.
#[derive(Deserialize)]
struct Credential<'j> {
    account: &'j str,
    access_key_id: &'j str,
    secret_access_key: &'j str,
}

/// An account as it comes back.
#[derive(Deserialize)]
struct Account {
    #[serde(rename = "account")]
    id: String,
    name: String,
    created_ms: i64,
}

/// `strongroom account`.
pub(crate) fn run(command: &AccountCommand) -> Result<ExitCode> {
    match command {
        AccountCommand::Create(options) => create(options),
        AccountCommand::List(options) => list(options),
    }
}

fn create(options: &AccountCreateOptions) -> Result<ExitCode> {
    let account_id = options.account_id.map(|account| account.to_string());
    let asked = control::AccountCreate { name: options.name.clone(), account_id };
    let made = ask(&options.config, Request::AccountCreate(asked))?;
    show(&made, options.json, &format!("{} is made.", options.name))
}

/// `strongroom root reset`.
pub(crate) fn reset_root(options: &RootResetOptions) -> Result<ExitCode> {
    let asked = control::RootReset { account_id: options.account.to_string() };
    let made = ask(&options.config, Request::RootReset(asked))?;
    show(&made, options.json, "What the root user had counts no more, its second factor neither.")
}

fn list(options: &AccountListOptions) -> Result<ExitCode> {
    let listed = ask(&options.config, Request::AccountList {})?;
    if options.json {
        println!("{}", listed.expose());
        return Ok(ExitCode::SUCCESS);
    }
    let accounts: Vec<Account> = serde_json::from_str(listed.expose())?;
    for Account { id, name, created_ms } in accounts {
        println!("{id}  {}  {name}", moment::day(created_ms));
    }
    Ok(ExitCode::SUCCESS)
}

/// Has it done, by the server or without one.
fn ask(options: &ConfigOptions, request: Request) -> Result<SecretString> {
    process::prepare();
    let settings = Settings::read(&options.config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(control::ask(&settings, request, |_| Ok(())))
}

/// Shows a credential, which nobody shows again.
fn show(made: &SecretString, as_json: bool, said: &str) -> Result<ExitCode> {
    if as_json {
        show_once(made.expose(), LOST)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Credential { account, access_key_id, secret_access_key } = serde_json::from_str(made.expose())?;
    let told = format!(
        "{said}

The access key of the root user of account {account}. The secret is shown this once and kept nowhere in the clear:

  export AWS_ACCESS_KEY_ID={access_key_id}
  export AWS_SECRET_ACCESS_KEY={secret_access_key}"
    );
    show_once(&told, LOST)?;
    Ok(ExitCode::SUCCESS)
}
