-- Batches of events that others deliver under a name: each is taken once.
CREATE TABLE logs_deliveries (
    stream_id BYTEA NOT NULL,
    name TEXT NOT NULL,
    taken_ms BIGINT NOT NULL,
    PRIMARY KEY (stream_id, name)
);

CREATE INDEX logs_deliveries_by_time ON logs_deliveries (taken_ms);
