//! The person, or the script, at the other end: lines and passwords.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _, stderr, stdin};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use strongroom_secret::SecretString;

use crate::error::CliError;

/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 1 << 20;

/// What came of asking for a line.
#[derive(Debug)]
pub(crate) enum Line {
    /// A line, without its end.
    Text(String),
    /// The person wants another try.
    Interrupted,
    /// There are no more.
    End,
}

/// Reads from standard input; asks on standard error, so that standard output holds answers alone.
pub(crate) struct Console {
    /// A terminal's lines can be edited; none for a script.
    editor: Option<DefaultEditor>,
    is_terminal: bool,
}

impl Console {
    pub(crate) fn new() -> Self {
        Self { editor: None, is_terminal: stdin().is_terminal() }
    }

    /// Reads a command.
    pub(crate) fn command(&mut self, prompt: &str) -> Result<Line, CliError> {
        if !self.is_terminal {
            return Ok(read_line()?.map_or(Line::End, Line::Text));
        }
        if self.editor.is_none() {
            self.editor = Some(DefaultEditor::new().map_err(|error| CliError::usage(error.to_string()))?);
        }
        let Some(editor) = self.editor.as_mut() else { return Ok(Line::End) };
        match editor.readline(prompt) {
            Ok(line) => {
                // A line with a password in it must not come back with the arrow keys.
                if !line.contains("--password") && !line.contains("--change-password") {
                    let _ = editor.add_history_entry(&line);
                }
                Ok(Line::Text(line))
            }
            Err(ReadlineError::Interrupted) => Ok(Line::Interrupted),
            Err(ReadlineError::Eof) => Ok(Line::End),
            Err(error) => Err(CliError::usage(error.to_string())),
        }
    }

    /// Asks for a line.
    pub(crate) fn ask(&mut self, prompt: &str) -> Result<String, CliError> {
        self.show(prompt);
        read_line()?.ok_or(CliError::NoInput)
    }

    /// Asks for a password; nothing of it is shown.
    pub(crate) fn password(&mut self, prompt: &str) -> Result<SecretString, CliError> {
        let line = if self.is_terminal {
            // Quiet before it is asked for: whoever types at once is not seen either.
            let quiet = Quiet::begin()?;
            self.show(prompt);
            let line = read_unseen_line();
            drop(quiet);
            self.show("\n");
            line
        } else {
            self.show(prompt);
            read_line()
        };
        line?.map(SecretString::new).ok_or(CliError::NoInput)
    }

    /// The new password that was given with the command; if none was, asks for it, twice.
    pub(crate) fn new_password(&mut self, given: Option<SecretString>) -> Result<SecretString, CliError> {
        if let Some(given) = given {
            return Ok(given);
        }
        let first = self.password("Enter password:")?;
        let second = self.password("Confirm password:")?;
        if strongroom_secret::constant_time_eq(first.expose().as_bytes(), second.expose().as_bytes()) {
            Ok(first)
        } else {
            Err(CliError::usage("the passwords are not the same"))
        }
    }

    #[expect(clippy::unused_self, reason = "whoever asks has the console")]
    fn show(&self, text: &str) {
        // A prompt that nobody sees is no reason not to read the answer.
        let _ = stderr().write_all(text.as_bytes());
        let _ = stderr().flush();
    }
}

/// What Control-C types.
const INTERRUPT: u8 = 3;

/// A terminal that shows nothing of what is typed, until it is dropped. Control-C ends the line instead of the
/// program, which would leave the terminal as it is.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> Result<Self, CliError> {
        let cannot = |error: rustix::io::Errno| {
            CliError::usage(format!(
                "this terminal would show the password ({error}); use another, or CLOUDHSM_PIN"
            ))
        };
        let before = tcgetattr(stdin()).map_err(cannot)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        quiet.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
        tcsetattr(stdin(), OptionalActions::Flush, &quiet).map_err(cannot)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // The terminal may be gone.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
    }
}

/// A line of standard input without its end; none at the end of the input.
fn read_line() -> Result<Option<String>, CliError> {
    let mut line = String::new();
    let count = stdin()
        .lock()
        .take(MAX_LINE)
        .read_line(&mut line)
        .map_err(|error| CliError::usage(format!("standard input: {error}")))?;
    if count == 0 {
        return Ok(None);
    }
    if count as u64 == MAX_LINE {
        return Err(CliError::usage("a line is too long"));
    }
    let end = line.trim_end_matches(['\n', '\r']).len();
    line.truncate(end);
    Ok(Some(line))
}

/// A line of a [`Quiet`] terminal, which gives a line at a time.
fn read_unseen_line() -> Result<Option<String>, CliError> {
    let fail = |error: std::io::Error| CliError::usage(format!("standard input: {error}"));
    let mut input = stdin().lock();
    let read = input.fill_buf().map_err(fail)?;
    let Some(end) = read.iter().position(|byte| matches!(*byte, b'\n' | INTERRUPT)) else {
        let count = read.len();
        input.consume(count);
        return if count == 0 { Ok(None) } else { Err(CliError::usage("a line is too long")) };
    };
    if read.get(end) == Some(&INTERRUPT) {
        input.consume(end + 1);
        return Err(CliError::Interrupted);
    }
    let line = String::from_utf8(read.get(..end).unwrap_or_default().to_vec());
    input.consume(end + 1);
    line.map(Some).map_err(|_| CliError::usage("the password is not text"))
}
