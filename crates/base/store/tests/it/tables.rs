//! The tables that the tests use.

use strongroom_store::{Db, Migration, OpenOptions, Statement};
use strongroom_testkit::TestDatabase;

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        component: "shop",
        version: 1,
        name: "accounts",
        sql: "
CREATE TABLE accounts (
    name TEXT PRIMARY KEY,
    money BIGINT NOT NULL CHECK (money >= 0),
    version BIGINT NOT NULL
);
CREATE TABLE payments (
    account TEXT NOT NULL REFERENCES accounts (name),
    number BIGINT NOT NULL,
    PRIMARY KEY (account, number)
);
CREATE INDEX payments_by_number ON payments (number);",
    },
    Migration {
        component: "shop",
        version: 2,
        name: "values",
        sql: "
CREATE TABLE of_each_type (
    id BIGINT PRIMARY KEY,
    number BIGINT,
    ratio DOUBLE PRECISION,
    name TEXT,
    bytes BYTEA
)",
    },
];

pub(crate) const ADD_ACCOUNT: Statement =
    Statement::new("INSERT INTO accounts (name, money, version) VALUES ($1, $2, 1)");
pub(crate) const MONEY: Statement = Statement::new("SELECT money, version FROM accounts WHERE name = $1");
pub(crate) const ADD_MONEY: Statement =
    Statement::new("UPDATE accounts SET money = money + $2 WHERE name = $1");
pub(crate) const SWAP_MONEY: Statement =
    Statement::new("UPDATE accounts SET money = $2, version = version + 1 WHERE name = $1 AND version = $3");
pub(crate) const ADD_PAYMENT: Statement =
    Statement::new("INSERT INTO payments (account, number) VALUES ($1, $2)");
pub(crate) const COUNT_PAYMENTS: Statement =
    Statement::new("SELECT COUNT(*) AS payments FROM payments WHERE account = $1");

pub(crate) async fn open_again(database: &TestDatabase) -> Db {
    Db::open(database.url(), &OpenOptions::default()).await.unwrap()
}

pub(crate) async fn open(database: &TestDatabase) -> Db {
    let db = open_again(database).await;
    db.migrate(&[MIGRATIONS]).await.unwrap();
    db
}

pub(crate) async fn money(db: &Db, name: &str) -> i64 {
    db.query_one(MONEY, &[name.into()]).await.unwrap().i64("money").unwrap()
}
