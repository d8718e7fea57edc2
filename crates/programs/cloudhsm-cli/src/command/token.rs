//! Signed tokens for commands.

use std::path::Path;

use strongroom_hsm_proto::command::Approval;

use crate::error::CliError;
use crate::file::approval::read_token;

/// Reads the token files that were given.
pub(super) fn approvals<'a>(
    paths: impl IntoIterator<Item = Option<&'a Path>>,
) -> Result<Vec<Approval>, CliError> {
    paths.into_iter().flatten().map(read_token).collect()
}
