//! Names: of buckets, of objects, and who owns them (Amazon S3 User Guide, "Bucket naming rules", "Naming objects").

use strongroom_crypto::digest::sha256;
use strongroom_crypto::hex;
use strongroom_identity::{AccountId, PARTITION};

use crate::error::Refusal;

/// The longest key, in bytes of its UTF-8.
pub(crate) const KEY_LIMIT: usize = 1024;

const RESERVED_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const RESERVED_SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/// Checks the name of a bucket that is to be made.
pub(crate) fn check_bucket(name: &str) -> Result<(), Refusal> {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    let is_end =
        |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let fits = (3..=63).contains(&name.len())
        && name.bytes().all(is_inner)
        && is_end(name.bytes().next())
        && is_end(name.bytes().last())
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        && !RESERVED_SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
    if fits { Ok(()) } else { Err(Refusal::invalid_bucket_name(name)) }
}

/// Checks the key of an object. One with U+0000 is refused, since the store keeps no such text; of AWS it is allowed.
pub(crate) fn check_key(key: &str) -> Result<(), Refusal> {
    if key.len() > KEY_LIMIT {
        return Err(Refusal::key_too_long(key.len(), KEY_LIMIT));
    }
    if key.contains('\0') {
        return Err(Refusal::client(400, "InvalidURI", "Couldn't parse the specified URI."));
    }
    Ok(())
}

/// The ARN of a bucket.
pub(crate) fn bucket_arn(bucket: &str) -> String {
    format!("arn:{PARTITION}:s3:::{bucket}")
}

/// The ARN of an object, whichever version.
pub(crate) fn object_arn(bucket: &str, key: &str) -> String {
    format!("arn:{PARTITION}:s3:::{bucket}/{key}")
}

/// The canonical user id of an account: 64 hexadecimal digits that stay the same for ever.
pub(crate) fn canonical_id(account: AccountId) -> String {
    hex::encode(&sha256(format!("strongroom/s3/canonical-user/{account}").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_are_those_of_the_user_guide() {
        for good in ["abc", "docexamplebucket1", "log-delivery-march-2020", "docexamplewebsite.com", "a.b.c"]
        {
            assert!(check_bucket(good).is_ok(), "{good}");
        }
        let long = "a".repeat(64);
        for bad in [
            "",
            "ab",
            &long,
            "doc_example_bucket",
            "DocExampleBucket",
            "doc-example-bucket-",
            "-abc",
            ".abc",
            "a..b",
            "192.168.5.4",
            "xn--abc",
            "sthree-abc",
            "abc-s3alias",
            "abc--ol-s3",
            "a\u{e9}bc",
        ] {
            assert!(check_bucket(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_have_at_most_1024_bytes() {
        assert!(check_key(&"é".repeat(512)).is_ok());
        assert!(check_key(&"é".repeat(513)).is_err());
        assert!(check_key("a\0b").is_err());
    }

    /// It is shown to clients, and stands in policies: it stays.
    #[test]
    fn canonical_ids_never_change() {
        let id = canonical_id("111122223333".parse().unwrap());
        assert_eq!(id.len(), 64);
        assert_eq!(id, canonical_id("111122223333".parse().unwrap()));
    }
}
