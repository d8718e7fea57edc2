//! PEM (RFC 7468), as tolerant as files that people hand in need: text around the blocks is skipped, as
//! `openssl x509 -text` writes it. A block of another kind is refused: it may be a private key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use strongroom_secret::{SecretBytes, SecretString};

use crate::{MAX_DER_LENGTH, MAX_PEM_LENGTH, ReadError};

pub(crate) const CERTIFICATE: &[&str] = &["CERTIFICATE", "X509 CERTIFICATE"];
pub(crate) const REQUEST: &[&str] = &["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];

/// Reads every block, at least one and at most `most`.
pub(crate) fn read(text: &str, labels: &[&str], most: usize) -> Result<Vec<Vec<u8>>, ReadError> {
    if text.len() > MAX_PEM_LENGTH {
        return Err(ReadError::TooLong);
    }
    let mut blocks = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(label) = boundary(line, "-----BEGIN ") else { continue };
        if !labels.contains(&label) {
            return Err(ReadError::NotPem);
        }
        let mut body = String::new();
        loop {
            let line = lines.next().ok_or(ReadError::NotPem)?;
            if let Some(end) = boundary(line, "-----END ") {
                if end == label {
                    break;
                }
                return Err(ReadError::NotPem);
            }
            body.extend(line.chars().filter(|character| !character.is_ascii_whitespace()));
        }
        let der = STANDARD.decode(body).map_err(|_| ReadError::NotPem)?;
        if der.len() > MAX_DER_LENGTH {
            return Err(ReadError::TooLong);
        }
        if blocks.len() == most {
            return Err(ReadError::TooMany);
        }
        blocks.push(der);
    }
    if blocks.is_empty() { Err(ReadError::NotPem) } else { Ok(blocks) }
}

/// Writes one block, in lines of 64 characters.
pub(crate) fn write(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

/// A private key in PKCS#8 (DER) as PEM, for its owner's file.
#[must_use]
pub fn private_key_pem(pkcs8: &SecretBytes) -> SecretString {
    SecretString::new(write("PRIVATE KEY", pkcs8.expose()))
}

fn boundary<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.strip_prefix(start)?.strip_suffix("-----")
}
