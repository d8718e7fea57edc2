//! `user create`, `delete`, `change-password` and `list`

use strongroom_hsm_proto::command::{
    ChangePassword, Command, CreateUser, DeleteUser, ListUsers, Role, UserDescription,
};

use super::{answers, the, token};
use crate::bench::Bench;
use crate::error::CliError;
use crate::grammar::user;
use crate::output::user::{Named, Users, merged};
use crate::output::{Data, data};

pub(super) fn create(bench: &mut Bench, options: user::Create) -> Result<Data, CliError> {
    let approvals = token::approvals([options.approval.as_deref()])?;
    let password = bench.console.new_password(options.password)?.expose().clone();
    let role = Role::from(options.user.role);
    let create = CreateUser { username: options.user.username.clone(), role: role.into(), password };
    bench.cluster()?.call_approved(Command::CreateUser(create), approvals)?;
    data(Named::new(&options.user.username, role))
}

pub(super) fn delete(bench: &mut Bench, options: &user::Delete) -> Result<Data, CliError> {
    let approvals = token::approvals([options.approval.as_deref()])?;
    let role = Role::from(options.user.role);
    let delete = DeleteUser { username: options.user.username.clone(), role: role.into() };
    bench.cluster()?.call_approved(Command::DeleteUser(delete), approvals)?;
    data(Named::new(&options.user.username, role))
}

pub(super) fn change_password(bench: &mut Bench, options: user::ChangePassword) -> Result<Data, CliError> {
    let approvals = token::approvals([options.approval.as_deref()])?;
    let password = bench.console.new_password(options.password)?.expose().clone();
    let role = Role::from(options.user.role);
    let change = ChangePassword {
        username: options.user.username.clone(),
        role: role.into(),
        password,
        deregister_mfa: options.deregister_mfa,
        deregister_quorum: options.deregister_quorum,
    };
    bench.cluster()?.call_approved(Command::ChangePassword(change), approvals)?;
    data(Named::new(&options.user.username, role))
}

pub(super) fn list(bench: &mut Bench) -> Result<Data, CliError> {
    data(listed(bench.cluster()?)?)
}

/// The users of a cluster, as its HSMs see them.
pub(super) fn listed(cluster: &mut strongroom_hsm_client::Cluster) -> Result<Users, CliError> {
    let lists: Vec<Vec<UserDescription>> = answers(
        cluster.call_each(&Command::ListUsers(ListUsers {}))?,
        |reply| Ok(the!(reply, Users)?.users),
    )?;
    Ok(merged(&lists))
}
