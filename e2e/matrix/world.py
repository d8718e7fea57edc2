"""What is called on: one account with one of everything, by names that the rows use."""

import re
from copy import copy
from functools import cached_property

from rig import sdk
from rig.cluster import PATIENCE
from rig.node import wait_until
from rig.policy import allow, document, managed, root, trust
from rig.store import Store

PLACE = re.compile(r"<([a-z-]+)>")

OTHER_ACCOUNT = "444455556666"

IN_STORE = ("ECC_NIST_P256", "HMAC_256")
"""Keys that only key stores have."""

POLICIES = ("document", "trust", "key-policy", "backup-policy")
"""Names of what is only given, and never asked for."""


class World:
    """The account of a connected key store, with everything that the rows name."""

    def __init__(self, store: Store):
        self.cluster = store.cluster
        self.store = store
        self.node = store.cluster.aws.node
        self.account = self.client("sts").get_caller_identity()["Account"]
        self.things: dict[str, str | bytes] = {"account": self.account}

    def client(self, service: str, access_key_id: str = "test"):
        """boto3's client, of the account's root user or that of another account."""
        return sdk.client(self.node, service, access_key_id=access_key_id)

    def make(self) -> "World":
        self._make_entities()
        self._make_keys()
        self._make_network()
        self._make_alarm()
        self._make_bucket()
        self._make_log_group()
        self._find_backup()
        self._make_topic()
        self._make_trail()
        return self

    def fill(self, given):
        """The input with what its texts stand for."""
        match given:
            case dict():
                return {name: self.fill(value) for name, value in given.items()}
            case list():
                return [self.fill(value) for value in given]
            case str() if (whole := PLACE.fullmatch(given)) is not None:
                return self.things[whole[1]]
            case _:
                return given

    def without(self) -> "World":
        """The same account, where every name that there is stands for something that there is not."""
        other = copy(self)
        other.things = self.things | {
            "access-key": "AKIAIOSFODNN7EXAMPLE",
            "alarm": "absent",
            "alarm-arn": self.arn("alarm:absent", "cloudwatch"),
            "alias": "alias/absent",
            "alias-arn": self.arn("alias/absent", "kms"),
            "bucket": "absent-bucket",
            "copy-source": "absent-bucket/k",
            "log-group": "absent",
            "log-group-arn": self.arn("log-group:absent", "logs"),
            "trail": self.arn("trail/absent", "cloudtrail"),
            "trail-name": "absent",
            "upload": "absent",
            "version": "absent",
            "backup": "backup-abcdefgh234",
            "backup-arn": self.arn("backup/backup-abcdefgh234", "cloudhsm"),
            "cluster": "cluster-abcdefgh234",
            "device": self.things["no-device"],
            "egress-rule": "sgr-0123456789abcdef0",
            "group": "sg-0123456789abcdef0",
            "interface": "eni-0123456789abcdef0",
            "own-subnet": "subnet-0123456789abcdef0",
            "own-vpc": "vpc-0123456789abcdef0",
            "policy": self.things["no-policy"],
            "provider": self.things["no-provider"],
            "rule": "sgr-0123456789abcdef0",
            "second-group": "sg-0123456789abcdef0",
            "security-group-name": "absent",
            "subnet": "subnet-0123456789abcdef0",
            "subscription": self.arn("absent:01234567-89ab-4def-8123-456789abcdef", "sns"),
            "topic": self.arn("absent", "sns"),
            "user": self.arn("user/absent"),
            "vpc": "vpc-0123456789abcdef0",
        }
        other.things |= dict.fromkeys(("bare-user", "group-name", "role-name", "user-name"), "absent")
        other.things |= dict.fromkeys(
            ("agreeing", "closed", "doomed", "kem", "key", "mac", "signing"), self.things["no-key"]
        )
        other.things |= dict.fromkeys(("named-role", "reader-role", "shared-role"), self.things["no-role"])
        return other

    def describe(self, resource: str) -> str:
        """A resource as the sheets show it, the same each time."""
        for value, name in self._names:
            if resource == value:
                return f"<{name}>"
        for value, name in self._names:
            resource = resource.replace(value, f"<{name}>")
        return resource.replace(OTHER_ACCOUNT, "<other>")

    @cached_property
    def _names(self) -> list[tuple[str, str]]:
        shown = {name: value for name, value in self.things.items() if name not in POLICIES}
        found = [(value, name) for name, value in shown.items() if isinstance(value, str)]
        return sorted(found, key=lambda pair: -len(pair[0]))

    def arn(self, rest: str, service: str = "iam") -> str:
        region = "" if service == "iam" else "us-east-1"
        return f"arn:aws:{service}:{region}:{self.account}:{rest}"

    def _make_entities(self):
        iam = self.client("iam")
        text = document(allow("kms:Decrypt"))
        trusting = trust(root(self.account))
        policy = iam.create_policy(PolicyName="matrix", PolicyDocument=text)["Policy"]["Arn"]
        for _ in range(4):
            iam.create_policy_version(PolicyArn=policy, PolicyDocument=text)
        limit = document(allow(["kms:*", "sts:*"]))
        bound = iam.create_policy(PolicyName="only-keys", PolicyDocument=limit)["Policy"]["Arn"]
        iam.create_user(UserName="bare")
        iam.create_user(UserName="nobody")
        user = iam.create_user(UserName="target")["User"]["Arn"]
        keys = [iam.create_access_key(UserName="target")["AccessKey"]["AccessKeyId"] for _ in range(2)]
        iam.create_login_profile(UserName="target", Password="Correct-horse-7")
        iam.create_group(GroupName="people")
        iam.create_group(GroupName="others")
        iam.add_user_to_group(GroupName="people", UserName="target")
        iam.create_role(RoleName="target", AssumeRolePolicyDocument=trusting)
        for kind in ("user", "role", "group"):
            name = {f"{kind.title()}Name": "people" if kind == "group" else "target"}
            getattr(iam, f"put_{kind}_policy")(PolicyName="inline", PolicyDocument=text, **name)
            getattr(iam, f"attach_{kind}_policy")(PolicyArn=policy, **name)
        device = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]["SerialNumber"]
        provider = iam.create_open_id_connect_provider(Url="https://idp.example.com", ClientIDList=["client"])
        iam.create_account_alias(AccountAlias="matrix")
        service = iam.create_service_linked_role(AWSServiceName="cloudhsm.amazonaws.com")["Role"]["Arn"]
        reader = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trusting)["Role"]["Arn"]
        iam.attach_role_policy(RoleName="reader", PolicyArn=managed("ReadOnlyAccess"))
        named = trust({"AWS": self.arn("user/nobody")})
        named = iam.create_role(RoleName="named", AssumeRolePolicyDocument=named)["Role"]["Arn"]
        shared = trust(root(OTHER_ACCOUNT))
        shared = iam.create_role(RoleName="shared", AssumeRolePolicyDocument=shared)["Role"]["Arn"]
        self.things |= {
            "access-key": keys[0],
            "account-alias": "matrix",
            "bare-user": "bare",
            "device": device,
            "device-name": "phone",
            "document": text,
            "group": self.arn("group/people"),
            "group-name": "people",
            "named-role": named,
            "no-device": self.arn("mfa/absent"),
            "no-policy": self.arn("policy/absent"),
            "no-provider": self.arn("oidc-provider/absent.example.com"),
            "no-role": self.arn("role/absent"),
            "nobody": self.arn("user/nobody"),
            "only-keys": bound,
            "other-group": "others",
            "policy": policy,
            "policy-name": "matrix",
            "provider": provider["OpenIDConnectProviderArn"],
            "reader-role": reader,
            "role": self.arn("role/target"),
            "role-name": "target",
            "root-task": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials",
            "saml-provider": self.arn("saml-provider/idp"),
            "service-role": service,
            "shared-role": shared,
            "trust": trusting,
            "unattached": managed("IAMUserChangePassword"),
            "user": user,
            "user-name": "target",
        }

    def _make_alarm(self):
        cloudwatch = self.client("cloudwatch")
        cloudwatch.put_metric_alarm(
            AlarmName="matrix",
            Namespace="Shop",
            MetricName="Orders",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=3,
            ComparisonOperator="GreaterThanThreshold",
        )
        self.things |= {"alarm": "matrix", "alarm-arn": self.arn("alarm:matrix", "cloudwatch")}

    def _make_log_group(self):
        logs = self.client("logs")
        logs.create_log_group(logGroupName="matrix-logs")
        logs.create_log_stream(logGroupName="matrix-logs", logStreamName="s")
        self.things |= {"log-group": "matrix-logs", "log-group-arn": self.arn("log-group:matrix-logs", "logs")}

    def _make_bucket(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="matrix-objects")
        s3.put_bucket_versioning(Bucket="matrix-objects", VersioningConfiguration={"Status": "Enabled"})
        version = s3.put_object(Bucket="matrix-objects", Key="k", Body=b"k", Tagging="team=keys")["VersionId"]
        upload = s3.create_multipart_upload(Bucket="matrix-objects", Key="k")["UploadId"]
        self.things |= {"bucket": "matrix-objects", "copy-source": "matrix-objects/k"}
        self.things |= {"upload": upload, "version": version}

    def _make_trail(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="matrix-evidence")
        service = {"Service": "cloudtrail.amazonaws.com"}
        policy = document(
            allow("s3:GetBucketAcl", "arn:aws:s3:::matrix-evidence", Principal=service),
            allow("s3:PutObject", f"arn:aws:s3:::matrix-evidence/AWSLogs/{self.account}/*", Principal=service),
        )
        s3.put_bucket_policy(Bucket="matrix-evidence", Policy=policy)
        tags = [{"Key": "team", "Value": "keys"}]
        self.client("cloudtrail").create_trail(Name="matrix", S3BucketName="matrix-evidence", TagsList=tags)
        self.things |= {"trail": self.arn("trail/matrix", "cloudtrail"), "trail-name": "matrix"}

    def _make_topic(self):
        sns = self.client("sns")
        topic = self.arn("matrix", "sns")
        # Less than a topic has from the start: what identities may is told apart then.
        policy = document(
            allow("SNS:Publish", topic, Principal=root(self.account)),
            allow(["SNS:Publish", "SNS:Subscribe"], topic, Principal=root(OTHER_ACCOUNT)),
        )
        sns.create_topic(Name="matrix", Tags=[{"Key": "team", "Value": "keys"}])
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
        sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="matrix")
        asked = {"Protocol": "http", "Endpoint": "http://127.0.0.1:9/", "ReturnSubscriptionArn": True}
        subscription = sns.subscribe(TopicArn=topic, **asked)["SubscriptionArn"]
        absent = "01234567-89ab-4def-8123-456789abcdef"
        self.things |= {
            "no-subscription": f"{topic}:{absent}",
            "no-topic": self.arn("absent", "sns"),
            "subscription": subscription,
            "topic": topic,
        }

    def _make_keys(self):
        kms = self.client("kms")
        iam = self.client("iam")
        named = iam.create_user(UserName="named")["User"]["Arn"]
        policy = document(
            allow("kms:*", Principal=root(self.account)),
            allow("kms:*", Principal=root(OTHER_ACCOUNT)),
            allow("kms:*", Principal={"AWS": named}),
        )

        def key(spec: str = "SYMMETRIC_DEFAULT", usage: str = "ENCRYPT_DECRYPT") -> str:
            place = {"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": self.store.store_id} if spec in IN_STORE else {}
            made = kms.create_key(KeySpec=spec, KeyUsage=usage, Policy=policy, **place)
            return made["KeyMetadata"]["Arn"]

        shared, signing = key(), key("ECC_NIST_P256", "SIGN_VERIFY")
        agreeing, doomed = key("ECC_NIST_P256", "KEY_AGREEMENT"), key()
        kms.schedule_key_deletion(KeyId=doomed)
        only_named = document(allow("kms:*", Principal={"AWS": named}))
        closed = kms.create_key(Policy=only_named, BypassPolicyLockoutSafetyCheck=True)["KeyMetadata"]["Arn"]
        kms.create_alias(AliasName="alias/matrix", TargetKeyId=shared)
        grantee = iam.create_user(UserName="grantee")["User"]["Arn"]
        given = kms.create_grant(KeyId=shared, GranteePrincipal=grantee, Operations=["Decrypt", "DescribeKey"])
        self.things |= {
            "agreeing": agreeing,
            "agreeing-public": kms.get_public_key(KeyId=agreeing)["PublicKey"],
            "alias": "alias/matrix",
            "alias-arn": self.arn("alias/matrix", "kms"),
            "closed": closed,
            "cluster": self.cluster.cluster_id,
            "doomed": doomed,
            "grant": given["GrantId"],
            "kem": key("ML_KEM_512", "ENCAPSULATE_DECAPSULATE"),
            "key": shared,
            "key-policy": policy,
            "mac": key("HMAC_256", "GENERATE_VERIFY_MAC"),
            "named": named,
            "no-key": self.arn("key/00000000-0000-4000-8000-000000000000", "kms"),
            "sealed": kms.encrypt(KeyId=shared, Plaintext=b"a letter")["CiphertextBlob"],
            "signing": signing,
            "store-name": self.store.name,
        }

    def _make_network(self):
        ec2 = self.client("ec2")
        default = [{"Name": "is-default", "Values": ["true"]}]
        vpc = ec2.describe_vpcs(Filters=default)["Vpcs"][0]["VpcId"]
        in_zone = [{"Name": "availability-zone", "Values": ["us-east-1f"]}, {"Name": "vpc-id", "Values": [vpc]}]
        subnet = ec2.describe_subnets(Filters=in_zone)["Subnets"][0]["SubnetId"]
        group, second = (
            ec2.create_security_group(GroupName=name, Description="Of the matrix", VpcId=vpc)["GroupId"]
            for name in ("first", "second")
        )
        port = {"IpProtocol": "tcp", "FromPort": 2, "ToPort": 2, "IpRanges": [{"CidrIp": "192.0.2.0/24"}]}
        made = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[port])["SecurityGroupRules"]
        of_group = [{"Name": "group-id", "Values": [group]}]
        rules = ec2.describe_security_group_rules(Filters=of_group)["SecurityGroupRules"]
        own = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
        self.things |= {
            "egress-rule": next(rule["SecurityGroupRuleId"] for rule in rules if rule["IsEgress"]),
            "group": group,
            "interface": ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"],
            "own-subnet": ec2.create_subnet(VpcId=own, CidrBlock="10.77.1.0/24")["Subnet"]["SubnetId"],
            "own-vpc": own,
            "rule": made[0]["SecurityGroupRuleId"],
            "second-group": second,
            "security-group-name": "first",
            "subnet": subnet,
            "vpc": vpc,
        }

    def _find_backup(self):
        cloudhsm = self.client("cloudhsmv2")
        wanted = {"clusterIds": [self.cluster.cluster_id], "states": ["READY"]}
        found = wait_until(lambda: cloudhsm.describe_backups(Filters=wanted)["Backups"], "a backup", PATIENCE)
        backup = found[0]["BackupId"]
        arn = self.arn(f"backup/{backup}", "cloudhsm")
        shared = {"Effect": "Allow", "Principal": root(OTHER_ACCOUNT), "Action": "cloudhsm:DescribeBackups"}
        self.things |= {
            "backup": backup,
            "backup-arn": arn,
            "backup-policy": document(shared | {"Resource": arn}),
        }
