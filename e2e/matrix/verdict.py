"""What came of a call: whether the caller was let in, and if not, by what."""

import re
from dataclasses import dataclass

from rig import wire

LAYERS = {
    "identity-based policy": "identity",
    "resource-based policy": "resource",
    "permissions boundary": "boundary",
    "session policy": "session",
    "role trust policy": "trust",
}
"""Kinds of policies as AWS's refusals name them, and as the sheets do."""

DENIED = re.compile(
    r"User: \S+ is not authorized to perform: (?P<action>\S+) on resource: (?P<resource>\S+)"
    r" (?:because no (?P<missing>[a-z -]+) allows the \S+ action"
    r"|with an explicit deny in (?:an?|the) (?P<denying>identity-based policy|[a-z -]+policy|permissions boundary))"
)

REFUSALS = ("403", "AccessDenied", "AccessDeniedException", "CloudHsmAccessDeniedException", "InvalidClientTokenId")
"""Codes of refusals that say no more than that the caller may not."""

ABSENT = ("NotImplemented", "NotImplementedException")
"""What everybody is told of an operation that is not there."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of one call."""

    code: str
    """`ok`, or the code of the error."""
    asked: tuple[str, str] | None = None
    """The action and resource for which permission was refused, if it was."""
    layer: str = ""
    """The kind of policy that refused it; `deny:` before it if a statement denies."""

    @property
    def is_let_in(self) -> bool:
        """Whether the question of permission was answered with yes, or not asked."""
        return not self.layer and self.code not in REFUSALS + ABSENT

    @classmethod
    def of(cls, answer: wire.Answer) -> "Verdict":
        if answer.status < 300:
            return cls("ok")
        found = DENIED.search((answer.message or "").replace("&#39;", "'").replace("&quot;", '"'))
        if not found:
            return cls(answer.code)
        layer = LAYERS.get(found["missing"] or "") or "deny:" + LAYERS[found["denying"]]
        return cls(answer.code, (found["action"], found["resource"].strip('"')), layer)
