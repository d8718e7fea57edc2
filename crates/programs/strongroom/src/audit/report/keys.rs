//! Keys and custom key stores.

use serde_json::{Value, json};
use strongroom_client::CallError;

use super::checks::{KEY_DELETION, KEY_IDLE, ROTATION, STORE_CONNECTED};
use super::key_policies;
use super::outcome::Tally;
use super::site::{Site, text};

/// Codes by which KMS says that a key has no rotation: its kind, or where its material is.
const NO_ROTATION: &[&str] = &["UnsupportedOperationException", "KMSInvalidStateException"];

/// Looks at what a Region has of keys, and answers the ids of the customer's.
pub(super) fn examine(site: &Site, region: &str, tally: &mut Tally) -> Vec<String> {
    if let Err(error) = stores(site, region, tally) {
        tally.not_asked(Some(region), "custom key stores", &error);
    }
    let listed = match site.kms_list(region, "ListKeys", &json!({ "Limit": 1000 }), "Keys") {
        Ok(listed) => listed,
        Err(error) => {
            tally.not_asked(Some(region), "keys", &error);
            return Vec::new();
        }
    };
    let mut customers = Vec::new();
    for key in &listed {
        let id = text(key, "KeyId");
        match one(site, region, id, tally) {
            Ok(true) => customers.push(id.to_owned()),
            Ok(false) => {}
            Err(error) => tally.not_asked(Some(region), &format!("key {id}"), &error),
        }
    }
    customers
}

/// Looks at a key; tells whether it is the customer's.
fn one(site: &Site, region: &str, id: &str, tally: &mut Tally) -> Result<bool, CallError> {
    let described = site.kms(region, "DescribeKey", &json!({ "KeyId": id }))?;
    let key = &described["KeyMetadata"];
    if text(key, "KeyManager") != "CUSTOMER" {
        return Ok(false);
    }
    let name = text(key, "Arn").to_owned();
    let state = text(key, "KeyState");
    let waits = (state == "PendingDeletion").then(|| "it is deleted soon".to_owned());
    let is_kept = waits.is_none();
    tally.examined(KEY_DELETION, Some(region), &name, waits);
    if state == "Enabled" {
        rotation(site, region, key, tally)?;
        idle(site, region, key, tally)?;
    }
    if is_kept {
        key_policies::examine(site, region, id, &name, tally)?;
    }
    Ok(true)
}

fn rotation(site: &Site, region: &str, key: &Value, tally: &mut Tally) -> Result<(), CallError> {
    // Other kinds of keys, and material of the customer's own, rotate only by hand.
    if text(key, "KeySpec") != "SYMMETRIC_DEFAULT" || text(key, "Origin") == "EXTERNAL" {
        return Ok(());
    }
    let status = match site.kms(region, "GetKeyRotationStatus", &json!({ "KeyId": text(key, "KeyId") })) {
        Err(error) if error.code().is_some_and(|code| NO_ROTATION.contains(&code)) => return Ok(()),
        asked => asked?,
    };
    let rotates = status["KeyRotationEnabled"] == json!(true);
    let found = (!rotates).then(|| "automatic rotation is off".to_owned());
    tally.examined(ROTATION, Some(region), text(key, "Arn"), found);
    Ok(())
}

fn idle(site: &Site, region: &str, key: &Value, tally: &mut Tally) -> Result<(), CallError> {
    let usage = site.kms(region, "GetKeyLastUsage", &json!({ "KeyId": text(key, "KeyId") }))?;
    let created = key["CreationDate"].as_f64().unwrap_or_default();
    let used = usage["KeyLastUsage"]["Timestamp"].as_f64();
    let since = site.days_since(used.unwrap_or(created));
    let found = (since >= site.unused_days).then(|| match used {
        Some(_) => format!("last used {since} days ago"),
        None => format!("not used in the {since} days since it was made, as far as that is known"),
    });
    tally.examined(KEY_IDLE, Some(region), text(key, "Arn"), found);
    Ok(())
}

fn stores(site: &Site, region: &str, tally: &mut Tally) -> Result<(), CallError> {
    let stores = site.kms_list(region, "DescribeCustomKeyStores", &json!({}), "CustomKeyStores")?;
    for store in &stores {
        let state = text(store, "ConnectionState");
        let code = text(store, "ConnectionErrorCode");
        let found = (state != "CONNECTED").then(|| match code {
            "" => format!("it is {state}"),
            code => format!("it is {state}: {code}"),
        });
        tally.examined(STORE_CONNECTED, Some(region), text(store, "CustomKeyStoreName"), found);
    }
    Ok(())
}
