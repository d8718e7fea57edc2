//! Random sequences of operations against a small model of what KMS is: keys with their states and materials,
//! names for them, and ciphertexts that belong to a material of a key and a context.

mod key;
mod pair;
mod reference;
mod step;

use proptest::prelude::*;

use self::pair::Pair;
use self::step::{HOMES, Step, step, step_with_store};

async fn goes_along(mut pair: Pair, steps: &[(usize, Step)]) {
    // Something to work on, whatever comes.
    for home in 0..HOMES.len() {
        pair.take(home, &Step::CreateKey).await;
    }
    pair.take(0, &Step::CreateKeyInStore).await;
    for (home, step) in steps {
        pair.take(*home, step).await;
    }
    pair.take(0, &Step::Connect { wanted: true }).await;
    for (home, step) in pair.review() {
        pair.take(home, &step).await;
    }
    pair.review_hsms();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn kms_does_as_the_model(steps in proptest::collection::vec((0..HOMES.len(), step()), 1..120)) {
        strongroom_testkit::run(async { Box::pin(goes_along(Pair::new().await, &steps)).await });
    }
}

proptest! {
    // HSMs take their time over passwords.
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn kms_with_a_key_store_does_as_the_model(
        steps in proptest::collection::vec((0..HOMES.len(), step_with_store()), 1..120),
    ) {
        strongroom_testkit::run(async { Box::pin(goes_along(Box::pin(Pair::with_store()).await, &steps)).await });
    }
}
