-- What the journal tells of users and roles: the last call of each to each service. It grants nothing.
CREATE TABLE iam_service_uses (
    entity_id TEXT NOT NULL,
    service TEXT NOT NULL,
    region TEXT NOT NULL,
    used_ms BIGINT NOT NULL,
    PRIMARY KEY (entity_id, service)
);

-- Reports of services last accessed, which their callers come back for.
CREATE TABLE iam_access_reports (
    job_id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    generated_ms BIGINT NOT NULL,
    content TEXT NOT NULL
);
CREATE INDEX iam_access_reports_by_account ON iam_access_reports (account, generated_ms);
