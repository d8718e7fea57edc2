//! Transactions: a closure that may run again.

use std::marker::PhantomData;
use std::pin::Pin;

use sqlx::SqlSafeStr;

use crate::connection::Connection;
use crate::retry::Retry;
use crate::{Db, Engine, Row, Statement, StoreError, Value};

/// What a transaction's closure gives back: `Box::pin(async move { ... })`.
pub type Work<'t, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 't>>;

/// An open transaction. All its statements see one state of the database, and their changes are made
/// together or not at all.
///
/// After an error from a statement the transaction is over, on both engines alike (PostgreSQL demands it):
/// to go on after a duplicate, write `ON CONFLICT DO NOTHING` and look at the row count.
///
/// `'env` is the lifetime of what the closure borrows from around it.
pub struct Tx<'env> {
    connection: Connection,
    state: State,
    /// Whether it has told others of a change.
    announced: bool,
    /// What has to hold of the change feed when it commits.
    mark: Option<u64>,
    // Invariant, as in `std::thread::Scope`: from `&'t mut Tx<'env>` the compiler learns that 'env
    // outlives 't, which lets the closure's future hold what the closure borrows.
    borrows: PhantomData<&'env mut &'env ()>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing stands in the way of a commit.
    Sound,
    /// A statement is on its way; whoever finds this state dropped that statement's future.
    Busy,
    /// A statement failed.
    Failed,
    /// A statement lost against another transaction: running again may help.
    Lost,
    /// Committed or rolled back: the connection is as good as new.
    Over,
}

impl Db {
    /// Runs `work` in a transaction and commits what it did, if it gives `Ok`; otherwise, or when the
    /// future is dropped, nothing has happened.
    ///
    /// ```
    /// # use strongroom_store::*;
    /// # const DEBIT: Statement = Statement::new("UPDATE accounts SET money = money - $2 WHERE name = $1");
    /// # const CREDIT: Statement = Statement::new("UPDATE accounts SET money = money + $2 WHERE name = $1");
    /// async fn pay(db: &Db, from: &str, to: &str, money: i64) -> Result<(), StoreError> {
    ///     db.transaction(|tx| {
    ///         Box::pin(async move {
    ///             tx.execute(DEBIT, &[from.into(), money.into()]).await?;
    ///             tx.execute(CREDIT, &[to.into(), money.into()]).await?;
    ///             Ok(())
    ///         })
    ///     })
    ///     .await
    /// }
    /// ```
    ///
    /// **It may run again**, so it does nothing but use `tx`: when it lost against another transaction
    /// (a serialization failure, a deadlock, a busy file, [`Tx::compare_and_set`]), whatever it gave back.
    /// After a few losses those of one server go on one at a time. After 20 attempts the last error is given,
    /// [`StoreError::Conflict`] if there was none.
    ///
    /// SQLite opens with `BEGIN IMMEDIATE` on the one writing connection: transactions are serial.
    /// PostgreSQL opens at `SERIALIZABLE`, so that code which is right on SQLite is right there: at
    /// `REPEATABLE READ` two transactions that each read what the other writes could both commit, and no
    /// test on SQLite would show it. The price, a retry now and then, falls on changes only: what is hot is
    /// cached and does not come here.
    ///
    /// Inside the closure only `tx` may be used: on SQLite the `Db` itself would wait for the connection
    /// that the closure holds.
    ///
    /// The closure is boxed rather than an `AsyncFn`, because the future of one that borrows cannot yet be
    /// proved `Send` where a handler must be.
    pub async fn transaction<'env, T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: for<'t> Fn(&'t mut Tx<'env>) -> Work<'t, T, E> + Send,
    {
        let mut retry = Retry::new(self.line());
        loop {
            let error = match self.attempt(&work).await {
                Attempt::Done(outcome) => return outcome,
                Attempt::Lost(error) => error,
            };
            if !retry.again().await {
                return Err(error.unwrap_or_else(|| StoreError::Conflict.into()));
            }
        }
    }

    async fn attempt<'env, T, E, F>(&self, work: &F) -> Attempt<T, E>
    where
        E: From<StoreError>,
        F: for<'t> Fn(&'t mut Tx<'env>) -> Work<'t, T, E> + Send,
    {
        let mut tx =
            match Tx::begin(self, self.pick("BEGIN IMMEDIATE", "BEGIN ISOLATION LEVEL SERIALIZABLE")).await {
                Ok(tx) => tx,
                Err(StoreError::Conflict) => return Attempt::Lost(None),
                Err(error) => return Attempt::Done(Err(error.into())),
            };
        let outcome = work(&mut tx).await;
        if tx.state == State::Lost {
            tx.roll_back().await;
            return Attempt::Lost(outcome.err());
        }
        let announced = tx.announced;
        match outcome {
            // Time has passed since whoever asked for this was allowed to, and the process may have stood still.
            Ok(_) if tx.mark.is_some_and(|mark| !self.feed().holds(mark)) => {
                tx.roll_back().await;
                Attempt::Done(Err(StoreError::stale().into()))
            }
            Ok(value) => match tx.commit().await {
                Ok(()) => {
                    if announced {
                        self.feed().committed();
                    }
                    Attempt::Done(Ok(value))
                }
                Err(StoreError::Conflict) => Attempt::Lost(None),
                Err(error) => Attempt::Done(Err(error.into())),
            },
            Err(error) => {
                tx.roll_back().await;
                Attempt::Done(Err(error))
            }
        }
    }
}

enum Attempt<T, E> {
    Done(Result<T, E>),
    Lost(Option<E>),
}

impl Tx<'_> {
    /// Opens a transaction with the engine's own words for it.
    pub(crate) async fn begin(db: &Db, begin: &'static str) -> Result<Self, StoreError> {
        let connection = db.writer().await?;
        let mut tx =
            Self { connection, state: State::Busy, announced: false, mark: None, borrows: PhantomData };
        tx.connection.run(begin).await?;
        tx.state = State::Sound;
        Ok(tx)
    }

    /// All rows that `statement` answers. It bounds them itself (`LIMIT`).
    pub async fn query(&mut self, statement: Statement, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.start(statement)?;
        let answer = self.connection.query(statement, values).await;
        self.settle(answer)
    }

    /// The row that `statement` answers; [`StoreError::RowCount`] when it is not one.
    pub async fn query_one(&mut self, statement: Statement, values: &[Value]) -> Result<Row, StoreError> {
        self.query_opt(statement, values).await?.ok_or(StoreError::RowCount { found: 0 })
    }

    /// The row that `statement` answers, if there is one; [`StoreError::RowCount`] when there are more.
    pub async fn query_opt(
        &mut self,
        statement: Statement,
        values: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        at_most_one(self.query(statement, values).await?)
    }

    /// How many rows `statement` changed.
    pub async fn execute(&mut self, statement: Statement, values: &[Value]) -> Result<u64, StoreError> {
        self.start(statement)?;
        let answer = self.connection.execute(statement, values).await;
        self.settle(answer)
    }

    /// Runs an `UPDATE ... WHERE version = $n` that must find its version. If it does not, the answer is
    /// [`StoreError::Conflict`] and the closure runs again: read the version inside the closure.
    pub async fn compare_and_set(
        &mut self,
        statement: Statement,
        values: &[Value],
    ) -> Result<(), StoreError> {
        match self.execute(statement, values).await? {
            1 => Ok(()),
            0 => {
                self.state = State::Lost;
                Err(StoreError::Conflict)
            }
            more => {
                self.state = State::Failed;
                Err(statement.misused(format!("a compare-and-set changed {more} rows")))
            }
        }
    }

    /// Changes rows by SQL with as many parameters as there are values.
    pub(crate) async fn change(
        &mut self,
        sql: impl SqlSafeStr + Send,
        values: &[Value],
    ) -> Result<u64, StoreError> {
        self.state = State::Busy;
        let answer = self.connection.change(sql, values).await;
        self.settle(answer)
    }

    /// Runs SQL of any kind.
    pub(crate) async fn run(&mut self, sql: impl SqlSafeStr + Send) -> Result<(), StoreError> {
        self.state = State::Busy;
        let answer = self.connection.run(sql).await;
        self.settle(answer)
    }

    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        // PostgreSQL answers the commit of a failed transaction by rolling it back, without an error.
        if self.state != State::Sound {
            self.roll_back().await;
            return Err(StoreError::Misuse {
                sql: "COMMIT",
                reason: "a statement of the transaction failed and its error was not passed on".to_owned(),
            });
        }
        self.state = State::Busy;
        let answer = self.connection.run("COMMIT").await;
        if answer.is_ok() {
            self.state = State::Over;
        }
        answer
    }

    /// Lets the transaction commit only if the feed's mark, where there is one, still [holds](crate::Feed::holds) right before:
    /// what was in memory then is what the change rests on. Otherwise it ends with [`StoreError::Unavailable`]. Of several marks
    /// the oldest counts.
    pub fn only_if_holds(&mut self, mark: Option<u64>) {
        self.mark = match (mark, self.mark) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    /// Undoes everything. Where even that fails, closing the connection does it.
    pub(crate) async fn roll_back(mut self) {
        if self.state == State::Busy {
            return;
        }
        self.state = State::Busy;
        if self.connection.run("ROLLBACK").await.is_ok() {
            self.state = State::Over;
        }
    }

    pub(crate) fn engine(&self) -> Engine {
        match self.connection {
            Connection::Sqlite(_) => Engine::Sqlite,
            Connection::Postgres(_) => Engine::Postgres,
        }
    }

    pub(crate) fn has_announced(&mut self) {
        self.announced = true;
    }

    fn start(&mut self, statement: Statement) -> Result<(), StoreError> {
        if self.state != State::Sound {
            return Err(statement.misused("an earlier statement of the transaction failed"));
        }
        self.state = State::Busy;
        Ok(())
    }

    fn settle<T>(&mut self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        self.state = match &answer {
            Ok(_) => State::Sound,
            Err(StoreError::Conflict) => State::Lost,
            Err(_) => State::Failed,
        };
        answer
    }
}

impl Drop for Tx<'_> {
    /// Only a connection that is known to be out of its transaction goes back to the pool. sqlx's own
    /// `Transaction` queues a rollback instead, and misses a `BEGIN` whose future was dropped (PostgreSQL)
    /// and a transaction that the engine has ended by itself (SQLite, on a full disk).
    fn drop(&mut self) {
        if self.state != State::Over {
            self.connection.discard();
        }
    }
}

pub(crate) fn at_most_one(mut rows: Vec<Row>) -> Result<Option<Row>, StoreError> {
    match rows.len() {
        0 | 1 => Ok(rows.pop()),
        found => Err(StoreError::RowCount { found }),
    }
}
