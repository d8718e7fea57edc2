"""What we hold to be right, where AWS leaves a choice to the implementer or documents none.

Codes and texts that AWS documents stand in the tests. Everything that could be decided otherwise stands here,
once.
"""

import re

READY = re.compile(r"Strongroom is ready at (http://\S+)")
"""The line on standard output that says where the server listens."""

DATABASE = "strongroom.db"
"""The store's file in the data folder."""

JOURNAL = "journal"
"""The journal's folder in the data folder."""

SEAL = "seal"
"""Where the root key's slots are, in the data folder: the one place that holds a key in the clear."""

SKEW_MINUTES = 5
"""How far a signature's time may be from the server's."""

BODY_LIMIT = 1024 * 1024
"""Requests beyond this many bytes are refused; none of the services' requests comes near it."""

MEMORY_LIMIT = 256 * 1024 * 1024
"""The resident memory of a development build under bad input, generously."""

INTERNAL = (500, "KMSInternalException")
"""What KMS's caller learns when a row's MAC does not fit: that something is wrong, and the log tells what."""

SERIALIZATION = (400, "SerializationException")
UNKNOWN_OPERATION = (400, "UnknownOperationException")
INVALID_ACTION = (400, "InvalidAction")

NOT_IMPLEMENTED = (501, "NotImplementedException")
"""An operation of AWS's that Strongroom does not have yet."""

PREDEFINED_ALIASES = {"alias/aws/ebs", "alias/aws/rds", "alias/aws/redshift", "alias/aws/s3"}
"""Aliases that AWS keeps for services' keys, and lists in every account from the start, without a key."""


def leading(aliases: list[dict]) -> list[dict]:
    """Those of listed aliases that lead to a key."""
    return [alias for alias in aliases if "TargetKeyId" in alias]


FOREIGN_CIPHERTEXT = (
    "The ciphertext refers to a customer master key that does not exist, does not exist in this region, "
    "or you are not allowed to access."
)
"""What one learns of a ciphertext under a key that is another's or no more; several clients must be told it."""

UNKNOWN_REGION = re.compile(r"Credential should be scoped to a valid region")
