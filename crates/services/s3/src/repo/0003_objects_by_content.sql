-- What an upload has become is found by its content, however many versions its key has.
CREATE INDEX s3_objects_by_content ON s3_objects (content);
