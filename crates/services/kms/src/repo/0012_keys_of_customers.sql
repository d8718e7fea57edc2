-- How many keys of its own an account has in a Region is counted whenever it makes one: by the index alone.
CREATE INDEX kms_keys_of_customers ON kms_keys (account, region, service);
