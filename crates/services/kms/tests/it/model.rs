//! Random sequences of operations against a small model of what KMS is: keys with their states and materials,
//! names for them, and ciphertexts that belong to a material of a key and a context.

mod key;
mod pair;
mod reference;
mod step;

use proptest::prelude::*;

use self::pair::Pair;
use self::step::{HOMES, Step, step};

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn kms_does_as_the_model(steps in proptest::collection::vec((0..HOMES.len(), step()), 1..120)) {
        strongroom_testkit::run(async {
            let mut pair = Pair::new().await;
            // Something to work on, whatever comes.
            for home in 0..HOMES.len() {
                pair.take(home, &Step::CreateKey).await;
            }
            for (home, step) in &steps {
                pair.take(*home, step).await;
            }
            for (home, step) in pair.review() {
                pair.take(home, &step).await;
            }
        });
    }
}
