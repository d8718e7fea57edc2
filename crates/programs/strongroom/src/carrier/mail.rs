//! Mails through the operator's mail server.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Mailboxes};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use strongroom_secret::SecretString;
use strongroom_sns::{Mail, Undelivered};

/// The time that each step with the mail server may take.
const TIME: Duration = Duration::from_secs(15);

/// Who mails come from, unless the operator says otherwise: an address that nobody answers to.
const USUAL_SENDER: &str = "no-reply@sns.strongroom.internal";

/// The mail server, as the operator names it.
pub(crate) struct MailServer {
    /// `smtps://host`, `smtp://host:587?tls=required`, or with `user@` before the host.
    pub(crate) url: String,
    /// The password of the user in the URL.
    pub(crate) password: Option<SecretString>,
    /// The address that mails come from.
    pub(crate) sender: Option<String>,
}

/// Hands mails over.
pub(crate) struct Post {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Address,
}

impl Post {
    /// Mails through that server. It is not called before there is a mail.
    pub(crate) fn through(server: &MailServer) -> Result<Self> {
        let MailServer { url, password, sender } = server;
        if !["smtp://", "smtps://"].iter().any(|scheme| url.starts_with(scheme)) {
            bail!("smtp_url begins with smtps://, or with smtp:// and ends with ?tls=required");
        }
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).context("reading smtp_url")?;
        let builder = match (password, user_of(url)) {
            (Some(password), Some(user)) => {
                builder.credentials(Credentials::new(user.to_owned(), password.expose().clone()))
            }
            (Some(_), None) => bail!("there is a password for the mail server, and no user in smtp_url"),
            (None, _) => builder,
        };
        let sender = sender.as_deref().unwrap_or(USUAL_SENDER);
        let sender =
            sender.parse().with_context(|| format!("{sender:?} is no address of a mail's sender"))?;
        Ok(Self { transport: builder.timeout(Some(TIME)).build(), sender })
    }

    pub(super) async fn send(&self, mail: Mail) -> Result<(), Undelivered> {
        let bad = |error: &dyn std::fmt::Display| {
            Undelivered::for_good(format!("the mail cannot be written: {error}"))
        };
        let to: Mailboxes = mail.to.parse().map_err(|error| bad(&error))?;
        let Some(to) = to.into_single() else { return Err(bad(&"it goes to one address")) };
        let message = Message::builder()
            .from(Mailbox::new(Some(mail.from_name), self.sender.clone()))
            .to(to)
            .subject(mail.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text)
            .map_err(|error| bad(&error))?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let text = format!("the mail server does not take the mail: {error}");
                Err(Undelivered { text, is_permanent: error.is_permanent() })
            }
        }
    }
}

/// The user in a URL.
fn user_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    Some(user.split(':').next().unwrap_or(user)).filter(|user| !user.is_empty())
}
