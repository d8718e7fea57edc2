//! The HSM's audit log (CloudHSM User Guide, "audit log reference").

/// A record of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Counts up by one from 0, for ever.
    pub sequence: u64,
    /// When, in microseconds since 1970.
    pub time_us: i64,
    /// How often the HSM was started.
    pub reboot_counter: u32,
    /// What was done: its number and AWS's name for it.
    pub opcode: (u16, &'static str),
    /// The session in which it was done; 0 for none.
    pub session: u64,
    /// How it ended: 0, or the number of an error.
    pub response: u32,
    /// That in words.
    pub response_text: String,
    /// What it was about.
    pub detail: AuditDetail,
}

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditDetail {
    /// Nothing to tell.
    None,
    /// Keys, by handle; 0 for none.
    Keys {
        /// The private or secret key; of a deletion the deleted one, whatever it was.
        private: u64,
        /// The public key.
        public: u64,
    },
    /// A user.
    User {
        /// The name.
        name: String,
        /// The role, in the log's numbers.
        role: u32,
    },
    /// Something the log has no form for.
    Unknown,
}
