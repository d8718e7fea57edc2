"""Services as their models tell of them: the operations that there are, and how a call of one is written."""

import hashlib
import json
from base64 import b64encode
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.serialize import create_serializer

from rig import wire

MODELS = Path(__file__).parents[2] / "models"
"""What Strongroom answers to: its services' models, each without what is left out."""


@dataclass(frozen=True)
class Service:
    """A service, by the name of its model here and by the one that the AWS SDKs have for it."""

    name: str
    sdk_name: str

    @cached_property
    def operations(self) -> list[str]:
        return list(json.loads((MODELS / f"{self.name}.json").read_text())["operations"])

    @cached_property
    def _model(self) -> ServiceModel:
        return ServiceModel(Loader().load_service_model(self.sdk_name, "service-2"), self.sdk_name)

    @cached_property
    def _serializer(self):
        # CloudHSM's model has CBOR first; JSON says the same, and people can read it.
        known = ("json", "query", "ec2", "rest-xml")
        spoken = next(name for name in known if name in self._model.metadata["protocols"])
        return create_serializer(spoken)

    def call(self, operation: str, given: dict) -> wire.Request:
        """A call of the operation, to be signed by whoever makes it."""
        written = self._serializer.serialize_to_request(given, self._model.operation_model(operation))
        body, headers = written["body"], dict(written["headers"])
        if isinstance(body, dict):
            body = urlencode(body).encode()
        if self._model.metadata["protocol"] != "rest-xml":
            return wire.Request(service=self._model.signing_name, body=body, headers=headers)
        path, _, fixed = written["url_path"].partition("?")
        query = parse_qsl(fixed, keep_blank_values=True) + list((written["query_string"] or {}).items())
        headers["x-amz-content-sha256"] = hashlib.sha256(body).hexdigest()
        if body:
            headers["content-md5"] = b64encode(hashlib.md5(body).digest()).decode()
        return wire.Request(
            service=self._model.signing_name,
            body=body,
            headers=headers,
            method=written["method"],
            path=path,
            query=urlencode(sorted(query), quote_via=quote),
        )


KMS = Service("kms", "kms")
CLOUDHSM = Service("cloudhsm", "cloudhsmv2")
EC2 = Service("ec2", "ec2")
IAM = Service("iam", "iam")
STS = Service("sts", "sts")
CLOUDTRAIL = Service("cloudtrail", "cloudtrail")
CLOUDWATCH = Service("cloudwatch", "cloudwatch")
LOGS = Service("logs", "logs")
S3 = Service("s3", "s3")
SNS = Service("sns", "sns")

ALL = [KMS, CLOUDHSM, EC2, IAM, STS, CLOUDTRAIL, CLOUDWATCH, LOGS, S3, SNS]
