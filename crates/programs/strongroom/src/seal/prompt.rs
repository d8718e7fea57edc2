//! A passphrase asked for at the terminal, which shows nothing of it.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _, stderr, stdin};

use anyhow::{Context as _, Result, bail};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use strongroom_crypto::passphrase::MAX_PASSPHRASE_LENGTH;
use strongroom_secret::{SecretBytes, SecretString};

/// What Control-C types.
const INTERRUPT: u8 = 3;

/// Asks for a passphrase.
pub(crate) fn for_passphrase(question: &str) -> Result<SecretString> {
    if !stdin().is_terminal() {
        bail!("there is no terminal to ask for the passphrase; name a file that has it");
    }
    let quiet = Quiet::begin()?;
    show(question);
    let line = read_line();
    drop(quiet);
    show("\n");
    line
}

/// Asks for a new passphrase, twice.
pub(crate) fn for_new_passphrase() -> Result<SecretString> {
    let passphrase = for_passphrase("New passphrase: ")?;
    let again = for_passphrase("The same again: ")?;
    if passphrase.expose() != again.expose() {
        bail!("the two are not the same; nothing has changed");
    }
    Ok(passphrase)
}

fn show(text: &str) {
    // A prompt that nobody sees is no reason not to read the answer.
    let _ = stderr().write_all(text.as_bytes());
    let _ = stderr().flush();
}

fn read_line() -> Result<SecretString> {
    // Of its full size from the beginning, so that it never moves and leaves a copy behind.
    let most = MAX_PASSPHRASE_LENGTH + 2;
    let mut length = 0;
    let line = SecretBytes::filled(most, |bytes| -> std::io::Result<()> {
        let mut input = stdin().lock();
        for (place, byte) in bytes.iter_mut().enumerate() {
            if input.fill_buf()?.is_empty() {
                break;
            }
            input.read_exact(std::slice::from_mut(byte))?;
            length = place + 1;
            if *byte == b'\n' || *byte == INTERRUPT {
                break;
            }
        }
        Ok(())
    })
    .context("reading the passphrase")?;
    let line = line.expose().get(..length).unwrap_or_default();
    match line.split_last() {
        Some((b'\n', typed)) => {
            let text = std::str::from_utf8(typed).context("the passphrase is not in UTF-8")?;
            Ok(SecretString::new(text.to_owned()))
        }
        Some((&INTERRUPT, _)) | None => bail!("no passphrase was given"),
        Some(_) => bail!("a passphrase has at most {MAX_PASSPHRASE_LENGTH} bytes"),
    }
}

/// A terminal that shows nothing of what is typed, until it is dropped. Control-C ends the line instead of the program,
/// which would leave the terminal as it is.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> Result<Self> {
        let cannot = "this terminal would show the passphrase; use another, or name a file that has it";
        let before = tcgetattr(stdin()).context(cannot)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        quiet.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
        tcsetattr(stdin(), OptionalActions::Flush, &quiet).context(cannot)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // The terminal may be gone.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
    }
}
