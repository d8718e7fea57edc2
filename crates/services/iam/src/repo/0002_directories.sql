-- NULL is the root user's.
ALTER TABLE iam_access_keys ADD COLUMN user_id TEXT;

-- One row for each account that has entities. Its version counts all changes to them, and its digest is over the
-- MACs of all of them: none can be taken away, or an older one put back.
CREATE TABLE iam_directories (
    account TEXT PRIMARY KEY,
    version BIGINT NOT NULL,
    nonce TEXT NOT NULL,
    digest BYTEA NOT NULL,
    mac BYTEA NOT NULL
);

CREATE TABLE iam_entities (
    account TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    format BIGINT NOT NULL,
    document TEXT NOT NULL,
    mac BYTEA NOT NULL,
    PRIMARY KEY (account, entity_id),
    FOREIGN KEY (account) REFERENCES iam_directories (account)
);

-- Aliases are unique among all accounts.
CREATE TABLE iam_account_aliases (
    account_alias TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    mac BYTEA NOT NULL
);

-- What the journal tells of access keys. It grants nothing.
CREATE TABLE iam_key_uses (
    access_key_id TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    region TEXT NOT NULL,
    used_ms BIGINT NOT NULL
);

CREATE TABLE iam_readings (
    journal TEXT PRIMARY KEY,
    stream TEXT NOT NULL,
    record BIGINT NOT NULL
);
