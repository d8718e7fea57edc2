"""What each operation is called with: one table for each service."""

from matrix.rows import cloudhsm, cloudtrail, cloudwatch, ec2, iam, kms, logs, s3, sns, sts
from matrix.rows.row import Row

ROWS: dict[str, list[Row]] = {
    "cloudhsm": cloudhsm.ROWS,
    "cloudtrail": cloudtrail.ROWS,
    "cloudwatch": cloudwatch.ROWS,
    "ec2": ec2.ROWS,
    "iam": iam.ROWS,
    "kms": kms.ROWS,
    "logs": logs.ROWS,
    "s3": s3.ROWS,
    "sns": sns.ROWS,
    "sts": sts.ROWS,
}
"""By the name of the service."""
