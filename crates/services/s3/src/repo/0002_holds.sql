-- Who copies objects' files, and until when no server on the store may remove any: he moves the end on while he is at it. One
-- that has died holds nothing for long.
CREATE TABLE s3_holds (
    hold TEXT NOT NULL PRIMARY KEY,
    ends_ms BIGINT NOT NULL
);
