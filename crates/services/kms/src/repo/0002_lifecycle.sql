ALTER TABLE kms_keys ADD COLUMN service TEXT;
ALTER TABLE kms_keys ADD COLUMN policy TEXT;
ALTER TABLE kms_keys ADD COLUMN tags TEXT;
ALTER TABLE kms_keys ADD COLUMN deletion_ms BIGINT;
ALTER TABLE kms_keys ADD COLUMN rotation_days BIGINT;
ALTER TABLE kms_keys ADD COLUMN next_rotation_ms BIGINT;
ALTER TABLE kms_keys ADD COLUMN on_demand_rotations BIGINT;
ALTER TABLE kms_keys ADD COLUMN due_ms BIGINT;
ALTER TABLE kms_materials ADD COLUMN rotation TEXT;

CREATE INDEX kms_keys_by_due ON kms_keys (due_ms, account, region, key_id);

CREATE TABLE kms_last_uses (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    key_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    used_ms BIGINT NOT NULL,
    event_id BYTEA NOT NULL,
    request_id TEXT,
    PRIMARY KEY (account, region, key_id)
);

CREATE TABLE kms_readings (
    journal TEXT PRIMARY KEY,
    stream TEXT NOT NULL,
    record BIGINT NOT NULL
);
