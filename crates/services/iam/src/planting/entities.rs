//! One entity of a directory, brought to what a seed says of it.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_api_iam::Tag;
use strongroom_service::Planted;

use super::access_keys::Standing;
use super::{
    GroupSeedling, Misfit, PolicySeedling, PolicySeedlings, RoleSeedling, Seedling, Soil, UserSeedling, at,
};
use crate::domain::directory::Entry;
use crate::domain::document::{check_inline, check_managed};
use crate::domain::edit::{Edit, RowChange};
use crate::domain::group::Group;
use crate::domain::kind::Kind;
use crate::domain::permissions::Permissions;
use crate::domain::policy::{MOST_VERSIONS, Policy, Version, version_id};
use crate::domain::role::{Role, USUAL_SESSION};
use crate::domain::tags::Tags;
use crate::domain::trust::Trust;
use crate::domain::user::User;
use crate::error::Refusal;

/// Changes the directory to what the seedling says.
pub(super) fn plant(edit: &mut Edit, seedling: &Seedling, soil: &Soil<'_>) -> Result<Planted, Misfit> {
    match seedling {
        Seedling::AccountAlias(alias) => account_alias(edit, alias),
        Seedling::Policy(wanted) => policy(edit, wanted, soil),
        Seedling::Group(wanted) => group(edit, wanted, soil),
        Seedling::User(wanted) => user(edit, wanted, soil),
        Seedling::Role(wanted) => role(edit, wanted, soil),
    }
}

fn account_alias(edit: &mut Edit, alias: &str) -> Result<Planted, Misfit> {
    let before = edit.settings().alias;
    let mut planted = Planted::default();
    if before.as_deref() == Some(alias) {
        return Ok(planted);
    }
    planted.note("AccountAlias");
    if let Some(before) = before {
        edit.row(RowChange::FreeAlias(before));
    }
    edit.row(RowChange::TakeAlias(alias.to_owned()));
    let set = edit.settings_mut(|settings| {
        settings.alias = Some(alias.to_owned());
        Ok(())
    });
    set.map_err(Misfit::whole)?;
    Ok(planted)
}

fn policy(edit: &mut Edit, wanted: &PolicySeedling, soil: &Soil<'_>) -> Result<Planted, Misfit> {
    let PolicySeedling { name, path, document, .. } = wanted;
    check_managed(document).map_err(at("PolicyDocument"))?;
    let tags = tags(wanted.tags.as_deref())?;
    let mut planted = Planted::default();
    let arn = Kind::Policy.arn(edit.account, path, name);
    let Some(Entry::Policy(found)) = edit.find(Kind::Policy, name).map(|entry| &**entry) else {
        planted.made = true;
        let (id, tags) = (soil.fresh_id.clone(), tags.unwrap_or_default());
        let policy = Policy::new(id, path, name, wanted.description.clone(), tags, document, soil.now_ms);
        edit.add(Kind::Policy, path, name, Entry::Policy(policy)).map_err(Misfit::whole)?;
        return Ok(planted);
    };
    let mut policy = found.clone();
    expect_path(&policy.path, path)?;
    if let Some(description) = &wanted.description {
        planted.set("Description", &mut policy.description, Some(description.clone()));
    }
    if let Some(tags) = tags {
        planted.set("Tags", &mut policy.tags, tags);
    }
    let counts = policy.version(&arn, &version_id(policy.default)).map_err(at("PolicyDocument"))?;
    if counts.text != *document {
        make_room(&mut policy, &arn).map_err(at("PolicyDocument"))?;
        policy.add_version(document, true, soil.now_ms).map_err(at("PolicyDocument"))?;
        planted.note("PolicyDocument");
    }
    if !planted.is_as_it_was() {
        edit.put(Entry::Policy(policy));
    }
    Ok(planted)
}

/// Takes the oldest version away that does not count, where there is no room for another.
fn make_room(policy: &mut Policy, arn: &str) -> Result<(), Refusal> {
    if policy.versions.len() < MOST_VERSIONS {
        return Ok(());
    }
    let oldest = policy.versions.iter().find(|version| version.number != policy.default);
    match oldest.map(Version::id) {
        Some(id) => policy.delete_version(arn, &id),
        None => Ok(()),
    }
}

fn group(edit: &mut Edit, wanted: &GroupSeedling, soil: &Soil<'_>) -> Result<Planted, Misfit> {
    let mut planted = Planted::default();
    let mut group = if let Ok(found) = edit.group(&wanted.name) {
        expect_path(&found.path, &wanted.path)?;
        found.clone()
    } else {
        planted.made = true;
        Group {
            id: soil.fresh_id.clone(),
            path: wanted.path.clone(),
            name: wanted.name.clone(),
            created_ms: soil.now_ms,
            permissions: Permissions::default(),
        }
    };
    permissions(edit, &mut planted, Kind::Group, &wanted.name, &mut group.permissions, &wanted.policies)?;
    put(edit, &planted, Kind::Group, (&wanted.path, &wanted.name), Entry::Group(group))?;
    Ok(planted)
}

fn user(edit: &mut Edit, wanted: &UserSeedling, soil: &Soil<'_>) -> Result<Planted, Misfit> {
    let mut planted = Planted::default();
    let mut user = if let Ok(found) = edit.user(&wanted.name) {
        expect_path(&found.path, &wanted.path)?;
        found.clone()
    } else {
        planted.made = true;
        User {
            id: soil.fresh_id.clone(),
            path: wanted.path.clone(),
            name: wanted.name.clone(),
            created_ms: soil.now_ms,
            tags: Tags::default(),
            permissions: Permissions::default(),
            boundary: None,
            groups: BTreeSet::new(),
            access_keys: Vec::new(),
            login: None,
        }
    };
    permissions(edit, &mut planted, Kind::User, &wanted.name, &mut user.permissions, &wanted.policies)?;
    boundary(edit, &mut planted, &mut user.boundary, wanted.boundary.as_deref())?;
    if let Some(tags) = tags(wanted.tags.as_deref())? {
        planted.set("Tags", &mut user.tags, tags);
    }
    if let Some(names) = &wanted.groups {
        let before = std::mem::take(&mut user.groups);
        for (index, name) in names.iter().enumerate() {
            let joined = edit.group(name).and_then(|group| user.join(&group.id));
            joined.map_err(at(format!("Groups[{index}]")))?;
        }
        if user.groups != before {
            planted.note("Groups");
        }
    }
    let rows = access_keys(&mut planted, &mut user, soil)?;
    put(edit, &planted, Kind::User, (&wanted.path, &wanted.name), Entry::User(user))?;
    for row in rows {
        edit.row(row);
    }
    Ok(planted)
}

/// Gives a user the access keys of the seed, and answers what changes beside the user.
fn access_keys(planted: &mut Planted, user: &mut User, soil: &Soil<'_>) -> Result<Vec<RowChange>, Misfit> {
    let mut rows = Vec::new();
    for (index, key) in soil.access_keys.iter().enumerate() {
        let id = &key.seedling.id;
        let misfit = || at(format!("AccessKeys[{index}]"));
        if key.standing == Standing::Absent {
            user.add_access_key(id, soil.now_ms).map_err(misfit())?;
        }
        let active = user.access_key(id).map_err(misfit())?.active;
        if active != key.seedling.active {
            user.set_active(id, key.seedling.active).map_err(misfit())?;
            planted.note("AccessKeys");
        }
        if key.standing == Standing::Same {
            continue;
        }
        planted.note("AccessKeys");
        if key.standing == Standing::OtherSecret {
            rows.push(RowChange::DropKey(id.clone()));
        }
        rows.push(RowChange::AddKey {
            access_key_id: id.clone(),
            holder_id: user.id.clone(),
            sealed_secret: key.sealed_secret.clone(),
            created_ms: soil.now_ms,
        });
    }
    Ok(rows)
}

fn role(edit: &mut Edit, wanted: &RoleSeedling, soil: &Soil<'_>) -> Result<Planted, Misfit> {
    let trust = Trust::parse(edit, &soil.elsewhere, &wanted.trust).map_err(at("AssumeRolePolicyDocument"))?;
    let mut planted = Planted::default();
    let mut role = if let Ok(found) = edit.role(&wanted.name) {
        found.expect_own().map_err(at("RoleName"))?;
        expect_path(&found.path, &wanted.path)?;
        found.clone()
    } else {
        planted.made = true;
        Role {
            id: soil.fresh_id.clone(),
            path: wanted.path.clone(),
            name: wanted.name.clone(),
            created_ms: soil.now_ms,
            description: None,
            max_session: USUAL_SESSION,
            trust: trust.clone(),
            tags: Tags::default(),
            permissions: Permissions::default(),
            boundary: None,
            service: None,
        }
    };
    planted.set("AssumeRolePolicyDocument", &mut role.trust, trust);
    if let Some(description) = &wanted.description {
        planted.set("Description", &mut role.description, Some(description.clone()));
    }
    if let Some(seconds) = wanted.max_session {
        planted.set("MaxSessionDuration", &mut role.max_session, seconds);
    }
    permissions(edit, &mut planted, Kind::Role, &wanted.name, &mut role.permissions, &wanted.policies)?;
    boundary(edit, &mut planted, &mut role.boundary, wanted.boundary.as_deref())?;
    if let Some(tags) = tags(wanted.tags.as_deref())? {
        planted.set("Tags", &mut role.tags, tags);
    }
    put(edit, &planted, Kind::Role, (&wanted.path, &wanted.name), Entry::Role(role))?;
    Ok(planted)
}

/// Writes an entity that was made or has changed.
fn put(
    edit: &mut Edit,
    planted: &Planted,
    kind: Kind,
    (path, name): (&str, &str),
    entry: Entry,
) -> Result<(), Misfit> {
    if planted.made {
        return edit.add(kind, path, name, entry).map_err(Misfit::whole);
    }
    if !planted.is_as_it_was() {
        edit.put(entry);
    }
    Ok(())
}

fn permissions(
    edit: &Edit,
    planted: &mut Planted,
    kind: Kind,
    name: &str,
    has: &mut Permissions,
    wanted: &PolicySeedlings,
) -> Result<(), Misfit> {
    let mut fresh = Permissions::default();
    if let Some(arns) = &wanted.attached {
        for (index, arn) in arns.iter().enumerate() {
            let attached = edit.expect_attachable(arn).and_then(|()| fresh.attach(kind, arn));
            attached.map_err(at(format!("ManagedPolicyArns[{index}]")))?;
        }
        planted.set("ManagedPolicyArns", &mut has.attached, fresh.attached.clone());
    }
    if let Some(policies) = &wanted.inline {
        for (index, (policy, text)) in policies.iter().enumerate() {
            let put = check_inline(text).and_then(|()| fresh.put(kind, name, policy, text));
            put.map_err(at(format!("Policies[{index}].PolicyDocument")))?;
        }
        let inline: BTreeMap<_, _> = fresh.inline;
        planted.set("Policies", &mut has.inline, inline);
    }
    Ok(())
}

fn boundary(
    edit: &Edit,
    planted: &mut Planted,
    has: &mut Option<String>,
    wanted: Option<&str>,
) -> Result<(), Misfit> {
    let Some(arn) = wanted else { return Ok(()) };
    edit.expect_bounding(arn).map_err(at("PermissionsBoundary"))?;
    planted.set("PermissionsBoundary", has, Some(arn.to_owned()));
    Ok(())
}

fn tags(pairs: Option<&[(String, String)]>) -> Result<Option<Tags>, Misfit> {
    let Some(pairs) = pairs else { return Ok(None) };
    let tags: Vec<_> =
        pairs.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect();
    Tags::parse(Some(&tags)).map(Some).map_err(at("Tags"))
}

/// Refuses another path than the entity has: it is part of the ARN, which others may have written down.
fn expect_path(has: &str, wanted: &str) -> Result<(), Misfit> {
    if has == wanted {
        return Ok(());
    }
    Err(at("Path")(Refusal::exists(format!(
        "it is there under the path {has}; say that, or delete it first"
    ))))
}
