//! Rows of EC2: one for each account and Region, whose version counts all changes there, and one for each
//! resource. All carry a MAC: a security group says who reaches an HSM.

use std::collections::BTreeSet;

use strongroom_identity::Region;
pub(crate) use strongroom_outbox::post;
use strongroom_store::{AuthorityRow, Db, Migration, Row, RowMac, Statement, StoreError, Topic, Tx, Value};

use crate::domain::network::{Entry, Home, Network};

/// The tables of EC2, forward only.
pub const MIGRATIONS: &[Migration] = &[Migration {
    component: "ec2",
    version: 1,
    name: "networks",
    sql: include_str!("repo/0001_networks.sql"),
}];

/// What servers tell each other of networks, which is that there is something to look at: what is kept in memory is
/// asked for by its version.
pub(crate) const NETWORKS: Topic = Topic::new("ec2.networks");

/// The form of documents that is written here.
const FORMAT: i64 = 1;

/// Rows read at once.
const PAGE: i64 = 1000;

const INSERT_ROOT: Statement = Statement::new(
    "INSERT INTO ec2_networks (account, region, version, dhcp_options_id, mac) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (account, region) DO NOTHING",
);
const FIND_ROOT: Statement = Statement::new(
    "SELECT account, region, version, dhcp_options_id, mac FROM ec2_networks WHERE account = $1 AND region = $2",
);
/// The version before comes last: the others are the columns in their order, and the MAC.
const UPDATE_ROOT: Statement = Statement::new(
    "UPDATE ec2_networks SET version = $3, dhcp_options_id = $4, mac = $5 \
     WHERE account = $1 AND region = $2 AND version = $6",
);
const PUT_RESOURCE: Statement = Statement::new(
    "INSERT INTO ec2_resources (account, region, resource_id, format, document, mac) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account, region, resource_id) DO UPDATE \
     SET format = excluded.format, document = excluded.document, mac = excluded.mac",
);
const DELETE_RESOURCE: Statement =
    Statement::new("DELETE FROM ec2_resources WHERE account = $1 AND region = $2 AND resource_id = $3");
const LIST_RESOURCES: Statement = Statement::new(
    "SELECT account, region, resource_id, format, document, mac FROM ec2_resources \
     WHERE account = $1 AND region = $2 AND resource_id > $3 ORDER BY resource_id LIMIT $4",
);

/// Every statement, so that a test can show each to both engines.
pub const STATEMENTS: &[Statement] =
    &[INSERT_ROOT, FIND_ROOT, UPDATE_ROOT, PUT_RESOURCE, DELETE_RESOURCE, LIST_RESOURCES];

/// A row of `ec2_networks`.
#[derive(Clone)]
pub(crate) struct Root {
    pub(crate) home: Home,
    pub(crate) version: i64,
    pub(crate) dhcp_options_id: String,
}

/// A row of `ec2_resources`. The document stays as it was read, because the MAC is over its bytes: a later
/// version may write it otherwise.
struct Resource {
    home: Home,
    document: String,
    entry: Entry,
}

impl AuthorityRow for Root {
    const TABLE: &'static str = "ec2_networks";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let mut columns = home_columns(&self.home).to_vec();
        columns.extend([
            ("version", Value::from(self.version)),
            ("dhcp_options_id", Value::from(&self.dhcp_options_id)),
        ]);
        columns
    }

    fn key(&self) -> String {
        format!("{} in {}", self.home.account, self.home.region)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let (version, dhcp_options_id) = (row.i64("version")?, row.text("dhcp_options_id")?);
        Ok(Self { home: read_home(row)?, version, dhcp_options_id })
    }
}

impl AuthorityRow for Resource {
    const TABLE: &'static str = "ec2_resources";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let mut columns = home_columns(&self.home).to_vec();
        columns.extend([
            ("resource_id", Value::from(self.entry.id())),
            ("format", FORMAT.into()),
            ("document", Value::from(&self.document)),
        ]);
        columns
    }

    fn key(&self) -> String {
        format!("{} of {} in {}", self.entry.id(), self.home.account, self.home.region)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        if row.i64("format")? != FORMAT {
            return Err(unreadable("format", "it is of a newer Strongroom"));
        }
        let document = row.text("document")?;
        let entry: Entry = serde_json::from_str(&document).map_err(|error| unreadable("document", error))?;
        if entry.id() != row.text("resource_id")? {
            return Err(unreadable("resource_id", "the document is of another resource"));
        }
        Ok(Self { home: read_home(row)?, document, entry })
    }
}

/// What there is of an account in a Region, or `None` if it never used EC2 there.
pub(crate) async fn find_root(db: &Db, mac: &RowMac, home: &Home) -> Result<Option<Root>, StoreError> {
    read_root(mac, home, db.query_opt(FIND_ROOT, &name_of(home)).await?)
}

/// The same as a transaction sees it.
pub(crate) async fn load_root(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    home: &Home,
) -> Result<Option<Root>, StoreError> {
    read_root(mac, home, tx.query_opt(FIND_ROOT, &name_of(home)).await?)
}

fn read_root(mac: &RowMac, home: &Home, row: Option<Row>) -> Result<Option<Root>, StoreError> {
    match row.map(|row| mac.load::<Root>(&row)).transpose()? {
        Some(root) if root.home != *home => Err(StoreError::Corrupt { table: Root::TABLE, key: root.key() }),
        root => Ok(root),
    }
}

/// All resources below a root. Two versions can be mixed in the answer: whoever reads outside a transaction
/// looks at the root again.
pub(crate) async fn find_resources(db: &Db, mac: &RowMac, root: &Root) -> Result<Network, StoreError> {
    let mut pages = Pages::new(root);
    while let Some(values) = pages.next() {
        pages.take(mac, &db.query(LIST_RESOURCES, &values).await?)?;
    }
    Ok(pages.finish())
}

/// The same as a transaction sees it, in one version.
pub(crate) async fn load_resources(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    root: &Root,
) -> Result<Network, StoreError> {
    let mut pages = Pages::new(root);
    while let Some(values) = pages.next() {
        pages.take(mac, &tx.query(LIST_RESOURCES, &values).await?)?;
    }
    Ok(pages.finish())
}

/// Resources read page by page.
struct Pages<'r> {
    root: &'r Root,
    entries: Vec<Entry>,
    more: bool,
}

impl<'r> Pages<'r> {
    fn new(root: &'r Root) -> Self {
        Self { root, entries: Vec::new(), more: true }
    }

    /// The values that ask for the next page, if there is one.
    fn next(&self) -> Option<[Value; 4]> {
        let [account, region] = name_of(&self.root.home);
        let after = self.entries.last().map_or("", Entry::id);
        self.more.then(|| [account, region, after.into(), PAGE.into()])
    }

    fn take(&mut self, mac: &RowMac, rows: &[Row]) -> Result<(), StoreError> {
        self.more = rows.len() as i64 == PAGE;
        for row in rows {
            let resource: Resource = mac.load(row)?;
            if resource.home != self.root.home {
                return Err(StoreError::Corrupt { table: Resource::TABLE, key: resource.key() });
            }
            self.entries.push(resource.entry);
        }
        Ok(())
    }

    fn finish(self) -> Network {
        let Root { home, version, dhcp_options_id } = self.root.clone();
        Network::new(home, version, dhcp_options_id, self.entries)
    }
}

/// Adds the root of an account in a Region. Answers whether it did.
pub(crate) async fn insert_root(tx: &mut Tx<'_>, mac: &RowMac, root: &Root) -> Result<bool, StoreError> {
    Ok(tx.execute(INSERT_ROOT, &mac.values(root)).await? == 1)
}

/// Writes what has changed since the version before, and counts the version up.
pub(crate) async fn replace(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    network: &Network,
    changed: &BTreeSet<String>,
    before: i64,
) -> Result<(), StoreError> {
    let Network { home, version, dhcp_options_id, .. } = network;
    let root = Root { home: *home, version: *version, dhcp_options_id: dhcp_options_id.clone() };
    let mut values = mac.values(&root);
    values.push(before.into());
    tx.compare_and_set(UPDATE_ROOT, &values).await?;
    tx.announce(NETWORKS, &root.key()).await?;
    write(tx, mac, network, changed).await
}

/// Writes resources: those that are there are put, the others removed.
pub(crate) async fn write(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    network: &Network,
    changed: &BTreeSet<String>,
) -> Result<(), StoreError> {
    for id in changed {
        let [account, region] = name_of(&network.home);
        let Some(entry) = network.entry(id) else {
            tx.execute(DELETE_RESOURCE, &[account, region, id.into()]).await?;
            continue;
        };
        let document = serde_json::to_string(&**entry).map_err(|error| unreadable("document", error))?;
        let resource = Resource { home: network.home, document, entry: Entry::clone(entry) };
        tx.execute(PUT_RESOURCE, &mac.values(&resource)).await?;
    }
    Ok(())
}

fn name_of(home: &Home) -> [Value; 2] {
    [home.account.to_string().into(), home.region.name().into()]
}

fn home_columns(home: &Home) -> [(&'static str, Value); 2] {
    let [account, region] = name_of(home);
    [("account", account), ("region", region)]
}

fn read_home(row: &Row) -> Result<Home, StoreError> {
    let region =
        Region::named(&row.text("region")?).ok_or_else(|| unreadable("region", "no Region has that name"))?;
    Ok(Home { account: row.parse("account")?, region })
}

fn unreadable(column: &str, why: impl Into<strongroom_store::Source>) -> StoreError {
    StoreError::Column { column: column.to_owned(), source: why.into() }
}
