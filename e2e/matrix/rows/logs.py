"""CloudWatch Logs: groups, streams, events, metric filters; what there is not of it."""

from matrix.rows.row import row

GROUP = {"logGroupName": "<log-group>"}
STREAM = {**GROUP, "logStreamName": "s"}
TAGS = {"team": "keys"}
TRANSFORMATION = {"metricName": "m", "metricNamespace": "Shop", "metricValue": "1"}
FILTER = {**GROUP, "filterName": "f", "filterPattern": "x", "metricTransformations": [TRANSFORMATION]}
NEW = {"logGroupName": "matrix-new"}
NO_KEY = "alias/none"

ROWS = [
    row("AssociateKmsKey", "that is none", **GROUP, kmsKeyId=NO_KEY),
    row("CancelExportTask", taskId="t"),
    row("CreateExportTask", **GROUP, **{"from": 0, "to": 1}, destination="bucket"),
    row("CreateLogGroup", **NEW, undo=("DeleteLogGroup", NEW)),
    row("CreateLogGroup", "with tags", **NEW, tags=TAGS, undo=("DeleteLogGroup", NEW)),
    row("CreateLogStream", "that there is", **STREAM),
    row("DeleteLogGroup", "of none", logGroupName="matrix-none"),
    row("DeleteLogStream", "of none", **GROUP, logStreamName="none"),
    row("DeleteMetricFilter", "of none", **GROUP, filterName="none"),
    row("DeleteQueryDefinition", queryDefinitionId="q"),
    row("DeleteResourcePolicy", policyName="p"),
    row("DeleteRetentionPolicy", **GROUP),
    row("DeleteSubscriptionFilter", **GROUP, filterName="f"),
    row("DescribeAccountPolicies", policyType="DATA_PROTECTION_POLICY"),
    row("DescribeDestinations"),
    row("DescribeExportTasks"),
    row("DescribeIndexPolicies", logGroupIdentifiers=["<log-group>"]),
    row("DescribeLogGroups"),
    row("DescribeLogStreams", **GROUP),
    row("DescribeMetricFilters", **GROUP),
    row("DescribeQueries"),
    row("DescribeQueryDefinitions"),
    row("DescribeResourcePolicies"),
    row("DescribeSubscriptionFilters", **GROUP),
    row("DisassociateKmsKey", **GROUP),
    row("FilterLogEvents", **GROUP),
    row("GetDataProtectionPolicy", logGroupIdentifier="<log-group>"),
    row("GetLogEvents", **STREAM),
    row("GetLogGroupFields", **GROUP),
    row("GetLogRecord", logRecordPointer="p"),
    row("GetQueryResults", queryId="q"),
    row("ListLogGroups"),
    row("ListTagsForResource", resourceArn="<log-group-arn>"),
    row("ListTagsLogGroup", **GROUP),
    row("PutAccountPolicy", policyName="p", policyDocument="{}", policyType="DATA_PROTECTION_POLICY"),
    row("PutDataProtectionPolicy", logGroupIdentifier="<log-group>", policyDocument="{}"),
    row("PutDestination", destinationName="d", targetArn="arn:aws:kinesis:::stream", roleArn="arn:aws:iam:::role"),
    row("PutIndexPolicy", logGroupIdentifier="<log-group>", policyDocument="{}"),
    row("PutLogEvents", "of before", **STREAM, logEvents=[{"timestamp": 1, "message": "old"}]),
    row("PutLogGroupDeletionProtection", logGroupIdentifier="<log-group>", deletionProtectionEnabled=False),
    row("PutMetricFilter", **FILTER),
    row("PutQueryDefinition", name="q", queryString="fields @message"),
    row("PutResourcePolicy", policyName="p", policyDocument="{}"),
    row("PutRetentionPolicy", **GROUP, retentionInDays=30),
    row("PutSubscriptionFilter", **GROUP, filterName="f", filterPattern="", destinationArn="arn:aws:lambda:::f"),
    row("StartQuery", **GROUP, startTime=0, endTime=1, queryString="fields @message"),
    row("StopQuery", queryId="q"),
    row("TagLogGroup", **GROUP, tags=TAGS),
    row("TagResource", resourceArn="<log-group-arn>", tags=TAGS),
    row("TestMetricFilter", filterPattern="x", logEventMessages=["x"]),
    row("UntagLogGroup", **GROUP, tags=["absent"]),
    row("UntagResource", resourceArn="<log-group-arn>", tagKeys=["absent"]),
]
