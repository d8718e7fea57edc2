-- Multi-Region keys: the Regions of a set of related keys, the primary key's first (NULL: a key of one Region), when a
-- state that does not last is over, and how many days after its last replica a primary key is deleted.
ALTER TABLE kms_keys ADD COLUMN multi_region TEXT;
ALTER TABLE kms_keys ADD COLUMN until_ms BIGINT;
ALTER TABLE kms_keys ADD COLUMN pending_window_days BIGINT;
