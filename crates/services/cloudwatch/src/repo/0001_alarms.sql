CREATE TABLE cloudwatch_alarms (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    format BIGINT NOT NULL,
    document TEXT NOT NULL,
    mac BYTEA NOT NULL,
    PRIMARY KEY (account, region, name)
);

CREATE TABLE cloudwatch_history (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    item BYTEA NOT NULL,
    alarm TEXT NOT NULL,
    alarm_type TEXT NOT NULL,
    kind TEXT NOT NULL,
    summary TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (account, region, at_ms, item)
);

CREATE INDEX cloudwatch_history_of_alarm ON cloudwatch_history (account, region, alarm, at_ms, item);

-- Actions that are still to be taken. They commit together with the change of state that they follow from. Who takes one
-- says when, in real time: it is left to him for a while.
CREATE TABLE cloudwatch_actions (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    action BYTEA NOT NULL,
    alarm TEXT NOT NULL,
    alarm_type TEXT NOT NULL,
    topic TEXT NOT NULL,
    subject TEXT NOT NULL,
    message TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    taken_ms BIGINT NOT NULL,
    PRIMARY KEY (account, region, action)
);
