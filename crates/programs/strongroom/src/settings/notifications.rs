//! `[sns]`: how messages of SNS reach their endpoints.

use anyhow::{Context as _, Result, bail};
use ipnet::IpNet;
use serde::Deserialize;

use super::{AbsolutePath, secret_file};
use crate::carrier::{Endpoints, MailServer, Post, Reach};
use crate::outward::Place;

/// How SNS delivers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NotificationSettings {
    /// Where those who get messages reach this server: what the links in messages begin with.
    public_url: Option<String>,
    /// The networks whose addresses are called beside public ones.
    deliver_to: Vec<IpNet>,
    /// The mail server.
    smtp_url: Option<String>,
    /// A file with the password of the user in `smtp_url`.
    smtp_password_file: Option<AbsolutePath>,
    /// The address that mails come from.
    mail_from: Option<String>,
}

impl NotificationSettings {
    /// What links in messages begin with: as the operator says, or where the server listens.
    pub(crate) fn public_url(&self, listening: &str) -> Result<String> {
        let Some(url) = &self.public_url else { return Ok(listening.to_owned()) };
        let url = url.trim_end_matches('/');
        match Place::parse(url) {
            Some(place) if place.credentials.is_none() && !url.contains(['?', '#']) => Ok(url.to_owned()),
            _ => bail!(
                "[sns] public_url = {url:?} is no URL of this server; write for example https://keys.example.com"
            ),
        }
    }

    /// What carries messages.
    pub(crate) fn endpoints(&self) -> Result<Endpoints> {
        let post = match &self.smtp_url {
            None => None,
            Some(url) => {
                let password = self.smtp_password_file.as_ref();
                let password = password.map(|file| secret_file::read(file.as_path())).transpose()?;
                let server = MailServer { url: url.clone(), password, sender: self.mail_from.clone() };
                Some(Post::through(&server).context("[sns]")?)
            }
        };
        Ok(Endpoints::new(Reach::public_and(self.deliver_to.clone()), post))
    }
}
