-- A ciphertext names its key by the id alone: whose key it is, is looked up.
CREATE INDEX kms_keys_by_id ON kms_keys (region, key_id);
