//! What is possible: servers that do less than Strongroom.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use strongroom_crypto::aead::Aes256Gcm;
use strongroom_crypto::hmac::HmacSha256;
use strongroom_crypto::{digest, random};
use strongroom_journal::{Durability, Journal, JournalOptions, Record};
use strongroom_secret::Key256;
use tokio::net::TcpListener;

/// The bytes of an answer to Encrypt, as long as a real one.
fn answer_of(ciphertext: &[u8]) -> String {
    let blob = strongroom_crypto::hex::encode(&ciphertext[..ciphertext.len().min(118)]);
    format!(
        r#"{{"CiphertextBlob":"{blob}","KeyId":"arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab","EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}}"#
    )
}

/// Answers the same bytes, and does nothing.
pub(crate) fn bare() -> Result<()> {
    let body = Bytes::from(answer_of(&[7; 118]));
    serve(move |request: Request<Incoming>| {
        let body = body.clone();
        async move {
            drop(request.into_body().collect().await);
            body
        }
    })
}

/// Hashes, authenticates, encrypts and records, and does nothing else. Records are flushed, or only `written`.
pub(crate) fn unavoidable(written: bool) -> Result<()> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let key = random::key256()?;
    let durability = if written { Durability::Written } else { Durability::Sync };
    let options = JournalOptions { durability, ..JournalOptions::default() };
    let journal = Journal::open(folder.path(), &options, &key, "rival", 0)?.journal;
    let shared = Arc::new((journal, HmacSha256::new(key.expose())));
    serve(move |request: Request<Incoming>| {
        let shared = shared.clone();
        async move {
            let (journal, mac) = &*shared;
            let Ok(body) = request.into_body().collect().await else { return Bytes::new() };
            let body = body.to_bytes();
            let hash = digest::sha256(&body);
            let tag =
                mac.sign(&[&hash, b"a canonical request is about as long as this text, three times over"]);
            // A key per message, as DESIGN's ciphertexts have.
            let Ok(own_key) = Key256::filled(|key| {
                key.copy_from_slice(&tag);
                Ok::<_, Infallible>(())
            });
            let Ok(per_message) = Aes256Gcm::new(&own_key) else { return Bytes::new() };
            let Ok(ciphertext) = per_message.seal(&[0; 12], &hash, &body) else { return Bytes::new() };
            let record = Record {
                event_name: "Encrypt".into(),
                user_agent: Some("x".repeat(200)),
                ..Record::default()
            };
            if journal.append(&record).await.is_err() {
                return Bytes::new();
            }
            Bytes::from(answer_of(&ciphertext))
        }
    })
}

fn serve<F, A>(answer: F) -> Result<()>
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Bytes> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("listening on http://{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let answer = answer.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let body = answer(request);
                    async move { Ok::<_, Infallible>(Response::new(Full::new(body.await))) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                // The load closes connections when its time is up.
                drop(tokio::time::timeout(Duration::from_mins(10), connection).await);
            });
        }
    })
}
