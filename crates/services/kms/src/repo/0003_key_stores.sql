CREATE TABLE kms_key_stores (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    store_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    name TEXT NOT NULL,
    cluster_id TEXT NOT NULL,
    certificate BYTEA NOT NULL,
    trust_anchor TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    state TEXT NOT NULL,
    since_ms BIGINT NOT NULL,
    error TEXT,
    password BYTEA,
    pending_password BYTEA,
    mac BYTEA NOT NULL,
    PRIMARY KEY (account, region, store_id),
    UNIQUE (account, region, name),
    UNIQUE (account, region, certificate)
);

CREATE INDEX kms_key_stores_by_state ON kms_key_stores (state, account, region, store_id);
