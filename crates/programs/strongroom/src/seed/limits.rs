//! The limits of what a seed says: those of the API, as the services' models state them. The published schema has them
//! too.

use serde_json::{Value, json};
use strongroom_schema::{Bound, Kind, Schema, ServiceSchema};

/// A member of the input of an operation, of a structure in it, or, where the name is empty, an item of a list.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    service: &'static ServiceSchema,
    operation: &'static str,
    path: &'static [&'static str],
}

impl Limit {
    const fn iam(operation: &'static str, path: &'static [&'static str]) -> Self {
        Self { service: &strongroom_api_iam::SERVICE, operation, path }
    }

    const fn kms(operation: &'static str, path: &'static [&'static str]) -> Self {
        Self { service: &strongroom_api_kms::SERVICE, operation, path }
    }

    /// What the model says. Every limit below is in its model, as a test shows.
    pub(super) fn schema(self) -> Option<&'static Schema> {
        let operation = self.service.operations.get(self.service.position(self.operation)?)?;
        self.path.iter().try_fold(operation.input, |schema, name| {
            let inner = if let Kind::List(item) = &schema.kind { item.schema } else { schema };
            if name.is_empty() {
                return Some(inner);
            }
            let position = inner.position(name)?;
            inner.members().get(position).map(|member| member.schema)
        })
    }

    /// Adds the limit to the JSON schema of a member.
    fn publish(self, member: &mut Value) {
        let Some(schema) = self.schema() else { return };
        let (least, most) = match schema.kind {
            Kind::Integer | Kind::Long => ("minimum", "maximum"),
            _ => ("minLength", "maxLength"),
        };
        for (name, bound) in [(least, schema.constraints.min), (most, schema.constraints.max)] {
            if let Some(bound) = bound.map(Bound::as_i64) {
                member[name] = json!(bound);
            }
        }
        // Classes of Unicode are not the same in all the languages that validators are written in.
        if let Some(pattern) = schema.constraints.pattern.filter(|pattern| !pattern.text().contains("\\p")) {
            member["pattern"] = json!(format!("^(?:{})$", pattern.text()));
        }
        if let Kind::Enum(values) = schema.kind {
            let none = member["type"].is_array().then_some(Value::Null);
            member["enum"] = values.iter().map(|value| json!(value)).chain(none).collect();
        }
    }
}

/// Adds the limits to the JSON schema of seeds.
pub(super) fn publish(schema: &mut Value) {
    for (limit, places) in ALL {
        for place in *places {
            if let Some(member) = schema.pointer_mut(&format!("/$defs/{place}")) {
                limit.publish(member);
            }
        }
    }
}

/// Limits by name, and where in the JSON schema they hold.
macro_rules! limits {
    ($($name:ident = $service:ident $operation:literal $path:expr, $places:expr;)*) => {
        $(pub(super) const $name: Limit = Limit::$service($operation, &$path);)*

        const ALL: &[(Limit, &[&str])] = &[$(($name, &$places)),*];
    };
}

limits! {
    ACCOUNT_ALIAS = iam "CreateAccountAlias" ["AccountAlias"], ["Account/properties/AccountAlias"];
    POLICY_NAME = iam "CreatePolicy" ["PolicyName"], ["ManagedPolicy/properties/ManagedPolicyName"];
    POLICY_PATH = iam "CreatePolicy" ["Path"], ["ManagedPolicy/properties/Path"];
    POLICY_DESCRIPTION = iam "CreatePolicy" ["Description"], ["ManagedPolicy/properties/Description"];
    GROUP_NAME = iam "CreateGroup" ["GroupName"],
        ["Group/properties/GroupName", "User/properties/Groups/items"];
    USER_NAME = iam "CreateUser" ["UserName"], ["User/properties/UserName"];
    ROLE_NAME = iam "CreateRole" ["RoleName"], ["Role/properties/RoleName"];
    ROLE_DESCRIPTION = iam "CreateRole" ["Description"], ["Role/properties/Description"];
    MAX_SESSION_DURATION = iam "CreateRole" ["MaxSessionDuration"], ["Role/properties/MaxSessionDuration"];
    ENTITY_PATH = iam "CreateUser" ["Path"],
        ["Group/properties/Path", "User/properties/Path", "Role/properties/Path"];
    IAM_TAG_KEY = iam "CreateUser" ["Tags", "Key"], ["Tag/properties/Key"];
    IAM_TAG_VALUE = iam "CreateUser" ["Tags", "Value"], ["Tag/properties/Value"];
    INLINE_POLICY_NAME = iam "PutUserPolicy" ["PolicyName"], ["InlinePolicy/properties/PolicyName"];
    POLICY_ARN = iam "AttachUserPolicy" ["PolicyArn"],
        [
            "Group/properties/ManagedPolicyArns/items",
            "User/properties/ManagedPolicyArns/items",
            "User/properties/PermissionsBoundary",
            "Role/properties/ManagedPolicyArns/items",
            "Role/properties/PermissionsBoundary",
        ];
    ACCESS_KEY_ID = iam "UpdateAccessKey" ["AccessKeyId"], ["AccessKey/properties/AccessKeyId"];
    KEY_SPEC = kms "CreateKey" ["KeySpec"], ["Key/properties/KeySpec"];
    KEY_USAGE = kms "CreateKey" ["KeyUsage"], ["Key/properties/KeyUsage"];
    KEY_DESCRIPTION = kms "CreateKey" ["Description"], ["Key/properties/Description"];
    KMS_TAG_KEY = kms "CreateKey" ["Tags", "TagKey"], [];
    KMS_TAG_VALUE = kms "CreateKey" ["Tags", "TagValue"], [];
    ALIAS_NAME = kms "CreateAlias" ["AliasName"], ["Key/properties/Aliases/items"];
    GRANT_NAME = kms "CreateGrant" ["Name"], ["Grant/properties/Name"];
    GRANT_PRINCIPAL = kms "CreateGrant" ["GranteePrincipal"],
        ["Grant/properties/GranteePrincipal", "Grant/properties/RetiringPrincipal"];
    GRANT_OPERATION = kms "CreateGrant" ["Operations", ""], ["Grant/properties/Operations/items"];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::format::Seed;

    #[test]
    fn every_limit_is_in_its_model_and_has_its_place_in_the_schema() {
        let schema = Value::from(schemars::schema_for!(Seed));
        for (limit, places) in ALL {
            assert!(limit.schema().is_some(), "{} {:?}", limit.operation, limit.path);
            for place in *places {
                assert!(schema.pointer(&format!("/$defs/{place}")).is_some(), "{place}");
            }
        }
    }
}
