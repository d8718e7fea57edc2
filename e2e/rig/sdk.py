"""boto3 clients that take nothing from the machine, and the errors that they raise."""

from contextlib import contextmanager
from dataclasses import dataclass

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from rig.node import Node

PATIENCE = 120.0
"""Seconds within which an answer comes: a large RSA key is long in the making where a machine does other things too."""


def client(
    node: Node,
    service: str,
    region: str = "us-east-1",
    access_key_id: str = "test",
    secret_access_key: str = "test",
    session_token: str | None = None,
    **config,
):
    """A client for one service, that tries once."""
    session = boto3.session.Session(
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret_access_key,
        aws_session_token=session_token,
        region_name=region,
    )
    settings = Config(**{"retries": {"total_max_attempts": 1}, "proxies": {}, "read_timeout": PATIENCE} | config)
    return session.client(service, endpoint_url=node.endpoint, config=settings, verify=node.ca_bundle)


@dataclass
class Refused:
    """An error of the server's, readable after the block that raised it."""

    status: int = 0
    code: str = ""
    message: str | None = None
    request_id: str = ""


@contextmanager
def refused(code: str | None = None):
    """The block must be refused, with that code if one is given."""
    result = Refused()
    with pytest.raises(ClientError) as caught:
        yield result
    answer = caught.value.response
    result.status = answer["ResponseMetadata"]["HTTPStatusCode"]
    result.request_id = answer["ResponseMetadata"].get("RequestId", "")
    result.code = answer["Error"]["Code"]
    result.message = answer["Error"].get("Message")
    if code is not None:
        assert result.code == code, result
