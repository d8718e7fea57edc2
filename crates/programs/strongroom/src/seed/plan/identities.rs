//! What a seed says of an account's users, groups, roles and policies.

use std::collections::BTreeSet;

use strongroom_iam::{
    AccessKeySeedling, GroupSeedling, PolicySeedling, PolicySeedlings, RoleSeedling, Seedling, UserSeedling,
};
use strongroom_identity::{AccountId, PARTITION};
use strongroom_policy::document::{Document, Kind, NamedPrincipal, Scope};

use super::{Planner, Step, What};
use crate::seed::format::{AccessKey, Group, InlinePolicy, KeyStatus, ManagedPolicy, Role, User};
use crate::seed::limits::{self as model, Limit};

const ROOT_PATH: &str = "/";

/// What the ids of temporary credentials begin with: the server reads their holder out of their session token.
const TEMPORARY: &str = "ASIA";

/// The characters of a secret access key, at most.
const MOST_OF_A_SECRET: usize = 128;

impl Planner {
    pub(super) fn account_alias(&mut self, place: &str, alias: String) -> Seedling {
        self.findings.check_text(place, model::ACCOUNT_ALIAS, &alias);
        if alias.parse::<AccountId>().is_ok() {
            self.findings.add(place, "an alias must not look like an account id; use a name");
        }
        self.once(place, &format!("account alias {alias}"));
        Seedling::AccountAlias(alias)
    }

    pub(super) fn managed_policy(
        &mut self,
        place: &str,
        account: AccountId,
        policy: ManagedPolicy,
    ) -> Seedling {
        let at = |member: &str| format!("{place}.{member}");
        let name = policy.managed_policy_name;
        self.findings.check_text(&at("ManagedPolicyName"), model::POLICY_NAME, &name);
        self.entity(&at("ManagedPolicyName"), account, "policy", &name);
        if let Some(description) = &policy.description {
            self.findings.check_text(&at("Description"), model::POLICY_DESCRIPTION, description);
        }
        Seedling::Policy(PolicySeedling {
            path: self.path(place, model::POLICY_PATH, policy.path),
            description: policy.description,
            document: self.document(&at("PolicyDocument"), &policy.policy_document, Kind::Managed),
            tags: self.iam_tags(place, policy.tags),
            name,
        })
    }

    pub(super) fn group(&mut self, place: &str, account: AccountId, group: Group) -> Seedling {
        let name_place = format!("{place}.GroupName");
        self.findings.check_text(&name_place, model::GROUP_NAME, &group.group_name);
        self.entity(&name_place, account, "group", &group.group_name);
        Seedling::Group(GroupSeedling {
            path: self.path(place, model::ENTITY_PATH, group.path),
            policies: self.policies(place, group.managed_policy_arns, group.policies),
            name: group.group_name,
        })
    }

    pub(super) fn user(&mut self, place: &str, account: AccountId, user: User) -> Seedling {
        let at = |member: &str| format!("{place}.{member}");
        self.findings.check_text(&at("UserName"), model::USER_NAME, &user.user_name);
        self.entity(&at("UserName"), account, "user", &user.user_name);
        for (index, group) in user.groups.iter().flatten().enumerate() {
            self.findings.check_text(&at(&format!("Groups[{index}]")), model::GROUP_NAME, group);
        }
        let keys = user.access_keys.into_iter().enumerate();
        let access_keys =
            keys.map(|(index, key)| self.access_key(&at(&format!("AccessKeys[{index}]")), key)).collect();
        Seedling::User(UserSeedling {
            path: self.path(place, model::ENTITY_PATH, user.path),
            policies: self.policies(place, user.managed_policy_arns, user.policies),
            boundary: self.boundary(place, user.permissions_boundary),
            groups: user.groups,
            tags: self.iam_tags(place, user.tags),
            access_keys,
            name: user.user_name,
        })
    }

    fn access_key(&mut self, place: &str, key: AccessKey) -> AccessKeySeedling {
        let (id, id_place) = (key.access_key_id, format!("{place}.AccessKeyId"));
        self.findings.check_text(&id_place, model::ACCESS_KEY_ID, &id);
        if id.starts_with(TEMPORARY) {
            let what =
                format!("ids that begin with {TEMPORARY} are those of temporary credentials; use AKIA");
            self.findings.add(&id_place, what);
        }
        self.once(&id_place, &format!("access key {id}"));
        let secret_place = format!("{place}.SecretAccessKey");
        self.secret(&secret_place, "make the key with `aws iam create-access-key`");
        let secret = key.secret_access_key.0;
        let length = secret.expose().len();
        if !(1..=MOST_OF_A_SECRET).contains(&length)
            || !secret.expose().bytes().all(|byte| byte.is_ascii_graphic())
        {
            let what = format!("a secret has 1 to {MOST_OF_A_SECRET} characters of ASCII, and no spaces");
            self.findings.add(&secret_place, what);
        }
        AccessKeySeedling { id, secret, active: key.status == KeyStatus::Active }
    }

    pub(super) fn role(&mut self, place: &str, account: AccountId, role: Role) -> Seedling {
        let at = |member: &str| format!("{place}.{member}");
        self.findings.check_text(&at("RoleName"), model::ROLE_NAME, &role.role_name);
        self.entity(&at("RoleName"), account, "role", &role.role_name);
        if let Some(description) = &role.description {
            self.findings.check_text(&at("Description"), model::ROLE_DESCRIPTION, description);
        }
        if let Some(seconds) = role.max_session_duration {
            self.findings.check_number(&at("MaxSessionDuration"), model::MAX_SESSION_DURATION, seconds);
        }
        let document = &role.assume_role_policy_document;
        Seedling::Role(RoleSeedling {
            path: self.path(place, model::ENTITY_PATH, role.path),
            description: role.description,
            trust: self.document(&at("AssumeRolePolicyDocument"), document, Kind::Trust),
            max_session: role.max_session_duration,
            policies: self.policies(place, role.managed_policy_arns, role.policies),
            boundary: self.boundary(place, role.permissions_boundary),
            tags: self.iam_tags(place, role.tags),
            name: role.role_name,
        })
    }

    /// Names of entities differ in more than case.
    fn entity(&mut self, place: &str, account: AccountId, noun: &str, name: &str) {
        self.once(place, &format!("{noun} {} of account {account}", name.to_lowercase()));
    }

    fn path(&mut self, place: &str, of: Limit, path: Option<String>) -> String {
        let path = path.unwrap_or_else(|| ROOT_PATH.to_owned());
        self.findings.check_text(&format!("{place}.Path"), of, &path);
        path
    }

    fn boundary(&mut self, place: &str, arn: Option<String>) -> Option<String> {
        let arn = arn?;
        self.findings.check_text(&format!("{place}.PermissionsBoundary"), model::POLICY_ARN, &arn);
        Some(arn)
    }

    fn policies(
        &mut self,
        place: &str,
        attached: Option<Vec<String>>,
        inline: Option<Vec<InlinePolicy>>,
    ) -> PolicySeedlings {
        for (index, arn) in attached.iter().flatten().enumerate() {
            let place = format!("{place}.ManagedPolicyArns[{index}]");
            self.findings.check_text(&place, model::POLICY_ARN, arn);
        }
        let inline = inline.map(|policies| {
            let mut names = BTreeSet::new();
            let policies = policies.into_iter().enumerate().map(|(index, policy)| {
                let place = format!("{place}.Policies[{index}]");
                let (name, name_place) = (policy.policy_name, format!("{place}.PolicyName"));
                self.findings.check_text(&name_place, model::INLINE_POLICY_NAME, &name);
                if !names.insert(name.clone()) {
                    self.findings.add(
                        &name_place,
                        format_args!("another policy here is called {name}; choose another name"),
                    );
                }
                let document = &policy.policy_document;
                (name, self.document(&format!("{place}.PolicyDocument"), document, Kind::Identity))
            });
            policies.collect()
        });
        PolicySeedlings { attached, inline }
    }

    fn iam_tags(
        &mut self,
        place: &str,
        tags: Option<Vec<crate::seed::format::Tag>>,
    ) -> Option<Vec<(String, String)>> {
        self.tags(place, tags, (model::IAM_TAG_KEY, model::IAM_TAG_VALUE))
    }
}

/// Puts roles that others trust before those that trust them: IAM wants them to be there. Where two of the seed trust
/// each other, none can be first.
pub(super) fn in_order_of_trust(planner: &mut Planner, roles: &mut Vec<Step>) {
    let arn_of = |step: &Step| match &step.what {
        What::Identity(Seedling::Role(role)) => {
            Some(format!("arn:{PARTITION}:iam::{}:role{}{}", step.account, role.path, role.name))
        }
        _ => None,
    };
    let mut waiting: Vec<_> = roles.drain(..).map(|step| (arn_of(&step), trusted_by(&step), step)).collect();
    while !waiting.is_empty() {
        let names: BTreeSet<_> = waiting.iter().filter_map(|(arn, ..)| arn.clone()).collect();
        let (ready, rest): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(_, trusted, _)| trusted.is_disjoint(&names));
        if ready.is_empty() {
            for (_, trusted, step) in &rest {
                let place = format!("{}.AssumeRolePolicyDocument", step.place);
                let others: Vec<_> = trusted.intersection(&names).map(String::as_str).collect();
                planner.findings.add(&place, format_args!(
                    "trusts {}, which cannot be made before this role; let one of them trust the account instead",
                    others.join(" and ")
                ));
            }
            return;
        }
        roles.extend(ready.into_iter().map(|(_, _, step)| step));
        waiting = rest;
    }
}

/// The ARNs of those whom a role's trust policy names.
fn trusted_by(step: &Step) -> BTreeSet<String> {
    let What::Identity(Seedling::Role(role)) = &step.what else { return BTreeSet::new() };
    // One that cannot be read has been found already.
    let Ok(document) = Document::parse(&role.trust, Kind::Trust) else { return BTreeSet::new() };
    let principals = document.statements.iter().filter_map(|statement| statement.principals.as_ref());
    let arns = principals.flat_map(Scope::listed).filter_map(|principal| match principal {
        NamedPrincipal::Arn(arn) => Some(arn.as_str().to_owned()),
        _ => None,
    });
    arns.collect()
}
