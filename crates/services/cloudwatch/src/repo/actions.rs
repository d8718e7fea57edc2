//! Rows of actions that are still to be taken.

use strongroom_crypto::random;
use strongroom_store::{Db, Row, Statement, StoreError, Tx};

use super::unreadable;
use crate::domain::home::Home;

const INSERT: Statement = Statement::new(
    "INSERT INTO cloudwatch_actions (account, region, action, alarm, alarm_type, topic, subject, message, attempts, taken_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0)",
);
const LIST: Statement = Statement::new(
    "SELECT account, region, action, alarm, alarm_type, topic, subject, message, attempts FROM cloudwatch_actions \
     WHERE taken_ms <= $1 ORDER BY account, region, action LIMIT $2",
);
const LIST_OF: Statement = Statement::new(
    "SELECT account, region, action, alarm, alarm_type, topic, subject, message, attempts FROM cloudwatch_actions \
     WHERE taken_ms <= $1 AND account = $3 AND region = $4 ORDER BY action LIMIT $2",
);
const TAKE: Statement = Statement::new(
    "UPDATE cloudwatch_actions SET attempts = attempts + 1, taken_ms = $5 \
     WHERE account = $1 AND region = $2 AND action = $3 AND attempts = $4",
);
const DONE: Statement =
    Statement::new("DELETE FROM cloudwatch_actions WHERE account = $1 AND region = $2 AND action = $3");

pub(crate) const STATEMENTS: &[Statement] = &[INSERT, LIST, LIST_OF, TAKE, DONE];

/// Notices that wait.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) home: Home,
    /// Moment, then random bytes: those of one account come in the order of their alarms' changes.
    pub(crate) action: Vec<u8>,
    pub(crate) alarm: String,
    pub(crate) alarm_type: String,
    pub(crate) topic: String,
    pub(crate) subject: String,
    pub(crate) message: String,
    pub(crate) attempts: i64,
}

impl Waiting {
    /// When the alarm's state became another, in domain time.
    pub(crate) fn changed_ms(&self) -> i64 {
        self.action.first_chunk().map_or(0, |head| i64::from_be_bytes(*head))
    }
}

/// The name of an action that follows from a change at a moment.
pub(crate) fn new_name(at_ms: i64) -> Result<Vec<u8>, StoreError> {
    let random: [u8; 8] = random::bytes().map_err(|error| unreadable("action", error))?;
    Ok([at_ms.to_be_bytes(), random].concat())
}

/// Adds an action to those that wait.
pub(crate) async fn add(tx: &mut Tx<'_>, waiting: &Waiting) -> Result<(), StoreError> {
    let [account, region] = waiting.home.columns();
    let values = [
        account,
        region,
        waiting.action.clone().into(),
        (&waiting.alarm).into(),
        (&waiting.alarm_type).into(),
        (&waiting.topic).into(),
        (&waiting.subject).into(),
        (&waiting.message).into(),
    ];
    tx.execute(INSERT, &values).await.map(drop)
}

/// The first of those that wait, of all or of one account and Region, and that nobody has taken since a moment of real time.
pub(crate) async fn list(
    db: &Db,
    of: Option<&Home>,
    since_ms: i64,
    most: u32,
) -> Result<Vec<Waiting>, StoreError> {
    let rows = match of {
        None => db.query(LIST, &[since_ms.into(), most.into()]).await?,
        Some(home) => {
            let [account, region] = home.columns();
            db.query(LIST_OF, &[since_ms.into(), most.into(), account, region]).await?
        }
    };
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Waiting, StoreError> {
    Ok(Waiting {
        home: Home::read(row)?,
        action: row.blob("action")?,
        alarm: row.text("alarm")?,
        alarm_type: row.text("alarm_type")?,
        topic: row.text("topic")?,
        subject: row.text("subject")?,
        message: row.text("message")?,
        attempts: row.i64("attempts")?,
    })
}

/// Takes an action at a moment of real time; answers whether nobody else has meanwhile.
pub(crate) async fn take(db: &Db, waiting: &Waiting, now_ms: i64) -> Result<bool, StoreError> {
    let [account, region] = waiting.home.columns();
    let values = [account, region, waiting.action.clone().into(), waiting.attempts.into(), now_ms.into()];
    Ok(db.execute(TAKE, &values).await? == 1)
}

/// Takes an action off those that wait.
pub(crate) async fn done(tx: &mut Tx<'_>, waiting: &Waiting) -> Result<(), StoreError> {
    let [account, region] = waiting.home.columns();
    tx.execute(DONE, &[account, region, waiting.action.clone().into()]).await.map(drop)
}
