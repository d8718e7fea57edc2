"""SNS: topics, subscriptions, messages."""

from matrix.rows.row import row

TAGS = [{"Key": "team", "Value": "keys"}]
TOPIC = {"TopicArn": "<topic>"}

ROWS = [
    row("AddPermission", "of what no topic has", **TOPIC, Label="a", AWSAccountId=["<account>"], ActionName=["X"]),
    row("ConfirmSubscription", "with a wrong token", **TOPIC, Token="x"),
    row("CreateTopic", Name="matrix"),
    row("CreateTopic", "that keeps an order", Name="matrix.fifo"),
    row("CreateTopic", "with tags", Name="matrix", Tags=TAGS),
    row("DeleteTopic", "of none", TopicArn="<no-topic>"),
    row("GetDataProtectionPolicy", ResourceArn="<topic>"),
    row("GetSubscriptionAttributes", SubscriptionArn="<subscription>"),
    row("GetTopicAttributes", **TOPIC),
    row("ListSubscriptions"),
    row("ListSubscriptionsByTopic", **TOPIC),
    row("ListTagsForResource", ResourceArn="<topic>"),
    row("ListTopics"),
    row("Publish", **TOPIC, Message="hello"),
    row("PublishBatch", **TOPIC, PublishBatchRequestEntries=[{"Id": "a", "Message": "hello"}]),
    row("PutDataProtectionPolicy", ResourceArn="<topic>", DataProtectionPolicy="{}"),
    row("RemovePermission", "of none", **TOPIC, Label="absent"),
    row(
        "SetSubscriptionAttributes",
        SubscriptionArn="<subscription>",
        AttributeName="RawMessageDelivery",
        AttributeValue="false",
    ),
    row("SetTopicAttributes", **TOPIC, AttributeName="DisplayName", AttributeValue="matrix"),
    row("Subscribe", "by what there is not", **TOPIC, Protocol="pigeon", Endpoint="x"),
    row("TagResource", ResourceArn="<topic>", Tags=TAGS),
    row("Unsubscribe", "of none", SubscriptionArn="<no-subscription>"),
    row("UntagResource", ResourceArn="<topic>", TagKeys=["absent"]),
]
