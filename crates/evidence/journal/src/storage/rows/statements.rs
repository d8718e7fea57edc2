//! The SQL of journals in a store.

use strongroom_store::{Migration, Statement};

/// The tables, forward only.
pub const MIGRATIONS: &[Migration] =
    &[Migration { component: "journal", version: 1, name: "rows", sql: include_str!("0001_journal.sql") }];

/// The statements that both engines take, so that a test can show each to both.
pub const STATEMENTS: &[Statement] = &[
    TAKE,
    RAISE,
    FENCE,
    CLOSE_OFF,
    CHAINS,
    ALL_CHAINS,
    STREAMS,
    STREAMS_OF,
    SEGMENTS,
    LISTED_OF,
    NEWEST_OF,
    ENDS,
    CHAIN_OF,
    AT,
    FETCH,
    NEXT,
    LAST,
    FRAME_OF,
    PACKED,
    REMOVE_PIECES,
    PUT_PIECE,
    COUNT_CHECKPOINTS,
    CHECKPOINTS,
    COPY_CHECKPOINT,
    REMOVE_CHECKPOINTS,
];

/// Statements that lock, which SQLite does not know and does not need: there nobody else writes.
pub const STATEMENTS_OF_POSTGRES: &[Statement] = &[PUT, PUT_CHECKPOINT];

/// Takes a chain for whoever writes it from now on.
pub(super) const TAKE: Statement = Statement::new(
    "INSERT INTO journal_chains (chain, fence) VALUES ($1, 1) \
     ON CONFLICT (chain) DO UPDATE SET fence = journal_chains.fence + 1 RETURNING fence",
);
/// Raises the fence of whoever has a chain: what he sent before has been done when this returns, or never will be.
pub(super) const RAISE: Statement =
    Statement::new("UPDATE journal_chains SET fence = $3 WHERE chain = $1 AND fence = $2");
pub(super) const FENCE: Statement = Statement::new("SELECT fence FROM journal_chains WHERE chain = $1");
/// Raises the fence of whoever wrote a stream, unless he has begun another since.
pub(super) const CLOSE_OFF: Statement = Statement::new(
    "UPDATE journal_chains SET fence = fence + 1 WHERE chain = $1 AND NOT EXISTS \
     (SELECT 1 FROM journal_pieces WHERE position = 0 AND journal_pieces.chain = $1 AND stream > $2)",
);
pub(super) const CHAINS: Statement = Statement::new(
    "SELECT chain FROM journal_chains UNION \
     SELECT chain FROM journal_pieces WHERE position = 0 AND chain IS NOT NULL ORDER BY 1 LIMIT $1",
);
/// Those of which only checkpoints are left too.
pub(super) const ALL_CHAINS: Statement = Statement::new(
    "SELECT chain FROM journal_chains UNION SELECT chain FROM journal_checkpoints UNION \
     SELECT chain FROM journal_pieces WHERE position = 0 AND chain IS NOT NULL ORDER BY 1 LIMIT $1",
);
pub(super) const STREAMS: Statement =
    Statement::new("SELECT DISTINCT stream FROM journal_pieces WHERE position = 0 ORDER BY stream LIMIT $1");
pub(super) const STREAMS_OF: Statement = Statement::new(
    "SELECT DISTINCT stream FROM journal_pieces WHERE position = 0 AND chain = $1 ORDER BY stream LIMIT $2",
);
pub(super) const SEGMENTS: Statement = Statement::new(
    "SELECT segment FROM journal_pieces WHERE position = 0 AND stream = $1 ORDER BY segment LIMIT $2",
);
pub(super) const LISTED_OF: Statement = Statement::new(
    "SELECT stream, segment FROM journal_pieces WHERE position = 0 AND chain = $1 \
     ORDER BY stream, segment LIMIT $2",
);
pub(super) const NEWEST_OF: Statement = Statement::new(
    "SELECT stream, segment FROM journal_pieces WHERE position = 0 AND chain = $1 \
     ORDER BY stream DESC, segment DESC LIMIT 1",
);
/// The last piece of the last segment of each chain that was ever taken, or of the one that is named: nobody writes another.
/// In steps, each done once and through an index: an engine that puts one into the next, or joins them, looks at everything.
pub(super) const ENDS: Statement = Statement::new(
    "WITH newest AS MATERIALIZED (SELECT chains.chain, \
     (SELECT MAX(stream) FROM journal_pieces WHERE position = 0 AND journal_pieces.chain = chains.chain) AS stream \
     FROM (SELECT CAST($1 AS TEXT) AS chain \
     UNION ALL SELECT chain FROM journal_chains WHERE CAST($1 AS TEXT) IS NULL) AS chains \
     WHERE chains.chain IS NOT NULL), \
     segments AS MATERIALIZED (SELECT chain, stream, \
     (SELECT MAX(segment) FROM journal_pieces WHERE position = 0 AND journal_pieces.stream = newest.stream \
     AND journal_pieces.chain = newest.chain) AS segment FROM newest), \
     ends AS MATERIALIZED (SELECT chain, stream, segment, \
     (SELECT MAX(position) FROM journal_pieces WHERE journal_pieces.stream = segments.stream \
     AND journal_pieces.segment = segments.segment) AS position FROM segments) \
     SELECT chain, stream, segment, position, \
     (SELECT length FROM journal_pieces WHERE journal_pieces.stream = ends.stream \
     AND journal_pieces.segment = ends.segment AND journal_pieces.position = ends.position) AS length \
     FROM ends ORDER BY chain LIMIT $2",
);
pub(super) const CHAIN_OF: Statement = Statement::new(
    "SELECT chain FROM journal_pieces WHERE position = 0 AND stream = $1 AND chain IS NOT NULL \
     ORDER BY segment LIMIT 1",
);
/// Puts a piece, if the chain is still its writer's. The lock makes whoever raises the fence wait until this is committed.
pub(super) const PUT: Statement = Statement::new(
    "INSERT INTO journal_pieces (stream, segment, position, chain, length, packing, first_record, bytes) \
     SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS BIGINT), CAST($4 AS TEXT), CAST($5 AS BIGINT), 0, \
     CAST($6 AS BIGINT), CAST($7 AS BYTEA) FROM journal_chains WHERE chain = $8 AND fence = $9 FOR SHARE \
     ON CONFLICT (stream, segment, position) DO NOTHING",
);
pub(super) const AT: Statement = Statement::new(
    "SELECT bytes FROM journal_pieces WHERE stream = $1 AND segment = $2 AND position = $3 AND packing = 0",
);
/// The pieces from the one at or before a place up to another place.
pub(super) const FETCH: Statement = Statement::new(
    "SELECT position, length, packing, bytes FROM journal_pieces WHERE stream = $1 AND segment = $2 \
     AND position >= (SELECT COALESCE(MAX(position), 0) FROM journal_pieces \
     WHERE stream = $1 AND segment = $2 AND position <= $3) AND position <= $4 ORDER BY position LIMIT $5",
);
pub(super) const NEXT: Statement = Statement::new(
    "SELECT position FROM journal_pieces WHERE stream = $1 AND segment = $2 AND position > $3 \
     ORDER BY position LIMIT 1",
);
pub(super) const LAST: Statement = Statement::new(
    "SELECT position, length FROM journal_pieces WHERE stream = $1 AND segment = $2 \
     ORDER BY position DESC LIMIT 1",
);
/// The last piece that begins at a record or before it.
pub(super) const FRAME_OF: Statement = Statement::new(
    "SELECT position FROM journal_pieces WHERE stream = $1 AND segment = $2 AND first_record <= $3 \
     ORDER BY position DESC LIMIT 1",
);
/// Whether anything of a segment is not packed.
pub(super) const PACKED: Statement = Statement::new(
    "SELECT position FROM journal_pieces WHERE stream = $1 AND segment = $2 AND packing = 0 LIMIT 1",
);
pub(super) const REMOVE_PIECES: Statement =
    Statement::new("DELETE FROM journal_pieces WHERE stream = $1 AND segment = $2");
/// Puts a piece that stands for others, or comes from elsewhere.
pub(super) const PUT_PIECE: Statement = Statement::new(
    "INSERT INTO journal_pieces (stream, segment, position, chain, length, packing, first_record, bytes) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);
pub(super) const COUNT_CHECKPOINTS: Statement = Statement::new(
    "SELECT COALESCE(MIN(place), 1) AS first, COALESCE(MAX(place), 0) AS last FROM journal_checkpoints \
     WHERE chain = $1",
);
pub(super) const CHECKPOINTS: Statement = Statement::new(
    "SELECT place, text FROM journal_checkpoints WHERE chain = $1 AND place >= $2 AND place < $3 \
     ORDER BY place LIMIT 100000",
);
pub(super) const PUT_CHECKPOINT: Statement = Statement::new(
    "INSERT INTO journal_checkpoints (chain, place, text) SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), \
     CAST($3 AS TEXT) FROM journal_chains WHERE chain = $1 AND fence = $4 FOR SHARE \
     ON CONFLICT (chain, place) DO NOTHING",
);
pub(super) const COPY_CHECKPOINT: Statement =
    Statement::new("INSERT INTO journal_checkpoints (chain, place, text) VALUES ($1, $2, $3)");
pub(super) const REMOVE_CHECKPOINTS: Statement =
    Statement::new("DELETE FROM journal_checkpoints WHERE chain = $1 AND place < $2");
