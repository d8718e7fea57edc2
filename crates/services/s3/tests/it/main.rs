//! S3 through its API.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod altered;
mod completions;
mod deletions;
mod drafts;
mod files;
mod fixture;
mod guards;
mod heeded;
mod interrupted;
mod parameters;
mod renewed;
mod services;
mod statements;
mod versions;
