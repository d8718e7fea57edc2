ALTER TABLE kms_keys ADD COLUMN store TEXT;
ALTER TABLE kms_keys ADD COLUMN key_spec TEXT;
ALTER TABLE kms_keys ADD COLUMN key_usage TEXT;
ALTER TABLE kms_materials ADD COLUMN public_handle BYTEA;
ALTER TABLE kms_materials ADD COLUMN public_key BYTEA;

CREATE INDEX kms_keys_by_store ON kms_keys (account, region, store, key_id);

CREATE TABLE kms_leftovers (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    store TEXT NOT NULL,
    material_id BYTEA NOT NULL,
    key_id TEXT NOT NULL,
    condemned BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    mac BYTEA NOT NULL,
    PRIMARY KEY (account, region, store, material_id)
);

CREATE INDEX kms_leftovers_by_due ON kms_leftovers (due_ms, account, region, store, material_id);
