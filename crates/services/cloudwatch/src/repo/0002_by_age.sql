-- What is to be dropped is found by its age, whatever else there is.
CREATE INDEX cloudwatch_points_by_age ON cloudwatch_points (resolution, at_ms);
CREATE INDEX cloudwatch_metrics_by_age ON cloudwatch_metrics (newest_ms);
