CREATE TABLE cloudhsm_clusters (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    cluster_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    message TEXT,
    created_ms BIGINT NOT NULL,
    mode TEXT NOT NULL,
    vpc_id TEXT NOT NULL,
    subnets TEXT NOT NULL,
    security_group TEXT NOT NULL,
    retention_days BIGINT NOT NULL,
    source_backup TEXT,
    tags TEXT,
    csr TEXT,
    hsm_certificate TEXT,
    aws_certificate TEXT,
    manufacturer_certificate TEXT,
    cluster_certificate TEXT,
    trust_anchor TEXT,
    next_backup_ms BIGINT,
    deleted_ms BIGINT,
    mac BYTEA NOT NULL,
    PRIMARY KEY (account, region, cluster_id)
);

CREATE UNIQUE INDEX cloudhsm_clusters_by_id ON cloudhsm_clusters (cluster_id);

CREATE INDEX cloudhsm_clusters_by_due ON cloudhsm_clusters (next_backup_ms, cluster_id);

CREATE TABLE cloudhsm_hsms (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    cluster_id TEXT NOT NULL,
    hsm_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    message TEXT,
    created_ms BIGINT NOT NULL,
    zone TEXT NOT NULL,
    subnet_id TEXT NOT NULL,
    eni_id TEXT NOT NULL,
    eni_ip TEXT NOT NULL,
    token_digest BYTEA,
    device BYTEA,
    mac BYTEA NOT NULL,
    PRIMARY KEY (account, region, cluster_id, hsm_id),
    FOREIGN KEY (account, region, cluster_id) REFERENCES cloudhsm_clusters (account, region, cluster_id)
);

CREATE UNIQUE INDEX cloudhsm_hsms_by_id ON cloudhsm_hsms (hsm_id);

CREATE TABLE cloudhsm_backups (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    backup_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    cluster_id TEXT,
    blob_name TEXT NOT NULL,
    seal_epoch BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    copied_ms BIGINT,
    source_region TEXT,
    source_backup TEXT,
    source_cluster TEXT,
    never_expires BIGINT NOT NULL,
    delete_ms BIGINT,
    expires_ms BIGINT,
    due_ms BIGINT,
    mode TEXT NOT NULL,
    tags TEXT,
    policy TEXT,
    cluster_certificate TEXT,
    trust_anchor TEXT,
    mac BYTEA NOT NULL,
    PRIMARY KEY (account, region, backup_id)
);

CREATE UNIQUE INDEX cloudhsm_backups_by_id ON cloudhsm_backups (backup_id);

CREATE INDEX cloudhsm_backups_by_due ON cloudhsm_backups (due_ms, backup_id);

CREATE INDEX cloudhsm_backups_by_time ON cloudhsm_backups (account, region, created_ms, backup_id);

CREATE INDEX cloudhsm_backups_by_cluster ON cloudhsm_backups (cluster_id, created_ms, backup_id);

CREATE INDEX cloudhsm_backups_by_blob ON cloudhsm_backups (blob_name);

CREATE TABLE cloudhsm_log (
    cluster_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    entry BYTEA NOT NULL,
    PRIMARY KEY (cluster_id, sequence)
);

CREATE TABLE cloudhsm_log_snapshots (
    cluster_id TEXT PRIMARY KEY,
    sequence BIGINT NOT NULL
);

CREATE TABLE cloudhsm_log_backups (
    cluster_id TEXT PRIMARY KEY,
    sequence BIGINT NOT NULL
);

CREATE TABLE cloudhsm_blobs (
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    length BIGINT NOT NULL,
    complete BIGINT NOT NULL,
    PRIMARY KEY (kind, owner, name)
);

CREATE TABLE cloudhsm_pieces (
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    start BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (kind, owner, name, start)
);

CREATE TABLE cloudhsm_audit (
    hsm_id TEXT PRIMARY KEY,
    next BIGINT NOT NULL
);

CREATE TABLE cloudhsm_leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until_ms BIGINT NOT NULL,
    fence BIGINT NOT NULL
);
