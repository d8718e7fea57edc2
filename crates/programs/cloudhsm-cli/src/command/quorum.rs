//! `quorum token-sign ...` and `user change-quorum token-sign register`

use std::path::Path;

use serde_json::json;
use strongroom_hsm_proto::command::{
    BeginRegistration, Command, DeleteTokens, FinishRegistration, GenerateToken, HsmInfo, ListQuorumValues,
    ListTokenTimeouts, ListTokens, QuorumService, RegistrationPurpose, SetQuorumValue, SetTokenTimeout,
};

use super::mfa::{begin_everywhere, finish_somewhere};
use super::selection;
use super::{answers, the, token};
use crate::bench::Bench;
use crate::error::CliError;
use crate::file::approval::{ForKey, Unsigned, read_challenges, write_challenges, write_token};
use crate::file::public_key;
use crate::grammar::quorum::{AdminService, Generate, Scope, Service, SetTimeout, TokenSign};
use crate::output::quorum::{Timeouts, Values, merged};
use crate::output::user::Named;
use crate::output::words::service_name;
use crate::output::{Data, data};

pub(super) fn run(bench: &mut Bench, command: TokenSign) -> Result<Data, CliError> {
    match command {
        TokenSign::Generate(options) => generate(bench, &options),
        TokenSign::List => {
            let answered = bench.cluster()?.call_each(&Command::ListTokens(ListTokens {}))?;
            data(merged(&answers(answered, |reply| Ok(the!(reply, Tokens)?.tokens))?))
        }
        TokenSign::ListQuorumValues => {
            let reply = bench.cluster()?.call(Command::ListQuorumValues(ListQuorumValues {}))?;
            data(Values::of(&the!(reply, QuorumValues)?))
        }
        TokenSign::SetQuorumValue(options) => {
            let service = match options.service {
                AdminService::User => QuorumService::User,
                AdminService::Quorum => QuorumService::Quorum,
                AdminService::Cluster => QuorumService::Cluster,
            };
            let approvals = token::approvals([options.approval.as_deref()])?;
            let set = SetQuorumValue { service: service.into(), value: options.value };
            bench.cluster()?.call_approved(Command::SetQuorumValue(set), approvals)?;
            data("Set quorum value successful")
        }
        TokenSign::Delete(options) => {
            let delete = Command::DeleteTokens(DeleteTokens { all: options.scope == Scope::All });
            answers(bench.cluster()?.call_each(&delete)?, Ok)?;
            data("Deletion of quorum token(s) successful")
        }
        TokenSign::ListTimeouts => {
            let reply = bench.cluster()?.call(Command::ListTokenTimeouts(ListTokenTimeouts {}))?;
            data(Timeouts::of(&the!(reply, TokenTimeouts)?))
        }
        TokenSign::SetTimeout(options) => set_timeout(bench, &options),
    }
}

fn generate(bench: &mut Bench, options: &Generate) -> Result<Data, CliError> {
    let service = QuorumService::from(options.service);
    match options.service {
        Service::Registration => {
            let (username, role) = me(bench)?;
            let purpose = RegistrationPurpose::Quorum.into();
            let begin = BeginRegistration { purpose, username, role };
            let (_, challenges) = begin_everywhere(bench.cluster()?, begin)?;
            let unsigned = challenges.into_iter().map(|challenge| Unsigned {
                approval_data: Some(challenge.approval_data),
                unsigned: challenge.unsigned,
            });
            write_challenges(&options.token, &unsigned.collect::<Vec<_>>())?;
        }
        Service::KeyUsage | Service::KeyManagement => {
            if options.filter.is_empty() {
                return Err(CliError::usage("a token for a key needs --filter, which says for which"));
            }
            let key = selection::one(bench.cluster()?, &options.filter)?;
            let records = records(bench, service, key)?;
            let key = ForKey { service: service_name(service), key };
            write_token(&options.token, &records, Some(&key))?;
        }
        Service::User | Service::Quorum | Service::Cluster => {
            if !options.filter.is_empty() {
                return Err(CliError::usage(
                    "--filter is for tokens of the services key-usage and key-management",
                ));
            }
            let records = records(bench, service, 0)?;
            write_token(&options.token, &records, None)?;
        }
    }
    Ok(json!({ "path": options.token.display().to_string() }))
}

/// One record for each HSM.
fn records(bench: &mut Bench, service: QuorumService, key: u64) -> Result<Vec<u8>, CliError> {
    let generate = Command::GenerateToken(GenerateToken { service: service.into(), key });
    let records =
        answers(bench.cluster()?.call_each(&generate)?, |reply| Ok(the!(reply, Token)?.approval_data))?;
    Ok(records.concat())
}

fn set_timeout(bench: &mut Bench, options: &SetTimeout) -> Result<Data, CliError> {
    let set = SetTokenTimeout {
        generated: options.generated.unwrap_or(0),
        approved: options.approved.unwrap_or(0),
    };
    bench.cluster()?.call(Command::SetTokenTimeout(set))?;
    data("Set token timeout successful")
}

/// Registers the caller's key for approvals.
pub(super) fn register(bench: &mut Bench, key: &Path, signed: &Path) -> Result<Data, CliError> {
    let (username, role) = me(bench)?;
    let finish = FinishRegistration {
        purpose: RegistrationPurpose::Quorum.into(),
        username: username.clone(),
        role,
        public_key: public_key::read_pem(key)?,
        unsigned: Vec::new(),
        signature: Vec::new(),
        password: String::new(),
    };
    let signed = read_challenges(signed)?;
    let cluster = bench.cluster()?;
    // Asked for nothing but to know which HSMs there are.
    let hsms = cluster.call_each(&Command::HsmInfo(HsmInfo {}))?;
    finish_somewhere(cluster, &hsms, &finish, &signed, &[])?;
    let role = finish.role();
    data(Named::new(&username, role))
}

/// Who is logged in.
fn me(bench: &mut Bench) -> Result<(String, i32), CliError> {
    let cluster = bench.cluster()?;
    let (username, role) =
        cluster.user().ok_or_else(|| CliError::usage("log in first: this is about your own key"))?;
    Ok((username.to_owned(), role.into()))
}
