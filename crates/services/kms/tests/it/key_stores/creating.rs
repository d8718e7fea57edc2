//! Making key stores: what a cluster has to be, and what is refused.

use strongroom_api_cloudhsm::ClusterState;
use strongroom_api_kms::CreateCustomKeyStoreRequest;
use strongroom_kms::Settings;
use strongroom_schema::Timestamp;
use strongroom_secret::Secret;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::cloud::ZONES;
use crate::fixture::cluster::{KMS_PASSWORD, authority};
use crate::fixture::{
    ACCOUNT, Client, FAR_REGION, NOW, REGION, STRANGER, Surroundings, client, new_store, open, root, start_in,
};

on_both_engines! {
    a_key_store_is_as_it_was_described,
    what_the_owner_does_not_say_is_taken_from_the_cluster,
    making_the_same_again_answers_the_first,
    names_and_clusters_belong_to_one_key_store,
    a_cluster_has_to_be_fit,
    the_trust_anchor_has_to_be_the_cluster_s,
    an_account_has_ten_key_stores_in_a_region,
    of_two_made_at_once_one_is_made,
    aws_refuses_what_is_left_out,
    external_key_stores_are_another_matter,
}

async fn a_key_store_is_as_it_was_described(database: &TestDatabase) {
    let client = client(database).await;
    let cluster = client.cloud().cluster();
    let store = client.create_store(new_store("my store", &cluster)).await.unwrap();
    assert!(store.starts_with("cks-") && store.len() == 21, "{store}");
    let shown = client.store(&store).await;
    assert_eq!(shown.custom_key_store_name.as_deref(), Some("my store"));
    assert_eq!(shown.cloud_hsm_cluster_id, Some(cluster.id.clone()));
    assert_eq!(shown.trust_anchor_certificate, Some(cluster.authority.trust_anchor.clone()));
    assert_eq!(shown.connection_state.unwrap().as_str(), "DISCONNECTED");
    assert_eq!(shown.connection_error_code, None);
    assert_eq!(shown.creation_date, Some(Timestamp::from_millis(NOW)));
    assert_eq!(shown.custom_key_store_type.unwrap().as_str(), "AWS_CLOUDHSM");
    assert!(shown.xks_proxy_configuration.is_none());
    // Nobody logs in before the key store is connected.
    assert!(client.cloud().dialled().is_empty());
}

async fn what_the_owner_does_not_say_is_taken_from_the_cluster(database: &TestDatabase) {
    let client = client(database).await;
    let cluster = client.cloud().cluster();
    let bare = CreateCustomKeyStoreRequest {
        trust_anchor_certificate: None,
        key_store_password: None,
        ..new_store("bare", &cluster)
    };
    let store = client.create_store(bare.clone()).await.unwrap();
    let shown = client.store(&store).await;
    assert_eq!(shown.trust_anchor_certificate, Some(cluster.authority.trust_anchor.clone()));
    assert_eq!(client.create_store(bare.clone()).await.unwrap(), store);

    let error = client.begin_connecting(&store).await.unwrap_err();
    assert_eq!(error.code(), "CustomKeyStoreInvalidStateException");
    let text = error.message().unwrap();
    assert!(text.contains("kmsuser") && text.contains("UpdateCustomKeyStore"), "{text}");
    assert_eq!(client.store_state(&store).await.0, "DISCONNECTED");

    // Who says nothing that could differ is answered the same one in whatever state.
    client.set_store_password(&store, KMS_PASSWORD).await.unwrap();
    assert_eq!(client.create_store(bare.clone()).await.unwrap(), store);
    client.connect(&store).await.unwrap();
    assert_eq!(client.create_store(bare.clone()).await.unwrap(), store);
    let other = CreateCustomKeyStoreRequest { custom_key_store_name: "other".to_owned(), ..bare };
    assert_eq!(client.create_store(other).await.unwrap_err().code(), "CloudHsmClusterInUseException");
}

async fn making_the_same_again_answers_the_first(database: &TestDatabase) {
    let client = client(database).await;
    let cluster = client.cloud().cluster();
    let store = client.create_store(new_store("store", &cluster)).await.unwrap();
    assert_eq!(client.create_store(new_store("store", &cluster)).await.unwrap(), store);
    // The same certificate, written otherwise.
    let mut wide = new_store("store", &cluster);
    wide.trust_anchor_certificate = Some(format!("\n{}\n", cluster.authority.trust_anchor));
    assert_eq!(client.create_store(wide).await.unwrap(), store);

    let mut other_password = new_store("store", &cluster);
    other_password.key_store_password = Some(Secret::new("anotherPassword".to_owned()));
    let error = client.create_store(other_password).await.unwrap_err();
    assert_eq!(error.code(), "CustomKeyStoreNameInUseException");
    client.connect(&store).await.unwrap();
    let error = client.create_store(new_store("store", &cluster)).await.unwrap_err();
    assert_eq!(error.code(), "CustomKeyStoreNameInUseException");
}

async fn names_and_clusters_belong_to_one_key_store(database: &TestDatabase) {
    let client = client(database).await;
    let (one, other) = (client.cloud().cluster(), client.cloud().cluster());
    let store = client.create_store(new_store("store", &one)).await.unwrap();

    let error = client.create_store(new_store("store", &other)).await.unwrap_err();
    assert_eq!(error.code(), "CustomKeyStoreNameInUseException");
    assert_eq!(
        error.message(),
        Some("The name 'store' is already assigned to another custom key store in the account.")
    );
    let error = client.create_store(new_store("other", &one)).await.unwrap_err();
    assert_eq!(error.code(), "CloudHsmClusterInUseException");
    assert!(error.message().unwrap().contains(&store));
    // A cluster that was made from a backup has the same certificate.
    let relative = client.cloud().restored(&one, &one.snapshot());
    let error = client.create_store(new_store("other", &relative)).await.unwrap_err();
    assert_eq!(error.code(), "CloudHsmClusterInUseException");

    client.delete_store(&store).await.unwrap();
    client.create_store(new_store("store", &relative)).await.unwrap();
}

async fn a_cluster_has_to_be_fit(database: &TestDatabase) {
    let client = client(database).await;
    let cluster = client.cloud().cluster();
    let refused = async |input: CreateCustomKeyStoreRequest| {
        let error = client.create_store(input).await.unwrap_err();
        assert!(error.message().is_some_and(|text| text.contains("cluster-")), "{error}");
        error.code().to_owned()
    };
    let mut absent = new_store("store", &cluster);
    absent.cloud_hsm_cluster_id = Some("cluster-2345672345a".to_owned());
    assert_eq!(refused(absent).await, "CloudHsmClusterNotFoundException");
    for stranger in [client.as_of(STRANGER, REGION), client.as_of(ACCOUNT, FAR_REGION)] {
        let error = stranger.create_store(new_store("store", &cluster)).await.unwrap_err();
        assert_eq!(error.code(), "CloudHsmClusterNotFoundException");
    }

    cluster.set_cluster_state(ClusterState::Initialized);
    assert_eq!(refused(new_store("store", &cluster)).await, "CloudHsmClusterNotActiveException");
    cluster.set_cluster_state(ClusterState::Active);

    let invalid = "CloudHsmClusterInvalidConfigurationException";
    cluster.hsms()[1].set_active(false);
    assert_eq!(refused(new_store("store", &cluster)).await, invalid);
    cluster.hsms()[1].set_active(true);

    // Two HSMs in one zone, in a cluster of two.
    let crowded = client.cloud().cluster_of(&authority("crowded"));
    crowded.add_hsm(ZONES[0], "10.0.0.8");
    crowded.add_hsm(ZONES[0], "10.0.0.9");
    assert_eq!(refused(new_store("store", &crowded)).await, invalid);

    let narrow = client.cloud().cluster_in(&authority("narrow"), &[(ZONES[0], "subnet-0000000a")]);
    narrow.add_hsm(ZONES[0], "10.0.0.10");
    assert_eq!(refused(new_store("store", &narrow)).await, invalid);

    client.cloud().close_groups();
    assert_eq!(refused(new_store("store", &cluster)).await, invalid);
    client.cloud().open_groups();
    client.create_store(new_store("store", &cluster)).await.unwrap();
}

async fn the_trust_anchor_has_to_be_the_cluster_s(database: &TestDatabase) {
    let client = client(database).await;
    let cluster = client.cloud().cluster();
    let other = authority("another");
    for anchor in [&other.trust_anchor, &cluster.authority.certificate, "no certificate"] {
        let mut input = new_store("store", &cluster);
        input.trust_anchor_certificate = Some(anchor.to_owned());
        let error = client.create_store(input).await.unwrap_err();
        assert_eq!(error.code(), "IncorrectTrustAnchorException");
    }
    assert!(client.stores().await.is_empty(), "nothing half-made");
}

async fn an_account_has_ten_key_stores_in_a_region(database: &TestDatabase) {
    let client = client(database).await;
    for number in 0..10 {
        let cluster = client.cloud().cluster();
        client.create_store(new_store(&format!("store {number}"), &cluster)).await.unwrap();
    }
    let cluster = client.cloud().cluster();
    let error = client.create_store(new_store("one too many", &cluster)).await.unwrap_err();
    assert_eq!(error.code(), "LimitExceededException");
    assert!(error.message().unwrap().contains("10 custom key stores"));
    let first = client.stores().await.remove(0);
    client.delete_store(&first).await.unwrap();
    client.create_store(new_store("one too many", &cluster)).await.unwrap();
}

async fn of_two_made_at_once_one_is_made(database: &TestDatabase) {
    let client = client(database).await;
    let (one, other) = (client.cloud().cluster(), client.cloud().cluster());
    // By name.
    let (first, second) = tokio::join!(
        client.create_store(new_store("store", &one)),
        client.create_store(new_store("store", &other))
    );
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    let refusal = first.and(second).unwrap_err();
    assert_eq!(refusal.code(), "CustomKeyStoreNameInUseException");
    // By cluster.
    let third = client.cloud().cluster();
    let (first, second) = tokio::join!(
        client.create_store(new_store("a", &third)),
        client.create_store(new_store("b", &third))
    );
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert_eq!(first.and(second).unwrap_err().code(), "CloudHsmClusterInUseException");
    // By everything: there is one, and both know it.
    let fourth = client.cloud().cluster();
    let (first, second) = tokio::join!(
        client.create_store(new_store("same", &fourth)),
        client.create_store(new_store("same", &fourth))
    );
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(client.stores().await.len(), 3);
}

async fn aws_refuses_what_is_left_out(database: &TestDatabase) {
    let mut surroundings = Surroundings { settings: Settings::default(), ..Surroundings::default() };
    surroundings.settings.strict = true;
    let client = Client::new(&start_in(&open(database).await, &root(), &surroundings), ACCOUNT, REGION);
    let cluster = client.cloud().cluster();
    let whole = new_store("store", &cluster);
    for (left_out, member) in [
        (CreateCustomKeyStoreRequest { trust_anchor_certificate: None, ..whole.clone() }, "trustAnchor"),
        (CreateCustomKeyStoreRequest { key_store_password: None, ..whole.clone() }, "keyStorePassword"),
        (CreateCustomKeyStoreRequest { cloud_hsm_cluster_id: None, ..whole.clone() }, "cloudHsmClusterId"),
    ] {
        let error = client.create_store(left_out).await.unwrap_err();
        assert_eq!(error.code(), "ValidationException");
        assert!(error.message().unwrap().contains(member), "{error}");
    }
    client.create_store(whole).await.unwrap();
}

async fn external_key_stores_are_another_matter(database: &TestDatabase) {
    let client = client(database).await;
    let cluster = client.cloud().cluster();
    let mut input = new_store("store", &cluster);
    input.xks_proxy_uri_path = Some("/kms/xks/v1".to_owned());
    assert_eq!(client.create_store(input.clone()).await.unwrap_err().code(), "ValidationException");
    input.custom_key_store_type = Some("EXTERNAL_KEY_STORE".into());
    assert!(client.create_store(input).await.is_err());
    assert!(client.stores().await.is_empty());
}

#[test]
fn records_call_the_cluster_as_cloudtrail_does() {
    let shown = strongroom_kms::name_cluster(
        r#"{"cloudHsmClusterId":"cluster-2345672345a","customKeyStoreName":"cloudHsmClusterId"}"#.to_owned(),
    );
    assert_eq!(shown, r#"{"clusterId":"cluster-2345672345a","customKeyStoreName":"cloudHsmClusterId"}"#);
    for other in [r#"{"keyId":"cloudHsmClusterId"}"#, "{}", "no JSON cloudHsmClusterId"] {
        assert_eq!(strongroom_kms::name_cluster(other.to_owned()), other);
    }
}
