-- A group and its streams have random ids, by which events are kept: what is made anew under a name has nothing of what was
-- deleted.
CREATE TABLE logs_groups (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    group_id BYTEA NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    retention_days BIGINT,
    kms_key TEXT,
    protected BIGINT NOT NULL,
    tags TEXT,
    mac BYTEA NOT NULL,
    PRIMARY KEY (account, region, name)
);

CREATE TABLE logs_streams (
    group_id BYTEA NOT NULL,
    name TEXT NOT NULL,
    stream_id BYTEA NOT NULL,
    created_ms BIGINT NOT NULL,
    mac BYTEA NOT NULL,
    PRIMARY KEY (group_id, name)
);

CREATE UNIQUE INDEX logs_streams_by_id ON logs_streams (stream_id);

-- What events of a group are sealed under: a key, or what KMS opens.
CREATE TABLE logs_data_keys (
    group_id BYTEA NOT NULL,
    number BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (group_id, number)
);

-- Groups and streams that were deleted, and whose events are still to be removed: both ids, or that of a whole group twice.
CREATE TABLE logs_leavings (
    group_id BYTEA NOT NULL,
    stream_id BYTEA NOT NULL,
    deleted_ms BIGINT NOT NULL,
    PRIMARY KEY (group_id, stream_id)
);
