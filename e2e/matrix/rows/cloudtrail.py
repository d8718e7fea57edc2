"""CloudTrail: the event history, and trails, which are not there yet."""

from matrix.rows.row import row

TAGS = [{"Key": "team", "Value": "keys"}]
ARN = {"ResourceId": "<trail>", "TagsList": TAGS}

ROWS = [
    row("AddTags", **ARN),
    row("CreateTrail", Name="trail", S3BucketName="bucket-of-logs"),
    row("DeleteTrail", Name="trail"),
    row("DescribeTrails"),
    row("GetEventSelectors", TrailName="trail"),
    row("GetInsightSelectors", TrailName="trail"),
    row("GetTrail", Name="trail"),
    row("GetTrailStatus", Name="trail"),
    row("ListPublicKeys"),
    row("ListTags", ResourceIdList=["<trail>"]),
    row("ListTrails"),
    row("LookupEvents", MaxResults=1),
    row(
        "PutEventSelectors",
        TrailName="trail",
        EventSelectors=[{"ReadWriteType": "All", "IncludeManagementEvents": True}],
    ),
    row("PutInsightSelectors", TrailName="trail", InsightSelectors=[{"InsightType": "ApiCallRateInsight"}]),
    row("RemoveTags", **ARN),
    row("StartLogging", Name="trail"),
    row("StopLogging", Name="trail"),
    row("UpdateTrail", Name="trail"),
]
