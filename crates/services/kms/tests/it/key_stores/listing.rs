//! Key stores as their owner sees them.

use strongroom_api_kms::DescribeCustomKeyStoresRequest;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, FAR_REGION, REGION, STRANGER, client, new_store};

on_both_engines! {
    key_stores_are_found_by_id_and_by_name,
    key_stores_are_listed_in_pages,
}

fn by_name(name: &str) -> DescribeCustomKeyStoresRequest {
    DescribeCustomKeyStoresRequest {
        custom_key_store_name: Some(name.to_owned()),
        ..DescribeCustomKeyStoresRequest::default()
    }
}

fn by_id(id: &str) -> DescribeCustomKeyStoresRequest {
    DescribeCustomKeyStoresRequest {
        custom_key_store_id: Some(id.to_owned()),
        ..DescribeCustomKeyStoresRequest::default()
    }
}

async fn key_stores_are_found_by_id_and_by_name(database: &TestDatabase) {
    let client = client(database).await;
    let store = client.create_store(new_store("a name", &client.cloud().cluster())).await.unwrap();
    client.create_store(new_store("another", &client.cloud().cluster())).await.unwrap();
    for input in [by_name("a name"), by_id(&store)] {
        let answer = client.describe_stores(input.clone()).await.unwrap();
        let found: Vec<_> = answer.custom_key_stores.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].custom_key_store_id.as_ref(), Some(&store));
        assert_eq!((answer.truncated, answer.next_marker), (Some(false), None));
        for other in [client.as_of(STRANGER, REGION), client.as_of(ACCOUNT, FAR_REGION)] {
            let error = other.describe_stores(input.clone()).await.unwrap_err();
            assert_eq!(error.code(), "CustomKeyStoreNotFoundException");
        }
    }
    for absent in [by_name("A name"), by_name("a"), by_id("cks-0"), by_id("a name")] {
        let error = client.describe_stores(absent).await.unwrap_err();
        assert_eq!(error.code(), "CustomKeyStoreNotFoundException");
    }
    let mut both = by_name("a name");
    both.custom_key_store_id = Some(store);
    assert_eq!(client.describe_stores(both).await.unwrap_err().code(), "ValidationException");
}

async fn key_stores_are_listed_in_pages(database: &TestDatabase) {
    let client = client(database).await;
    let mut made = Vec::new();
    for number in 0..10 {
        let store = new_store(&format!("store {number}"), &client.cloud().cluster());
        made.push(client.create_store(store).await.unwrap());
    }
    made.sort();
    assert_eq!(client.stores().await, made);
    for limit in [1, 3, 9, 10, 1000] {
        let (mut found, mut marker) = (Vec::new(), None);
        loop {
            let input = DescribeCustomKeyStoresRequest {
                limit: Some(limit),
                marker,
                ..DescribeCustomKeyStoresRequest::default()
            };
            let answer = client.describe_stores(input).await.unwrap();
            let page = answer.custom_key_stores.unwrap();
            assert!(page.len() <= limit as usize);
            found.extend(page.into_iter().map(|store| store.custom_key_store_id.unwrap()));
            assert_eq!(answer.truncated, Some(answer.next_marker.is_some()));
            marker = answer.next_marker;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(found, made, "in pages of {limit}");
    }
    let forged = DescribeCustomKeyStoresRequest {
        marker: Some("x".to_owned()),
        ..DescribeCustomKeyStoresRequest::default()
    };
    assert_eq!(client.describe_stores(forged).await.unwrap_err().code(), "InvalidMarkerException");
}
