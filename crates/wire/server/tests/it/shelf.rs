//! S3 as far as the front door needs one: a shelf of objects in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use strongroom_api_s3 as s3;
use strongroom_identity::RequestContext;
use strongroom_schema::{ByteStream, QueryError, StreamError, Unit};
use strongroom_service::ApiError;
use tokio::sync::mpsc;

/// The objects, and what was seen of uploads.
#[derive(Default)]
pub(crate) struct Shelf {
    objects: Mutex<BTreeMap<String, Bytes>>,
    pub(crate) trailers: Mutex<Vec<(String, String)>>,
    /// Bytes of uploads that have come so far.
    pub(crate) seen: Mutex<u64>,
    /// What `slow` is read from.
    pub(crate) slow: Mutex<Option<mpsc::Receiver<Bytes>>>,
}

impl Shelf {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn object(&self, key: &str) -> Option<Bytes> {
        self.objects.lock().unwrap().get(key).cloned()
    }

    pub(crate) fn put(&self, key: &str, bytes: impl Into<Bytes>) {
        self.objects.lock().unwrap().insert(key.to_owned(), bytes.into());
    }
}

fn no_such_key(key: &str) -> ApiError {
    let query = QueryError { code: "NoSuchKey", http_status: 404 };
    ApiError::front("NoSuchKey", Some(query), Some("The specified key does not exist.".to_owned()))
        .with_detail("Key", key)
        .with_header("x-amz-delete-marker", "true")
}

#[async_trait]
impl s3::S3 for Shelf {
    async fn put_object(
        &self,
        _context: &RequestContext,
        input: s3::PutObjectRequest,
    ) -> Result<s3::PutObjectOutput, ApiError> {
        if input.key == "refused" {
            return Err(no_such_key(&input.key));
        }
        let mut stream = input.body.expect("there is always a stream");
        assert_eq!(stream.length(), input.content_length.map(i64::unsigned_abs));
        let mut all = Vec::new();
        while let Some(piece) = stream.next().await {
            let piece = piece?;
            *self.seen.lock().unwrap() += piece.len() as u64;
            all.extend_from_slice(&piece);
        }
        *self.trailers.lock().unwrap() = stream.trailers().to_vec();
        self.put(&input.key, all);
        for (name, value) in input.metadata.unwrap_or_default().iter() {
            self.put(&format!("{}: {name}", input.key), value.clone());
        }
        let encryption = Some(s3::ServerSideEncryption::Aes256);
        Ok(s3::PutObjectOutput { server_side_encryption: encryption, ..Default::default() })
    }

    async fn get_object(
        &self,
        _context: &RequestContext,
        input: s3::GetObjectRequest,
    ) -> Result<s3::GetObjectOutput, ApiError> {
        if input.key == "slow" {
            let mut pieces = self.slow.lock().unwrap().take().unwrap();
            let pieces = futures_util::stream::poll_fn(move |context| pieces.poll_recv(context));
            let pieces = futures_util::StreamExt::map(pieces, |piece| match piece.as_ref() {
                b"fail" => Err(StreamError::failed("the disk is gone")),
                _ => Ok(piece),
            });
            let body = Some(ByteStream::of_pieces(Some(12), pieces));
            return Ok(s3::GetObjectOutput { body, content_length: Some(12), ..Default::default() });
        }
        let bytes = self.object(&input.key).ok_or_else(|| no_such_key(&input.key))?;
        Ok(s3::GetObjectOutput {
            content_length: Some(bytes.len() as i64),
            content_type: Some("text/plain".to_owned()),
            body: Some(ByteStream::from(bytes)),
            ..Default::default()
        })
    }

    async fn head_object(
        &self,
        _context: &RequestContext,
        input: s3::HeadObjectRequest,
    ) -> Result<s3::HeadObjectOutput, ApiError> {
        let bytes = self.object(&input.key).ok_or_else(|| no_such_key(&input.key))?;
        Ok(s3::HeadObjectOutput { content_length: Some(bytes.len() as i64), ..Default::default() })
    }

    async fn list_buckets(
        &self,
        _context: &RequestContext,
        _input: s3::ListBucketsRequest,
    ) -> Result<s3::ListBucketsOutput, ApiError> {
        Ok(s3::ListBucketsOutput::default())
    }

    async fn complete_multipart_upload(
        &self,
        _context: &RequestContext,
        input: s3::CompleteMultipartUploadRequest,
    ) -> Result<s3::CompleteMultipartUploadOutput, ApiError> {
        self.put(&input.key, input.checksum_crc32.unwrap_or_default());
        Ok(s3::CompleteMultipartUploadOutput::default())
    }

    async fn put_bucket_policy(
        &self,
        _context: &RequestContext,
        input: s3::PutBucketPolicyRequest,
    ) -> Result<Unit, ApiError> {
        self.put("policy", input.policy);
        Ok(Unit)
    }
}
