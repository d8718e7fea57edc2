"""CloudTrail: the event history and trails."""

from matrix.rows.row import row

TAGS = [{"Key": "team", "Value": "keys"}]
ARN = {"ResourceId": "<trail>", "TagsList": TAGS}
OTHER_TAGS = [{"Key": "nobody-has-this"}]

ROWS = [
    row("AddTags", **ARN),
    # The name is taken, which is told to whom it may concern.
    row("CreateTrail", Name="<trail-name>", S3BucketName="matrix-evidence"),
    row("DeleteTrail", Name="absent"),
    row("DescribeTrails"),
    row("GetEventSelectors", TrailName="<trail-name>"),
    row("GetInsightSelectors", TrailName="<trail-name>"),
    row("GetTrail", Name="<trail-name>"),
    row("GetTrailStatus", Name="<trail-name>"),
    row("ListPublicKeys"),
    row("ListTags", ResourceIdList=["<trail>"]),
    row("ListTrails"),
    row("LookupEvents", MaxResults=1),
    row(
        "PutEventSelectors",
        TrailName="<trail-name>",
        EventSelectors=[{"ReadWriteType": "All", "IncludeManagementEvents": True}],
    ),
    row("PutInsightSelectors", TrailName="trail", InsightSelectors=[{"InsightType": "ApiCallRateInsight"}]),
    row("RemoveTags", ResourceId="<trail>", TagsList=OTHER_TAGS),
    row("StartLogging", Name="<trail-name>"),
    row("StopLogging", Name="<trail-name>"),
    row("UpdateTrail", Name="<trail-name>"),
    # A role without a group is refused, after the question of permission to pass it.
    row("UpdateTrail", "with a role", Name="<trail-name>", CloudWatchLogsRoleArn="<role>"),
]
