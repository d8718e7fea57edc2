//! The vocabulary of clients: what an HSM can be asked, and what it answers.
//!
//! A client sends a [`Call`] and gets an [`Answer`]. Who may ask what is CloudHSM's table of permissions
//! (CloudHSM User Guide, "HSM user permissions"): the HSM decides, never the client.

mod cluster;
mod crypto;
mod key;
mod quorum;
mod user;

pub use cluster::*;
pub use crypto::*;
pub use key::*;
pub use quorum::*;
pub use user::*;

use prost::{Enumeration, Message, Oneof};

/// How far an HSM's state was when it answered. Clients keep the highest and show it to every HSM, so that
/// they read what they wrote and notice a state that went back. Opaque to them but for the order.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct Cursor {
    /// Counts the restores of the cluster.
    #[prost(uint32, tag = "1")]
    pub incarnation: u32,
    /// The last entry of the log that the state holds.
    #[prost(uint64, tag = "2")]
    pub sequence: u64,
    /// The hash of that entry.
    #[prost(bytes = "vec", tag = "3")]
    pub hash: Vec<u8>,
    /// The cluster's MAC over all of it.
    #[prost(bytes = "vec", tag = "4")]
    pub mac: Vec<u8>,
    /// The epoch of the partition key under which the MAC is made.
    #[prost(uint32, tag = "5")]
    pub epoch: u32,
}

/// The first message of a client on a connection.
#[derive(Clone, PartialEq, Message)]
pub struct Hello {
    /// The version of the protocol that the client speaks. 1 is the only one there is.
    #[prost(uint32, tag = "1")]
    pub version: u32,
    /// What the client calls itself, for logs; at most 64 bytes.
    #[prost(string, tag = "2")]
    pub client: String,
    /// The highest cursor that the client knows.
    #[prost(message, optional, tag = "3")]
    pub cursor: Option<Cursor>,
}

/// An HSM's answer to [`Hello`].
#[derive(Clone, PartialEq, Message)]
pub struct Welcome {
    /// The version of the protocol that both speak.
    #[prost(uint32, tag = "1")]
    pub version: u32,
    /// The HSM, `hsm-...`.
    #[prost(string, tag = "2")]
    pub hsm_id: String,
    /// Its cluster, `cluster-...`.
    #[prost(string, tag = "3")]
    pub cluster_id: String,
    /// How far its state is.
    #[prost(message, optional, tag = "4")]
    pub cursor: Option<Cursor>,
    /// Where the cluster's other HSMs listen, as `address:port`.
    #[prost(string, repeated, tag = "5")]
    pub peers: Vec<String>,
    /// How many calls the HSM has under way, for clients that choose the least loaded.
    #[prost(uint32, tag = "6")]
    pub load: u32,
}

/// One request of a client.
#[derive(Clone, PartialEq, Message)]
pub struct Call {
    /// The session that the call belongs to; 0 for calls that need none.
    #[prost(uint64, tag = "1")]
    pub session: u64,
    /// Sixteen random bytes that name this change. A call that is sent again with them, to whichever HSM, takes
    /// effect once and gets the first answer. Empty for calls that change nothing.
    #[prost(bytes = "vec", tag = "2")]
    pub command_id: Vec<u8>,
    /// The highest cursor that the client knows.
    #[prost(message, optional, tag = "3")]
    pub cursor: Option<Cursor>,
    /// Quorum approvals for this call, each the text of a signed token file. One for most calls; for wrapping up
    /// to two, the payload's and the wrapping key's.
    #[prost(message, repeated, tag = "4")]
    pub approvals: Vec<Approval>,
    /// What is asked.
    #[prost(
        oneof = "Command",
        tags = "10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 30, 31, 32, 33, 34, 35, 36, 37, 38, 40, \
                41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 60, 61, 62, 63, 64, 65, 66, 67, 68, \
                69, 70, 71"
    )]
    pub command: Option<Command>,
}

/// What a client can ask.
#[derive(Clone, PartialEq, Oneof)]
pub enum Command {
    /// What HSM is this.
    #[prost(message, tag = "10")]
    HsmInfo(HsmInfo),
    /// Begins a session.
    #[prost(message, tag = "11")]
    OpenSession(OpenSession),
    /// Ends the call's session, with its keys and tokens.
    #[prost(message, tag = "12")]
    CloseSession(CloseSession),
    /// Sets the first password of the administrator.
    #[prost(message, tag = "13")]
    Activate(Activate),
    /// Logs in to the session.
    #[prost(message, tag = "14")]
    Login(Login),
    /// Answers the challenges of a log-in with a second factor.
    #[prost(message, tag = "15")]
    AnswerChallenge(AnswerChallenge),
    /// Logs out of the session.
    #[prost(message, tag = "16")]
    Logout(Logout),
    /// Lists users.
    #[prost(message, tag = "17")]
    ListUsers(ListUsers),
    /// Makes a user.
    #[prost(message, tag = "18")]
    CreateUser(CreateUser),
    /// Deletes a user.
    #[prost(message, tag = "19")]
    DeleteUser(DeleteUser),
    /// Changes a password.
    #[prost(message, tag = "20")]
    ChangePassword(ChangePassword),
    /// Asks for the challenges that register a public key (second factor or quorum).
    #[prost(message, tag = "21")]
    BeginRegistration(BeginRegistration),
    /// Registers a public key as a user's second factor or for approvals.
    #[prost(message, tag = "22")]
    FinishRegistration(FinishRegistration),
    /// Removes a user's second factor.
    #[prost(message, tag = "23")]
    Deregister(Deregister),
    /// Exports a user for a clone of the cluster.
    #[prost(message, tag = "24")]
    ExportUser(ExportUser),
    /// Takes over a user from a clone of the cluster.
    #[prost(message, tag = "25")]
    ImportUser(ImportUser),
    /// Makes a quorum token that others approve.
    #[prost(message, tag = "30")]
    GenerateToken(GenerateToken),
    /// Lists quorum tokens.
    #[prost(message, tag = "31")]
    ListTokens(ListTokens),
    /// Deletes quorum tokens.
    #[prost(message, tag = "32")]
    DeleteTokens(DeleteTokens),
    /// Lists the quorum values.
    #[prost(message, tag = "33")]
    ListQuorumValues(ListQuorumValues),
    /// Sets a quorum value.
    #[prost(message, tag = "34")]
    SetQuorumValue(SetQuorumValue),
    /// Lists the times for which tokens are good.
    #[prost(message, tag = "35")]
    ListTokenTimeouts(ListTokenTimeouts),
    /// Sets them.
    #[prost(message, tag = "36")]
    SetTokenTimeout(SetTokenTimeout),
    /// Makes a symmetric key.
    #[prost(message, tag = "40")]
    GenerateKey(GenerateKey),
    /// Makes a key pair.
    #[prost(message, tag = "41")]
    GenerateKeyPair(GenerateKeyPair),
    /// Takes in a public key.
    #[prost(message, tag = "42")]
    ImportPublicKey(ImportPublicKey),
    /// Finds keys.
    #[prost(message, tag = "43")]
    FindKeys(FindKeys),
    /// Shows keys.
    #[prost(message, tag = "44")]
    ShowKeys(ShowKeys),
    /// Changes an attribute.
    #[prost(message, tag = "45")]
    SetAttribute(SetAttribute),
    /// Shares a key with a user.
    #[prost(message, tag = "46")]
    ShareKey(ShareKey),
    /// Ends the sharing.
    #[prost(message, tag = "47")]
    UnshareKey(UnshareKey),
    /// Deletes a key.
    #[prost(message, tag = "48")]
    DeleteKey(DeleteKey),
    /// Wraps a key under another.
    #[prost(message, tag = "49")]
    WrapKey(WrapKey),
    /// Unwraps a key.
    #[prost(message, tag = "50")]
    UnwrapKey(UnwrapKey),
    /// Derives a key.
    #[prost(message, tag = "51")]
    DeriveKey(DeriveKey),
    /// Exports a key for a clone of the cluster.
    #[prost(message, tag = "52")]
    ExportKey(ExportKey),
    /// Takes over a key from a clone of the cluster.
    #[prost(message, tag = "53")]
    ImportKey(ImportKey),
    /// Confirms that this HSM has a key.
    #[prost(message, tag = "54")]
    ConfirmKey(ConfirmKey),
    /// Encrypts.
    #[prost(message, tag = "60")]
    Encrypt(Encrypt),
    /// Decrypts.
    #[prost(message, tag = "61")]
    Decrypt(Decrypt),
    /// Signs, or makes a MAC.
    #[prost(message, tag = "62")]
    Sign(Sign),
    /// Verifies a signature or a MAC.
    #[prost(message, tag = "63")]
    Verify(Verify),
    /// Computes a digest.
    #[prost(message, tag = "64")]
    Digest(Digest),
    /// Gives random bytes.
    #[prost(message, tag = "65")]
    Random(Random),
    /// Encrypts under a key derived for this message, in KMS's ciphertext form.
    #[prost(message, tag = "66")]
    EncryptDerived(EncryptDerived),
    /// Decrypts KMS's ciphertext form.
    #[prost(message, tag = "67")]
    DecryptDerived(DecryptDerived),
    /// Chooses a data key and encrypts it in KMS's ciphertext form.
    #[prost(message, tag = "69")]
    GenerateDerived(GenerateDerived),
    /// Decrypts KMS's ciphertext form and encrypts it again.
    #[prost(message, tag = "70")]
    ReEncryptDerived(ReEncryptDerived),
    /// Agrees on a secret with the holder of another key.
    #[prost(message, tag = "71")]
    Agree(Agree),
    /// Registers a trust anchor for clients' certificates.
    #[prost(message, tag = "26")]
    RegisterTrustAnchor(RegisterTrustAnchor),
    /// Removes one.
    #[prost(message, tag = "27")]
    DeregisterTrustAnchor(DeregisterTrustAnchor),
    /// Lists them.
    #[prost(message, tag = "37")]
    ListTrustAnchors(ListTrustAnchors),
    /// Says whether clients need a certificate.
    #[prost(message, tag = "38")]
    GetMtlsEnforcement(GetMtlsEnforcement),
    /// Sets it.
    #[prost(message, tag = "68")]
    SetMtlsEnforcement(SetMtlsEnforcement),
}

/// What an HSM answers to a [`Call`].
#[derive(Clone, PartialEq, Message)]
pub struct Answer {
    /// How far the HSM's state is.
    #[prost(message, optional, tag = "1")]
    pub cursor: Option<Cursor>,
    /// The result, or why there is none.
    #[prost(oneof = "Outcome", tags = "2, 3")]
    pub outcome: Option<Outcome>,
    /// How many calls the HSM has under way.
    #[prost(uint32, tag = "4")]
    pub load: u32,
}

/// The two ends that a call can have.
#[derive(Clone, PartialEq, Oneof)]
#[expect(clippy::large_enum_variant, reason = "nearly all outcomes are replies")]
pub enum Outcome {
    /// It is done.
    #[prost(message, tag = "2")]
    Reply(Reply),
    /// It is not, and nothing of it.
    #[prost(message, tag = "3")]
    Failure(Failure),
}

/// Why a call is not done.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Failure {
    /// What clients act on.
    #[prost(enumeration = "FailureCode", tag = "1")]
    pub code: i32,
    /// What people read. Never holds a secret or a reason that helps to guess one.
    #[prost(string, tag = "2")]
    pub text: String,
}

/// Kinds of failure. The names of AWS's client software are in CloudHSM's audit log reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enumeration)]
#[repr(i32)]
pub enum FailureCode {
    /// Something is wrong in the HSM.
    Internal = 0,
    /// The call makes no sense, whatever the state.
    InvalidRequest = 1,
    /// There is no such session, or it is another connection's.
    NoSession = 2,
    /// The session is not logged in.
    NotLoggedIn = 3,
    /// The session's user may not do this.
    Forbidden = 4,
    /// User name, role or password is wrong.
    LoginFailed = 5,
    /// Too many wrong passwords: an administrator must change it.
    Locked = 6,
    /// The answer to a challenge is wrong or late.
    ChallengeFailed = 7,
    /// There is no such user.
    NoSuchUser = 8,
    /// There is one already.
    UserExists = 9,
    /// There is no such key, or not for this user.
    NoSuchKey = 10,
    /// The key's attributes do not allow it.
    KeyForbids = 11,
    /// An attribute cannot be set, or not to this value.
    InvalidAttribute = 12,
    /// The mechanism is unknown, not for this key, or not in this mode.
    InvalidMechanism = 13,
    /// The data has the wrong length or form.
    InvalidData = 14,
    /// A signature is wrong, a ciphertext does not decrypt, a wrapped key does not unwrap: one opaque code.
    CryptographyFailed = 15,
    /// Approvals are missing.
    QuorumRequired = 16,
    /// The approvals given are wrong, late, spent or not for this.
    QuorumFailed = 17,
    /// A limit of the HSM is reached.
    LimitExceeded = 18,
    /// The HSM has too much to do.
    Busy = 19,
    /// The HSM's state is behind the caller's cursor and does not catch up in time. Ask another.
    Behind = 20,
    /// The caller's cursor and the HSM's state contradict each other. The HSM serves nobody like this.
    Forked = 21,
    /// The HSM has halted; the text says why.
    Halted = 22,
    /// The change cannot be written down now. Cryptography goes on.
    ReadOnly = 23,
    /// The cluster is not activated, or is activated already.
    WrongState = 24,
    /// The key is not on enough HSMs.
    NotAvailable = 25,
    /// The HSM's audit log is full.
    AuditLogFull = 26,
    /// The deadline has passed; whether the change was made is not known.
    DeadlineExceeded = 27,
    /// The user still owns keys, is logged in, or is otherwise in use.
    InUse = 28,
}

/// The result of a call that is done.
#[derive(Clone, PartialEq, Message)]
pub struct Reply {
    /// The result. None where there is nothing to tell.
    #[prost(
        oneof = "Result",
        tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21"
    )]
    pub result: Option<Result>,
}

/// What a call can result in.
#[derive(Clone, PartialEq, Oneof)]
pub enum Result {
    /// Of [`HsmInfo`].
    #[prost(message, tag = "1")]
    HsmInfo(HsmDescription),
    /// Of [`OpenSession`].
    #[prost(message, tag = "2")]
    Session(SessionOpened),
    /// Of [`Login`] and [`AnswerChallenge`].
    #[prost(message, tag = "3")]
    Login(LoginResult),
    /// Of [`ListUsers`].
    #[prost(message, tag = "4")]
    Users(UserList),
    /// Of the commands on one user.
    #[prost(message, tag = "5")]
    User(UserDescription),
    /// Of [`BeginRegistration`].
    #[prost(message, tag = "6")]
    Challenge(Challenge),
    /// Of [`GenerateToken`].
    #[prost(message, tag = "7")]
    Token(Token),
    /// Of [`ListTokens`].
    #[prost(message, tag = "8")]
    Tokens(TokenList),
    /// Of [`ListQuorumValues`].
    #[prost(message, tag = "9")]
    QuorumValues(QuorumValues),
    /// Of [`ListTokenTimeouts`].
    #[prost(message, tag = "10")]
    TokenTimeouts(TokenTimeouts),
    /// Of commands that make or show one key.
    #[prost(message, tag = "11")]
    Key(KeyDescription),
    /// Of [`GenerateKeyPair`].
    #[prost(message, tag = "12")]
    KeyPair(KeyPair),
    /// Of [`FindKeys`].
    #[prost(message, tag = "13")]
    Found(FoundKeys),
    /// Of [`ShowKeys`].
    #[prost(message, tag = "14")]
    Keys(KeyList),
    /// Of [`WrapKey`].
    #[prost(message, tag = "15")]
    Wrapped(WrappedKey),
    /// Of [`ExportKey`] and [`ExportUser`].
    #[prost(message, tag = "16")]
    Exported(Exported),
    /// Of cryptography.
    #[prost(message, tag = "17")]
    Output(Output),
    /// Of [`ListTrustAnchors`] and [`RegisterTrustAnchor`].
    #[prost(message, tag = "18")]
    TrustAnchors(TrustAnchors),
    /// Of [`GetMtlsEnforcement`].
    #[prost(message, tag = "19")]
    Enforcement(Enforcement),
    /// Of [`Verify`].
    #[prost(message, tag = "20")]
    Verified(Verified),
    /// Of [`ConfirmKey`].
    #[prost(message, tag = "21")]
    Confirmed(Confirmed),
}
