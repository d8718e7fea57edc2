//! The keys of files and digests (CloudTrail User Guide, "CloudTrail log file examples", "Log file name format", and
//! "CloudTrail digest file structure", "Digest file location").

use strongroom_identity::AccountId;

use super::moment;

/// Digits and letters of what makes a file's name unlike any other.
const UNIQUE: usize = 16;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Minutes that files' names count in.
const STEP_MS: i64 = 5 * 60 * 1000;

/// Where in a bucket the files of an account begin.
fn root(prefix: Option<&str>, account: AccountId) -> String {
    let before = prefix.map(|prefix| format!("{prefix}/")).unwrap_or_default();
    format!("{before}AWSLogs/{account}")
}

/// The key of a file that is delivered at `at_ms`.
pub(crate) fn log_file(
    prefix: Option<&str>,
    account: AccountId,
    region: &str,
    at_ms: i64,
    unique: &str,
) -> String {
    let root = root(prefix, account);
    let minute = moment::in_file_name(at_ms.saturating_sub(at_ms.rem_euclid(STEP_MS)));
    let folder = moment::folder(at_ms);
    format!("{root}/CloudTrail/{region}/{folder}/{account}_CloudTrail_{region}_{minute}_{unique}.json.gz")
}

/// The key of the digest that ends at `end_ms`.
pub(crate) fn digest(
    prefix: Option<&str>,
    account: AccountId,
    region: &str,
    (trail, home_region): (&str, &str),
    end_ms: i64,
) -> String {
    let (root, folder, end) = (root(prefix, account), moment::folder(end_ms), moment::in_digest_name(end_ms));
    format!(
        "{root}/CloudTrail-Digest/{region}/{folder}/\
         {account}_CloudTrail-Digest_{region}_{trail}_{home_region}_{end}.json.gz"
    )
}

/// The empty objects that show whether a trail may write: readers pass over them.
pub(crate) fn markers(prefix: Option<&str>, account: AccountId, with_digests: bool) -> Vec<String> {
    let root = root(prefix, account);
    let folders: &[&str] = if with_digests { &["CloudTrail", "CloudTrail-Digest"] } else { &["CloudTrail"] };
    folders.iter().map(|folder| format!("{root}/{folder}/")).collect()
}

/// A file's unique part, out of random bytes.
pub(crate) fn unique(random: [u8; UNIQUE]) -> String {
    let letter = |byte: u8| ALPHABET.get(usize::from(byte) % ALPHABET.len()).copied().unwrap_or(b'0');
    random.into_iter().map(letter).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The forms of the User Guide's examples.
    #[test]
    fn keys_are_as_documented() {
        let account = "111122223333".parse().unwrap();
        // 2015-08-17T15:01:31Z
        let at_ms = 1_439_823_691_000;
        assert_eq!(
            log_file(None, account, "us-east-2", at_ms, "Mu0KsOhtH1ar15ZZ"),
            "AWSLogs/111122223333/CloudTrail/us-east-2/2015/08/17/\
             111122223333_CloudTrail_us-east-2_20150817T1500Z_Mu0KsOhtH1ar15ZZ.json.gz"
        );
        assert_eq!(
            digest(Some("logs"), account, "us-west-2", ("Trail", "us-east-2"), at_ms),
            "logs/AWSLogs/111122223333/CloudTrail-Digest/us-west-2/2015/08/17/\
             111122223333_CloudTrail-Digest_us-west-2_Trail_us-east-2_20150817T150131Z.json.gz"
        );
    }
}
