//! Rows of the keys that sign messages, and of the authority that vouches for them.

use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Value};

use super::unreadable;

pub(super) const INSERT: Statement = Statement::new(
    "INSERT INTO sns_signers (name, kind, made_ms, ends_ms, private_key, certificate, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING",
);
pub(super) const FIND: Statement = Statement::new(
    "SELECT name, kind, made_ms, ends_ms, private_key, certificate, mac FROM sns_signers WHERE name = $1",
);
pub(super) const NEWEST: Statement = Statement::new(
    "SELECT name, kind, made_ms, ends_ms, private_key, certificate, mac FROM sns_signers WHERE kind = $1 \
     ORDER BY ends_ms DESC, name LIMIT 1",
);

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It signs the certificates of those that sign messages.
    Authority,
    /// It signs messages.
    Messages,
}

/// A key with its certificate, sealed.
#[derive(Clone, Debug)]
pub(crate) struct SignerRow {
    /// The certificate's name, which the end of its URL is made of.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) made_ms: i64,
    /// Until when the certificate is valid.
    pub(crate) ends_ms: i64,
    /// PKCS#8, sealed.
    pub(crate) private_key: Vec<u8>,
    /// PEM.
    pub(crate) certificate: String,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Authority => "AUTHORITY",
            Self::Messages => "MESSAGES",
        }
    }
}

impl AuthorityRow for SignerRow {
    const TABLE: &'static str = "sns_signers";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("name", Value::from(&self.name)),
            ("kind", self.kind.as_str().into()),
            ("made_ms", self.made_ms.into()),
            ("ends_ms", self.ends_ms.into()),
            ("private_key", Value::from(&self.private_key)),
            ("certificate", Value::from(&self.certificate)),
        ]
    }

    fn key(&self) -> String {
        self.name.clone()
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let kind = match row.text("kind")?.as_str() {
            "AUTHORITY" => Kind::Authority,
            "MESSAGES" => Kind::Messages,
            _ => return Err(unreadable("kind", "no kind of key")),
        };
        Ok(Self {
            name: row.text("name")?,
            kind,
            made_ms: row.i64("made_ms")?,
            ends_ms: row.i64("ends_ms")?,
            private_key: row.blob("private_key")?,
            certificate: row.text("certificate")?,
        })
    }
}

/// Adds a key, unless there is one of that name.
pub(crate) async fn insert(db: &Db, mac: &RowMac, signer: &SignerRow) -> Result<(), StoreError> {
    db.execute(INSERT, &mac.values(signer)).await.map(drop)
}

/// The key of that name.
pub(crate) async fn find(db: &Db, mac: &RowMac, name: &str) -> Result<Option<SignerRow>, StoreError> {
    let row = db.query_opt(FIND, &[name.into()]).await?;
    row.map(|row| mac.load_as(&row, name)).transpose()
}

/// The key of a kind whose certificate is valid longest.
pub(crate) async fn newest(db: &Db, mac: &RowMac, kind: Kind) -> Result<Option<SignerRow>, StoreError> {
    let row = db.query_opt(NEWEST, &[kind.as_str().into()]).await?;
    row.map(|row| mac.load(&row)).transpose()
}
