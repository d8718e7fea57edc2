CREATE TABLE sns_topics (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    attributes TEXT NOT NULL,
    policy TEXT,
    policy_principals TEXT,
    tags TEXT,
    mac BYTEA NOT NULL,
    PRIMARY KEY (account, region, name)
);

CREATE TABLE sns_subscriptions (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    topic TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    owner TEXT NOT NULL,
    principal TEXT NOT NULL,
    protocol TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    endpoint_digest BYTEA NOT NULL,
    state TEXT NOT NULL,
    is_guarded BIGINT NOT NULL,
    was_authenticated BIGINT NOT NULL,
    attributes TEXT NOT NULL,
    token_digest BYTEA,
    token_until_ms BIGINT,
    due_ms BIGINT,
    mac BYTEA NOT NULL,
    PRIMARY KEY (account, region, topic, subscription_id),
    FOREIGN KEY (account, region, topic) REFERENCES sns_topics (account, region, name)
);

CREATE UNIQUE INDEX sns_subscriptions_by_id ON sns_subscriptions (subscription_id);

CREATE UNIQUE INDEX sns_subscriptions_by_endpoint ON sns_subscriptions (account, region, topic, endpoint_digest);

CREATE INDEX sns_subscriptions_by_owner ON sns_subscriptions (owner, region, subscription_id);

CREATE INDEX sns_subscriptions_by_due ON sns_subscriptions (due_ms, subscription_id);

CREATE TABLE sns_messages (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    topic TEXT NOT NULL,
    message_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    published_ms BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (account, region, topic, message_id)
);

CREATE TABLE sns_deliveries (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    topic TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    failures BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    leased_until_ms BIGINT NOT NULL,
    PRIMARY KEY (account, region, topic, subscription_id, message_id)
);

CREATE INDEX sns_deliveries_by_due ON sns_deliveries (subscription_id, due_ms);

CREATE INDEX sns_deliveries_by_message ON sns_deliveries (account, region, topic, message_id);

CREATE TABLE sns_signers (
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    made_ms BIGINT NOT NULL,
    ends_ms BIGINT NOT NULL,
    private_key BYTEA NOT NULL,
    certificate TEXT NOT NULL,
    mac BYTEA NOT NULL,
    PRIMARY KEY (name)
);
