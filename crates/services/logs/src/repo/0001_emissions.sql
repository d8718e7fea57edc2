-- What events have said that CloudWatch has not taken yet. They are beside the events, and commit with them.
CREATE TABLE logs_emissions (
    number BIGINT PRIMARY KEY,
    format BIGINT NOT NULL,
    said TEXT NOT NULL
);

-- The last number, where the events have a file of their own, and what tells that file from others. There is one row.
CREATE TABLE logs_emission_numbers (
    only_one BIGINT PRIMARY KEY,
    source BYTEA NOT NULL,
    last BIGINT NOT NULL
);
