CREATE TABLE kms_partitions (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    partition_id BYTEA NOT NULL,
    incarnation BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    sealed_key BYTEA NOT NULL,
    PRIMARY KEY (account, region)
);

CREATE TABLE kms_keys (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    key_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    description TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    current_material BYTEA NOT NULL,
    mac BYTEA NOT NULL,
    PRIMARY KEY (account, region, key_id)
);

CREATE TABLE kms_materials (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    key_id TEXT NOT NULL,
    material_id BYTEA NOT NULL,
    handle BYTEA NOT NULL,
    token BYTEA NOT NULL,
    token_digest BYTEA NOT NULL,
    created_ms BIGINT NOT NULL,
    mac BYTEA NOT NULL,
    PRIMARY KEY (account, region, key_id, material_id),
    FOREIGN KEY (account, region, key_id) REFERENCES kms_keys (account, region, key_id)
);

CREATE TABLE kms_aliases (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    alias_name TEXT NOT NULL,
    key_id TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    mac BYTEA NOT NULL,
    PRIMARY KEY (account, region, alias_name),
    FOREIGN KEY (account, region, key_id) REFERENCES kms_keys (account, region, key_id)
);

CREATE INDEX kms_aliases_by_key ON kms_aliases (account, region, key_id, alias_name);
