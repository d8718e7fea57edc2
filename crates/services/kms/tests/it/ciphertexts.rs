//! Ciphertexts that are none, or not any more.

use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, client};

on_both_engines! {
    a_ciphertext_altered_anywhere_is_refused_without_a_word,
    a_ciphertext_cut_or_extended_is_refused_without_a_word,
    what_is_no_ciphertext_is_refused_before_its_key_is_looked_for,
}

/// AWS sends the code alone: which part did not fit is nobody's business.
async fn assert_invalid(client: &Client, blob: &[u8], key_id: Option<&str>, what: &str) {
    let refused = client.decrypt(blob, key_id, &[("a", "b")]).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), ("InvalidCiphertextException", None), "{what}");
}

/// The id at `name` of a ciphertext, as long as the byte before it says, if it is one at all. A length that grew by
/// one takes in a random byte, which now and then could belong to an id.
fn named_key(blob: &[u8], name: usize) -> Option<&[u8]> {
    let length = usize::from(blob[name - 1]);
    let id = blob.get(name..name + length).filter(|_| (1..=64).contains(&length))?;
    id.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'-')).then_some(id)
}

async fn a_ciphertext_altered_anywhere_is_refused_without_a_word(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let blob = client.encrypt(&key, b"plain", &[("a", "b")]).await.unwrap();
    // The key's id stands in it in the clear, after its length: another id names another key, which is another
    // refusal.
    let name = blob.windows(key.len()).position(|window| window == key.as_bytes()).unwrap();
    assert_eq!(usize::from(blob[name - 1]), key.len());
    for at in 0..blob.len() {
        for flip in [1, 0x80, 0xff] {
            let mut altered = blob.clone();
            altered[at] ^= flip;
            let what = format!("byte {at} of {}, {flip:#x}", blob.len());
            if named_key(&altered, name).is_some_and(|id| id != key.as_bytes()) {
                let refused = client.decrypt(&altered, None, &[("a", "b")]).await.unwrap_err();
                assert_eq!(refused.code(), "AccessDeniedException", "{what}");
                let refused = client.decrypt(&altered, Some(&key), &[("a", "b")]).await.unwrap_err();
                assert_eq!(refused.code(), "IncorrectKeyException", "{what}");
            } else {
                assert_invalid(&client, &altered, None, &what).await;
                assert_invalid(&client, &altered, Some(&key), &what).await;
            }
        }
    }
    assert_eq!(client.decrypt(&blob, None, &[("a", "b")]).await.unwrap(), b"plain");
}

async fn a_ciphertext_cut_or_extended_is_refused_without_a_word(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let blob = client.encrypt(&key, b"plain", &[("a", "b")]).await.unwrap();
    for length in 0..blob.len() {
        assert_invalid(&client, &blob[..length], None, &format!("{length} bytes")).await;
        assert_invalid(&client, &blob[blob.len() - length..], None, &format!("the last {length} bytes"))
            .await;
    }
    assert_invalid(&client, &[&*blob, &[0]].concat(), None, "a byte more").await;
    assert_invalid(&client, &blob.repeat(2), None, "twice").await;
    // Halves of two ciphertexts of one key make none.
    let other = client.encrypt(&key, b"other", &[("a", "b")]).await.unwrap();
    for at in 1..blob.len() {
        let spliced = [&blob[..at], &other[at..]].concat();
        if spliced != blob && spliced != other {
            assert_invalid(&client, &spliced, None, &format!("spliced at {at}")).await;
        }
    }
}

async fn what_is_no_ciphertext_is_refused_before_its_key_is_looked_for(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.create_key().await.key_id;
    let longest = vec![0; 6144];
    for garbage in [&b"x"[..], b"garbage", &[0xff; 256], key.as_bytes(), &longest] {
        for named in [None, Some(&*key), Some("alias/nobody"), Some("foo"), Some("arn:aws:s3:::bucket")] {
            assert_invalid(&client, garbage, named, &format!("{named:?}")).await;
        }
    }
}
