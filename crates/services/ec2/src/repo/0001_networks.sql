CREATE TABLE ec2_networks (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    version BIGINT NOT NULL,
    dhcp_options_id TEXT NOT NULL,
    mac BYTEA NOT NULL,
    PRIMARY KEY (account, region)
);

CREATE TABLE ec2_resources (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    format BIGINT NOT NULL,
    document TEXT NOT NULL,
    mac BYTEA NOT NULL,
    PRIMARY KEY (account, region, resource_id),
    FOREIGN KEY (account, region) REFERENCES ec2_networks (account, region)
);
