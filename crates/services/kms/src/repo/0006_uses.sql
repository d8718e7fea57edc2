-- Last uses decide what policies say of kms:TrailingDaysWithoutKeyUsage, so each row is sealed. They come from the
-- journal, which is read again from its beginning.
DROP TABLE kms_last_uses;

CREATE TABLE kms_last_uses (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    key_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    used_ms BIGINT NOT NULL,
    event_id BYTEA NOT NULL,
    request_id TEXT,
    mac BYTEA NOT NULL,
    PRIMARY KEY (account, region, key_id)
);

DELETE FROM kms_readings;
