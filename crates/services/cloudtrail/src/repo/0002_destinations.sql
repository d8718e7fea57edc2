-- Where a file's records go: 'bucket', or 'logs' for the trail's log group.
ALTER TABLE cloudtrail_files ADD COLUMN destination TEXT NOT NULL DEFAULT 'bucket';
