//! Buckets of another S3, where trails deliver if the operator says so: at AWS, or at whatever speaks like it.

use std::sync::Arc;

use async_trait::async_trait;
use strongroom_client::{CallError, Objects};
use strongroom_cloudtrail::{Behalf, Buckets, DeliveryError, Put};

/// Metadata of objects, and the headers that carry it.
const METADATA: [(&str, &str); 2] =
    [("signature", "x-amz-meta-signature"), ("signature-algorithm", "x-amz-meta-signature-algorithm")];

/// Buckets of another S3, called with the operator's credentials.
pub(crate) struct ForeignBuckets(Arc<Objects>);

impl ForeignBuckets {
    pub(crate) fn new(objects: Objects) -> Self {
        Self(Arc::new(objects))
    }

    async fn call(
        &self,
        call: impl FnOnce(&Objects) -> Result<(), CallError> + Send + 'static,
    ) -> Result<(), DeliveryError> {
        let objects = self.0.clone();
        // The client blocks.
        let called = tokio::task::spawn_blocking(move || call(&objects)).await;
        let interrupted =
            || DeliveryError { code: "RequestTimeout".to_owned(), message: "the server stops".to_owned() };
        called.map_err(|_| interrupted())?.map_err(|error| explained(&error))
    }
}

/// What S3 says, or why it says nothing.
fn explained(error: &CallError) -> DeliveryError {
    let code = match error {
        CallError::Refused(refusal) if !refusal.code.is_empty() => refusal.code.clone(),
        CallError::Refused(refusal) if refusal.status == 403 => "AccessDenied".to_owned(),
        CallError::Refused(refusal) if refusal.status == 404 => "NoSuchBucket".to_owned(),
        _ => "ServiceUnavailable".to_owned(),
    };
    DeliveryError { code, message: error.to_string() }
}

#[async_trait]
impl Buckets for ForeignBuckets {
    /// The keys here are none that it knows.
    fn encrypts(&self) -> bool {
        false
    }

    async fn read_acl(&self, _behalf: &Behalf, bucket: &str) -> Result<(), DeliveryError> {
        let bucket = bucket.to_owned();
        self.call(move |objects| objects.read_acl(&bucket)).await
    }

    async fn put(&self, _behalf: &Behalf, put: Put) -> Result<(), DeliveryError> {
        if let Some(key) = &put.kms_key_arn {
            // A trail of before the operator said so: what it shows of its files must be true.
            return Err(DeliveryError {
                code: "KMS.NotFoundException".to_owned(),
                message: format!(
                    "the S3 that trails deliver to does not know the key {key}; take it off the trail with \
                     UpdateTrail (KmsKeyId \"\")"
                ),
            });
        }
        let mut headers = vec![("x-amz-acl", "bucket-owner-full-control".to_owned())];
        if put.is_compressed_json {
            headers.push(("content-type", "application/json".to_owned()));
            headers.push(("content-encoding", "gzip".to_owned()));
        }
        for (name, value) in &put.metadata {
            let header = METADATA.iter().find(|(known, _)| known == name);
            headers.extend(header.map(|(_, header)| (*header, value.clone())));
        }
        self.call(move |objects| objects.put(&put.bucket, &put.key, headers, &put.body)).await
    }
}

#[cfg(test)]
mod tests {
    use strongroom_client::{Credentials, Endpoint};
    use strongroom_runtime::Clocks;

    use super::*;

    /// Nothing listens there: what is not sent is refused here.
    #[tokio::test]
    async fn nothing_is_put_without_the_key_that_its_trail_shows() {
        let endpoint = Endpoint::parse("http://127.0.0.1:1").unwrap();
        let credentials = Credentials::new("id", strongroom_secret::SecretString::new("secret".to_owned()));
        let buckets = ForeignBuckets::new(Objects::new(endpoint, "us-east-1", credentials, Clocks::system()));
        let behalf = Behalf {
            account: "111122223333".parse().unwrap(),
            region: "us-east-1".to_owned(),
            trail_arn: "arn:aws:cloudtrail:us-east-1:111122223333:trail/t".to_owned(),
        };
        let put = |kms_key_arn| Put {
            bucket: "evidence".to_owned(),
            key: "file".to_owned(),
            body: Vec::new(),
            is_compressed_json: true,
            kms_key_arn,
            metadata: Vec::new(),
        };
        let key = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        let refused = buckets.put(&behalf, put(Some(key.to_owned()))).await.unwrap_err();
        assert_eq!(refused.code, "KMS.NotFoundException");
        assert!(refused.message.contains(key));
        let unreachable = buckets.put(&behalf, put(None)).await.unwrap_err();
        assert_eq!(unreachable.code, "ServiceUnavailable");
        assert!(!buckets.encrypts());
    }
}
