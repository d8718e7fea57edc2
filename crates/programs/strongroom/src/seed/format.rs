//! The form of a seed file. Members have the names that CloudFormation gives them, or else the API; the schema
//! that `strongroom seed schema` prints is made of these types and of what stands beside them.

#![expect(clippy::struct_field_names, reason = "the names are CloudFormation's")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::value::RawValue;
use strongroom_secret::SecretString;

/// Reads only JSON objects: what serde derives for a struct would also take an array, by the order of the members.
struct OnlyObjects<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for OnlyObjects<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Has structs, whose members serde reads (`remote = "Self"`), be objects.
macro_rules! objects {
    ($($object:ident)*) => {
        $(impl<'de> Deserialize<'de> for $object {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize(OnlyObjects(deserializer))
            }
        })*
    };
}

objects! { Seed Account ManagedPolicy Group User AccessKey Role InlinePolicy Key Grant Constraints Tag }

/// What a server shall have when it has started, and again after each reset.
#[derive(Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, rename_all = "PascalCase")]
#[schemars(title = "A seed of Strongroom")]
pub(crate) struct Seed {
    /// The schema of this file, for editors.
    #[serde(rename = "$schema", default)]
    _schema: Option<String>,
    /// The accounts, each once.
    pub(crate) accounts: Vec<Account>,
}

/// An account, and what it shall have. What is not named here stays as it is.
#[derive(Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct Account {
    /// Twelve digits. They are also an access key id of the account's root user, with the secret `test`.
    #[schemars(regex(pattern = r"^[0-9]{12}$"))]
    pub(crate) account_id: String,
    /// The alias that stands for the account in the address of the console.
    pub(crate) account_alias: Option<String>,
    /// Customer managed policies.
    #[serde(default)]
    pub(crate) managed_policies: Vec<ManagedPolicy>,
    /// Groups of users.
    #[serde(default)]
    pub(crate) groups: Vec<Group>,
    /// Users.
    #[serde(default)]
    pub(crate) users: Vec<User>,
    /// Roles.
    #[serde(default)]
    pub(crate) roles: Vec<Role>,
    /// KMS keys.
    #[serde(default)]
    pub(crate) keys: Vec<Key>,
}

/// A customer managed policy. Another document than before becomes its next version, which counts from then on.
#[derive(Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct ManagedPolicy {
    /// Its name.
    pub(crate) managed_policy_name: String,
    /// Its path [default: `/`].
    pub(crate) path: Option<String>,
    /// What it is for.
    pub(crate) description: Option<String>,
    /// The policy.
    pub(crate) policy_document: Document,
    /// Its tags; these and no others, if there is a list.
    pub(crate) tags: Option<Vec<Tag>>,
}

/// A group. Users say which groups they are in.
#[derive(Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct Group {
    /// Its name.
    pub(crate) group_name: String,
    /// Its path [default: `/`].
    pub(crate) path: Option<String>,
    /// ARNs of the managed policies that are attached; these and no others, if there is a list.
    pub(crate) managed_policy_arns: Option<Vec<String>>,
    /// The inline policies; these and no others, if there is a list.
    pub(crate) policies: Option<Vec<InlinePolicy>>,
}

/// A user.
#[derive(Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct User {
    /// The user's name.
    pub(crate) user_name: String,
    /// The user's path [default: `/`].
    pub(crate) path: Option<String>,
    /// Names of the groups that the user is in; these and no others, if there is a list.
    pub(crate) groups: Option<Vec<String>>,
    /// ARNs of the managed policies that are attached; these and no others, if there is a list.
    pub(crate) managed_policy_arns: Option<Vec<String>>,
    /// The inline policies; these and no others, if there is a list.
    pub(crate) policies: Option<Vec<InlinePolicy>>,
    /// The ARN of the managed policy that bounds what the user may do.
    pub(crate) permissions_boundary: Option<String>,
    /// The user's tags; these and no others, if there is a list.
    pub(crate) tags: Option<Vec<Tag>>,
    /// Access keys of your choice. Only development servers take them: whoever reads this file is the user.
    #[serde(default)]
    pub(crate) access_keys: Vec<AccessKey>,
}

/// An access key of a user.
#[derive(Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct AccessKey {
    /// 16 to 128 letters, digits and underscores, for example `AKIAIOSFODNN7EXAMPLE`.
    pub(crate) access_key_id: String,
    /// The secret that requests are signed with.
    pub(crate) secret_access_key: Secret,
    /// Whether the key counts [default: `Active`].
    #[serde(default)]
    pub(crate) status: KeyStatus,
}

/// Whether an access key counts.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum KeyStatus {
    /// It does.
    #[default]
    Active,
    /// It does not.
    Inactive,
}

/// A role.
#[derive(Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct Role {
    /// Its name.
    pub(crate) role_name: String,
    /// Its path [default: `/`].
    pub(crate) path: Option<String>,
    /// What it is for.
    pub(crate) description: Option<String>,
    /// Who may assume it: the trust policy.
    pub(crate) assume_role_policy_document: Document,
    /// How long its sessions last at most, in seconds [default: 3600].
    pub(crate) max_session_duration: Option<i32>,
    /// ARNs of the managed policies that are attached; these and no others, if there is a list.
    pub(crate) managed_policy_arns: Option<Vec<String>>,
    /// The inline policies; these and no others, if there is a list.
    pub(crate) policies: Option<Vec<InlinePolicy>>,
    /// The ARN of the managed policy that bounds what the role may do.
    pub(crate) permissions_boundary: Option<String>,
    /// Its tags; these and no others, if there is a list.
    pub(crate) tags: Option<Vec<Tag>>,
}

/// An inline policy.
#[derive(Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct InlinePolicy {
    /// Its name.
    pub(crate) policy_name: String,
    /// The policy.
    pub(crate) policy_document: Document,
}

/// A KMS key.
#[derive(Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct Key {
    /// Its id, a UUID in lower case, for example `1234abcd-12ab-34cd-56ef-1234567890ab`.
    #[schemars(regex(pattern = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))]
    pub(crate) key_id: String,
    /// Where it is [default: `us-east-1`].
    pub(crate) region: Option<String>,
    /// What it is made of [default: `SYMMETRIC_DEFAULT`].
    pub(crate) key_spec: Option<String>,
    /// What it is for [default: `ENCRYPT_DECRYPT`].
    pub(crate) key_usage: Option<String>,
    /// What it is used for, in your words.
    pub(crate) description: Option<String>,
    /// The key policy [default: the one that lets the account's IAM policies decide].
    pub(crate) key_policy: Option<Document>,
    /// Whether it can be used [default: it can].
    pub(crate) enabled: Option<bool>,
    /// Its tags; these and no others, if there is a list.
    pub(crate) tags: Option<Vec<Tag>>,
    /// Aliases that shall be its, for example `alias/orders`.
    #[serde(default)]
    pub(crate) aliases: Vec<String>,
    /// Grants that it shall have.
    #[serde(default)]
    pub(crate) grants: Vec<Grant>,
    /// The key itself, 32 bytes in base64. Only development servers take it: whoever reads this file has the key.
    pub(crate) key_material: Option<Secret>,
}

/// A grant on a key. One of the same name with other terms is another grant, and stays.
#[derive(Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct Grant {
    /// Its name.
    pub(crate) name: String,
    /// Who gets it: the ARN of a user, role or session, or an account.
    pub(crate) grantee_principal: String,
    /// Who may retire it.
    pub(crate) retiring_principal: Option<String>,
    /// What it allows, for example `Decrypt`.
    pub(crate) operations: Vec<String>,
    /// What requests must say.
    #[serde(default)]
    pub(crate) constraints: Constraints,
}

/// What requests that rely on a grant must say: one of the two.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct Constraints {
    /// The encryption context that they have, exactly.
    pub(crate) encryption_context_equals: Option<Pairs>,
    /// Pairs that their encryption context has among others.
    pub(crate) encryption_context_subset: Option<Pairs>,
}

/// Names and values, each name once.
#[derive(JsonSchema)]
#[schemars(transparent)]
pub(crate) struct Pairs(pub(crate) BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Pairs, A::Error> {
                let mut pairs = BTreeMap::new();
                while let Some((name, value)) = members.next_entry::<String, String>()? {
                    if pairs.contains_key(&name) {
                        return Err(A::Error::custom(format_args!("duplicate member `{name}`")));
                    }
                    pairs.insert(name, value);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// A tag.
#[derive(Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct Tag {
    /// Its key.
    pub(crate) key: String,
    /// Its value.
    pub(crate) value: String,
}

/// A policy document, as it stands in the file: an object, not a text.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Document(Box<RawValue>);

impl Document {
    /// The document as the file has it.
    pub(crate) fn written(&self) -> &str {
        self.0.get()
    }

    /// The document without the file's line breaks and indentation: so it is kept, and an editor that lays out
    /// the file anew changes nothing.
    pub(crate) fn compact(&self) -> String {
        let value = serde_json::from_str::<serde_json::Value>(self.written());
        value.map_or_else(|_| self.written().to_owned(), |value| value.to_string())
    }
}

impl JsonSchema for Document {
    fn schema_name() -> Cow<'static, str> {
        "PolicyDocument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "A policy document (IAM User Guide, \"IAM JSON policy reference\").",
            "required": ["Statement"],
        })
    }
}

/// Text that no message repeats.
pub(crate) struct Secret(pub(crate) SecretString);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
                Ok(Secret(SecretString::new(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}
