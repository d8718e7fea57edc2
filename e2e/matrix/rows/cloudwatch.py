"""CloudWatch: metrics, alarms on them, and their tags."""

from matrix.rows.row import row

METRIC = {"Namespace": "Shop", "MetricName": "Orders"}
SPAN = {"StartTime": "2026-01-01T00:00:00Z", "EndTime": "2026-01-01T01:00:00Z"}
TAGS = [{"Key": "team", "Value": "keys"}]
ALARM = {
    **METRIC,
    "AlarmName": "<alarm>",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 3.0,
    "ComparisonOperator": "GreaterThanThreshold",
}

ROWS = [
    row("DeleteAlarms", "of none", AlarmNames=["absent"]),
    row("DescribeAlarmHistory", AlarmName="<alarm>", HistoryItemType="Action"),
    row("DescribeAlarms", AlarmNames=["<alarm>"]),
    row("DescribeAlarmsForMetric", **METRIC),
    row("DisableAlarmActions", "of none", AlarmNames=["absent"]),
    row("EnableAlarmActions", AlarmNames=["<alarm>"]),
    row(
        "GetMetricData",
        MetricDataQueries=[
            {"Id": "m", "MetricStat": {"Metric": METRIC, "Period": 60, "Stat": "Sum"}},
        ],
        **SPAN,
    ),
    row("GetMetricStatistics", Period=60, Statistics=["Sum"], **METRIC, **SPAN),
    row("ListMetrics", Namespace="Shop"),
    row("ListTagsForResource", ResourceARN="<alarm-arn>"),
    row("PutCompositeAlarm", AlarmName="composite", AlarmRule="FALSE"),
    row("PutMetricAlarm", **ALARM),
    row(
        "PutMetricAlarm",
        "new, with tags",
        undo=("DeleteAlarms", {"AlarmNames": ["tagged"]}),
        Tags=TAGS,
        **{**ALARM, "AlarmName": "tagged"},
    ),
    row("PutMetricData", Namespace="Shop", MetricData=[{"MetricName": "Orders", "Value": 1.0}]),
    row("SetAlarmState", AlarmName="<alarm>", StateValue="OK", StateReason="the matrix"),
    row("TagResource", ResourceARN="<alarm-arn>", Tags=TAGS),
    row("UntagResource", ResourceARN="<alarm-arn>", TagKeys=["absent"]),
]
