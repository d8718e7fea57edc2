"""STS."""

from matrix.rows.row import row

SESSION = {"RoleSessionName": "matrix"}
READER = {"RoleArn": "<reader-role>"}

ROWS = [
    row("AssumeRole", **READER, **SESSION),
    row("AssumeRole", "with tags", **READER, **SESSION, Tags=[{"Key": "team", "Value": "keys"}]),
    row("AssumeRole", "with a source identity", **READER, **SESSION, SourceIdentity="alice"),
    row("AssumeRole", "that trusts `nobody` by name", RoleArn="<named-role>", **SESSION),
    row("AssumeRole", "that trusts another account", RoleArn="<shared-role>", **SESSION),
    row("AssumeRole", "that is not there", RoleArn="<no-role>", **SESSION),
    row("AssumeRole", "of a service", RoleArn="<service-role>", **SESSION),
    row("AssumeRoleWithSAML", **READER, PrincipalArn="<saml-provider>", SAMLAssertion="PHNhbWw+"),
    row("AssumeRoleWithWebIdentity", **READER, **SESSION, WebIdentityToken="a.b.c" * 3),
    row("AssumeRoot", TargetPrincipal="<account>", TaskPolicyArn={"arn": "<root-task>"}),
    row("DecodeAuthorizationMessage", EncodedMessage="bm90aGluZw"),
    row("GetAccessKeyInfo", AccessKeyId="<access-key>"),
    row("GetCallerIdentity"),
    row("GetDelegatedAccessToken", TradeInToken="token"),
    row("GetFederationToken", Name="visitor"),
    row("GetSessionToken"),
    row("GetWebIdentityToken", Audience=["https://example.com"], SigningAlgorithm="RS256"),
]
