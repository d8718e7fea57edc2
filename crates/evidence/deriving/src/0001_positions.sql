-- How far each follower has had each stream of the journal. The row moves in the transaction that holds what was
-- derived, and only from where the follower found it: of two servers on one store one commits.
CREATE TABLE deriving_positions (
    follower TEXT NOT NULL,
    stream TEXT NOT NULL,
    -- The last record that it has had; -1 before the first.
    record BIGINT NOT NULL,
    -- Whether the stream is closed and there is nothing behind that record.
    done BIGINT NOT NULL,
    PRIMARY KEY (follower, stream)
);
