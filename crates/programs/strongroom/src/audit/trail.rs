//! `strongroom audit trail`: a copy of a trail's bucket, verified by public keys alone.
//!
//! It sees more than `aws cloudtrail validate-logs`, which takes the newest digest that it finds for the newest there is, does not
//! look for files that no digest names, and stops at the end of the first member of gzip. Formats: CloudTrail User Guide, "CloudTrail
//! digest file structure".

mod chain;
mod copy;
mod digest;
mod keys;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use strongroom_policy::decision::Visible;
use strongroom_runtime::Clocks;

use self::chain::{Proofs, Walked};
use self::copy::BucketCopy;
use self::keys::PublicKeys;
use crate::cli::TrailOptions;
use crate::{moment, process};

/// Exit status when it cannot be told whether everything is as it was delivered.
const NOT_TOLD: u8 = 2;

/// Verifies the copy, and says what is wrong with it. Exits with 0 if nothing is, with 1 if something is, and with 2 if that
/// cannot be told.
pub(crate) fn run(options: &TrailOptions) -> ExitCode {
    process::prepare();
    match verify(options) {
        Ok(walked) => {
            print(&walked);
            if !walked.findings.is_empty() {
                ExitCode::FAILURE
            } else if !walked.unproven.is_empty() {
                ExitCode::from(NOT_TOLD)
            } else {
                ExitCode::SUCCESS
            }
        }
        Err(error) => {
            eprintln!("strongroom: the trail was not verified: {}", Visible(&format!("{error:#}")));
            ExitCode::from(NOT_TOLD)
        }
    }
}

fn verify(options: &TrailOptions) -> Result<Walked> {
    let keys = PublicKeys::read(&options.public_keys).context("reading the public keys")?;
    let bucket = BucketCopy::open(&options.folder).context("reading the copy of the bucket")?;
    let until_ms = options.until.map(|until| until.as_millis(Clocks::system().real_now()));
    Ok(chain::walk(&bucket, &Proofs { keys: &keys, signatures: &options.signature, until_ms }))
}

fn print(walked: &Walked) {
    for chain in &walked.chains {
        let (from, to) = (moment::text(chain.start_ms), moment::text(chain.end_ms));
        println!(
            "{}: {} digests, {} files, from {from} to {to}",
            Visible(&chain.name),
            chain.digests,
            chain.files
        );
    }
    for finding in &walked.findings {
        println!("{}: {}", Visible(&finding.what), Visible(&finding.key));
    }
    for key in &walked.unproven {
        println!("nothing here signs this digest: {}", Visible(key));
    }
    if !walked.unproven.is_empty() {
        println!(
            "  Its signature is in the metadata of its object, which a copy does not have, and in the digest behind it, if there is \
             one. Hand it in with --signature."
        );
    }
    match walked.findings.len() {
        0 if walked.unproven.is_empty() => println!("The trail is as it was delivered."),
        0 => println!("What is signed is as it was delivered."),
        count => println!("{count} findings."),
    }
}
