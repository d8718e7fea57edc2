//! `login` and `logout`

use std::path::{Path, PathBuf};

use strongroom_hsm_client::{Credentials, LoginChallenge, LoginStep};
use strongroom_hsm_proto::command::Role;

use crate::bench::Bench;
use crate::console::Console;
use crate::error::CliError;
use crate::file::approval::{SignedChallenge, Unsigned, read_challenges, write_challenges};
use crate::grammar::user::{Login, SecondFactor};
use crate::output::user::Named;
use crate::output::{Data, data};

/// What is asked when a file is to be signed.
const WHERE: &str = "Enter signed token file path (press enter if same as the unsigned token file):";

pub(super) fn login(bench: &mut Bench, options: Login) -> Result<Data, CliError> {
    let password = match options.password {
        Some(password) => password,
        None => bench.console.password("Enter password:")?,
    };
    let role = Role::from(options.user.role);
    let credentials = Credentials { username: options.user.username.clone(), role, password };
    if let LoginStep::Challenges(challenges) = bench.cluster()?.login(credentials)? {
        let answered = match &options.second_factor {
            Some(SecondFactor::MfaTokenSign { token }) => answer(bench, challenges, token),
            None => Err(CliError::usage(
                "the user has a second factor: add `mfa-token-sign --token FILE` to the command",
            )),
        };
        if let Err(error) = answered {
            bench.cluster()?.logout()?;
            return Err(error);
        }
    }
    data(Named::new(&options.user.username, role))
}

fn answer(bench: &mut Bench, challenges: Vec<LoginChallenge>, path: &Path) -> Result<(), CliError> {
    let unsigned = challenges
        .iter()
        .map(|challenge| Unsigned { approval_data: None, unsigned: challenge.challenge.clone() });
    let signed = ask_signed(&mut bench.console, path, &unsigned.collect::<Vec<_>>())?;
    let answers = challenges.into_iter().map(|challenge| {
        let found = signed.iter().find(|signed| signed.unsigned == challenge.challenge);
        let found = found.ok_or_else(|| CliError::usage("the signed file is of another log-in"))?;
        Ok((challenge, found.signature.clone()))
    });
    let answers = answers.collect::<Result<Vec<_>, CliError>>()?;
    Ok(bench.cluster()?.answer_challenges(answers)?)
}

/// Writes what is to be signed, waits until it is, and reads it.
pub(super) fn ask_signed(
    console: &mut Console,
    path: &Path,
    unsigned: &[Unsigned],
) -> Result<Vec<SignedChallenge>, CliError> {
    write_challenges(path, unsigned)?;
    let answer = console.ask(WHERE)?;
    let answer = answer.trim();
    let signed = if answer.is_empty() { path.to_path_buf() } else { PathBuf::from(answer) };
    read_challenges(&signed)
}

pub(super) fn logout(bench: &mut Bench) -> Result<Data, CliError> {
    bench.cluster()?.logout()?;
    data("Logout successful")
}
