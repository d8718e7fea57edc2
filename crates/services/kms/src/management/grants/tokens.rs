//! Grant tokens. They only say which grant is meant, sealed, so that nobody makes one up: a grant counts as soon as
//! it is made, and what it allows is decided by the grant itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_identity::Region;
use strongroom_seal::{Purpose, Root, Sealer};

use crate::domain::grant::is_id;
use crate::domain::identifier::{Home, is_key_id};
use crate::error::Refusal;

/// Bytes of the longest token before they are written in base64: account, Region, key and grant, sealed.
const LONGEST: usize = 512;

/// What tells the sealed text from others of the same purpose.
const FORM: &[u8] = b"kms grant token 1";

/// Makes tokens and reads them.
pub(crate) struct Tokens(Sealer);

impl Tokens {
    pub(crate) fn new(root: &Root) -> Self {
        Self(Sealer::new(root, Purpose::GrantTokens))
    }

    /// A token of a grant, another one each time.
    pub(crate) fn seal(&self, home: &Home, key_id: &str, grant_id: &str) -> Result<String, Refusal> {
        let text = format!("{}/{}/{key_id}/{grant_id}", home.account, home.region);
        Ok(STANDARD.encode(self.0.seal(FORM, text.as_bytes())?))
    }

    /// The grant that a token is of.
    pub(crate) fn open(&self, token: &str) -> Result<(Home, String, String), Refusal> {
        self.read(token).ok_or(Refusal::InvalidGrantToken)
    }

    fn read(&self, token: &str) -> Option<(Home, String, String)> {
        if token.len() > LONGEST * 4 / 3 {
            return None;
        }
        let opened = self.0.open(FORM, &STANDARD.decode(token).ok()?).ok()?;
        let mut fields = std::str::from_utf8(opened.expose()).ok()?.split('/');
        let (account, region) = (fields.next()?.parse().ok()?, Region::named(fields.next()?)?);
        let (key_id, grant_id) = (fields.next()?, fields.next()?);
        (is_key_id(key_id) && is_id(grant_id))
            .then(|| (Home { account, region: region.name() }, key_id.to_owned(), grant_id.to_owned()))
    }
}
