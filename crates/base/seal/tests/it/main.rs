//! What `strongroom-seal` promises, through its public API.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

mod bringing_up;
mod damage;
mod forgery;
mod golden;
mod leak;
mod root;
mod rotation;
mod sealer;
mod slots;
