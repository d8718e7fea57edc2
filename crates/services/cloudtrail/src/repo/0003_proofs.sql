-- What proves the records of a slice when they are read again for the file: the key of a frame before them, sealed.
ALTER TABLE cloudtrail_slices ADD COLUMN proof BYTEA;
