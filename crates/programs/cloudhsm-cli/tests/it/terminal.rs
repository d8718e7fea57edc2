//! What a person at a terminal sees.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use crate::desk::Desk;
use crate::rig::PASSWORD;

/// What nothing here takes, even on a slow machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A terminal in which the program runs.
struct Terminal {
    keyboard: File,
    screen: Receiver<u8>,
    seen: String,
    child: Child,
}

impl Terminal {
    fn new(desk: &Desk, words: &[&str]) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let line = || Stdio::from(open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap());
        let mut command = desk.command("cloudhsm-cli");
        command.env("TERM", "dumb").args(words).stdin(line()).stdout(line()).stderr(line());
        let child = command.spawn().unwrap();
        // The program's ends are open in the command too, until it is dropped.
        drop(command);
        let keyboard = File::from(controller);
        let mut reader = keyboard.try_clone().unwrap();
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut byte = [0];
            while matches!(reader.read(&mut byte), Ok(1)) && sender.send(byte[0]).is_ok() {}
        });
        Self { keyboard, screen, seen: String::new(), child }
    }

    fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until the screen ends with this.
    fn shows(&mut self, text: &str) {
        while !self.seen.ends_with(text) {
            let byte = self.screen.recv_timeout(PATIENCE);
            self.seen.push(char::from(byte.unwrap_or_else(|_| panic!("shows {:?}", self.seen))));
        }
    }

    fn echoes(&self) -> bool {
        tcgetattr(&self.keyboard).unwrap().local_modes.contains(LocalModes::ECHO | LocalModes::ISIG)
    }
}

#[test]
fn a_password_is_not_seen_and_control_c_gives_the_terminal_back() {
    let desk = Desk::activated(1);
    let mut terminal = Terminal::new(&desk, &["interactive"]);
    terminal.shows("aws-cloudhsm > ");
    let login = "login --username cu1 --role crypto-user";
    terminal.types(&format!("{login}\n"));
    terminal.shows("Enter password:");
    assert!(!terminal.echoes());
    terminal.types("half a pass\x03");
    terminal.shows("\"interrupted\"\r\n}\r\n");
    terminal.shows("aws-cloudhsm > ");
    terminal.types(&format!("{login}\n"));
    terminal.shows("Enter password:");
    terminal.types(&format!("{PASSWORD}\n"));
    terminal.shows("\"role\": \"crypto-user\"\r\n  }\r\n}\r\n");
    terminal.shows("aws-cloudhsm > ");
    terminal.types("quit\n");
    assert!(terminal.child.wait().unwrap().success());
    assert!(!terminal.seen.contains("half a pass") && !terminal.seen.contains(PASSWORD), "{}", terminal.seen);
}

#[test]
fn control_c_ends_a_single_command_and_leaves_the_terminal_as_it_was() {
    let desk = Desk::founded(1);
    let mut terminal = Terminal::new(&desk, &["cluster", "activate"]);
    terminal.shows("Enter password:");
    terminal.types("half\x03");
    assert_eq!(terminal.child.wait().unwrap().code(), Some(1));
    assert!(terminal.echoes());
}
