//! Certificates as bytes.
