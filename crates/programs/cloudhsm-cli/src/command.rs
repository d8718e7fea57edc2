//! What commands do. The grammar is in [`crate::grammar`], what they answer in [`crate::output`].

mod cluster;
mod crypto;
mod generate;
mod key;
mod key_file;
mod list;
mod login;
mod mechanism;
mod mfa;
mod mtls;
mod quorum;
mod replicate;
mod selection;
mod token;
mod unwrap;
mod user;
mod wrap;

use strongroom_hsm_client::HsmAnswer;
use strongroom_hsm_proto::command::Reply;

use crate::bench::Bench;
use crate::error::CliError;
use crate::grammar::{self, Command, cluster::Cluster, crypto::Crypto, quorum::Quorum};
use crate::output::Data;

/// Carries a command out.
pub(crate) fn run(bench: &mut Bench, command: Command) -> Result<Data, CliError> {
    bench.anonymous = matches!(command, Command::Cluster(Cluster::Activate(_)) | Command::Login(_));
    match command {
        Command::Cluster(Cluster::Activate(options)) => cluster::activate(bench, options),
        Command::Cluster(Cluster::HsmInfo) => cluster::hsm_info(bench),
        Command::Cluster(Cluster::Mtls(command)) => mtls::run(bench, command),
        Command::Crypto(Crypto::Sign(command)) => crypto::sign(bench, command),
        Command::Crypto(Crypto::Verify(command)) => crypto::verify(bench, command),
        Command::Key(command) => run_key(bench, command),
        Command::Login(options) => login::login(bench, options),
        Command::Logout => login::logout(bench),
        Command::Quorum(Quorum::TokenSign(command)) => quorum::run(bench, command),
        Command::User(command) => run_user(bench, command),
    }
}

fn run_user(bench: &mut Bench, command: grammar::user::User) -> Result<Data, CliError> {
    match command {
        grammar::user::User::ChangeMfa(grammar::user::ChangeMfa::TokenSign(options)) => {
            mfa::change(bench, options)
        }
        grammar::user::User::ChangePassword(options) => user::change_password(bench, options),
        grammar::user::User::ChangeQuorum(grammar::user::ChangeQuorum::TokenSign(
            grammar::user::ChangeQuorumTokenSign::Register { public_key, signed_token },
        )) => quorum::register(bench, &public_key, &signed_token),
        grammar::user::User::Create(options) => user::create(bench, options),
        grammar::user::User::Delete(options) => user::delete(bench, &options),
        grammar::user::User::List => user::list(bench),
        grammar::user::User::Replicate(options) => replicate::user(bench, options),
    }
}

fn run_key(bench: &mut Bench, command: grammar::key::Key) -> Result<Data, CliError> {
    match command {
        grammar::key::Key::Delete(options) => key::delete(bench, &options),
        grammar::key::Key::GenerateAsymmetricPair(command) => generate::pair(bench, command),
        grammar::key::Key::GenerateFile(options) => key_file::write(bench, &options),
        grammar::key::Key::GenerateSymmetric(command) => generate::symmetric(bench, command),
        grammar::key::Key::Import(grammar::key::Import::Pem(options)) => key::import(bench, options),
        grammar::key::Key::List(options) => list::list(bench, &options),
        grammar::key::Key::Replicate(options) => replicate::key(bench, options),
        grammar::key::Key::SetAttribute(options) => key::set_attribute(bench, &options),
        grammar::key::Key::Share(options) => key::share(bench, &options),
        grammar::key::Key::Unshare(options) => key::unshare(bench, &options),
        grammar::key::Key::Unwrap(command) => unwrap::unwrap(bench, command),
        grammar::key::Key::Wrap(command) => wrap::wrap(bench, command),
    }
}

/// The result of a reply, if it is of the expected kind.
macro_rules! the {
    ($reply:expr, $kind:ident) => {
        match $reply.result {
            Some(strongroom_hsm_proto::command::Result::$kind(result)) => Ok(result),
            _ => Err($crate::command::unexpected()),
        }
    };
}
use the;

fn unexpected() -> CliError {
    CliError::usage("an HSM answered something else than what it was asked")
}

/// What HSMs answered, of those that did; fails as the first did if none did.
fn answers<T>(
    answers: Vec<HsmAnswer>,
    read: impl Fn(Reply) -> Result<T, CliError>,
) -> Result<Vec<T>, CliError> {
    let mut read_ones = Vec::new();
    let mut first = None;
    for answer in answers {
        match answer.result.map_err(CliError::from).and_then(&read) {
            Ok(result) => read_ones.push(result),
            Err(error) => {
                tracing::warn!(hsm = answer.hsm_id, %error, "an HSM did not answer as the others");
                first.get_or_insert(error);
            }
        }
    }
    match first {
        Some(error) if read_ones.is_empty() => Err(error),
        _ => Ok(read_ones),
    }
}
