//! Providers of identities that speak OpenID Connect.

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::NOW;
use crate::fixture::iam::{Client, STRANGER, client, refusal};

on_both_engines! {
    a_provider_is_made_changed_and_deleted,
    what_is_no_provider_is_refused,
    quotas_hold,
    providers_are_an_accounts_own,
    providers_are_tagged,
}

const URL: &str = "https://token.example.com/tenant";
const ARN: &str = "arn:aws:iam::111122223333:oidc-provider/token.example.com/tenant";
const THUMBPRINT: &str = "990F4193972F2BECF12DDEDA5237F9C952F20D9E";

async fn create(client: &Client, url: &str, client_ids: &[&str]) -> Result<String, ApiError> {
    let input = iam::CreateOpenIDConnectProviderRequest {
        url: url.to_owned(),
        client_id_list: Some(client_ids.iter().map(|id| (*id).to_owned()).collect()),
        ..Default::default()
    };
    let made = client.iam().create_open_id_connect_provider(&client.changing(), input).await?;
    Ok(made.open_id_connect_provider_arn.unwrap())
}

async fn get(client: &Client, arn: &str) -> Result<iam::GetOpenIDConnectProviderResponse, ApiError> {
    let input = iam::GetOpenIDConnectProviderRequest { open_id_connect_provider_arn: arn.to_owned() };
    client.iam().get_open_id_connect_provider(&client.context(), input).await
}

async fn list(client: &Client) -> Vec<String> {
    let input = iam::ListOpenIDConnectProvidersRequest {};
    let listed = client.iam().list_open_id_connect_providers(&client.context(), input).await.unwrap();
    listed.open_id_connect_provider_list.unwrap().into_iter().map(|entry| entry.arn.unwrap()).collect()
}

async fn add_client_id(client: &Client, id: &str) -> Result<(), ApiError> {
    let (open_id_connect_provider_arn, client_id) = (ARN.to_owned(), id.to_owned());
    let input = iam::AddClientIDToOpenIDConnectProviderRequest { open_id_connect_provider_arn, client_id };
    client.iam().add_client_id_to_open_id_connect_provider(&client.changing(), input).await.map(drop)
}

async fn remove_client_id(client: &Client, id: &str) -> Result<(), ApiError> {
    let (open_id_connect_provider_arn, client_id) = (ARN.to_owned(), id.to_owned());
    let input =
        iam::RemoveClientIDFromOpenIDConnectProviderRequest { open_id_connect_provider_arn, client_id };
    client.iam().remove_client_id_from_open_id_connect_provider(&client.changing(), input).await.map(drop)
}

async fn set_thumbprints(client: &Client, thumbprints: &[&str]) -> Result<(), ApiError> {
    let input = iam::UpdateOpenIDConnectProviderThumbprintRequest {
        open_id_connect_provider_arn: ARN.to_owned(),
        thumbprint_list: thumbprints.iter().map(|thumbprint| (*thumbprint).to_owned()).collect(),
    };
    client.iam().update_open_id_connect_provider_thumbprint(&client.changing(), input).await.map(drop)
}

async fn delete(client: &Client, arn: &str) -> Result<(), ApiError> {
    let input = iam::DeleteOpenIDConnectProviderRequest { open_id_connect_provider_arn: arn.to_owned() };
    client.iam().delete_open_id_connect_provider(&client.changing(), input).await.map(drop)
}

async fn a_provider_is_made_changed_and_deleted(database: &TestDatabase) {
    let client = client(database).await;
    assert_eq!(create(&client, URL, &["app", "app"]).await.unwrap(), ARN);
    let provider = get(&client, ARN).await.unwrap();
    assert_eq!(provider.url.as_deref(), Some("token.example.com/tenant"));
    assert_eq!(provider.client_id_list.unwrap(), ["app"]);
    assert!(provider.thumbprint_list.unwrap().is_empty());
    assert_eq!(provider.create_date.unwrap().as_millis(), NOW / 1000 * 1000);
    // Both are idempotent (IAM API Reference).
    for _ in 0..2 {
        add_client_id(&client, "other").await.unwrap();
    }
    assert_eq!(get(&client, ARN).await.unwrap().client_id_list.unwrap(), ["app", "other"]);
    for _ in 0..2 {
        remove_client_id(&client, "app").await.unwrap();
    }
    assert_eq!(get(&client, ARN).await.unwrap().client_id_list.unwrap(), ["other"]);
    set_thumbprints(&client, &[THUMBPRINT]).await.unwrap();
    let thumbprints = get(&client, ARN).await.unwrap().thumbprint_list.unwrap();
    assert_eq!(thumbprints, [THUMBPRINT.to_ascii_lowercase()]);
    assert_eq!(list(&client).await, [ARN]);
    for _ in 0..2 {
        delete(&client, ARN).await.unwrap();
    }
    assert!(list(&client).await.is_empty());
    let gone = format!("NoSuchEntity: OpenIDConnect Provider not found for arn {ARN}");
    assert_eq!(refusal(get(&client, ARN).await), gone);
    assert_eq!(refusal(add_client_id(&client, "app").await), gone);
}

async fn what_is_no_provider_is_refused(database: &TestDatabase) {
    let client = client(database).await;
    create(&client, URL, &[]).await.unwrap();
    assert_eq!(
        refusal(create(&client, URL, &[]).await),
        format!("EntityAlreadyExists: Provider with url {URL} already exists.")
    );
    // A path counts in the case that it is written in.
    create(&client, "https://token.example.com/Tenant", &[]).await.unwrap();
    assert_eq!(
        refusal(create(&client, "http://token.example.com", &[]).await),
        "ValidationError: Invalid Open ID Connect Provider URL"
    );
    assert!(refusal(set_thumbprints(&client, &["no hexadecimal"]).await).starts_with("InvalidInput: "));
}

async fn quotas_hold(database: &TestDatabase) {
    let client = client(database).await;
    let ids: Vec<String> = (0..100).map(|number| format!("app{number}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    create(&client, URL, &ids).await.unwrap();
    assert_eq!(
        refusal(add_client_id(&client, "one more").await),
        "LimitExceeded: Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100"
    );
    add_client_id(&client, "app7").await.unwrap();
    assert_eq!(
        refusal(set_thumbprints(&client, &[THUMBPRINT; 6]).await),
        "InvalidInput: Thumbprint list must contain fewer than 5 entries."
    );
    set_thumbprints(&client, &[THUMBPRINT; 5]).await.unwrap();
}

async fn providers_are_an_accounts_own(database: &TestDatabase) {
    let client = client(database).await;
    create(&client, URL, &[]).await.unwrap();
    let stranger = client.as_of(STRANGER);
    assert!(list(&stranger).await.is_empty());
    assert!(refusal(get(&stranger, ARN).await).starts_with("NoSuchEntity: "));
    delete(&stranger, ARN).await.unwrap();
    assert_eq!(list(&client).await, [ARN]);
    assert_eq!(create(&stranger, URL, &[]).await.unwrap(), ARN.replace("111122223333", STRANGER));
}

async fn providers_are_tagged(database: &TestDatabase) {
    let client = client(database).await;
    create(&client, URL, &[]).await.unwrap();
    let tag = iam::Tag { key: "team".to_owned(), value: "keys".to_owned() };
    let input = iam::TagOpenIDConnectProviderRequest {
        open_id_connect_provider_arn: ARN.to_owned(),
        tags: vec![tag],
    };
    client.iam().tag_open_id_connect_provider(&client.changing(), input).await.unwrap();
    let input = iam::ListOpenIDConnectProviderTagsRequest {
        open_id_connect_provider_arn: ARN.to_owned(),
        ..Default::default()
    };
    let listed = client.iam().list_open_id_connect_provider_tags(&client.context(), input).await.unwrap();
    assert_eq!((listed.tags[0].key.as_str(), listed.tags[0].value.as_str()), ("team", "keys"));
    let input = iam::UntagOpenIDConnectProviderRequest {
        open_id_connect_provider_arn: ARN.to_owned(),
        tag_keys: vec!["TEAM".to_owned()],
    };
    client.iam().untag_open_id_connect_provider(&client.changing(), input).await.unwrap();
    assert!(get(&client, ARN).await.unwrap().tags.is_none());
}
