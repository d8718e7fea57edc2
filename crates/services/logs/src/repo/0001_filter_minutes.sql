-- Minutes of which a metric filter with a default value has looked at events: the default counts once for each, and not where
-- an event has fitted before.
CREATE TABLE logs_filter_minutes (
    group_id BYTEA NOT NULL,
    filter TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (group_id, filter, at_ms)
);

CREATE INDEX logs_filter_minutes_by_time ON logs_filter_minutes (at_ms);
