//! Mechanisms: what can be computed with keys (CloudHSM User Guide, "supported mechanisms for PKCS#11").
//!
//! One file for each family. The commands come in through `commands`; they find the key, check what it may do, and let
//! go of every lock before anything is computed.

mod aes;
mod commands;
mod derive;
mod derived;
mod ec;
mod mac;
mod ml_dsa;
mod parameters;
mod rsa;
mod wrap;
