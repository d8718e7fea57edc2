//! The API, one file for each family of operations.

use async_trait::async_trait;
use strongroom_api_logs as api;

use crate::Logs;

#[async_trait]
impl api::CloudWatchLogs for Logs {}
