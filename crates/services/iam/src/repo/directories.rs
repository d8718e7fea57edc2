//! Rows of directories: one for each account, whose version counts all changes there, and one for each entity.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_crypto::digest::{Sha256, sha256};
use strongroom_identity::AccountId;
use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use super::topics::Made;
use super::unreadable;
use crate::domain::directory::{Directory, Entry};

/// The form of documents that is written here.
const FORMAT: i64 = 1;

/// Rows read at once.
const PAGE: i64 = 1000;

pub(super) const INSERT_ROOT: Statement = Statement::new(
    "INSERT INTO iam_directories (account, version, nonce, digest, mac) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (account) DO NOTHING",
);
pub(super) const FIND_ROOT: Statement =
    Statement::new("SELECT account, version, nonce, digest, mac FROM iam_directories WHERE account = $1");
/// The version before comes last: the others are the columns in their order, and the MAC.
pub(super) const UPDATE_ROOT: Statement = Statement::new(
    "UPDATE iam_directories SET version = $2, nonce = $3, digest = $4, mac = $5 \
     WHERE account = $1 AND version = $6",
);
pub(super) const PUT_ENTITY: Statement = Statement::new(
    "INSERT INTO iam_entities (account, entity_id, format, document, mac) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (account, entity_id) DO UPDATE \
     SET format = excluded.format, document = excluded.document, mac = excluded.mac",
);
pub(super) const DELETE_ENTITY: Statement =
    Statement::new("DELETE FROM iam_entities WHERE account = $1 AND entity_id = $2");
pub(super) const LIST_ENTITIES: Statement = Statement::new(
    "SELECT account, entity_id, format, document, mac FROM iam_entities \
     WHERE account = $1 AND entity_id > $2 ORDER BY entity_id LIMIT $3",
);

/// Whatever account it is of. There is no index: few ask, and they name at most a handful.
pub(super) const FIND_ID: Statement =
    Statement::new("SELECT entity_id FROM iam_entities WHERE entity_id = $1 LIMIT 1");

/// One account after another.
pub(super) const NEXT_ACCOUNT: Statement =
    Statement::new("SELECT account, mac FROM iam_directories WHERE account > $1 ORDER BY account LIMIT 1");

/// A row of `iam_directories`.
#[derive(Clone)]
pub(crate) struct Root {
    pub(crate) account: AccountId,
    pub(crate) version: i64,
    pub(crate) nonce: String,
    /// Over the MACs of all entities' rows.
    digest: [u8; 32],
}

impl Root {
    /// The root of an account that has no entities yet.
    pub(crate) fn new(account: AccountId, nonce: String) -> Self {
        Self { account, version: 0, nonce, digest: sha256(&[]) }
    }
}

/// A row of `iam_entities`. The document stays as it was read, because the MAC is over its bytes: a later
/// version may write it otherwise.
struct Entity {
    account: AccountId,
    document: String,
    entry: Entry,
}

impl AuthorityRow for Root {
    const TABLE: &'static str = "iam_directories";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("account", self.account.to_string().into()),
            ("version", self.version.into()),
            ("nonce", Value::from(&self.nonce)),
            ("digest", self.digest.into()),
        ]
    }

    fn key(&self) -> String {
        self.account.to_string()
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let (version, nonce) = (row.i64("version")?, row.text("nonce")?);
        Ok(Self { account: row.parse("account")?, version, nonce, digest: row.array("digest")? })
    }
}

impl AuthorityRow for Entity {
    const TABLE: &'static str = "iam_entities";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("account", self.account.to_string().into()),
            ("entity_id", Value::from(self.entry.id())),
            ("format", FORMAT.into()),
            ("document", Value::from(&self.document)),
        ]
    }

    fn key(&self) -> String {
        format!("{} of {}", self.entry.id(), self.account)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        if row.i64("format")? != FORMAT {
            return Err(unreadable("format", "it is of a newer Strongroom"));
        }
        let document = row.text("document")?;
        let entry: Entry = serde_json::from_str(&document).map_err(|error| unreadable("document", error))?;
        if entry.id() != row.text("entity_id")? {
            return Err(unreadable("entity_id", "the document is of another entity"));
        }
        Ok(Self { account: row.parse("account")?, document, entry })
    }
}

/// What there is of an account, or `None` if it never had an entity.
pub(crate) async fn find_root(db: &Db, mac: &RowMac, account: AccountId) -> Result<Option<Root>, StoreError> {
    read_root(mac, account, db.query_opt(FIND_ROOT, &[account.to_string().into()]).await?)
}

/// The same as a transaction sees it.
pub(crate) async fn load_root(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    account: AccountId,
) -> Result<Option<Root>, StoreError> {
    read_root(mac, account, tx.query_opt(FIND_ROOT, &[account.to_string().into()]).await?)
}

fn read_root(mac: &RowMac, account: AccountId, row: Option<Row>) -> Result<Option<Root>, StoreError> {
    match row.map(|row| mac.load::<Root>(&row)).transpose()? {
        Some(root) if root.account != account => {
            Err(StoreError::Corrupt { table: Root::TABLE, key: root.key() })
        }
        root => Ok(root),
    }
}

/// Adds the root of an account. Answers whether it did.
pub(crate) async fn insert_root(tx: &mut Tx<'_>, mac: &RowMac, root: &Root) -> Result<bool, StoreError> {
    Ok(tx.execute(INSERT_ROOT, &mac.values(root)).await? == 1)
}

/// The first account behind `after` that has a directory, and the MAC of its root.
pub(crate) async fn account_after(db: &Db, after: &str) -> Result<Option<(String, Vec<u8>)>, StoreError> {
    let row = db.query_opt(NEXT_ACCOUNT, &[after.into()]).await?;
    row.map(|row| Ok((row.text("account")?, row.blob("mac")?))).transpose()
}

/// Whether an entity of some account has that unique id.
pub(crate) async fn is_known(db: &Db, id: &str) -> Result<bool, StoreError> {
    Ok(db.query_opt(FIND_ID, &[id.into()]).await?.is_some())
}

/// All entities below a root. Two versions can be mixed in the answer: whoever reads outside a transaction
/// looks at the root again, and [checks](check) then.
pub(crate) async fn find_entities(db: &Db, mac: &RowMac, root: &Root) -> Result<Directory, StoreError> {
    let mut pages = Pages::new(root);
    while let Some(values) = pages.next() {
        pages.take(mac, &db.query(LIST_ENTITIES, &values).await?)?;
    }
    Ok(pages.finish())
}

/// The same as a transaction sees it, in one version.
pub(crate) async fn load_entities(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    root: &Root,
) -> Result<Directory, StoreError> {
    let mut pages = Pages::new(root);
    while let Some(values) = pages.next() {
        pages.take(mac, &tx.query(LIST_ENTITIES, &values).await?)?;
    }
    let directory = pages.finish();
    check(root, &directory)?;
    Ok(directory)
}

/// Whether the entities are those that the root was written with: all of them, and none of another version.
pub(crate) fn check(root: &Root, directory: &Directory) -> Result<(), StoreError> {
    if digest(&directory.macs) == root.digest {
        return Ok(());
    }
    Err(StoreError::Corrupt { table: Root::TABLE, key: root.key() })
}

/// The digest of MACs, all of one length, in the order of their ids. Each covers its id.
fn digest(macs: &BTreeMap<String, Vec<u8>>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for mac in macs.values() {
        hasher.update(mac);
    }
    hasher.finish()
}

/// Entities read page by page.
struct Pages<'r> {
    root: &'r Root,
    entries: Vec<Entry>,
    macs: BTreeMap<String, Vec<u8>>,
    more: bool,
}

impl<'r> Pages<'r> {
    fn new(root: &'r Root) -> Self {
        Self { root, entries: Vec::new(), macs: BTreeMap::new(), more: true }
    }

    /// The values that ask for the next page, if there is one.
    fn next(&self) -> Option<[Value; 3]> {
        let after = self.entries.last().map_or("", Entry::id);
        self.more.then(|| [self.root.account.to_string().into(), after.into(), PAGE.into()])
    }

    fn take(&mut self, mac: &RowMac, rows: &[Row]) -> Result<(), StoreError> {
        self.more = rows.len() as i64 == PAGE;
        for row in rows {
            let entity: Entity = mac.load(row)?;
            if entity.account != self.root.account {
                return Err(StoreError::Corrupt { table: Entity::TABLE, key: entity.key() });
            }
            self.macs.insert(entity.entry.id().to_owned(), row.blob("mac")?);
            self.entries.push(entity.entry);
        }
        Ok(())
    }

    fn finish(self) -> Directory {
        let Root { account, version, nonce, .. } = self.root.clone();
        let mut directory = Directory::new(account, version, nonce, self.entries);
        directory.macs = self.macs;
        directory
    }
}

/// Writes what has changed since the version before, and counts the version up: entities that are there are
/// put, the others removed.
pub(crate) async fn replace(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    directory: &mut Directory,
    changed: &BTreeSet<String>,
    before: i64,
) -> Result<(), StoreError> {
    let account = directory.account;
    let mut written = Vec::with_capacity(changed.len());
    for id in changed {
        let Some(entry) = directory.entry(id).cloned() else {
            directory.macs.remove(id);
            written.push((DELETE_ENTITY, vec![account.to_string().into(), id.into()]));
            continue;
        };
        let document = serde_json::to_string(&*entry).map_err(|error| unreadable("document", error))?;
        let entity = Entity { account, document, entry: Entry::clone(&entry) };
        let values = mac.values(&entity);
        if let Some(Value::Blob(mac)) = values.last() {
            directory.macs.insert(id.clone(), mac.clone());
        }
        written.push((PUT_ENTITY, values));
    }
    let (version, nonce) = (directory.version, directory.nonce.clone());
    let mut values = mac.values(&Root { account, version, nonce, digest: digest(&directory.macs) });
    values.push(before.into());
    tx.compare_and_set(UPDATE_ROOT, &values).await?;
    Made { account, version, nonce: &directory.nonce }.announce(tx).await?;
    for (statement, values) in written {
        tx.execute(statement, &values).await?;
    }
    Ok(())
}
