ALTER TABLE kms_keys ADD COLUMN policy_principals TEXT;
