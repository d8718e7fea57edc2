"""CloudHSM, on an active cluster with HSMs in it and a backup of it."""

from matrix.rows.row import row

BACKUP = {"BackupId": "<backup>"}
CLUSTER = {"ClusterId": "<cluster>"}
TAGS = {"TagList": [{"Key": "team", "Value": "keys"}]}
SUBNETS = {"HsmType": "hsm2m.medium", "Mode": "FIPS", "SubnetIds": ["subnet-0123456789abcdef0"]}
NO_BACKUP = {"BackupId": "backup-abcdefgh234"}
NO_CLUSTER = {"ClusterId": "cluster-abcdefgh234"}

ROWS = [
    # The other Region has no cluster, and a copy stays there: a new one for each who may.
    row("CopyBackupToRegion", **BACKUP, DestinationRegion="eu-central-1"),
    row("CopyBackupToRegion", "that is not there", **NO_BACKUP, DestinationRegion="eu-central-1"),
    row("CreateCluster", **SUBNETS),
    row("CreateCluster", "with tags", **SUBNETS, **TAGS),
    row("CreateCluster", "from a backup", **SUBNETS, SourceBackupId="<backup>"),
    # In this zone it has no subnet.
    row("CreateHsm", **CLUSTER, AvailabilityZone="us-east-1f"),
    row("DeleteBackup", **BACKUP, undo=("RestoreBackup", BACKUP)),
    row("DeleteBackup", "that is not there", **NO_BACKUP),
    row("DeleteCluster", **CLUSTER),
    row("DeleteCluster", "that is not there", **NO_CLUSTER),
    row("DeleteHsm", **CLUSTER, HsmId="hsm-abcdefgh234"),
    row("DeleteResourcePolicy", ResourceArn="<backup-arn>"),
    row("DescribeBackups"),
    row("DescribeClusters"),
    row("GetResourcePolicy", ResourceArn="<backup-arn>"),
    row("InitializeCluster", **CLUSTER, SignedCert="-", TrustAnchor="-"),
    row("ListTags", ResourceId="<cluster>"),
    row("ListTags", "of a backup", ResourceId="<backup>"),
    row("ModifyBackupAttributes", **BACKUP, NeverExpires=True),
    row("ModifyCluster", **CLUSTER, BackupRetentionPolicy={"Type": "DAYS", "Value": "10"}),
    row(
        "PutResourcePolicy",
        ResourceArn="<backup-arn>",
        Policy="<backup-policy>",
        undo=("DeleteResourcePolicy", {"ResourceArn": "<backup-arn>"}),
    ),
    row("RestoreBackup", **BACKUP),
    row("TagResource", ResourceId="<cluster>", **TAGS),
    row("TagResource", "a backup", ResourceId="<backup>", **TAGS),
    row("UntagResource", ResourceId="<cluster>", TagKeyList=["absent"]),
]
