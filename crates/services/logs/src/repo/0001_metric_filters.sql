-- Metric filters of groups: what alarms hear of, so these carry a MAC.
CREATE TABLE logs_metric_filters (
    group_id BYTEA NOT NULL,
    name TEXT NOT NULL,
    metric TEXT NOT NULL,
    namespace TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    format BIGINT NOT NULL,
    rule TEXT NOT NULL,
    mac BYTEA NOT NULL,
    PRIMARY KEY (group_id, name)
);
