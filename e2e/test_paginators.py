"""Lists in pages: in the smallest pages that there are, every list tells what it tells in one."""

import pytest

from rig import sdk

SERVICES = ["cloudtrail", "kms", "sts"]

SIZELESS = {"ListPublicKeys", "ListTags", "ListTrails"}
"""Lists of which nobody can ask for a page of a size: the tests of trails fill them."""

OF_CLUSTERS = {"DescribeCustomKeyStores"}
"""Lists whose members take an HSM cluster each: the tests of the KMS crate fill them."""

LEFT_OUT = {"ListImportFailures", "ListImports", "ListInsightsData"}
"""Lists of CloudTrail Lake's and Insights', which Strongroom does not have."""

SMALLEST = 3
"""How many members a list has here at least: a first page, one between, and a last one."""


def paginators(client) -> dict[str, str]:
    """The client's methods that boto3 has a paginator for, by the names of their operations."""
    methods = client.meta.method_to_api_mapping.items()
    return {operation: method for method, operation in methods if client.can_paginate(method)}


@pytest.fixture
def full(kms, account, key) -> dict[str, dict]:
    """Fills every list, and answers what to ask for each."""
    by_key = {"KeyId": key["KeyId"]}
    root = f"arn:aws:iam::{account}:root"
    tags = [{"TagKey": f"tag-{number}", "TagValue": str(number)} for number in range(SMALLEST)]
    kms.tag_resource(**by_key, Tags=tags)
    for number in range(SMALLEST):
        kms.create_key()
        kms.create_alias(AliasName=f"alias/{number}", TargetKeyId=key["KeyId"])
        kms.rotate_key_on_demand(**by_key)
        kms.create_grant(**by_key, GranteePrincipal=root, RetiringPrincipal=root, Operations=["Decrypt"])
    return {
        "ListAliases": {},
        "ListGrants": by_key,
        "ListKeyPolicies": by_key,
        "ListKeyRotations": by_key,
        "ListKeys": {},
        "ListResourceTags": by_key,
        "ListRetirableGrants": {"RetiringPrincipal": root},
        "LookupEvents": {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateKey"}]},
    }


@pytest.mark.parametrize("service", SERVICES)
def test_pages_of_one_tell_what_one_page_tells(node, account, full, service):
    client = sdk.client(node, service, access_key_id=account)
    elsewhere = SIZELESS | LEFT_OUT | OF_CLUSTERS
    lists = {name: method for name, method in paginators(client).items() if name not in elsewhere}
    assert lists.keys() <= full.keys(), "every list is filled above, or said not to be there"
    for operation, method in lists.items():
        paginator = client.get_paginator(method)
        members_name = paginator.result_keys[0].expression
        whole = getattr(client, method)(**full[operation])
        assert "NextMarker" not in whole, operation
        pages = list(paginator.paginate(**full[operation], PaginationConfig={"PageSize": 1}))
        members = [member for page in pages for member in page[members_name]]
        assert members == whole[members_name], f"{operation}: the same members in the same order, nothing twice"
        assert len(members) >= (1 if operation == "ListKeyPolicies" else SMALLEST), operation
        assert max(len(page[members_name]) for page in pages) == 1, operation


@pytest.mark.parametrize("service", SERVICES)
def test_a_list_that_is_not_there_says_so(node, account, service):
    client = sdk.client(node, service, access_key_id=account)
    for operation, method in paginators(client).items():
        if operation in LEFT_OUT:
            with sdk.refused("NotImplementedException") as refusal:
                getattr(client, method)(**least(client, operation))
            assert refusal.status == 501, operation


def least(client, operation: str) -> dict:
    """A request with the members that it must have, whatever is in them."""
    shape = client.meta.service_model.operation_model(operation).input_shape
    return {name: of_type(shape.members[name]) for name in shape.required_members}


def of_type(shape):
    if shape.type_name == "list":
        return [of_type(shape.member)]
    return shape.enum[0] if shape.enum else "x" * max(1, shape.metadata.get("min", 1))


@pytest.mark.parametrize("service", SERVICES)
def test_there_is_no_waiter_that_nobody_tests(node, service):
    """boto3 has none for these services; one that comes needs a test."""
    assert sdk.client(node, service).waiter_names == []
