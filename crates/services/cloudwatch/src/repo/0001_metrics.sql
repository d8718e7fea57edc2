-- Metrics and their points. On SQLite these tables are in a file of their own, so that points never queue behind the
-- services' writer.

CREATE TABLE cloudwatch_metrics (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    metric BYTEA NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    dimensions TEXT NOT NULL,
    newest_ms BIGINT NOT NULL,
    PRIMARY KEY (account, region, metric)
);

CREATE INDEX cloudwatch_metrics_by_name ON cloudwatch_metrics (account, region, namespace, name, metric);

CREATE TABLE cloudwatch_points (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    metric BYTEA NOT NULL,
    resolution BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    unit TEXT NOT NULL,
    samples DOUBLE PRECISION NOT NULL,
    total DOUBLE PRECISION NOT NULL,
    least DOUBLE PRECISION NOT NULL,
    most DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (account, region, metric, resolution, at_ms, unit)
);

-- From when on every minute of an account in a Region has a value of KMS's KeyUsageCount.
CREATE TABLE cloudwatch_beginnings (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (account, region)
);

-- Up to which moment what services tell of themselves has been taken down: once, whichever server does it.
CREATE TABLE cloudwatch_readings (
    reading TEXT PRIMARY KEY,
    read_ms BIGINT NOT NULL
);
