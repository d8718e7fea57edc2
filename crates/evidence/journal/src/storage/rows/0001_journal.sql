-- Whose journals there are. Who takes one raises its fence: whoever had it before cannot write any more.
CREATE TABLE journal_chains (
    chain TEXT PRIMARY KEY,
    fence BIGINT NOT NULL
);

-- What segments hold, in pieces: `length` bytes of the segment from `position` on. The first piece of each segment begins
-- with its header and names the chain. Each piece begins where a frame does; `first_record` is the number of that frame's
-- first record. `packing` is 0 for the bytes themselves, 1 for a frame of zstd.
CREATE TABLE journal_pieces (
    stream TEXT NOT NULL,
    segment BIGINT NOT NULL,
    position BIGINT NOT NULL,
    chain TEXT,
    length BIGINT NOT NULL,
    packing BIGINT NOT NULL,
    first_record BIGINT,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (stream, segment, position)
);

CREATE INDEX journal_segments ON journal_pieces (stream, segment, chain) WHERE position = 0;

-- Signed checkpoints of each chain, in the order in which they were made.
CREATE TABLE journal_checkpoints (
    chain TEXT NOT NULL,
    place BIGINT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (chain, place)
);
