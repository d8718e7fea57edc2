-- Keys whose material their owner brings: where a key's material comes from (NULL: from here, or from its key store's
-- cluster), when the first of its materials expires, and whether one that belongs to it is not there.
ALTER TABLE kms_keys ADD COLUMN origin TEXT;
ALTER TABLE kms_keys ADD COLUMN expires_ms BIGINT;
ALTER TABLE kms_keys ADD COLUMN incomplete BIGINT;
-- How far an imported material is on its way into use (NULL: it was not imported), when it expires, and what its owner
-- says of it. One that is not there has neither handle nor token.
ALTER TABLE kms_materials ADD COLUMN import_stage TEXT;
ALTER TABLE kms_materials ADD COLUMN expires_ms BIGINT;
ALTER TABLE kms_materials ADD COLUMN import_description TEXT;

CREATE INDEX kms_keys_by_expiry ON kms_keys (expires_ms, account, region, key_id);
