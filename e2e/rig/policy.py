"""Policy documents, as tests write them."""

import json


def allow(action: str | list[str], resource: str | list[str] = "*", **more) -> dict:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str | list[str], resource: str | list[str] = "*", **more) -> dict:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def document(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def root(account: str) -> dict:
    """The principal that stands for the account."""
    return {"AWS": f"arn:aws:iam::{account}:root"}


def trust(principal: dict, **more) -> str:
    """A role's trust policy that lets `principal` assume it."""
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more})


def managed(name: str) -> str:
    """The ARN of a policy that AWS manages."""
    return f"arn:aws:iam::aws:policy/{name}"
