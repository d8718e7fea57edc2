//! `user replicate` and `key replicate`: between a cluster and its clones, the clusters made from its backups.

use strongroom_hsm_proto::command::{
    Command, ExportKey, ExportUser, ImportKey, ImportUser, KeyDescription, Role,
};

use super::generate::shown;
use super::{selection, the, unexpected, user as users};
use crate::bench::{Bench, Side};
use crate::error::CliError;
use crate::grammar::{key, user};
use crate::output::key::OneKey;
use crate::output::user::Replicated;
use crate::output::{Data, data};

pub(super) fn user(bench: &mut Bench, options: user::Replicate) -> Result<Data, CliError> {
    let role = Role::from(options.user.role);
    let export = ExportUser { username: options.user.username.clone(), role: role.into() };
    let source = bench.cluster_named(Some(options.source_cluster_id), Side::Source)?;
    let sealed = the!(source.call(Command::ExportUser(export))?, Exported)?.sealed;
    let destination = bench.cluster_named(Some(options.destination_cluster_id), Side::Destination)?;
    destination.call(Command::ImportUser(ImportUser { sealed }))?;
    let listed = users::listed(destination)?.users;
    let user = listed.into_iter().find(|listed| listed.is(&options.user.username, role));
    data(Replicated { user: user.ok_or_else(unexpected)?, message: "Successfully replicated user" })
}

pub(super) fn key(bench: &mut Bench, options: key::Replicate) -> Result<Data, CliError> {
    let source = bench.cluster_named(Some(options.source_cluster_id), Side::Source)?;
    let key = selection::one(source, &options.filter)?;
    let sealed = the!(source.call(Command::ExportKey(ExportKey { key }))?, Exported)?.sealed;
    let destination = bench.cluster_named(Some(options.destination_cluster_id), Side::Destination)?;
    destination.call(Command::ImportKey(ImportKey { sealed }))?;
    // A copy keeps its handle.
    let key = KeyDescription { key, ..KeyDescription::default() };
    data(OneKey { key: shown(destination, &key), message: Some("Successfully replicated key") })
}
