//! The key, its rotation and its alias.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use strongroom_client::CallError;

use super::cluster::told;
use super::deployments::{Deployment, Deployments, TAG};
use super::site::{PATIENCE_MS, Seen, Site};

/// What the alias is called, unless the person says otherwise.
pub(crate) const ALIAS: &str = "alias/my-hsm-key";
/// Days between rotations: the walk's.
const ROTATION_DAYS: u64 = 90;
/// What becomes of it at a server that does nothing beyond AWS.
const NO_ROTATION: &str =
    "none: AWS does not rotate keys of custom key stores, nor does this server (--compat-strict)";
/// How long a key may take to be made, milliseconds: HSMs that answer nobody are not waited for.
const KEY_PATIENCE_MS: i64 = 2 * 60 * 1_000;
/// How long HSMs have for themselves before they are asked again: each call that failed may have left a key in one.
const BETWEEN_KEYS: Duration = Duration::from_secs(3);
/// What KMS says where it has not heard from the HSMs, or not from two of them.
const OUT_OF_TOUCH: [&str; 2] = ["KMSInvalidStateException", "CloudHsmClusterInvalidConfigurationException"];
/// What is encrypted to see that everything works.
const TRIAL: &str = "c3Ryb25ncm9vbSB1cA==";

/// What DescribeKey shows.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) state: String,
    /// The key store that it is in.
    pub(crate) store: Option<String>,
    /// When it is to be deleted, in seconds since 1970.
    pub(crate) deletion: Option<f64>,
}

impl Key {
    fn read(answer: &Value) -> Option<Self> {
        let shown = answer.get("KeyMetadata")?;
        let text = |name: &str| shown.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            id: text("KeyId")?,
            arn: text("Arn")?,
            state: text("KeyState")?,
            store: text("CustomKeyStoreId"),
            deletion: shown.get("DeletionDate").and_then(Value::as_f64),
        })
    }
}

/// The key of that id or alias, if there is one.
pub(crate) fn find(site: &Site, id: &str) -> Result<Option<Key>> {
    match site.kms("DescribeKey", &json!({ "KeyId": id })) {
        Ok(answer) => Ok(Some(Key::read(&answer).context("DescribeKey answers no key")?)),
        Err(error) if error.code() == Some("NotFoundException") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The keys of a key store.
pub(crate) fn of_store(site: &Site, key_store_id: &str) -> Result<Vec<Key>> {
    let mut found = Vec::new();
    for item in site.kms_list("ListKeys", &json!({}), "Keys")? {
        let id = item.get("KeyId").and_then(Value::as_str).unwrap_or_default();
        let key = find(site, id)?;
        found.extend(key.filter(|key| key.store.as_deref() == Some(key_store_id)));
    }
    Ok(found)
}

/// Whether the key was made by the deployment of that token.
pub(crate) fn is_of(site: &Site, key: &Key, token: &str) -> Result<bool> {
    let tags = site.kms_list("ListResourceTags", &json!({ "KeyId": key.id }), "Tags")?;
    Ok(tags.contains(&json!({ "TagKey": TAG, "TagValue": token })))
}

/// Sees to it that there is a key that can be used in the key store.
pub(crate) fn ensure(
    site: &Site,
    key_store_id: &str,
    deployment: &mut Deployment,
    deployments: &mut Deployments,
) -> Result<(Key, String)> {
    if let Some(key) = known(site, key_store_id, deployment)? {
        deployment.key_id = Some(key.id.clone());
        deployments.keep(deployment)?;
        return revive(site, key);
    }
    deployment.key_id = None;
    deployment.key_asked_for = true;
    deployments.keep(deployment)?;
    let input = json!({
        "Origin": "AWS_CLOUDHSM",
        "CustomKeyStoreId": key_store_id,
        "Description": "Made by strongroom up",
        "Tags": [{ "TagKey": TAG, "TagValue": deployment.token }],
    });
    let patience = (KEY_PATIENCE_MS, BETWEEN_KEYS);
    let answer = in_touch(site, "a key in the HSMs", patience, || site.kms("CreateKey", &input))?;
    let key = Key::read(&answer).context("CreateKey answers no key")?;
    deployment.key_id = Some(key.id.clone());
    deployments.keep(deployment)?;
    let text = told(true, &key.id);
    Ok((key, text))
}

/// The deployment's key, by its id, or by its tag where the id did not come back.
fn known(site: &Site, key_store_id: &str, deployment: &Deployment) -> Result<Option<Key>> {
    let is_there = |key: &Key| key.store.as_deref() == Some(key_store_id);
    if let Some(id) = &deployment.key_id {
        return Ok(find(site, id)?.filter(is_there));
    }
    if deployment.key_asked_for {
        for key in of_store(site, key_store_id)? {
            if is_of(site, &key, &deployment.token)? {
                return Ok(Some(key));
            }
        }
    }
    Ok(None)
}

/// Makes a key usable that somebody has disabled or scheduled for deletion.
fn revive(site: &Site, key: Key) -> Result<(Key, String)> {
    let input = json!({ "KeyId": key.id });
    match key.state.as_str() {
        "Enabled" => {
            let text = told(false, &key.id);
            return Ok((key, text));
        }
        "PendingDeletion" => {
            site.kms("CancelKeyDeletion", &input)?;
            site.kms("EnableKey", &input)?;
        }
        "Disabled" => {
            site.kms("EnableKey", &input)?;
        }
        other => bail!("the key {} is {other}; run this again when it is not", key.id),
    }
    let text = format!("found {}, which was {}: enabled it", key.id, key.state);
    Ok((key, text))
}

/// Sees to it that the key rotates every 90 days, and answers whether it does.
pub(crate) fn rotate(site: &Site, key: &Key) -> Result<(bool, String)> {
    let input = json!({ "KeyId": key.id });
    let status = match site.kms("GetKeyRotationStatus", &input) {
        Err(error) if is_unsupported(&error) => return Ok((false, NO_ROTATION.to_owned())),
        status => status?,
    };
    let is_so = status.get("KeyRotationEnabled") == Some(&json!(true))
        && status.get("RotationPeriodInDays") == Some(&json!(ROTATION_DAYS));
    let text = format!("every {ROTATION_DAYS} days");
    if is_so {
        return Ok((true, format!("found {text}")));
    }
    let input = json!({ "KeyId": key.id, "RotationPeriodInDays": ROTATION_DAYS });
    match site.kms("EnableKeyRotation", &input) {
        Err(error) if is_unsupported(&error) => Ok((false, NO_ROTATION.to_owned())),
        done => done.map(|_| (true, format!("on, {text}"))).map_err(Into::into),
    }
}

/// Whether a server refuses what AWS does not have.
fn is_unsupported(error: &CallError) -> bool {
    error.code() == Some("UnsupportedOperationException")
}

/// Sees to it that the alias names the key.
pub(crate) fn name(site: &Site, key: &Key, alias: &str) -> Result<String> {
    if let Some(named) = find(site, alias)? {
        ensure!(
            named.id == key.id,
            "{alias} names the key {} already, which `strongroom up` did not make: choose another with --alias",
            named.id
        );
        return Ok(told(false, alias));
    }
    let input = json!({ "AliasName": alias, "TargetKeyId": key.id });
    match site.kms("CreateAlias", &input) {
        Ok(_) => Ok(told(true, alias)),
        // It names a key that is gone.
        Err(error) if error.code() == Some("AlreadyExistsException") => {
            site.kms("UpdateAlias", &input)?;
            Ok(told(true, alias))
        }
        Err(error) => Err(error.into()),
    }
}

/// Encrypts and decrypts a few bytes, as soon as KMS reaches the HSMs: after a restart it may take a moment.
pub(crate) fn try_out(site: &Site, alias: &str) -> Result<String> {
    let input = json!({ "KeyId": alias, "Plaintext": TRIAL });
    let patience = (PATIENCE_MS, Duration::ZERO);
    let blob = in_touch(site, "KMS in touch with the HSMs", patience, || site.kms("Encrypt", &input))?;
    let opened = site.kms("Decrypt", &json!({ "CiphertextBlob": blob.get("CiphertextBlob") }))?;
    ensure!(
        opened.get("Plaintext") == Some(&json!(TRIAL)),
        "what was encrypted is decrypted to something else"
    );
    Ok("encrypted and decrypted a message in the HSMs".to_owned())
}

/// Asks KMS for what needs the HSMs, again where they did not answer KMS in time. KMS has no key then, and clears away what
/// an HSM may have made. The patience is how long it may take, and for how long the HSMs are left alone in between.
fn in_touch(
    site: &Site,
    what: &str,
    (patience_ms, pause): (i64, Duration),
    ask: impl Fn() -> Result<Value, CallError>,
) -> Result<Value> {
    site.wait_within(patience_ms, what, || match ask() {
        Ok(answer) => Ok(Seen::Reached(answer)),
        Err(error) if error.code().is_some_and(|code| OUT_OF_TOUCH.contains(&code)) => {
            sleep(pause);
            Ok(Seen::NotYet(format!("not: {error}")))
        }
        Err(error) => Err(error.into()),
    })
}

/// Schedules a key's deletion, as early as may be, and answers when it is due, in seconds since 1970.
pub(crate) fn schedule_deletion(site: &Site, key: &Key) -> Result<f64> {
    if let (Some(deletion), "PendingDeletion") = (key.deletion, key.state.as_str()) {
        return Ok(deletion);
    }
    let input = json!({ "KeyId": key.id, "PendingWindowInDays": 7 });
    let answer = site.kms("ScheduleKeyDeletion", &input)?;
    answer.get("DeletionDate").and_then(Value::as_f64).context("ScheduleKeyDeletion answers no date")
}

/// Takes an alias from a key.
pub(crate) fn delete_alias(site: &Site, alias: &str) -> Result<bool> {
    match site.kms("DeleteAlias", &json!({ "AliasName": alias })) {
        Ok(_) => Ok(true),
        Err(error) if error.code() == Some("NotFoundException") => Ok(false),
        Err(error) => Err(CallError::into(error)),
    }
}
