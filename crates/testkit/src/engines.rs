//! One test body, two engines.

use std::future::Future;

/// Makes each function two tests, `name::sqlite` and `name::postgres`, each with an empty database of its
/// own.
///
/// ```
/// strongroom_testkit::on_both_engines! {
///     async fn opens(database: &TestDatabase) {
///         assert!(database.url().contains("://"));
///     }
/// }
/// ```
#[macro_export]
macro_rules! on_both_engines {
    ($($(#[$attribute:meta])* async fn $name:ident($database:ident: &TestDatabase) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "a body may need nothing of what stands around it")]
            use super::*;

            async fn body($database: &$crate::TestDatabase) $body

            $(#[$attribute])*
            #[test]
            fn sqlite() {
                $crate::run(body(&$crate::TestDatabase::sqlite()));
            }

            $(#[$attribute])*
            #[test]
            fn postgres() {
                $crate::run(body(&$crate::TestDatabase::postgres()));
            }
        }
    )+};
}

/// Runs a test's future on a runtime with two worker threads, as the server's is: what only works on one
/// thread shows.
///
/// # Panics
/// When the runtime cannot be made.
pub fn run(test: impl Future<Output = ()>) {
    match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime.block_on(test),
        Err(error) => panic!("no runtime for a test: {error}"),
    }
}
