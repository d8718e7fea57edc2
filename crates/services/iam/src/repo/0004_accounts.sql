-- The accounts that the operator has made.
CREATE TABLE iam_accounts (
    account TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    mac BYTEA NOT NULL
);
