//! CloudHSM CLI.
