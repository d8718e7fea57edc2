//! What answers show alike.

use strongroom_api_s3 as s3;
use strongroom_identity::AccountId;
use strongroom_schema::Timestamp;

use crate::domain::name::canonical_id;

/// Sets the members of an answer that hold checksums.
macro_rules! show_checksum {
    ($output:expr, $stored:expr) => {
        if let Some(stored) = $stored {
            use strongroom_crypto::checksum::Checksum;
            $output.checksum_crc32 = stored.value_of(Checksum::Crc32);
            $output.checksum_crc32_c = stored.value_of(Checksum::Crc32c);
            $output.checksum_crc64_nvme = stored.value_of(Checksum::Crc64Nvme);
            $output.checksum_sha1 = stored.value_of(Checksum::Sha1);
            $output.checksum_sha256 = stored.value_of(Checksum::Sha256);
        }
    };
}
pub(super) use show_checksum;

/// The values of checksums that an input states.
macro_rules! given {
    ($input:expr) => {{
        use strongroom_crypto::checksum::Checksum;
        [
            (Checksum::Crc32, $input.checksum_crc32.as_deref()),
            (Checksum::Crc32c, $input.checksum_crc32_c.as_deref()),
            (Checksum::Crc64Nvme, $input.checksum_crc64_nvme.as_deref()),
            (Checksum::Sha1, $input.checksum_sha1.as_deref()),
            (Checksum::Sha256, $input.checksum_sha256.as_deref()),
        ]
    }};
}
pub(super) use given;

/// Sets the members of an answer that say how an object is encrypted.
macro_rules! show_encryption {
    ($output:expr, $encryption:expr) => {{
        let encryption = $encryption;
        $output.server_side_encryption = Some(encryption.algorithm.name().into());
        $output.ssekms_key_id = encryption.key.clone();
        $output.bucket_key_enabled = encryption.has_bucket_key.then_some(true);
    }};
}
pub(super) use show_encryption;

/// An entity tag, which stands in quotes.
pub(super) fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// A time of an object: S3 keeps whole seconds.
pub(super) fn seconds(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms.div_euclid(1000).saturating_mul(1000))
}

/// An account, by its canonical user id.
pub(super) fn owner(account: AccountId) -> s3::Owner {
    s3::Owner { id: Some(canonical_id(account)), ..s3::Owner::default() }
}

/// A size as the API has it.
pub(super) fn size(bytes: u64) -> Option<i64> {
    i64::try_from(bytes).ok()
}
