CREATE INDEX iam_access_keys_by_account ON iam_access_keys (account);

-- What the journal tells of roles. It grants nothing.
CREATE TABLE iam_role_uses (
    role_id TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    used_ms BIGINT NOT NULL
);

-- The last credential report of each account.
CREATE TABLE iam_credential_reports (
    account TEXT PRIMARY KEY,
    generated_ms BIGINT NOT NULL,
    content TEXT NOT NULL
);
