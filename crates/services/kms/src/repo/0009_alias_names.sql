-- The names of a key's aliases, with which policies decide about the key; NULL in rows from before, whose aliases say
-- it themselves until one of them changes.
ALTER TABLE kms_keys ADD COLUMN aliases TEXT;
