"""Records show what CloudTrail's show, member by member.

What is expected is what AWS publishes: for KMS the entries of "Logging AWS KMS API calls with AWS CloudTrail" (KMS
Developer Guide, one page an operation; each test names its own), for IAM and STS those of "Logging IAM and AWS STS API
calls with AWS CloudTrail" (IAM User Guide), for CloudHSM that of "Working with AWS CloudTrail and AWS CloudHSM"
(CloudHSM User Guide), and where none of them says it, records of real calls that Stratus Red Team publishes
(docs/detonation-logs). Where ours differ, docs/compatibility.md says so.
"""

import json
import time

import pytest

from rig import policy, sdk
from rig.authenticator import code, enable
from rig.node import wait_until
from rig.records import ORDER, changed, read, shown

PASSWORD = "Recorded-1-password!"
NO_KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.fixture
def made(history) -> dict:
    """A key's metadata."""
    return history.kms.create_key()["KeyMetadata"]


def test_kms_keys(history, made):
    """ct-createkey, ct-describekey, ct-disablekey, ct-enablekey, ct-update-key-description, ct-put-key-policy,
    ct-getkeypolicy, ct-tagresource, ct-untagresource, ct-schedule-key-deletion, ct-cancel-key-deletion."""
    kms, key, arn = history.kms, made["KeyId"], made["Arn"]
    resources = [history.resource("KMS::Key", arn)]
    named, answered = {"keyId": key}, {"keyId": arn}

    record = shown(history.last("CreateKey"))
    created = record["responseElements"]["keyMetadata"].pop("creationDate")
    time.strptime(created, "%b %d, %Y, %I:%M:%S %p")  # Aug 10, 2022, 10:38:27 PM
    assert record == changed(
        {
            "description": "",
            "origin": "AWS_KMS",
            "bypassPolicyLockoutSafetyCheck": False,
            "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "keySpec": "SYMMETRIC_DEFAULT",
            "keyUsage": "ENCRYPT_DECRYPT",
        },
        {
            "keyMetadata": {
                "aWSAccountId": history.account,
                "keyId": key,
                "arn": arn,
                "enabled": True,
                "description": "",
                "keyUsage": "ENCRYPT_DECRYPT",
                "keyState": "Enabled",
                "origin": "AWS_KMS",
                "keyManager": "CUSTOMER",
                "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
                "keySpec": "SYMMETRIC_DEFAULT",
                "encryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
                "multiRegion": False,
                "currentKeyMaterialId": made["CurrentKeyMaterialId"],
            }
        },
        resources=resources,
    )

    tags = [{"TagKey": "Department", "TagValue": "IT"}]
    document = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    kms.describe_key(KeyId=key)
    kms.disable_key(KeyId=key)
    kms.enable_key(KeyId=key)
    kms.update_key_description(KeyId=key, Description="New key description")
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=document)
    kms.tag_resource(KeyId=arn, Tags=tags)
    kms.untag_resource(KeyId=arn, TagKeys=["Dept"])
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=20)
    kms.cancel_key_deletion(KeyId=key)
    expected = {
        "DescribeKey": read(named),
        "GetKeyPolicy": read({**named, "policyName": "default"}),
        "DisableKey": changed(named, answered),
        "EnableKey": changed(named, answered),
        "UpdateKeyDescription": changed({**named, "description": "New key description"}, answered),
        "PutKeyPolicy": changed(
            {**named, "policyName": "default", "policy": document, "bypassPolicyLockoutSafetyCheck": False}
        ),
        "TagResource": changed({"keyId": arn, "tags": [{"tagKey": "Department", "tagValue": "IT"}]}, answered),
        "UntagResource": changed({"keyId": arn, "tagKeys": ["Dept"]}, answered),
        "CancelKeyDeletion": changed(named, answered),
    }
    for name, entry in expected.items():
        assert shown(history.last(name)) == {**entry, "resources": resources}, name
    scheduled = shown(history.last("ScheduleKeyDeletion"))
    time.strptime(scheduled["responseElements"].pop("deletionDate"), "%b %d, %Y, %I:%M:%S %p")
    assert scheduled == changed(
        {**named, "pendingWindowInDays": 20},
        {**answered, "keyState": "PendingDeletion", "pendingWindowInDays": 20},
        resources=resources,
    )


def test_kms_cryptography(history, made):
    """ct-encrypt, ct-decrypt, ct-reencrypt, ct-generatedatakey, ct-generatedatakeyplaintext, ct-generatedatakeypair,
    ct-generatedatakeypairwithoutplaintext, ct-generaterandom, with the `keyMaterialId` of 2025's entries."""
    kms, key, arn, context = history.kms, made["KeyId"], made["Arn"], {"Department": "Engineering", "Project": "Alpha"}
    about = {"resources": [history.resource("KMS::Key", arn)]}
    material = {"additionalEventData": {"keyMaterialId": made["CurrentKeyMaterialId"]}}
    algorithm = {"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}
    blob = kms.encrypt(KeyId=arn, Plaintext=b"in the clear", EncryptionContext=context)["CiphertextBlob"]
    kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    other = kms.create_key()["KeyMetadata"]
    kms.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext=context,
        DestinationKeyId=other["KeyId"],
        DestinationEncryptionContext={"Level": "3A"},
    )
    kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    kms.generate_data_key_without_plaintext(KeyId=key, NumberOfBytes=64)
    kms.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P256", EncryptionContext=context)
    kms.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec="ECC_NIST_P256")
    kms.generate_random(NumberOfBytes=32)
    expected = {
        "Encrypt": read({"keyId": arn, "encryptionContext": context, **algorithm}, **about, **material),
        "Decrypt": read({"encryptionContext": context, **algorithm}, **about, **material),
        "ReEncrypt": read(
            {
                "sourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
                "sourceEncryptionContext": context,
                "destinationKeyId": other["KeyId"],
                "destinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
                "destinationEncryptionContext": {"Level": "3A"},
            },
            resources=[history.resource("KMS::Key", arn), history.resource("KMS::Key", other["Arn"])],
            additionalEventData={
                "sourceKeyMaterialId": made["CurrentKeyMaterialId"],
                "destinationKeyMaterialId": other["CurrentKeyMaterialId"],
            },
        ),
        "GenerateDataKey": read(
            {"keyId": key, "keySpec": "AES_256", "encryptionContext": context}, **about, **material
        ),
        "GenerateDataKeyWithoutPlaintext": read({"keyId": key, "numberOfBytes": 64}, **about, **material),
        "GenerateDataKeyPair": read(
            {"keyId": key, "keyPairSpec": "ECC_NIST_P256", "encryptionContext": context}, **about, **material
        ),
        "GenerateDataKeyPairWithoutPlaintext": read(
            {"keyId": key, "keyPairSpec": "ECC_NIST_P256"}, **about, **material
        ),
        "GenerateRandom": read(None, resources=[]),
    }
    for name, entry in expected.items():
        assert shown(history.last(name)) == entry, name


def test_kms_keys_of_other_kinds(history):
    """ct-sign, ct-verify, ct-generate-mac, ct-verify-mac, ct-getpublickey: algorithms, and no bytes of messages nor
    of signatures. DeriveSharedSecret, Encapsulate and Decapsulate have no page; theirs are in the same form."""
    kms = history.kms

    def made(spec: str, usage: str) -> tuple[str, dict]:
        key = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]
        return key["KeyId"], {"resources": [history.resource("KMS::Key", key["Arn"])]}

    signing, of_signing = made("ECC_NIST_P256", "SIGN_VERIFY")
    mac, of_mac = made("HMAC_256", "GENERATE_VERIFY_MAC")
    agreeing, of_agreeing = made("ECC_NIST_P256", "KEY_AGREEMENT")
    kem, of_kem = made("ML_KEM_768", "ENCAPSULATE_DECAPSULATE")
    box, of_box = made("RSA_2048", "ENCRYPT_DECRYPT")
    ecdsa = {"KeyId": signing, "Message": b"in the clear", "SigningAlgorithm": "ECDSA_SHA_256"}
    signature = kms.sign(**ecdsa)["Signature"]
    kms.verify(**ecdsa, MessageType="RAW", Signature=signature)
    hmac = {"KeyId": mac, "Message": b"in the clear", "MacAlgorithm": "HMAC_SHA_256"}
    kms.verify_mac(**hmac, Mac=kms.generate_mac(**hmac)["Mac"])
    peer = kms.get_public_key(KeyId=agreeing)["PublicKey"]
    kms.derive_shared_secret(KeyId=agreeing, KeyAgreementAlgorithm="ECDH", PublicKey=peer)
    sent = kms.encapsulate(KeyId=kem, EncapsulationAlgorithm="ML_KEM")["SharedSecretCiphertextBlob"]
    kms.decapsulate(KeyId=kem, EncapsulationAlgorithm="ML_KEM", SharedSecretCiphertextBlob=sent)
    oaep = {"KeyId": box, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    blob = kms.encrypt(**oaep, Plaintext=b"in the clear")["CiphertextBlob"]
    kms.decrypt(**oaep, CiphertextBlob=blob)
    signed = {"keyId": signing, "messageType": "RAW", "signingAlgorithm": "ECDSA_SHA_256"}
    macked = {"keyId": mac, "macAlgorithm": "HMAC_SHA_256"}
    kemmed = {"keyId": kem, "encapsulationAlgorithm": "ML_KEM"}
    boxed = {"keyId": box, "encryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    expected = {
        "Sign": read(signed, **of_signing),
        "Verify": read(signed, **of_signing),
        "GenerateMac": read(macked, **of_mac),
        "VerifyMac": read(macked, **of_mac),
        "GetPublicKey": read({"keyId": agreeing}, **of_agreeing),
        "DeriveSharedSecret": read({"keyId": agreeing, "keyAgreementAlgorithm": "ECDH"}, **of_agreeing),
        "Encapsulate": read(kemmed, **of_kem),
        "Decapsulate": read(kemmed, **of_kem),
        "Encrypt": read(boxed, **of_box),
        "Decrypt": read(boxed, **of_box),
    }
    for name, entry in expected.items():
        record = history.last(name)
        assert shown(record) == entry, name
        assert "in the clear" not in json.dumps(record)


def test_kms_aliases_grants_and_rotation(history, made):
    """ct-createalias, ct-updatealias, ct-deletealias, ct-listaliases, ct-creategrant, ct-listgrants, ct-retire-grant,
    ct-revoke-grant, ct-enablekeyrotation, ct-disable-key-rotation, ct-rotatekeyondemand, ct-rotatekey."""
    kms, key, arn = history.kms, made["KeyId"], made["Arn"]
    root = f"arn:aws:iam::{history.account}:root"
    about = history.resource("KMS::Key", arn)
    alias = history.resource("KMS::Alias", f"arn:aws:kms:us-east-1:{history.account}:alias/ExampleAlias")
    kms.create_alias(AliasName="alias/ExampleAlias", TargetKeyId=key)
    kms.update_alias(AliasName="alias/ExampleAlias", TargetKeyId=key)
    kms.list_aliases(Limit=5)
    kms.delete_alias(AliasName="alias/ExampleAlias")
    constraints = {"EncryptionContextSubset": {"ContextKey1": "Value1"}}
    kms.create_grant(KeyId=arn, GranteePrincipal=root, Operations=["Encrypt", "RetireGrant"], Constraints=constraints)
    granted = shown(history.last("CreateGrant"))
    first = kms.list_grants(KeyId=key, Limit=10)["Grants"][0]["GrantId"]
    second = kms.create_grant(KeyId=key, GranteePrincipal=root, Operations=["Decrypt"])["GrantId"]
    kms.retire_grant(KeyId=arn, GrantId=first)
    kms.revoke_grant(KeyId=key, GrantId=second)
    kms.enable_key_rotation(KeyId=key)
    kms.disable_key_rotation(KeyId=arn)
    kms.rotate_key_on_demand(KeyId=key)
    assert granted == changed(
        {
            "keyId": arn,
            "constraints": {"encryptionContextSubset": {"ContextKey1": "Value1"}},
            "operations": ["Encrypt", "RetireGrant"],
            "granteePrincipal": root,
        },
        {"grantId": first, "keyId": arn},
        resources=[about],
    )
    named, answered = {"keyId": key}, {"keyId": arn}
    of_alias = {"aliasName": "alias/ExampleAlias"}
    expected = {
        "CreateAlias": changed({**of_alias, "targetKeyId": key}, answered, resources=[about, alias]),
        "UpdateAlias": changed({**of_alias, "targetKeyId": key}, answered, resources=[alias, about]),
        "DeleteAlias": changed(of_alias, answered, resources=[alias, about]),
        "ListAliases": read({"limit": 5}, resources=[]),
        "ListGrants": read({**named, "limit": 10}, resources=[about]),
        "RetireGrant": changed(None, additionalEventData={"grantId": first}, resources=[about]),
        "RevokeGrant": changed({**named, "grantId": second}, resources=[about]),
        "DisableKeyRotation": changed(answered, answered, resources=[about]),
        "RotateKeyOnDemand": changed(named, named, resources=[about]),
    }
    for name, entry in expected.items():
        assert shown(history.last(name)) == entry, name
    (rotated,) = wait_until(lambda: history.all("RotateKey"), "the record of a rotation")
    assert list(rotated) == [member for member in ORDER if member in rotated]
    assert rotated["userIdentity"] == {"accountId": history.account, "invokedBy": "AWS Internal"}
    assert (rotated["sourceIPAddress"], rotated["userAgent"]) == ("AWS Internal", "AWS Internal")
    assert (rotated["eventType"], "requestID" in rotated) == ("AwsServiceEvent", False)
    assert (rotated["requestParameters"], rotated["resources"]) == (None, [about])
    details = rotated["serviceEventDetails"]
    assert details.pop("currentKeyMaterialId") != made["CurrentKeyMaterialId"]
    assert details == {
        "rotationType": "ON_DEMAND",
        "keyOrigin": "AWS_KMS",
        "previousKeyMaterialId": made["CurrentKeyMaterialId"],
        "keyId": key,
    }


def test_refused_calls(history, made):
    """ct-decrypt ("unsuccessful"); EC2's codes name the side of the fault, IAM's end in Exception."""
    kms, key, arn = history.kms, made["KeyId"], made["Arn"]
    of_bob = history.iam.create_user(UserName="bob")["User"]["Arn"]
    bob = history.iam.create_access_key(UserName="bob")["AccessKey"]
    algorithm = {"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}
    refused = [
        (lambda: kms.encrypt(KeyId=NO_KEY, Plaintext=b"x"), "Encrypt", "NotFoundException"),
        (lambda: kms.encrypt(KeyId=key, Plaintext=b"x", DryRun=True), "Encrypt", "DryRunOperationException"),
        (lambda: history.as_("kms", bob).encrypt(KeyId=key, Plaintext=b"x"), "Encrypt", "AccessDenied"),
        (lambda: kms.disable_key_rotation(KeyId=NO_KEY), "DisableKeyRotation", "NotFoundException"),
        (lambda: history.iam.create_user(UserName="bob"), "CreateUser", "EntityAlreadyExistsException"),
        (lambda: history.iam.get_user(UserName="nobody"), "GetUser", "NoSuchEntityException"),
        (lambda: history.as_("iam", bob).list_users(), "ListUsers", "AccessDenied"),
        (lambda: history.as_("ec2", bob).describe_vpcs(), "DescribeVpcs", "Client.UnauthorizedOperation"),
        (lambda: history.ec2.create_vpc(CidrBlock="10.9.0.0/16", DryRun=True), "CreateVpc", "Client.DryRunOperation"),
        (lambda: history.ec2.describe_vpcs(VpcIds=["vpc-00000000"]), "DescribeVpcs", "Client.InvalidVpcID.NotFound"),
        (
            lambda: history.cloudhsm.delete_cluster(ClusterId="cluster-aaaaaaaaaaa"),
            "DeleteCluster",
            "CloudHsmResourceNotFoundException",
        ),
        (lambda: history.as_("cloudtrail", bob).lookup_events(), "LookupEvents", "AccessDenied"),
    ]
    for call, name, error in refused:
        with sdk.refused() as refusal:
            call()
        record = shown(history.last(name))
        assert record["errorCode"] == error
        # What EC2 and IAM append for the caller to decode is in the answer and the record alike.
        assert record["errorMessage"][:200] == refusal.message[:200], name
        assert record["responseElements"] is None
    assert [record["requestParameters"] for record in history.all("DescribeVpcs")] == [
        {"vpcSet": {}, "filterSet": {}},
        {"vpcSet": {"items": [{"vpcId": "vpc-00000000"}]}, "filterSet": {}},
    ]
    dry, denied = history.all("Encrypt")[1:]
    assert dry["requestParameters"] == {"keyId": key, "dryRun": True, **algorithm}
    assert dry["resources"] == denied["resources"] == [history.resource("KMS::Key", arn)]
    assert denied["userIdentity"] == {
        "type": "IAMUser",
        "principalId": history.iam.get_user(UserName="bob")["User"]["UserId"],
        "arn": of_bob,
        "accountId": history.account,
        "accessKeyId": bob["AccessKeyId"],
        "userName": "bob",
    }


def test_iam_and_its_secrets(history):
    """Members as in Stratus Red Team's records of CreateUser, CreateAccessKey, CreateLoginProfile, UpdateLoginProfile,
    AttachUserPolicy. What is made is among the resources, which AWS's entries of IAM have not."""
    iam = history.iam
    arn = f"arn:aws:iam::{history.account}:user/alice"
    about = {"resources": [history.resource("IAM::User", arn)]}
    iam.create_user(UserName="alice", Tags=[{"Key": "StratusRedTeam", "Value": "true"}])
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    iam.create_login_profile(UserName="alice", Password=PASSWORD)
    iam.update_login_profile(UserName="alice", Password=PASSWORD + "2")
    iam.attach_user_policy(UserName="alice", PolicyArn=policy.managed("AdministratorAccess"))
    iam.list_users()
    serial, seed = enable(iam, "alice", "phone")
    enabled = shown(history.last("EnableMFADevice"))
    assert enabled["requestParameters"] == {"userName": "alice", "serialNumber": serial}
    assert shown(history.last("CreateVirtualMFADevice"))["responseElements"] == {
        "virtualMFADevice": {"serialNumber": serial}
    }
    user = shown(history.last("CreateUser"))
    tags = [{"key": "StratusRedTeam", "value": "true"}]
    assert (user["requestParameters"], user["resources"]) == ({"userName": "alice", "tags": tags}, about["resources"])
    assert user["responseElements"]["user"].keys() == {"arn", "createDate", "path", "tags", "userId", "userName"}
    access_key = shown(history.last("CreateAccessKey"))["responseElements"]["accessKey"]
    assert access_key.keys() == {"accessKeyId", "createDate", "status", "userName"}
    profile = shown(history.last("CreateLoginProfile"))
    assert profile["requestParameters"] == {"userName": "alice"}
    assert profile["responseElements"]["loginProfile"].keys() == {"createDate", "passwordResetRequired", "userName"}
    assert shown(history.last("UpdateLoginProfile")) == changed({"userName": "alice"}, **about)
    attached = {"userName": "alice", "policyArn": policy.managed("AdministratorAccess")}
    assert shown(history.last("AttachUserPolicy")) == changed(attached, **about)
    assert shown(history.last("ListUsers")) == read(None)
    alice = history.as_("sts", key)
    given = alice.get_session_token(SerialNumber=serial, TokenCode=code(seed, 1))["Credentials"]
    session = shown(history.last("GetSessionToken"))
    assert session["requestParameters"] == {"serialNumber": serial}
    assert session["responseElements"]["credentials"].keys() == {"accessKeyId", "expiration"}
    secrets = [key["SecretAccessKey"], PASSWORD, given["SecretAccessKey"], given["SessionToken"]]
    everything = json.dumps(history.all())
    for secret in secrets:
        assert secret not in everything


def test_sts_sessions(history):
    """The entries of "Example AWS STS API events in CloudTrail log", without the session token."""
    iam, account = history.iam, history.account
    user_id = iam.create_user(UserName="JohnDoe")["User"]["UserId"]
    iam.attach_user_policy(UserName="JohnDoe", PolicyArn=policy.managed("AdministratorAccess"))
    john = iam.create_access_key(UserName="JohnDoe")["AccessKey"]
    actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    trusted = policy.document({"Effect": "Allow", "Principal": policy.root(account), "Action": actions})
    role = iam.create_role(RoleName="EC2-dev", AssumeRolePolicyDocument=trusted)["Role"]
    assert shown(history.last("CreateRole"))["resources"] == [history.resource("IAM::Role", role["Arn"])]
    given = history.as_("sts", john).assume_role(
        RoleArn=role["Arn"],
        RoleSessionName="JohnDoe-EC2-dev",
        SourceIdentity="JohnDoe",
        Tags=[{"Key": "CostCenter", "Value": "12345"}],
        TransitiveTagKeys=["CostCenter"],
        DurationSeconds=3600,
    )["Credentials"]
    record = shown(history.last("AssumeRole"))
    credentials = record["responseElements"]["credentials"]
    time.strptime(credentials.pop("expiration"), "%b %d, %Y, %I:%M:%S %p")
    assert record["responseElements"].pop("packedPolicySize") > 0
    session = f"arn:aws:sts::{account}:assumed-role/EC2-dev/JohnDoe-EC2-dev"
    assert record == read(
        {
            "roleArn": role["Arn"],
            "roleSessionName": "JohnDoe-EC2-dev",
            "sourceIdentity": "JohnDoe",
            "tags": [{"key": "CostCenter", "value": "12345"}],
            "transitiveTagKeys": ["CostCenter"],
            "durationSeconds": 3600,
        },
        responseElements={
            "credentials": {"accessKeyId": given["AccessKeyId"]},
            "assumedRoleUser": {"assumedRoleId": f"{role['RoleId']}:JohnDoe-EC2-dev", "arn": session},
            "sourceIdentity": "JohnDoe",
        },
        resources=[history.resource("IAM::Role", role["Arn"])],
    )
    guest = history.as_("sts", john).get_federation_token(Name="guest")["Credentials"]
    history.as_("sts", given).get_caller_identity()
    history.as_("sts", guest).get_caller_identity()
    by_role, by_guest = (record["userIdentity"] for record in history.all("GetCallerIdentity"))
    assert list(by_role) == ["type", "principalId", "arn", "accountId", "accessKeyId", "sessionContext"]
    assert list(by_role["sessionContext"]["sessionIssuer"]) == ["type", "principalId", "arn", "accountId", "userName"]
    assert by_role["sessionContext"]["attributes"]["mfaAuthenticated"] == "false"
    assert (by_role["type"], by_role["arn"]) == ("AssumedRole", session)
    assert (by_guest["type"], by_guest["principalId"]) == ("FederatedUser", f"{account}:guest")
    assert by_guest["sessionContext"]["sessionIssuer"]["principalId"] == user_id


def test_ec2(history):
    """Members as in records of Stratus Red Team and of Invictus' aws_dataset: lists under the names of the older
    protocol, empty ones as `{}`, and `_return` where the answer has one."""
    ec2 = history.ec2
    arn = f"arn:aws:ec2:us-east-1:{history.account}"
    tags = [{"key": "Name", "value": "v"}]
    named = {"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "v"}]}
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=[named])["Vpc"]["VpcId"]
    made = shown(history.last("CreateVpc"))
    assert made["requestParameters"] == {
        "cidrBlock": "10.9.0.0/16",
        "instanceTenancy": "default",
        "amazonProvidedIpv6CidrBlock": False,
        "tagSpecificationSet": {"items": [{"resourceType": "vpc", "tags": tags}]},
    }
    assert made["resources"] == [history.resource("EC2::VPC", f"{arn}:vpc/{vpc}")]
    assert made["responseElements"].keys() == {"vpc", "requestId"}
    assert made["responseElements"]["vpc"]["tagSet"] == {"items": tags}
    ec2.describe_vpcs(VpcIds=[vpc])
    ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [vpc]}], MaxResults=5)
    ec2.describe_vpcs()
    filters = {"items": [{"name": "vpc-id", "valueSet": {"items": [{"value": vpc}]}}]}
    assert [record["requestParameters"] for record in history.all("DescribeVpcs")] == [
        {"vpcSet": {"items": [{"vpcId": vpc}]}, "filterSet": {}},
        {"maxResults": 5, "vpcSet": {}, "filterSet": filters},
        {"vpcSet": {}, "filterSet": {}},
    ]
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": "v"}])
    assert shown(history.last("CreateTags"))["requestParameters"] == {
        "resourcesSet": {"items": [{"resourceId": vpc}]},
        "tagSet": {"items": tags},
    }
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    made = shown(history.last("CreateSecurityGroup"))
    assert made["requestParameters"] == {"groupDescription": "d", "groupName": "g", "vpcId": vpc}
    assert made["responseElements"]["_return"] is True
    assert made["resources"][-1] == history.resource("EC2::SecurityGroup", f"{arn}:security-group/{group}")
    port = {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22}
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    opened = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    (rule,) = opened["SecurityGroupRules"]
    opened = shown(history.last("AuthorizeSecurityGroupIngress"))
    ranges = {"groups": {}, "ipRanges": {"items": [{"cidrIp": "10.0.0.0/8"}]}, "ipv6Ranges": {}, "prefixListIds": {}}
    assert opened["requestParameters"] == {"groupId": group, "ipPermissions": {"items": [{**port, **ranges}]}}
    assert opened["responseElements"].keys() == {"_return", "requestId", "securityGroupRuleSet"}
    change = {"IpProtocol": "tcp", "FromPort": 23, "ToPort": 23, "CidrIpv4": "10.0.0.0/8"}
    named = {"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "SecurityGroupRule": change}
    ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[named])
    assert shown(history.last("ModifySecurityGroupRules"))["requestParameters"] == {
        "ModifySecurityGroupRulesRequest": {"GroupId": group, "SecurityGroupRule": {**named, "tag": 1}}
    }
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
    assert shown(history.last("RevokeSecurityGroupIngress"))["requestParameters"] == {
        "groupId": group,
        "ipPermissions": {},
        "securityGroupRuleIds": {"items": [{"securityGroupRuleId": rule["SecurityGroupRuleId"]}]},
    }
    ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=vpc)
    assert shown(history.last("DeleteVpc"))["responseElements"].keys() == {"requestId", "_return"}


def test_cloudhsm_and_what_it_does_for_an_account(history):
    """The entry of CreateHsm; EC2's calls that CloudHSM makes name it where others name a caller, an address."""
    cloudhsm = history.cloudhsm
    zone = [{"Name": "availability-zone", "Values": ["us-east-1a"]}]
    (subnet,) = history.ec2.describe_subnets(Filters=zone)["Subnets"]
    cluster = cloudhsm.create_cluster(HsmType="hsm2m.medium", SubnetIds=[subnet["SubnetId"]], Mode="FIPS")["Cluster"]
    name = cluster["ClusterId"]
    about = history.resource("CloudHSM::Cluster", f"arn:aws:cloudhsm:us-east-1:{history.account}:cluster/{name}")

    def described():
        return cloudhsm.describe_clusters(Filters={"clusterIds": [name]})["Clusters"][0]

    wait_until(lambda: described()["State"] == "UNINITIALIZED", "a cluster without HSMs")
    try:
        hsm = cloudhsm.create_hsm(ClusterId=name, AvailabilityZone="us-east-1a")["Hsm"]
        record = shown(history.last("CreateHsm"))
        answer = record["responseElements"]["hsm"]
        assert record["requestParameters"] == {"availabilityZone": "us-east-1a", "clusterId": name}
        assert (record["readOnly"], record["resources"]) == (False, [about])
        expected = {"eniId", "clusterId", "state", "eniIp", "hsmId", "subnetId", "availabilityZone"}
        assert expected <= answer.keys()
        assert answer["hsmId"] == hsm["HsmId"]
        assert shown(history.last("DescribeClusters")) == read({"filters": {"clusterIds": [name]}})
    finally:
        for hsm in described()["Hsms"]:
            cloudhsm.delete_hsm(ClusterId=name, HsmId=hsm["HsmId"])
        wait_until(lambda: not described()["Hsms"], "no HSM left")
        cloudhsm.delete_cluster(ClusterId=name)
    assert shown(history.last("DeleteHsm"))["responseElements"] == {"hsmId": hsm["HsmId"]}

    (group,) = history.all("CreateSecurityGroup")
    assert group["userIdentity"] == {"type": "AWSService", "invokedBy": "cloudhsm.amazonaws.com"}
    assert (group["sourceIPAddress"], group["userAgent"]) == ("cloudhsm.amazonaws.com", "cloudhsm.amazonaws.com")
    assert (group["eventType"], group["eventSource"]) == ("AwsApiCall", "ec2.amazonaws.com")
    kinds = {resource["type"] for resource in group["resources"]}
    assert kinds == {"AWS::EC2::VPC", "AWS::EC2::SecurityGroup"}
    opened = history.all("AuthorizeSecurityGroupIngress")[0]["requestParameters"]
    (rule,) = opened["ipPermissions"]["items"]
    assert (rule["ipProtocol"], rule["fromPort"], rule["toPort"]) == ("tcp", 2223, 2225)
    assert rule["groups"] == {"items": [{"groupId": opened["groupId"]}]}


def test_key_stores_show_neither_password_nor_certificate(history):
    """ct-create-keystore."""
    cluster = "cluster-aaaaaaaaaaa"
    with sdk.refused("CloudHsmClusterNotFoundException"):
        history.kms.create_custom_key_store(
            CustomKeyStoreName="ExampleKeyStore",
            CloudHsmClusterId=cluster,
            TrustAnchorCertificate="-----BEGIN CERTIFICATE-----",
            KeyStorePassword=PASSWORD,
        )
    record = shown(history.last("CreateCustomKeyStore"))
    assert record["requestParameters"] == {"customKeyStoreName": "ExampleKeyStore", "clusterId": cluster}


def test_what_is_too_long_is_cut_or_left_out(history, made):
    """1 KB of `userAgent` and `errorMessage`, 100 KB of `requestParameters` ("CloudTrail record contents")."""
    talkative = sdk.client(history.node, "kms", access_key_id=history.account, user_agent_extra="x" * 3000)
    talkative.describe_key(KeyId=made["KeyId"])
    assert len(history.last("DescribeKey")["userAgent"]) == 1024
    with sdk.refused("ValidationException"):
        history.kms.update_key_description(KeyId=made["KeyId"], Description="x" * 9000)
    assert len(history.last("UpdateKeyDescription")["errorMessage"]) == 1024
    history.iam.create_user(UserName="alice")
    statement = policy.document({"Effect": "Allow", "Action": ["s3:" + "x" * 100] * 1000, "Resource": "*"})
    with sdk.refused():
        history.iam.put_user_policy(UserName="alice", PolicyName="long", PolicyDocument=statement)
    assert history.last("PutUserPolicy")["requestParameters"] is None
