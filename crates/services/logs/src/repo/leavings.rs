//! Rows of what was deleted, and whose events are still to be removed.

use strongroom_store::{Db, Statement, StoreError, Tx};

use super::most;
use crate::domain::id::Id;

const ADD: Statement = Statement::new(
    "INSERT INTO logs_leavings (group_id, stream_id, deleted_ms) VALUES ($1, $2, $3) \
     ON CONFLICT (group_id, stream_id) DO NOTHING",
);
const LIST: Statement = Statement::new(
    "SELECT group_id, stream_id, deleted_ms FROM logs_leavings \
     WHERE group_id > $1 OR group_id = $1 AND stream_id > $2 ORDER BY group_id, stream_id LIMIT $3",
);
const DELETE: Statement = Statement::new("DELETE FROM logs_leavings WHERE group_id = $1 AND stream_id = $2");

pub(super) const STATEMENTS: &[Statement] = &[ADD, LIST, DELETE];

/// What was deleted: a stream, or a whole group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    Stream { group: Id, stream: Id },
    Group(Id),
}

impl Leaving {
    /// A group stands twice.
    fn ids(self) -> [Id; 2] {
        match self {
            Self::Stream { group, stream } => [group, stream],
            Self::Group(group) => [group, group],
        }
    }
}

/// Notes that something is deleted, and when.
pub(crate) async fn add(tx: &mut Tx<'_>, leaving: Leaving, now_ms: i64) -> Result<(), StoreError> {
    let [group, stream] = leaving.ids().map(Into::into);
    tx.execute(ADD, &[group, stream, now_ms.into()]).await.map(drop)
}

/// At most `limit` of them behind one, and when they were deleted.
pub(crate) async fn list(
    db: &Db,
    after: Option<Leaving>,
    limit: usize,
) -> Result<Vec<(Leaving, i64)>, StoreError> {
    let [group, stream] = after.map_or([Id::FIRST; 2], Leaving::ids).map(Into::into);
    let rows = db.query(LIST, &[group, stream, most(limit)]).await?;
    let read = |row| {
        let (group, stream) = (Id::read(row, "group_id")?, Id::read(row, "stream_id")?);
        let leaving = if group == stream { Leaving::Group(group) } else { Leaving::Stream { group, stream } };
        Ok((leaving, row.i64("deleted_ms")?))
    };
    rows.iter().map(read).collect()
}

/// Forgets one: its events are removed.
pub(crate) async fn delete(db: &Db, leaving: Leaving) -> Result<(), StoreError> {
    db.execute(DELETE, &leaving.ids().map(Into::into)).await.map(drop)
}
