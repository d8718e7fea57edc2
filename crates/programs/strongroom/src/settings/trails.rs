//! `[trails]`: how what trails log is delivered, and where to.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use strongroom_client::{Credentials, Endpoint, Objects};
use strongroom_cloudtrail::Buckets;
use strongroom_runtime::Clocks;

use super::{AbsolutePath, Whole, secret_file};
use crate::foreign_buckets::ForeignBuckets;

/// How trails deliver.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TrailSettings {
    /// How often, in seconds.
    delivery_seconds: Whole<1, 3600>,
    /// Another S3 than the one here.
    s3_endpoint: Option<String>,
    /// Its Region.
    s3_region: String,
    /// Who calls it.
    s3_access_key_id: Option<String>,
    /// A file with the secret of that.
    s3_secret_access_key_file: Option<AbsolutePath>,
}

impl TrailSettings {
    /// How files are delivered.
    pub(crate) fn choices(&self) -> strongroom_cloudtrail::Settings {
        strongroom_cloudtrail::Settings { every: Duration::from_secs(self.delivery_seconds.get()) }
    }

    /// The buckets that trails deliver to, if they are not the ones here.
    pub(crate) fn buckets(&self) -> Result<Option<Arc<dyn Buckets>>> {
        let Some(endpoint) = &self.s3_endpoint else { return Ok(None) };
        let (Some(id), Some(file)) = (&self.s3_access_key_id, &self.s3_secret_access_key_file) else {
            bail!(
                "[trails] s3_endpoint needs s3_access_key_id and s3_secret_access_key_file: who puts files there"
            );
        };
        let secret = secret_file::read(file.as_path()).context("[trails] s3_secret_access_key_file")?;
        let endpoint = Endpoint::parse(endpoint).context("[trails] s3_endpoint")?;
        let credentials = Credentials::new(id, secret);
        let objects = Objects::new(endpoint, &self.s3_region, credentials, Clocks::system());
        Ok(Some(Arc::new(ForeignBuckets::new(objects))))
    }
}

impl Default for TrailSettings {
    /// About every five minutes, as AWS, into buckets of our own.
    fn default() -> Self {
        Self {
            delivery_seconds: Whole::new(300),
            s3_endpoint: None,
            s3_region: "us-east-1".to_owned(),
            s3_access_key_id: None,
            s3_secret_access_key_file: None,
        }
    }
}
