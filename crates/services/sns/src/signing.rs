//! The keys that sign messages, and their certificates, which whoever gets a message reads from this server.
//!
//! An authority of the installation vouches for the keys. They change before their certificates end; the older ones stay
//! readable, since messages name them.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_crypto::rsa::PrivateKey;
use strongroom_crypto::{CryptoError, hex, random};
use strongroom_pki::{Certificate, Identity, Name, Validity, issue, self_sign};
use strongroom_runtime::Clocks;
use strongroom_seal::{Purpose, Root, Sealer};
use strongroom_store::{Db, RowMac};

use crate::domain::notification::Version;
use crate::error::Refusal;
use crate::repo::signers::{self, Kind, SignerRow};

/// What a certificate's name stands between in its path.
const PATH: (&str, &str) = ("/SimpleNotificationService-", ".pem");

/// The name under which the authority's certificate is read, and its row kept.
const AUTHORITY: &str = "authority";

/// The name that certificates of message keys are for, as AWS's are.
const SUBJECT: &str = "sns.amazonaws.com";

const DAY_MS: i64 = 24 * 3600 * 1000;

/// How long certificates are valid, and how long before its end a key gives way to the next.
const AUTHORITY_DAYS: i64 = 20 * 365;
const KEY_DAYS: i64 = 395;
const RENEWED_DAYS: i64 = 30;

/// The length of keys in bits.
const BITS: u32 = 2048;
const EXPONENT: u64 = 65_537;

/// A key that signs messages.
pub(crate) struct Signer {
    name: String,
    ends_ms: i64,
    key: PrivateKey,
}

/// The keys of an installation.
pub(crate) struct Signers {
    db: Db,
    mac: RowMac,
    sealer: Sealer,
    clocks: Clocks,
    /// The key in use, once it has been read.
    current: Mutex<Option<Arc<Signer>>>,
    /// Whoever has it looks for the key in use, or makes one: that takes long.
    turn: tokio::sync::Mutex<()>,
}

impl Signer {
    /// The path of its certificate.
    pub(crate) fn path(&self) -> String {
        format!("{}{}{}", PATH.0, self.name, PATH.1)
    }

    /// Signs a text, in base64.
    pub(crate) fn sign(&self, version: Version, text: &str) -> Result<String, CryptoError> {
        let signature = self.key.sign_pkcs1_message(version.hash(), text.as_bytes())?;
        Ok(STANDARD.encode(signature))
    }
}

/// Whether a path has the form of a certificate's.
pub fn is_certificate_path(path: &str) -> bool {
    path.starts_with(PATH.0) && path.ends_with(PATH.1)
}

/// What the private key of a row is sealed as.
pub(crate) fn bound_to(name: &str) -> Vec<u8> {
    format!("sns signer\0{name}").into_bytes()
}

impl Signers {
    pub(crate) fn new(db: Db, root: &Root, clocks: Clocks) -> Self {
        Self {
            db,
            mac: RowMac::new(root),
            sealer: Sealer::new(root, Purpose::Notifications),
            clocks,
            current: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Forgets the key in use, after the store was emptied.
    pub(crate) fn start_over(&self) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The certificate at a path, in PEM; nothing at others.
    pub(crate) async fn certificate_at(&self, path: &str) -> Result<Option<String>, Refusal> {
        let name = path.strip_prefix(PATH.0).and_then(|rest| rest.strip_suffix(PATH.1));
        let is_name = |name: &&str| *name == AUTHORITY || name.len() == 32 && hex::decode(name).is_some();
        let Some(name) = name.filter(is_name) else { return Ok(None) };
        let row = signers::find(&self.db, &self.mac, name).await?;
        Ok(row.map(|row| row.certificate))
    }

    /// The key that messages are signed with now. Of several servers, and of several who ask at once, all get one that is
    /// kept.
    pub(crate) async fn current(&self) -> Result<Arc<Signer>, Refusal> {
        // Validators look at their own clock, if at any.
        let now_ms = self.clocks.real_now();
        let serves = |signer: &Arc<Signer>| now_ms < signer.ends_ms - RENEWED_DAYS * DAY_MS;
        let known = || self.current.lock().unwrap_or_else(PoisonError::into_inner).clone().filter(serves);
        if let Some(known) = known() {
            return Ok(known);
        }
        let _turn = self.turn.lock().await;
        if let Some(known) = known() {
            return Ok(known);
        }
        let kept = self.newest(Kind::Messages).await?.map(Arc::new).filter(serves);
        let signer = match kept {
            Some(kept) => kept,
            None => Arc::new(self.make(now_ms).await?),
        };
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(signer.clone());
        Ok(signer)
    }

    async fn newest(&self, kind: Kind) -> Result<Option<Signer>, Refusal> {
        let row = signers::newest(&self.db, &self.mac, kind).await?;
        row.map(|row| self.open(row)).transpose()
    }

    fn open(&self, row: SignerRow) -> Result<Signer, Refusal> {
        let opened = self.sealer.open(&bound_to(&row.name), &row.private_key)?;
        let key = PrivateKey::from_pkcs8(opened.expose()).map_err(|error| Refusal::Internal(error.into()))?;
        Ok(Signer { name: row.name, ends_ms: row.ends_ms, key })
    }

    /// Makes a key, and the authority before it if there is none.
    async fn make(&self, now_ms: i64) -> Result<Signer, Refusal> {
        let authority = match signers::find(&self.db, &self.mac, AUTHORITY).await? {
            Some(row) => row,
            None => self.make_authority(now_ms).await?,
        };
        let issuer = Certificate::from_pem(&authority.certificate).map_err(internal)?;
        let issuer_key = self.open(authority)?.key;
        let key = generated().await?;
        let name = hex::encode(&random::bytes::<16>().map_err(internal)?);
        let ends_ms = now_ms + KEY_DAYS * DAY_MS;
        let subject = Identity {
            dns_names: vec![SUBJECT.to_owned()],
            ..identity(SUBJECT, strongroom_pki::Kind::Endpoint, now_ms, ends_ms)
        };
        let spki = key.public_key().to_spki().map_err(internal)?;
        let certificate = issue(&subject, &spki, &issuer, &issuer_key).map_err(internal)?;
        let row = self.row(name, Kind::Messages, (now_ms, ends_ms), &key, &certificate)?;
        signers::insert(&self.db, &self.mac, &row).await?;
        self.open(row)
    }

    async fn make_authority(&self, now_ms: i64) -> Result<SignerRow, Refusal> {
        let key = generated().await?;
        let ends_ms = now_ms + AUTHORITY_DAYS * DAY_MS;
        let kind = strongroom_pki::Kind::Authority { path_length: Some(0) };
        let subject = identity("Strongroom SNS authority", kind, now_ms, ends_ms);
        let certificate = self_sign(&subject, &key).map_err(internal)?;
        let row = self.row(AUTHORITY.to_owned(), Kind::Authority, (now_ms, ends_ms), &key, &certificate)?;
        signers::insert(&self.db, &self.mac, &row).await?;
        // Of two who make one at once, the first one's stays.
        let kept = signers::find(&self.db, &self.mac, AUTHORITY).await?;
        kept.ok_or_else(|| Refusal::Internal("the authority of SNS was made and is not there".into()))
    }

    fn row(
        &self,
        name: String,
        kind: Kind,
        (made_ms, ends_ms): (i64, i64),
        key: &PrivateKey,
        certificate: &Certificate,
    ) -> Result<SignerRow, Refusal> {
        let pkcs8 = key.to_pkcs8().map_err(internal)?;
        let private_key = self.sealer.seal(&bound_to(&name), pkcs8.expose())?;
        Ok(SignerRow { name, kind, made_ms, ends_ms, private_key, certificate: certificate.to_pem() })
    }
}

/// A new key, which takes too long for those who wait in this thread.
async fn generated() -> Result<PrivateKey, Refusal> {
    let made = tokio::task::spawn_blocking(|| PrivateKey::generate(BITS, EXPONENT)).await;
    made.map_err(internal)?.map_err(internal)
}

fn identity(name: &str, kind: strongroom_pki::Kind, now_ms: i64, ends_ms: i64) -> Identity {
    // Clocks differ.
    let not_before = (now_ms - DAY_MS).div_euclid(1000);
    let validity = Validity { not_before, not_after: ends_ms.div_euclid(1000) };
    Identity::new(Name::default().common_name(name), kind, validity)
}

fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Refusal {
    Refusal::Internal(error.into())
}
