//! Files that people sign: quorum tokens, and what a new key or a log-in must sign (CloudHSM User Guide, "token
//! files"). OpenSSL signs them: the base64 texts to be signed are SHA-256 digests.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use strongroom_crypto::digest::sha256;
use strongroom_hsm_proto::command::{Approval, ApprovalSignature, Role};

use super::{read_bounded, write_whole};
use crate::error::CliError;
use crate::output::words::key_reference;

/// The version that stands in every file.
const VERSION: &str = "2.0";
/// The longest file that is read, in bytes.
const MAX_FILE: u64 = 256 << 10;
/// Signatures that one file may hold, and entries of HSMs.
const MAX_ENTRIES: usize = 64;

/// A token that others approve.
#[derive(Debug, Serialize, Deserialize)]
struct TokenFile {
    version: String,
    /// Only in tokens for a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_reference: Option<String>,
    approval_data: String,
    token: String,
    #[serde(default)]
    signatures: Vec<SignatureEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SignatureEntry {
    username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    signature: String,
}

/// What a new key or a log-in must sign, one entry for each HSM.
#[derive(Debug, Serialize, Deserialize)]
struct ChallengeFile {
    version: String,
    tokens: Vec<ChallengeEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ChallengeEntry {
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_data: Option<String>,
    unsigned: String,
    signed: String,
}

/// What a key token is for.
pub(crate) struct ForKey<'a> {
    pub(crate) service: &'a str,
    pub(crate) key: u64,
}

/// Writes a token that others sign; `records` are those of all HSMs.
pub(crate) fn write_token(path: &Path, records: &[u8], key: Option<&ForKey<'_>>) -> Result<(), CliError> {
    let file = TokenFile {
        version: VERSION.to_owned(),
        service: key.map(|key| key.service.to_owned()),
        key_reference: key.map(|key| key_reference(key.key)),
        approval_data: BASE64.encode(records),
        token: BASE64.encode(sha256(records)),
        signatures: Vec::new(),
    };
    write_json(path, &file)
}

/// Reads a token with its signatures.
pub(crate) fn read_token(path: &Path) -> Result<Approval, CliError> {
    parse_token(&read_bounded(path, MAX_FILE)?).map_err(|error| CliError::file(path, error))
}

/// Why a file is not a token file. The text says it to people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotATokenFile(String);

fn bad(reason: impl Into<String>) -> NotATokenFile {
    NotATokenFile(reason.into())
}

/// Reads the text of a token file with its signatures (CloudHSM User Guide, "quorum authentication"). That the
/// signatures are right is for the HSM to find.
pub fn parse_token(text: &[u8]) -> Result<Approval, NotATokenFile> {
    let file: TokenFile =
        serde_json::from_slice(text).map_err(|error| bad(format!("not a token file: {error}")))?;
    let approval_data =
        BASE64.decode(&file.approval_data).map_err(|_| bad("\"approval_data\" is not base64"))?;
    if BASE64.decode(&file.token).ok().as_deref() != Some(&sha256(&approval_data)) {
        return Err(bad("\"token\" is not the digest of \"approval_data\": the file was altered"));
    }
    if file.signatures.len() > MAX_ENTRIES {
        return Err(bad("there are too many signatures"));
    }
    // Tokens for administrators name no role.
    let usual = if file.service.is_some() { Role::CryptoUser } else { Role::Admin };
    let signatures = file.signatures.into_iter().map(|entry| {
        let role = match entry.role.as_deref() {
            None => usual,
            Some("admin") => Role::Admin,
            Some("crypto-user") => Role::CryptoUser,
            Some(_) => return Err(bad("a signature's \"role\" is neither admin nor crypto-user")),
        };
        let signature = BASE64.decode(&entry.signature).map_err(|_| bad("a \"signature\" is not base64"))?;
        Ok(ApprovalSignature { username: entry.username, role: role.into(), signature })
    });
    Ok(Approval { approval_data, signatures: signatures.collect::<Result<_, _>>()? })
}

/// One HSM's challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unsigned {
    /// Only for the registration of a key for approvals.
    pub(crate) approval_data: Option<Vec<u8>>,
    pub(crate) unsigned: Vec<u8>,
}

/// A challenge and the signature over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedChallenge {
    /// What was to be signed: 32 bytes, if an HSM made them.
    pub unsigned: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

/// Writes what must be signed.
pub(crate) fn write_challenges(path: &Path, challenges: &[Unsigned]) -> Result<(), CliError> {
    let tokens = challenges.iter().map(|challenge| ChallengeEntry {
        approval_data: challenge.approval_data.as_ref().map(|data| BASE64.encode(data)),
        unsigned: BASE64.encode(&challenge.unsigned),
        signed: String::new(),
    });
    write_json(path, &ChallengeFile { version: VERSION.to_owned(), tokens: tokens.collect() })
}

/// Reads what was signed. Every entry must be.
pub(crate) fn read_challenges(path: &Path) -> Result<Vec<SignedChallenge>, CliError> {
    parse_challenges(&read_bounded(path, MAX_FILE)?).map_err(|error| CliError::file(path, error))
}

/// Reads the text of a file of signed challenges: of a log-in with a second factor, or of a key that is registered.
pub fn parse_challenges(text: &[u8]) -> Result<Vec<SignedChallenge>, NotATokenFile> {
    let file: ChallengeFile =
        serde_json::from_slice(text).map_err(|error| bad(format!("not a token file: {error}")))?;
    if file.tokens.is_empty() || file.tokens.len() > MAX_ENTRIES {
        return Err(bad("\"tokens\" must hold an entry for each HSM"));
    }
    let signed = file.tokens.into_iter().enumerate().map(|(number, entry)| {
        if entry.signed.trim().is_empty() {
            return Err(bad(format!("entry {} of \"tokens\" is not signed", number + 1)));
        }
        Ok(SignedChallenge {
            unsigned: BASE64
                .decode(&entry.unsigned)
                .map_err(|_| bad("an \"unsigned\" text is not base64"))?,
            signature: BASE64
                .decode(entry.signed.trim())
                .map_err(|_| bad("a \"signed\" text is not base64"))?,
        })
    });
    signed.collect()
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), CliError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| CliError::file(path, error))?;
    text.push(b'\n');
    write_whole(path, &text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn good() -> Value {
        let data = [7; 160];
        json!({
            "version": "2.0",
            "approval_data": BASE64.encode(data),
            "token": BASE64.encode(sha256(&data)),
            "signatures": [{ "username": "officer1", "signature": BASE64.encode([1; 256]) }],
        })
    }

    fn parse(value: &Value) -> Result<Approval, NotATokenFile> {
        parse_token(value.to_string().as_bytes())
    }

    #[test]
    fn signers_have_the_role_that_the_token_is_for() {
        let role = |value: &Value| parse(value).unwrap().signatures.first().unwrap().role();
        assert_eq!(role(&good()), Role::Admin);
        let mut key = good();
        key["service"] = json!("key-usage");
        key["key_reference"] = json!("0x00000000002e06bf");
        assert_eq!(role(&key), Role::CryptoUser);
        key["signatures"][0]["role"] = json!("admin");
        assert_eq!(role(&key), Role::Admin);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told() {
        for (member, value, part) in [
            ("token", json!(BASE64.encode([0; 32])), "altered"),
            ("token", json!("?"), "altered"),
            ("approval_data", json!("?"), "\"approval_data\" is not base64"),
            ("signatures", json!([{ "username": "a", "signature": "?" }]), "a \"signature\" is not base64"),
            ("signatures", json!([{ "username": "a", "role": "king", "signature": "" }]), "neither admin"),
            ("signatures", json!(vec![json!({ "username": "a", "signature": "" }); 65]), "too many"),
            ("signatures", json!("x"), "not a token file"),
        ] {
            let mut file = good();
            file[member] = value;
            let error = parse(&file).unwrap_err().to_string();
            assert!(error.contains(part), "{member}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_file_is_too_strange(text in any::<Vec<u8>>()) {
            prop_assert!(parse_token(&text).is_err());
            prop_assert!(parse_challenges(&text).is_err());
        }

        #[test]
        fn a_byte_that_changes_is_noticed_or_harmless(at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let mut text = good().to_string().into_bytes();
            let at = at.index(text.len());
            if let Some(byte) = text.get_mut(at) {
                *byte = to;
            }
            if let Ok(approval) = parse_token(&text) {
                prop_assert_eq!(approval.approval_data, vec![7; 160], "what is approved cannot be changed alone");
            }
        }
    }
}
