//! Tags on keys (KMS Developer Guide, "Tags in AWS KMS"; AWS General Reference, "Tag naming limits").

use strongroom_api_kms::{CreateKeyRequest, Kms as _, TagResourceRequest};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, client, tags};

on_both_engines! {
    tags_are_listed_by_name_in_pages_of_any_size,
    a_tag_of_the_same_name_is_overwritten_and_of_no_name_passed_over,
    a_key_has_fifty_tags_and_no_more,
    names_and_values_that_tags_can_have,
    names_and_values_that_tags_cannot_have,
    a_refused_call_changes_nothing,
    pages_that_are_larger_than_aws_gives,
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn tagged(client: &Client, pairs: &[(&str, &str)]) -> String {
    let input = CreateKeyRequest { tags: Some(tags(pairs)), ..CreateKeyRequest::default() };
    client.try_create_key(input).await.unwrap().key_id
}

async fn tags_are_listed_by_name_in_pages_of_any_size(database: &TestDatabase) {
    let client = client(database).await;
    let pairs = [("A", "1"), ("B", ""), ("a", "2"), ("b c", "x=y"), ("é", "ü"), ("名前", "値"), ("𠀀", "𠀁")];
    let turned: Vec<_> = pairs.iter().rev().copied().collect();
    let from_the_start = tagged(&client, &turned).await;
    let later = client.create_key().await.key_id;
    client.tag(&later, &turned[..3]).await.unwrap();
    client.tag(&client.arn(&format!("key/{later}")), &turned[3..]).await.unwrap();
    for key in [&from_the_start, &later] {
        for page in [None, Some(1), Some(2), Some(3), Some(6), Some(7), Some(50)] {
            assert_eq!(client.tags(key, page).await, owned(&pairs), "pages of {page:?}");
        }
    }
    // They are the key's.
    let other = client.create_key().await.key_id;
    assert_eq!(client.tags(&other, Some(1)).await, []);
    let again = crate::fixture::client(database).await;
    assert_eq!(again.tags(&later, None).await, owned(&pairs));
}

async fn a_tag_of_the_same_name_is_overwritten_and_of_no_name_passed_over(database: &TestDatabase) {
    let client = client(database).await;
    let key = tagged(&client, &[("a", "1"), ("b", "2"), ("c", "3")]).await;
    client.tag(&key, &[("b", "new"), ("A", "other case")]).await.unwrap();
    assert_eq!(
        client.tags(&key, None).await,
        owned(&[("A", "other case"), ("a", "1"), ("b", "new"), ("c", "3")])
    );
    client.untag(&key, &["A", "absent", "b", "b"]).await.unwrap();
    assert_eq!(client.tags(&key, None).await, owned(&[("a", "1"), ("c", "3")]));
    client.untag(&key, &["absent"]).await.unwrap();
    client.untag(&key, &[]).await.unwrap();
    client.tag(&key, &[]).await.unwrap();
    client.untag(&key, &["a", "c"]).await.unwrap();
    assert_eq!(client.tags(&key, None).await, []);
    client.untag(&key, &["a"]).await.unwrap();
}

async fn a_key_has_fifty_tags_and_no_more(database: &TestDatabase) {
    const FULL: &str = "LimitExceededException: A key can have at most 50 tags.";
    let client = client(database).await;
    let names: Vec<_> = (0..51).map(|number| format!("tag {number:02}")).collect();
    let pairs: Vec<_> = names.iter().map(|name| (name.as_str(), "v")).collect();
    let input = CreateKeyRequest { tags: Some(tags(&pairs)), ..CreateKeyRequest::default() };
    assert_eq!(client.try_create_key(input).await.unwrap_err().to_string(), FULL);
    let key = tagged(&client, &pairs[..50]).await;
    assert_eq!(client.tags(&key, Some(7)).await.len(), 50);
    assert_eq!(client.tag(&key, &pairs[50..]).await.unwrap_err().to_string(), FULL);
    // Overwriting needs no room; together with a new one it does.
    client.tag(&key, &[(pairs[0].0, "new")]).await.unwrap();
    let refused = client.tag(&key, &[(pairs[1].0, "new"), (pairs[50].0, "v")]).await.unwrap_err();
    assert_eq!(refused.to_string(), FULL);
    assert_eq!(client.tags(&key, None).await[1].1, "v", "a refused call changes nothing");
    client.untag(&key, &[pairs[0].0]).await.unwrap();
    client.tag(&key, &pairs[50..]).await.unwrap();
    assert_eq!(client.tags(&key, None).await.len(), 50);
}

async fn names_and_values_that_tags_can_have(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let longest = "名".repeat(128);
    let (name, value) = ("n".repeat(128), "v".repeat(256));
    for (name, value) in [
        ("a", ""),
        (" ", " "),
        ("_.:/=+-@", "_.:/=+-@"),
        ("aws", "aws:"),
        ("awsx:", "aws:reserved"),
        ("xaws:", ""),
        ("Größe 1", "½"),
        ("ключ", "значение"),
        (&name, &value),
        (&longest, &longest),
    ] {
        client.tag(&key, &[(name, value)]).await.unwrap();
        assert_eq!(client.tags(&key, None).await, owned(&[(name, value)]));
        client.untag(&key, &[name]).await.unwrap();
    }
}

async fn names_and_values_that_tags_cannot_have(database: &TestDatabase) {
    // No texts of AWS's are known; these are ours.
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let reserved =
        |name: &str| format!("TagException: Tag keys that begin with aws: are reserved for AWS: {name}");
    let bad = |what: &str, text: &str| {
        format!(
            "TagException: The tag {what} contains invalid characters. Letters, spaces, numbers and _ . : / = + - @ \
             are allowed: {text}"
        )
    };
    let mut cases = Vec::new();
    for name in ["aws:", "aws:x", "AWS:x", "Aws:cloudformation:stack-name", "awS:é"] {
        cases.push((name, "v", reserved(name)));
    }
    for text in ["a\0b", "a\nb", "a\tb", "a,b", "a*", "a!", "<a>", "\"a\"", "a;b", "a\\b", "🔑", "\u{7f}"] {
        cases.push((text, "v", bad("key", text)));
        cases.push(("n", text, bad("value", text)));
    }
    for (name, value, text) in &cases {
        assert_eq!(client.tag(&key, &[(name, value)]).await.unwrap_err().to_string(), *text);
        let input = CreateKeyRequest { tags: Some(tags(&[(name, value)])), ..CreateKeyRequest::default() };
        assert_eq!(client.try_create_key(input).await.unwrap_err().to_string(), *text);
        if *name != "n" {
            assert_eq!(client.untag(&key, &[name]).await.unwrap_err().to_string(), *text);
        }
    }
    let twice = [("a", "1"), ("b", "2"), ("a", "1")];
    let text = "TagException: Duplicate tag keys";
    assert_eq!(client.tag(&key, &twice).await.unwrap_err().to_string(), text);
    let input = CreateKeyRequest { tags: Some(tags(&twice)), ..CreateKeyRequest::default() };
    assert_eq!(client.try_create_key(input).await.unwrap_err().to_string(), text);
    assert_eq!(client.tags(&key, None).await, []);
    assert_eq!(client.key_ids(None).await, [&*key], "a refused call makes nothing");
}

async fn a_refused_call_changes_nothing(database: &TestDatabase) {
    let client = client(database).await;
    let key = tagged(&client, &[("a", "1")]).await;
    // One bad tag among good ones.
    client.tag(&key, &[("a", "2"), ("b", "3"), ("aws:c", "4")]).await.unwrap_err();
    client.untag(&key, &["a", "aws:c"]).await.unwrap_err();
    assert_eq!(client.tags(&key, None).await, owned(&[("a", "1")]));
    // What is wrong with the tags comes before the key is looked for.
    let input =
        TagResourceRequest { key_id: crate::fixture::ABSENT.to_owned(), tags: tags(&[("aws:c", "4")]) };
    let refused = client.kms.tag_resource(&client.changing(), input).await.unwrap_err();
    assert_eq!(refused.code(), "TagException");
}

async fn pages_that_are_larger_than_aws_gives(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    // KMS API Reference, ListResourceTags: 1 to 50.
    let refused = client.list_tags(&key, Some(51), None).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "ValidationException: 1 validation error detected: Value '51' at 'limit' failed to satisfy constraint: Member \
         must have value less than or equal to 50"
    );
}
