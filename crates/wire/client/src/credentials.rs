//! Credentials as AWS's tools find them: variables first, then the profile's file.

use strongroom_secret::SecretString;

use crate::CallError;
use crate::files::{profile, profiles, section, value, variable};

/// Who calls an AWS API.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The access key's id.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: SecretString,
    /// The token of temporary credentials.
    pub session_token: Option<SecretString>,
}

impl Credentials {
    /// Long-lived credentials.
    #[must_use]
    pub fn new(access_key_id: impl Into<String>, secret_access_key: SecretString) -> Self {
        Self { access_key_id: access_key_id.into(), secret_access_key, session_token: None }
    }

    /// The credentials in the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`), or of
    /// the profile `AWS_PROFILE` in the shared file of credentials.
    pub fn find() -> Result<Self, CallError> {
        if let (Some(id), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
            return Ok(Self {
                access_key_id: id,
                secret_access_key: SecretString::new(secret),
                session_token: variable("AWS_SESSION_TOKEN").map(SecretString::new),
            });
        }
        let profile = profile();
        let text = profiles("AWS_SHARED_CREDENTIALS_FILE", "credentials")?;
        let section = section(&text, &[&profile]);
        let (Some(id), Some(secret)) =
            (value(&section, "aws_access_key_id"), value(&section, "aws_secret_access_key"))
        else {
            return Err(CallError::NoCredentials { profile });
        };
        let token = value(&section, "aws_session_token");
        Ok(Self {
            access_key_id: id.to_owned(),
            secret_access_key: SecretString::new(secret.to_owned()),
            session_token: token.map(|token| SecretString::new(token.to_owned())),
        })
    }
}
