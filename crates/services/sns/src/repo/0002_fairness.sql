-- Deliveries by account and subscription, so that queues are found without looking at every delivery.

CREATE INDEX sns_deliveries_by_queue ON sns_deliveries (account, subscription_id, due_ms);
