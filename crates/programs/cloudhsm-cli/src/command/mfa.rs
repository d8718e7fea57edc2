//! `user change-mfa token-sign`

use std::path::Path;

use strongroom_hsm_client::{Cluster, HsmAnswer};
use strongroom_hsm_proto::command::{
    Approval, BeginRegistration, Challenge, Command, Deregister, FailureCode, FinishRegistration, ListUsers,
    RegistrationPurpose, Role,
};

use super::login::ask_signed;
use super::{the, token};
use crate::bench::Bench;
use crate::error::CliError;
use crate::file::approval::{SignedChallenge, Unsigned};
use crate::file::public_key;
use crate::grammar::user::ChangeMfaTokenSign;
use crate::output::user::Named;
use crate::output::{Data, data};

pub(super) fn change(bench: &mut Bench, options: ChangeMfaTokenSign) -> Result<Data, CliError> {
    let approvals = token::approvals([options.approval.as_deref()])?;
    let username = options.user.username.clone();
    let role = Role::from(options.user.role);
    match options.token {
        None => {
            let deregister = Deregister { username: username.clone(), role: role.into() };
            bench.cluster()?.call_approved(Command::Deregister(deregister), approvals)?;
        }
        Some(path) => {
            if !options.change_quorum {
                refuse_if_registered(bench.cluster()?, &username, role)?;
            }
            let password = bench.console.new_password(options.change_password)?;
            let begin = BeginRegistration {
                purpose: RegistrationPurpose::Mfa.into(),
                username: username.clone(),
                role: role.into(),
            };
            let (asked, challenges) = begin_everywhere(bench.cluster()?, begin)?;
            let unsigned = challenges
                .into_iter()
                .map(|challenge| Unsigned { approval_data: None, unsigned: challenge.unsigned });
            let signed = ask_signed(&mut bench.console, &path, &unsigned.collect::<Vec<_>>())?;
            let public_key = bench.console.ask("Enter public key PEM file path:")?;
            let finish = FinishRegistration {
                purpose: RegistrationPurpose::Mfa.into(),
                username: username.clone(),
                role: role.into(),
                public_key: public_key::read_pem(Path::new(public_key.trim()))?,
                unsigned: Vec::new(),
                signature: Vec::new(),
                password: password.expose().clone(),
            };
            finish_somewhere(bench.cluster()?, &asked, &finish, &signed, &approvals)?;
        }
    }
    data(Named::new(&username, role))
}

/// One key serves both purposes, so whoever approves already is asked whether the key may be replaced.
fn refuse_if_registered(cluster: &mut Cluster, username: &str, role: Role) -> Result<(), CliError> {
    let users = the!(cluster.call(Command::ListUsers(ListUsers {}))?, Users)?.users;
    let registered = users.iter().any(|user| {
        user.username.eq_ignore_ascii_case(username) && user.role() == role && user.quorum && !user.mfa
    });
    if registered {
        Err(CliError::usage(
            "the user has a key for approvals, which the new key would replace: add --change-quorum if it may",
        ))
    } else {
        Ok(())
    }
}

/// Asks every HSM for what a new key must sign.
pub(super) fn begin_everywhere(
    cluster: &mut Cluster,
    begin: BeginRegistration,
) -> Result<(Vec<HsmAnswer>, Vec<Challenge>), CliError> {
    let mut asked = Vec::new();
    let mut challenges = Vec::new();
    let mut first = None;
    for mut answer in cluster.call_each(&Command::BeginRegistration(begin))? {
        let result =
            std::mem::replace(&mut answer.result, Ok(strongroom_hsm_proto::command::Reply::default()));
        match result.map_err(CliError::from).and_then(|reply| the!(reply, Challenge)) {
            Ok(challenge) => {
                challenges.push(challenge);
                asked.push(answer);
            }
            Err(error) => {
                first.get_or_insert(error);
            }
        }
    }
    match first {
        Some(error) if challenges.is_empty() => Err(error),
        _ => Ok((asked, challenges)),
    }
}

/// Ends a registration at the HSM that takes one of the signatures: it counts for all.
pub(super) fn finish_somewhere(
    cluster: &mut Cluster,
    hsms: &[HsmAnswer],
    finish: &FinishRegistration,
    signed: &[SignedChallenge],
    approvals: &[Approval],
) -> Result<(), CliError> {
    let mut last = CliError::usage("no HSM takes the signatures");
    for hsm in hsms {
        for signed in signed {
            let mut finish = finish.clone();
            finish.unsigned.clone_from(&signed.unsigned);
            finish.signature.clone_from(&signed.signature);
            match cluster.call_at(hsm, Command::FinishRegistration(finish), approvals.to_vec()) {
                Ok(_) => return Ok(()),
                Err(error) => {
                    let error = CliError::from(error);
                    // The challenge is another HSM's.
                    if error.code() != Some(FailureCode::ChallengeFailed) {
                        return Err(error);
                    }
                    last = error;
                }
            }
        }
    }
    Err(last)
}
