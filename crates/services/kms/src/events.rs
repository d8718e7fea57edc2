//! Records of what KMS does by itself (KMS Developer Guide, "Logging AWS KMS API calls with AWS CloudTrail":
//! `RotateKey`, `DeleteKey`), and of what AWS does not do.

use serde_json::{Value, json};
use strongroom_api_kms::SERVICE;
use strongroom_crypto::hex;
use strongroom_identity::{RequestContext, RequestId};
use strongroom_journal::{EventId, EventType, Identity, Record, Resource};
use strongroom_outbox::identity_of;
use strongroom_service::Planted;

use crate::domain::identifier::Home;
use crate::domain::key::{Held, Key, Material, MaterialId};
use crate::domain::rotation::RotationKind;
use crate::management::KEY_RESOURCE;
use crate::repo::leftovers::Leftover;

/// Who did it, where CloudTrail names an address or a program.
const INTERNAL: &str = "AWS Internal";

/// A key was given new material.
pub(crate) fn rotated(
    key: &Key,
    former: Option<&MaterialId>,
    kind: RotationKind,
    at_ms: i64,
    event_id: [u8; 16],
) -> Record {
    let details = json!({
        "rotationType": kind.as_str(),
        "keyOrigin": key.origin().as_str(),
        "previousKeyMaterialId": former.map(|id| hex::encode(id)),
        "currentKeyMaterialId": key.current_material_id(),
        "keyId": key.id,
    });
    Record { service_event_details: Some(details.to_string()), ..event(key, "RotateKey", at_ms, event_id) }
}

/// A material that the key's owner had brought has expired (KMS Developer Guide, "DeleteExpiredKeyMaterial").
pub(crate) fn material_expired(key: &Key, at_ms: i64, event_id: [u8; 16]) -> Record {
    Record {
        response_elements: None,
        service_event_details: Some(json!({ "keyId": key.id }).to_string()),
        ..event(key, "DeleteExpiredKeyMaterial", at_ms, event_id)
    }
}

/// A key was deleted. What it had in the HSMs of a key store counts as still there.
pub(crate) fn deleted(key: &Key, cluster_id: Option<&str>, at_ms: i64, event_id: [u8; 16]) -> Record {
    let mut record = event(key, "DeleteKey", at_ms, event_id);
    note_destroyed(&mut record, key, cluster_id, &[]);
    record
}

/// Says which materials of a deleted key are gone from the HSMs of its key store too.
pub(crate) fn note_destroyed(
    record: &mut Record,
    key: &Key,
    cluster_id: Option<&str>,
    destroyed: &[MaterialId],
) {
    let Some(store) = &key.store else { return };
    let status = |material: &Material| {
        let mut status = backing_key(material)?;
        let done = destroyed.contains(&material.id);
        status["deletionStatus"] = if done { "SUCCESS" } else { "FAILURE" }.into();
        Some(status)
    };
    let keys: Vec<_> = key.materials.iter().filter_map(backing_key).collect();
    let statuses: Vec<_> = key.materials.iter().filter_map(status).collect();
    let data = json!({
        "customKeyStoreId": store,
        "clusterId": cluster_id,
        "backingKeys": Value::from(keys).to_string(),
        "backingKeysDeletionStatus": Value::from(statuses).to_string(),
    });
    record.additional_event_data = Some(data.to_string());
}

/// A key in the HSMs of a key store was deleted of which no KMS key was left. The name of the event is ours: AWS leaves
/// such keys where they are.
pub(crate) fn swept(leftover: &Leftover, at_ms: i64, event_id: [u8; 16]) -> Record {
    let details = json!({
        "customKeyStoreId": leftover.store,
        "keyId": leftover.key_id,
        "backingKeyId": hex::encode(&leftover.material_id),
    });
    Record {
        service_event_details: Some(details.to_string()),
        ..of_home(&leftover.home, "DeleteBackingKey", at_ms, event_id)
    }
}

/// How records name a key in the HSMs of a key store. `None` for materials that are elsewhere.
pub(crate) fn backing_key(material: &Material) -> Option<Value> {
    match &material.held {
        Held::Absent { .. } | Held::Token { .. } => None,
        Held::InCluster { handle, .. } => {
            Some(json!({ "keyHandle": handle.to_string(), "backingKeyId": hex::encode(&material.id) }))
        }
    }
}

/// A service's key was made for an account.
pub(crate) fn created_by_service(key: &Key, service: &str, event_id: [u8; 16]) -> Record {
    let host = format!("{service}.amazonaws.com");
    let event = event(key, "CreateKey", key.created_ms, event_id);
    let identity = Identity { invoked_by: Some(host.clone()), ..event.identity };
    Record { identity, source_ip: host.clone(), user_agent: Some(host), ..event }
}

/// A replica was made, in the Region where it is: what a ReplicateKey in another Region leaves there (KMS API Reference,
/// ReplicateKey, "records a `CreateKey` operation in the replica key's Region").
pub(crate) fn replica_created(context: &RequestContext, replica: &Key, event_id: [u8; 16]) -> Record {
    let parameters = json!({
        "description": replica.description,
        "origin": replica.origin().as_str(),
        "keySpec": replica.spec.as_str(),
        "customerMasterKeySpec": replica.spec.as_str(),
        "keyUsage": replica.usage.as_str(),
        "multiRegion": true,
    });
    passed_on(context, replica, "CreateKey", &parameters, event_id)
}

/// A replica has become the primary key, in the Region where it is (KMS Developer Guide, "UpdatePrimaryRegion").
pub(crate) fn promoted(context: &RequestContext, primary: &Key, event_id: [u8; 16]) -> Record {
    let parameters = json!({ "keyId": primary.arn, "primaryRegion": primary.home.region });
    passed_on(context, primary, "UpdatePrimaryRegion", &parameters, event_id)
}

/// What a call leaves in another Region, to which KMS passes it on.
fn passed_on(
    context: &RequestContext,
    key: &Key,
    name: &str,
    parameters: &Value,
    event_id: [u8; 16],
) -> Record {
    let identity = identity_of(&context.caller);
    Record {
        identity: Identity { invoked_by: Some(SERVICE.event_source.to_owned()), ..identity },
        source_ip: context.source_ip.to_string(),
        request_id: Some(context.request_id.to_string()),
        request_parameters: Some(parameters.to_string()),
        event_type: EventType::AwsApiCall,
        ..event(key, name, context.now_ms, event_id)
    }
}

/// What related keys share was copied to the replicas of a key (KMS Developer Guide, "SynchronizeMultiRegionKey").
pub(crate) fn synchronized(key: &Key, at_ms: i64, event_id: [u8; 16], request_id: [u8; 16]) -> Record {
    let home = key.primary_home();
    let arn = home.key_arn(&key.id);
    Record {
        request_id: Some(RequestId::from_random(request_id).to_string()),
        event_type: EventType::AwsApiCall,
        ..about(&home, &arn, "SynchronizeMultiRegionKey", at_ms, event_id)
    }
}

/// The operator's seed has made or changed a key. The name of the event is ours: AWS has no seeds.
pub(crate) fn planted(key: &Key, planted: &Planted, at_ms: i64, event_id: [u8; 16]) -> Record {
    let details = json!({ "made": planted.made, "changed": planted.changed });
    Record {
        service_event_details: Some(details.to_string()),
        ..event(key, "PlantResource", at_ms, event_id)
    }
}

/// What all say that are about a key.
fn event(key: &Key, name: &str, at_ms: i64, event_id: [u8; 16]) -> Record {
    about(&key.home, &key.arn, name, at_ms, event_id)
}

/// The same of a key that is known by its ARN alone.
fn about(home: &Home, arn: &str, name: &str, at_ms: i64, event_id: [u8; 16]) -> Record {
    Record {
        response_elements: Some(json!({ "keyId": arn }).to_string()),
        resources: Some(vec![Resource {
            account_id: Some(home.account.to_string()),
            kind: Some(KEY_RESOURCE.to_owned()),
            arn: arn.to_owned(),
        }]),
        ..of_home(home, name, at_ms, event_id)
    }
}

/// What all of them say.
fn of_home(home: &Home, name: &str, at_ms: i64, event_id: [u8; 16]) -> Record {
    let account_id = home.account.to_string();
    Record {
        event_id: EventId(event_id),
        event_time_ms: at_ms,
        event_source: SERVICE.event_source.to_owned(),
        event_name: name.to_owned(),
        aws_region: home.region.to_owned(),
        identity: Identity {
            account_id: Some(account_id.clone()),
            invoked_by: Some(INTERNAL.to_owned()),
            ..Identity::default()
        },
        source_ip: INTERNAL.to_owned(),
        user_agent: Some(INTERNAL.to_owned()),
        account_id,
        event_type: EventType::AwsServiceEvent,
        management: true,
        ..Record::default()
    }
}
