-- A trail. One that was deleted stays under the name '~' and its id, which no caller can give, until what it logged has
-- been delivered.
CREATE TABLE cloudtrail_trails (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    trail_id TEXT NOT NULL,
    -- When something is to be done with the trail itself.
    due_ms BIGINT,
    format BIGINT NOT NULL,
    document TEXT NOT NULL,
    mac BYTEA NOT NULL,
    PRIMARY KEY (account, region, name),
    UNIQUE (trail_id)
);

-- How a trail's deliveries went.
CREATE TABLE cloudtrail_status (
    trail_id TEXT NOT NULL,
    format BIGINT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (trail_id)
);

-- A file that is being gathered, waits for its delivery, or waits for its digest. Which records it holds is said by its
-- slices and its selection: it can be made again as it was.
CREATE TABLE cloudtrail_files (
    file_id TEXT NOT NULL,
    trail_id TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    state TEXT NOT NULL,
    format BIGINT NOT NULL,
    selection TEXT NOT NULL,
    edition BIGINT NOT NULL,
    opened_ms BIGINT NOT NULL,
    due_ms BIGINT,
    records BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    oldest_ms BIGINT NOT NULL,
    newest_ms BIGINT NOT NULL,
    -- Where it goes, from the first try on.
    bucket TEXT,
    object_key TEXT,
    -- The hash of what was put there.
    hash TEXT,
    PRIMARY KEY (file_id)
);

-- The records of a stream that a file was gathered from: those of them that its selection has.
CREATE TABLE cloudtrail_slices (
    file_id TEXT NOT NULL,
    stream TEXT NOT NULL,
    first_record BIGINT NOT NULL,
    last_record BIGINT NOT NULL,
    PRIMARY KEY (file_id, stream)
);

-- The chain of a trail's digests in a Region.
CREATE TABLE cloudtrail_chains (
    trail_id TEXT NOT NULL,
    region TEXT NOT NULL,
    start_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    format BIGINT NOT NULL,
    -- The digest before.
    previous TEXT,
    -- The next digest, from the first try on: it is put as it is, however often.
    planned TEXT,
    PRIMARY KEY (trail_id, region)
);

-- What signs the digests of a Region. The private half goes when its time is over, the public one stays.
CREATE TABLE cloudtrail_keys (
    region TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    public_key BYTEA NOT NULL,
    private_key BYTEA,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    mac BYTEA NOT NULL,
    PRIMARY KEY (region, fingerprint)
);
