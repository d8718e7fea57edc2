-- The key of the stream's frame that comes next, sealed: what proves it. Whoever set a position ahead, or planted one, would
-- have records left out of what is derived: the MAC shows that.
ALTER TABLE deriving_positions ADD COLUMN proof BYTEA;
ALTER TABLE deriving_positions ADD COLUMN mac BYTEA;
