//! The `Credential` parameter.

/// What the `Credential` parameter says: an access key id, and the day, Region and service that the
/// signature is good for. Nothing in it is proved until the signature is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialScope {
    text: String,
    slashes: [usize; 4],
}

impl CredentialScope {
    /// Reads `keyid/date/region/service/terminator`; `None` unless there are exactly five elements.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut places = text.match_indices('/').map(|(place, _)| place);
        let slashes = [places.next()?, places.next()?, places.next()?, places.next()?];
        if places.next().is_some() {
            return None;
        }
        Some(Self { slashes, text: text.to_owned() })
    }

    /// The access key id.
    pub fn access_key_id(&self) -> &str {
        &self.text[..self.slashes[0]]
    }

    /// The day, `YYYYMMDD` in UTC.
    pub fn date(&self) -> &str {
        &self.text[self.slashes[0] + 1..self.slashes[1]]
    }

    /// The Region.
    pub fn region(&self) -> &str {
        &self.text[self.slashes[1] + 1..self.slashes[2]]
    }

    /// The service's signing name.
    pub fn service(&self) -> &str {
        &self.text[self.slashes[2] + 1..self.slashes[3]]
    }

    /// What closes the scope: `aws4_request` in a request that [`crate::Claim::parse`] took.
    pub fn terminator(&self) -> &str {
        &self.text[self.slashes[3] + 1..]
    }

    /// The whole parameter.
    pub(crate) fn credential(&self) -> &str {
        &self.text
    }

    /// All but the access key id: the credential scope, as it is signed.
    pub(crate) fn signed_text(&self) -> &str {
        &self.text[self.slashes[0] + 1..]
    }
}
