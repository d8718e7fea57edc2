-- Buckets, whose names are those of all accounts. The document holds what the owner has set, the policy with it.
CREATE TABLE s3_buckets (
    name TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    format BIGINT NOT NULL,
    document TEXT NOT NULL,
    mac BYTEA NOT NULL
);
CREATE UNIQUE INDEX s3_buckets_of_account ON s3_buckets (account, name);

-- Versions of objects, and delete markers, which have no content. Versions of a key are numbered as they were written.
-- The content's bytes are in files that s3_parts names.
CREATE TABLE s3_objects (
    bucket TEXT NOT NULL,
    object_key TEXT NOT NULL,
    number BIGINT NOT NULL,
    version_id TEXT NOT NULL,
    is_latest BIGINT NOT NULL,
    modified_ms BIGINT NOT NULL,
    content TEXT,
    size BIGINT NOT NULL,
    etag TEXT NOT NULL,
    data_key BYTEA,
    format BIGINT NOT NULL,
    document TEXT NOT NULL,
    mac BYTEA NOT NULL,
    PRIMARY KEY (bucket, object_key, number)
);
CREATE UNIQUE INDEX s3_objects_by_version ON s3_objects (bucket, object_key, version_id);

-- Multipart uploads that are under way.
CREATE TABLE s3_uploads (
    bucket TEXT NOT NULL,
    object_key TEXT NOT NULL,
    upload_id TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    data_key BYTEA,
    format BIGINT NOT NULL,
    document TEXT NOT NULL,
    mac BYTEA NOT NULL,
    PRIMARY KEY (bucket, object_key, upload_id)
);

-- Files with the bytes of contents: one of what was put whole, one for each part of an upload, whose id the content has
-- once it is complete. The file's key is sealed (SSE-S3) or wrapped by the content's data key (SSE-KMS).
CREATE TABLE s3_parts (
    content TEXT NOT NULL,
    number BIGINT NOT NULL,
    file TEXT NOT NULL,
    size BIGINT NOT NULL,
    etag TEXT NOT NULL,
    modified_ms BIGINT NOT NULL,
    sealed_key BYTEA,
    wrapped_key BYTEA,
    format BIGINT NOT NULL,
    document TEXT NOT NULL,
    mac BYTEA NOT NULL,
    PRIMARY KEY (content, number)
);
CREATE UNIQUE INDEX s3_parts_by_file ON s3_parts (file);

-- Files that nothing needs any more and that are still there.
CREATE TABLE s3_dropped_files (
    file TEXT NOT NULL PRIMARY KEY,
    dropped_ms BIGINT NOT NULL
);
