//! The vocabulary between an HSM and the control plane.
//!
//! The HSM dials the control plane over mutual TLS. Afterwards both sides may call: the HSM sends a
//! [`ToPlane`] and gets a [`FromPlane`], the control plane sends a [`ToHsm`] and gets a [`FromHsm`]. Both go in
//! the frames of clients ([`crate::frame`]), kind *call* and kind *answer*; each side numbers its own calls.
//! The first call of an HSM is [`Register`], and until it is answered nothing else may be sent.
//!
//! Nothing that goes over this connection yields keys or log-ins: entries, snapshots, admissions and backups
//! are sealed by HSMs for HSMs, and the control plane keeps and hands on bytes.

mod audit;
mod audit_text;
mod blob;
mod control;
mod log;
mod register;
mod report;

pub use audit::*;
pub use blob::*;
pub use control::*;
pub use log::*;
pub use register::*;
pub use report::*;

use prost::{Enumeration, Message, Oneof};

/// The version of this vocabulary. There is one.
pub const FLEET_VERSION: u32 = 1;
/// The longest payload of a frame between an HSM and the control plane, in bytes.
pub const MAX_FLEET_PAYLOAD: usize = 2 << 20;
/// The longest entry of the log, in bytes.
pub const MAX_ENTRY: usize = 1 << 20;
/// The longest piece of a blob that one call carries, in bytes.
pub const MAX_PIECE: usize = 1 << 20;
/// The longest blob (a backup, a snapshot), in bytes.
pub const MAX_BLOB: u64 = 1 << 30;
/// How many calls one side may have under way on the connection.
pub const MAX_FLEET_CALLS: usize = 64;

/// The longest that an HSM may be told to delay its answers, in milliseconds.
pub const MAX_FAULT_DELAY_MS: u32 = 60_000;

/// A call of an HSM.
#[derive(Clone, PartialEq, Message)]
pub struct ToPlane {
    /// What is asked.
    #[prost(oneof = "PlaneCall", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10")]
    pub call: Option<PlaneCall>,
}

/// What an HSM can ask the control plane.
#[derive(Clone, PartialEq, Oneof)]
pub enum PlaneCall {
    /// Says who is there and asks what to be. Answered by [`Assignment`].
    #[prost(message, tag = "1")]
    Register(Register),
    /// Puts an entry at the end of the cluster's log. Answered by [`Appended`] or [`Occupied`].
    #[prost(message, tag = "2")]
    Append(Append),
    /// Reads entries. Answered by [`Entries`].
    #[prost(message, tag = "3")]
    Read(Read),
    /// Drops the entries before a snapshot. Answered by [`Done`].
    #[prost(message, tag = "4")]
    Compact(Compact),
    /// Asks to be let into the cluster. Answered by [`Admitted`].
    #[prost(message, tag = "5")]
    AskAdmission(AskAdmission),
    /// Says how the HSM is. Answered by [`Done`].
    #[prost(message, tag = "6")]
    Report(Report),
    /// Hands over audit records. Answered by [`AuditStored`].
    #[prost(message, tag = "7")]
    Audit(Audit),
    /// Stores a piece of a blob. Answered by [`Done`].
    #[prost(message, tag = "8")]
    PutPiece(PutPiece),
    /// Fetches a piece of a blob. Answered by [`Piece`].
    #[prost(message, tag = "9")]
    GetPiece(GetPiece),
    /// Says that the HSM goes, and why. Answered by [`Done`]; nothing follows.
    #[prost(message, tag = "10")]
    Leaving(Leaving),
}

/// What the control plane answers.
#[derive(Clone, PartialEq, Message)]
pub struct FromPlane {
    /// The answer; none is a failure without words.
    #[prost(oneof = "PlaneAnswer", tags = "1, 2, 3, 4, 5, 6, 7, 8, 15")]
    pub answer: Option<PlaneAnswer>,
}

/// The answers of the control plane.
#[expect(clippy::large_enum_variant, reason = "an assignment is rare, and moved once")]
#[derive(Clone, PartialEq, Oneof)]
pub enum PlaneAnswer {
    /// To a call that only has to be done.
    #[prost(message, tag = "1")]
    Done(Done),
    /// To [`Register`].
    #[prost(message, tag = "2")]
    Assignment(Assignment),
    /// To [`Append`]: it is in the log.
    #[prost(message, tag = "3")]
    Appended(Appended),
    /// To [`Append`]: another was there first.
    #[prost(message, tag = "4")]
    Occupied(Occupied),
    /// To [`Read`].
    #[prost(message, tag = "5")]
    Entries(Entries),
    /// To [`AskAdmission`].
    #[prost(message, tag = "6")]
    Admitted(Admitted),
    /// To [`Audit`].
    #[prost(message, tag = "7")]
    AuditStored(AuditStored),
    /// To [`GetPiece`].
    #[prost(message, tag = "8")]
    Piece(Piece),
    /// To any call: it is not done.
    #[prost(message, tag = "15")]
    Failed(Failed),
}

/// A call of the control plane.
#[derive(Clone, PartialEq, Message)]
pub struct ToHsm {
    /// What is asked.
    #[prost(oneof = "HsmCall", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11")]
    pub call: Option<HsmCall>,
}

/// What the control plane can ask an HSM. All are answered by [`Done`] but where it says otherwise.
#[derive(Clone, PartialEq, Oneof)]
pub enum HsmCall {
    /// The log has grown.
    #[prost(message, tag = "1")]
    HeadMoved(HeadMoved),
    /// Who may connect.
    #[prost(message, tag = "2")]
    SetRules(Rules),
    /// The certificates that the customer installed.
    #[prost(message, tag = "3")]
    SetCertificates(ClusterCertificates),
    /// Where the cluster's other HSMs listen.
    #[prost(message, tag = "4")]
    SetPeers(Peers),
    /// Lets another HSM into the cluster. Answered by [`Admitted`].
    #[prost(message, tag = "5")]
    Admit(AskAdmission),
    /// Makes a backup and stores it with [`PutPiece`]. Answered by [`BackedUp`], once all of it is stored.
    #[prost(message, tag = "6")]
    BackUp(BackUp),
    /// How far domain time is ahead of real time. Development only.
    #[prost(message, tag = "7")]
    SetClock(SetClock),
    /// Takes another HSM out of the cluster: an entry, and the partition key's next epoch. Asked of a member that
    /// stays.
    #[prost(message, tag = "8")]
    Leave(Leave),
    /// Stops the process; its state stays.
    #[prost(message, tag = "9")]
    Stop(Stop),
    /// Wipes the HSM's state and stops the process.
    #[prost(message, tag = "10")]
    Destroy(Destroy),
    /// What the HSM is to do wrong from now on. Obeyed in development only.
    #[prost(message, tag = "11")]
    SetFault(Fault),
}

/// What an HSM answers to the control plane.
#[derive(Clone, PartialEq, Message)]
pub struct FromHsm {
    /// The answer; none is a failure without words.
    #[prost(oneof = "HsmAnswer", tags = "1, 2, 3, 15")]
    pub answer: Option<HsmAnswer>,
}

/// The answers of an HSM.
#[derive(Clone, PartialEq, Oneof)]
pub enum HsmAnswer {
    /// To a call that only has to be done.
    #[prost(message, tag = "1")]
    Done(Done),
    /// To [`HsmCall::Admit`].
    #[prost(message, tag = "2")]
    Admitted(Admitted),
    /// To [`HsmCall::BackUp`].
    #[prost(message, tag = "3")]
    BackedUp(BackedUp),
    /// To any call: it is not done.
    #[prost(message, tag = "15")]
    Failed(Failed),
}

/// It is done, and there is nothing to tell.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Done {}

/// It is not done, and nothing of it.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Failed {
    /// What the other side acts on.
    #[prost(enumeration = "FailedCode", tag = "1")]
    pub code: i32,
    /// What people read in a log.
    #[prost(string, tag = "2")]
    pub text: String,
}

/// Kinds of failure between HSMs and the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enumeration)]
#[repr(i32)]
pub enum FailedCode {
    /// Something is wrong on the other side. To be tried again later.
    Internal = 0,
    /// The call makes no sense. To be tried never again.
    InvalidRequest = 1,
    /// The other side does not know this HSM, or its certificate or token is wrong.
    NotEnrolled = 2,
    /// The HSM is no member any more: it stops.
    Expelled = 3,
    /// What is asked for is not there.
    NotFound = 4,
    /// Not now: the store is away, or no member can do it. To be tried again.
    Unavailable = 5,
    /// The HSM is not in a state for this.
    WrongState = 6,
    /// A bound is reached.
    LimitExceeded = 7,
}
