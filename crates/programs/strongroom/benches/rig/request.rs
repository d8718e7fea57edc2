//! Requests to KMS.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::http::{Target, signed};

/// How long a plaintext is: that of a data key.
const PLAINTEXT: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// A signed request for an operation of KMS.
pub(crate) fn request(address: SocketAddr, operation: &str, body: &str) -> Result<Target> {
    let target = format!("TrentService.{operation}");
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
    signed(address, "kms", &headers, body)
}

/// Encrypts something under a key.
pub(crate) fn encrypt(address: SocketAddr, key: &str) -> Result<Target> {
    let body =
        format!(r#"{{"KeyId":"{key}","Plaintext":"{PLAINTEXT}","EncryptionContext":{{"purpose":"bench"}}}}"#);
    request(address, "Encrypt", &body)
}

/// Decrypts what an answer to [`encrypt`] has.
pub(crate) fn decrypt(address: SocketAddr, encrypted: &Value) -> Result<Target> {
    let blob = text(encrypted, "CiphertextBlob")?;
    let body = format!(r#"{{"CiphertextBlob":"{blob}","EncryptionContext":{{"purpose":"bench"}}}}"#);
    request(address, "Decrypt", &body)
}

/// The text of a member of an answer.
pub(crate) fn text<'a>(answer: &'a Value, name: &str) -> Result<&'a str> {
    answer[name].as_str().with_context(|| format!("no {name} in {answer}"))
}
