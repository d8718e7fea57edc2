//! The kernel of an HSM cluster, through its public face.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod backup;
mod batch;
mod cluster;
mod cursor;
mod detection;
mod dishonest;
mod epoch;
mod family;
mod form;
mod founding;
mod golden;
mod honest;
mod insider;
mod join;
mod level;
mod machine;
mod persistence;
mod snapshot;
