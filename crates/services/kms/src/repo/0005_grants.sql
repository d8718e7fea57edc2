ALTER TABLE kms_keys ADD COLUMN grants BIGINT;

CREATE TABLE kms_grants (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    key_id TEXT NOT NULL,
    grant_id TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    name TEXT,
    grantee TEXT NOT NULL,
    retiring TEXT,
    terms TEXT NOT NULL,
    fingerprint BYTEA,
    mac BYTEA NOT NULL,
    PRIMARY KEY (account, region, key_id, grant_id),
    FOREIGN KEY (account, region, key_id) REFERENCES kms_keys (account, region, key_id)
);

CREATE INDEX kms_grants_by_grantee ON kms_grants (account, region, key_id, grantee, grant_id);
CREATE INDEX kms_grants_by_fingerprint ON kms_grants (account, region, key_id, fingerprint);
CREATE INDEX kms_grants_by_retiring ON kms_grants (retiring, region, grant_id);
