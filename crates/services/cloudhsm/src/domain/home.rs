//! Where clusters and backups live, and what they are called.

use strongroom_crypto::random;
use strongroom_identity::{AccountId, PARTITION, Region, RequestContext};

use crate::error::Refusal;

/// The letters of ids: base32 in lower case (RFC 4648, section 6).
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Letters of an id after its prefix.
const ID_LETTERS: usize = 11;

/// An account in a Region. Its clusters and backups know nothing of others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Home {
    pub(crate) account: AccountId,
    pub(crate) region: &'static str,
}

impl Home {
    /// Where the request acts.
    pub(crate) fn of(context: &RequestContext) -> Self {
        Self { account: context.account(), region: context.region.name() }
    }

    /// The same account in another Region.
    pub(crate) fn in_region(&self, region: Region) -> Self {
        Self { account: self.account, region: region.name() }
    }

    /// The ARN of a cluster, HSM or backup here; an id says which of them it is.
    pub(crate) fn arn(&self, id: &str) -> String {
        let kind = id.split_once('-').map_or("", |(kind, _)| kind);
        format!("arn:{PARTITION}:cloudhsm:{}:{}:{kind}/{id}", self.region, self.account)
    }

    /// Reads an ARN that [`arn`](Self::arn) writes: whose it is, and the id.
    pub(crate) fn parse_arn(arn: &str) -> Option<(Self, String)> {
        let rest = arn.strip_prefix("arn:")?.strip_prefix(PARTITION)?.strip_prefix(":cloudhsm:")?;
        let mut fields = rest.splitn(3, ':');
        let (region, account, resource) = (fields.next()?, fields.next()?, fields.next()?);
        let (kind, id) = resource.split_once('/')?;
        let home = Self { account: account.parse().ok()?, region: Region::named(region)?.name() };
        id.strip_prefix(kind)?.strip_prefix('-').map(|_| (home, id.to_owned()))
    }
}

/// A new id with that prefix, `cluster`, `hsm` or `backup`.
pub(crate) fn new_id(prefix: &str) -> Result<String, Refusal> {
    let bytes: [u8; ID_LETTERS] = random::bytes().map_err(|error| Refusal::Internal(error.into()))?;
    let letters = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)]));
    Ok(format!("{prefix}-{}", letters.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_eleven_letters_of_base32_and_differ() {
        let (one, other) = (new_id("cluster").unwrap(), new_id("cluster").unwrap());
        assert_ne!(one, other);
        let letters = one.strip_prefix("cluster-").unwrap();
        assert_eq!(letters.len(), ID_LETTERS);
        assert!(letters.bytes().all(|letter| ALPHABET.contains(&letter)), "{one}");
    }

    #[test]
    fn arns_are_read_as_they_are_written() {
        let home = Home { account: "111122223333".parse().unwrap(), region: "us-east-1" };
        let arn = home.arn("backup-rtq2dwi2gq6");
        assert_eq!(arn, "arn:aws:cloudhsm:us-east-1:111122223333:backup/backup-rtq2dwi2gq6");
        assert_eq!(Home::parse_arn(&arn), Some((home, "backup-rtq2dwi2gq6".to_owned())));
        for arn in [
            "",
            "backup-rtq2dwi2gq6",
            "arn:aws:kms:us-east-1:111122223333:backup/backup-rtq2dwi2gq6",
            "arn:aws:cloudhsm:us-east-9:111122223333:backup/backup-rtq2dwi2gq6",
            "arn:aws:cloudhsm:us-east-1:1111:backup/backup-rtq2dwi2gq6",
            "arn:aws:cloudhsm:us-east-1:111122223333:cluster/backup-rtq2dwi2gq6",
            "arn:aws:cloudhsm:us-east-1:111122223333:backup",
        ] {
            assert_eq!(Home::parse_arn(arn), None, "{arn}");
        }
    }
}
