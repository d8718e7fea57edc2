//! One test body, two engines.

use std::future::Future;

/// Makes each of the named functions two tests, `name::sqlite` and `name::postgres`, each with an empty
/// database of its own.
///
/// ```
/// use strongroom_testkit::{TestDatabase, on_both_engines};
///
/// on_both_engines! {
///     opens,
/// }
///
/// async fn opens(database: &TestDatabase) {
///     assert!(database.url().contains("://"));
/// }
/// # // Outside tests nobody calls it.
/// # fn main() { let _ = opens; }
/// ```
#[macro_export]
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn sqlite() {
                $crate::run(super::$name(&$crate::TestDatabase::sqlite()));
            }

            #[test]
            fn postgres() {
                $crate::run(super::$name(&$crate::TestDatabase::postgres()));
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
