//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// One HSM of a CloudHSM cluster. It is started by a placement of the control plane, not by hand.
#[derive(Parser)]
#[command(name = "strongroom-hsmd", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
}
