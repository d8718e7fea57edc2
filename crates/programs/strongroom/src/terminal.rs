//! What commands print, for a reader who may stop reading.
//!
//! `print!`, `println!` and `eprintln!` of this program are these and not the standard library's, which panic where
//! nobody reads: behind `strongroom audit denied | head`, a command ends as it would have, with the status that says
//! what it found.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::process;

use anyhow::{Context as _, Result};

/// The status of a command whose output could not be written, as to a disk that is full.
const NOT_WRITTEN: i32 = 74;

macro_rules! print {
    ($($text:tt)*) => { $crate::terminal::show(format_args!($($text)*)) };
}

macro_rules! println {
    ($($text:tt)*) => { $crate::terminal::show(format_args!("{}\n", format_args!($($text)*))) };
}

macro_rules! eprintln {
    ($($text:tt)*) => { $crate::terminal::tell(format_args!("{}\n", format_args!($($text)*))) };
}

/// Writes to the standard output. A reader who has gone misses nothing; any other failure ends the program, since
/// whoever asked would take what was written for all of it.
pub(crate) fn show(text: Arguments<'_>) {
    let mut output = io::stdout().lock();
    match output.write_fmt(text).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            tell(format_args!("strongroom: the output could not be written: {error}\n"));
            process::exit(NOT_WRITTEN);
        }
        _ => {}
    }
}

/// Writes a line with what is shown this once to the standard output. A reader who has gone misses it, which is a failure:
/// `lost` says what to do then.
pub(crate) fn show_once(text: &str, lost: &'static str) -> Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{text}").and_then(|()| output.flush()).context(lost)
}

/// Writes to the standard error, if anybody reads it.
pub(crate) fn tell(text: Arguments<'_>) {
    let _ = io::stderr().lock().write_fmt(text);
}
