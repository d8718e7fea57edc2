//! Custom key stores.

use serde_json::Value;
use strongroom_api_kms::{
    ConnectCustomKeyStoreRequest, ConnectCustomKeyStoreResponse, CreateCustomKeyStoreRequest,
    CreateCustomKeyStoreResponse, CustomKeyStoreType, CustomKeyStoresListEntry, DeleteCustomKeyStoreRequest,
    DeleteCustomKeyStoreResponse, DescribeCustomKeyStoresRequest, DescribeCustomKeyStoresResponse,
    DisconnectCustomKeyStoreRequest, DisconnectCustomKeyStoreResponse, UpdateCustomKeyStoreRequest,
    UpdateCustomKeyStoreResponse,
};
use strongroom_identity::RequestContext;
use strongroom_schema::Timestamp;
use strongroom_secret::{Secret, SecretString};

use super::refuse_nul;
use crate::KeyManagement;
use crate::domain::key_store::KeyStore;
use crate::domain::paging::Page;
use crate::error::Refusal;
use crate::management::{KeyStoreChange, NewKeyStore, WhichKeyStores};

/// Key stores in a page of DescribeCustomKeyStores, unless the caller says otherwise.
const PAGE: usize = 100;

/// Marks this list's markers.
const LIST: u8 = 11;

/// What requests call a key store's cluster, and what CloudTrail calls it.
const CLUSTER_ASKED: &str = "cloudHsmClusterId";
const CLUSTER_RECORDED: &str = "clusterId";

/// What CloudTrail leaves out, as it does the password.
const UNRECORDED: &str = "trustAnchorCertificate";

/// The parameters of a KMS call as its record shows them: a key store's cluster under CloudTrail's name, and no
/// certificate (KMS Developer Guide, "CreateCustomKeyStore").
pub fn name_cluster(parameters: String) -> String {
    if !parameters.contains(CLUSTER_ASKED) {
        return parameters;
    }
    let Ok(Value::Object(members)) = serde_json::from_str(&parameters) else { return parameters };
    let named = |(name, value): (String, Value)| match name {
        name if name == UNRECORDED => None,
        name if name == CLUSTER_ASKED => Some((CLUSTER_RECORDED.to_owned(), value)),
        name => Some((name, value)),
    };
    Value::Object(members.into_iter().filter_map(named).collect()).to_string()
}

pub(super) async fn create_custom_key_store(
    kms: &KeyManagement,
    context: &RequestContext,
    input: CreateCustomKeyStoreRequest,
) -> Result<CreateCustomKeyStoreResponse, Refusal> {
    match &input.custom_key_store_type {
        None | Some(CustomKeyStoreType::AwsCloudhsm) => {}
        Some(_) => return Err(Refusal::NotYet("external key stores")),
    }
    let external = [
        ("XksProxyUriEndpoint", input.xks_proxy_uri_endpoint.is_some()),
        ("XksProxyUriPath", input.xks_proxy_uri_path.is_some()),
        ("XksProxyVpcEndpointServiceName", input.xks_proxy_vpc_endpoint_service_name.is_some()),
        ("XksProxyVpcEndpointServiceOwner", input.xks_proxy_vpc_endpoint_service_owner.is_some()),
        ("XksProxyAuthenticationCredential", input.xks_proxy_authentication_credential.is_some()),
        ("XksProxyConnectivity", input.xks_proxy_connectivity.is_some()),
    ];
    refuse_external(&external)?;
    let cluster_id = input.cloud_hsm_cluster_id.ok_or_else(|| Refusal::missing("cloudHsmClusterId"))?;
    if kms.settings.strict && input.trust_anchor_certificate.is_none() {
        return Err(Refusal::missing("trustAnchorCertificate"));
    }
    if kms.settings.strict && input.key_store_password.is_none() {
        return Err(Refusal::missing("keyStorePassword"));
    }
    refuse_nul("CustomKeyStoreName", &input.custom_key_store_name)?;
    let new = NewKeyStore {
        name: input.custom_key_store_name,
        cluster_id,
        trust_anchor: input.trust_anchor_certificate,
        password: input.key_store_password.as_ref().map(password).transpose()?,
    };
    let store = kms.create_key_store(context, new).await?;
    Ok(CreateCustomKeyStoreResponse { custom_key_store_id: Some(store.id) })
}

fn password(given: &Secret<String>) -> Result<SecretString, Refusal> {
    refuse_nul("KeyStorePassword", given.expose())?;
    Ok(SecretString::new(given.expose().clone()))
}

/// Refuses parameters of external key stores.
fn refuse_external(given: &[(&str, bool)]) -> Result<(), Refusal> {
    match given.iter().find(|(_, given)| *given) {
        Some((name, _)) => Err(Refusal::Validation(format!(
            "{name} is valid only for custom key stores with a CustomKeyStoreType of EXTERNAL_KEY_STORE."
        ))),
        None => Ok(()),
    }
}

pub(super) async fn connect_custom_key_store(
    kms: &KeyManagement,
    context: &RequestContext,
    input: ConnectCustomKeyStoreRequest,
) -> Result<ConnectCustomKeyStoreResponse, Refusal> {
    kms.connect_key_store(context, &input.custom_key_store_id).await?;
    Ok(ConnectCustomKeyStoreResponse {})
}

pub(super) async fn disconnect_custom_key_store(
    kms: &KeyManagement,
    context: &RequestContext,
    input: DisconnectCustomKeyStoreRequest,
) -> Result<DisconnectCustomKeyStoreResponse, Refusal> {
    kms.disconnect_key_store(context, &input.custom_key_store_id).await?;
    Ok(DisconnectCustomKeyStoreResponse {})
}

pub(super) async fn update_custom_key_store(
    kms: &KeyManagement,
    context: &RequestContext,
    input: UpdateCustomKeyStoreRequest,
) -> Result<UpdateCustomKeyStoreResponse, Refusal> {
    let external = [
        ("XksProxyUriEndpoint", input.xks_proxy_uri_endpoint.is_some()),
        ("XksProxyUriPath", input.xks_proxy_uri_path.is_some()),
        ("XksProxyVpcEndpointServiceName", input.xks_proxy_vpc_endpoint_service_name.is_some()),
        ("XksProxyVpcEndpointServiceOwner", input.xks_proxy_vpc_endpoint_service_owner.is_some()),
        ("XksProxyAuthenticationCredential", input.xks_proxy_authentication_credential.is_some()),
        ("XksProxyConnectivity", input.xks_proxy_connectivity.is_some()),
    ];
    refuse_external(&external)?;
    if let Some(name) = &input.new_custom_key_store_name {
        refuse_nul("NewCustomKeyStoreName", name)?;
    }
    let change = KeyStoreChange {
        name: input.new_custom_key_store_name,
        cluster_id: input.cloud_hsm_cluster_id,
        password: input.key_store_password.as_ref().map(password).transpose()?,
    };
    if change.name.is_none() && change.cluster_id.is_none() && change.password.is_none() {
        return Err(Refusal::Validation(
            "You must specify at least one property of the custom key store to update.".to_owned(),
        ));
    }
    kms.update_key_store(context, &input.custom_key_store_id, change).await?;
    Ok(UpdateCustomKeyStoreResponse {})
}

pub(super) async fn delete_custom_key_store(
    kms: &KeyManagement,
    context: &RequestContext,
    input: DeleteCustomKeyStoreRequest,
) -> Result<DeleteCustomKeyStoreResponse, Refusal> {
    kms.delete_key_store(context, &input.custom_key_store_id).await?;
    Ok(DeleteCustomKeyStoreResponse {})
}

pub(super) async fn describe_custom_key_stores(
    kms: &KeyManagement,
    context: &RequestContext,
    input: DescribeCustomKeyStoresRequest,
) -> Result<DescribeCustomKeyStoresResponse, Refusal> {
    let which = match (input.custom_key_store_id, input.custom_key_store_name) {
        (None, None) => WhichKeyStores::All,
        (Some(id), None) => WhichKeyStores::Id(id),
        (None, Some(name)) => WhichKeyStores::Name(name),
        (Some(_), Some(_)) => {
            return Err(Refusal::Validation(
                "You cannot specify both CustomKeyStoreId and CustomKeyStoreName.".to_owned(),
            ));
        }
    };
    let page = Page::parse(LIST, input.limit, PAGE, input.marker.as_deref())?;
    let stores = kms.describe_key_stores(context, which, &page).await?;
    let (stores, next_marker) = page.cut(LIST, stores, |store| store.id.clone());
    Ok(DescribeCustomKeyStoresResponse {
        custom_key_stores: Some(stores.into_iter().map(entry).collect()),
        truncated: Some(next_marker.is_some()),
        next_marker,
    })
}

fn entry(store: KeyStore) -> CustomKeyStoresListEntry {
    CustomKeyStoresListEntry {
        custom_key_store_id: Some(store.id),
        custom_key_store_name: Some(store.name),
        cloud_hsm_cluster_id: Some(store.cluster_id),
        trust_anchor_certificate: Some(store.trust_anchor),
        connection_state: Some(store.state.as_str().into()),
        connection_error_code: store.error.map(|error| error.as_str().into()),
        creation_date: Some(Timestamp::from_millis(store.created_ms)),
        custom_key_store_type: Some(CustomKeyStoreType::AwsCloudhsm),
        xks_proxy_configuration: None,
    }
}
