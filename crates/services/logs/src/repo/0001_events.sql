-- Events, sealed, and what is there of each stream. On SQLite these tables are in a file of their own, so that events never
-- queue behind the services' writer.

CREATE TABLE logs_stored (
    stream_id BYTEA PRIMARY KEY,
    group_id BYTEA NOT NULL,
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    ingested_ms BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    next_sequence BIGINT NOT NULL
);

CREATE INDEX logs_stored_of_group ON logs_stored (group_id, last_ms, stream_id);

CREATE TABLE logs_events (
    stream_id BYTEA NOT NULL,
    at_ms BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    group_id BYTEA NOT NULL,
    ingested_ms BIGINT NOT NULL,
    data_key BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (stream_id, at_ms, sequence)
);

CREATE INDEX logs_events_of_group ON logs_events (group_id, at_ms, stream_id, sequence);
