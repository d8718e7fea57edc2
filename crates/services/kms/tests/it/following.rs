//! Two servers on one store: what one changes, the other no longer acts on once it has looked.

use std::sync::Arc;
use std::time::Duration;

use strongroom_store::{FeedOptions, Following, Statement};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, Client, DAY, REGION, open, root, start};

on_both_engines! {
    a_disabled_key_is_disabled_everywhere,
    a_key_policy_holds_everywhere,
    a_revoked_grant_is_revoked_everywhere,
    an_alias_leads_everywhere_to_the_same_key,
    a_deleted_key_is_gone_everywhere,
    whoever_had_grants_on_a_deleted_key_is_no_news_each,
    a_rotated_key_decrypts_everywhere,
    a_reset_is_one_everywhere,
}

/// Two servers, of which the other has in memory what it has used.
pub(crate) struct Pair {
    pub(crate) here: Client,
    pub(crate) there: Client,
    following: Following,
}

impl Pair {
    pub(crate) async fn open(database: &TestDatabase) -> Self {
        let (here, there) = (open(database).await, open(database).await);
        let options = FeedOptions::new(Arc::new(|| Duration::ZERO));
        let following = there.follow_changes(options).await.unwrap();
        let [here, there] = [&here, &there].map(|db| Client::new(&start(db, &root()), ACCOUNT, REGION));
        Self { here, there, following }
    }

    async fn look(&mut self) {
        self.following.look().await.unwrap();
    }
}

async fn a_disabled_key_is_disabled_everywhere(database: &TestDatabase) {
    let mut pair = Pair::open(database).await;
    let key = pair.here.create_key().await.key_id;
    let blob = pair.there.encrypt(&key, b"x", &[]).await.unwrap();
    pair.here.disable(&key).await.unwrap();
    // What is in memory is what decides: nobody asks the store.
    pair.there.decrypt(&blob, None, &[]).await.unwrap();
    pair.look().await;
    let refused = pair.there.decrypt(&blob, None, &[]).await.unwrap_err();
    assert_eq!(refused.code(), "DisabledException");
    pair.here.enable(&key).await.unwrap();
    pair.look().await;
    assert_eq!(pair.there.decrypt(&blob, None, &[]).await.unwrap(), b"x");
}

async fn a_key_policy_holds_everywhere(database: &TestDatabase) {
    let mut pair = Pair::open(database).await;
    let key = pair.here.create_key().await.key_id;
    let policy = |effect: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[
            {{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:root"}},"Action":"kms:*","Resource":"*"}},
            {{"Effect":"{effect}","Principal":"*","Action":"kms:Encrypt","Resource":"*"}}]}}"#
        )
    };
    pair.there.encrypt(&key, b"x", &[]).await.unwrap();
    pair.here.put_policy(&key, &policy("Deny")).await.unwrap();
    pair.there.encrypt(&key, b"x", &[]).await.unwrap();
    pair.look().await;
    assert_eq!(pair.there.encrypt(&key, b"x", &[]).await.unwrap_err().code(), "AccessDeniedException");
    pair.here.put_policy(&key, &policy("Allow")).await.unwrap();
    pair.look().await;
    pair.there.encrypt(&key, b"x", &[]).await.unwrap();
}

async fn a_revoked_grant_is_revoked_everywhere(database: &TestDatabase) {
    let mut pair = Pair::open(database).await;
    let key = pair.here.create_key().await.key_id;
    let (root, there) = (pair.here.clone(), pair.there.clone());
    let alice = there.user("user/alice");
    // A key that has a grant, and somebody who has none: that too is in memory.
    root.grant(&key, &root.iam("user/bob"), &["Encrypt"]).await;
    alice.encrypt(&key, b"x", &[]).await.unwrap_err();
    let grants = [
        root.grant(&key, &root.iam("user/alice"), &["Encrypt"]).await,
        root.grant(&key, &root.iam("user/alice"), &["Encrypt"]).await,
    ];
    alice.encrypt(&key, b"x", &[]).await.unwrap_err();
    pair.look().await;
    alice.encrypt(&key, b"x", &[]).await.unwrap();
    root.revoke(&key, &grants[0]).await.unwrap();
    pair.look().await;
    alice.encrypt(&key, b"x", &[]).await.unwrap();
    root.user("user/alice").retire(&key, &grants[1]).await.unwrap_err();
    root.retire(&key, &grants[1]).await.unwrap();
    alice.encrypt(&key, b"x", &[]).await.unwrap();
    pair.look().await;
    alice.encrypt(&key, b"x", &[]).await.unwrap_err();
}

async fn an_alias_leads_everywhere_to_the_same_key(database: &TestDatabase) {
    let mut pair = Pair::open(database).await;
    let [one, other] = [pair.here.create_key().await.key_id, pair.here.create_key().await.key_id];
    pair.here.create_alias("alias/a", &one).await.unwrap();
    pair.look().await;
    assert_eq!(pair.there.describe("alias/a").await.unwrap().key_id, one);
    pair.here.update_alias("alias/a", &other).await.unwrap();
    assert_eq!(pair.there.describe("alias/a").await.unwrap().key_id, one);
    pair.look().await;
    assert_eq!(pair.there.describe("alias/a").await.unwrap().key_id, other);
    pair.here.delete_alias("alias/a").await.unwrap();
    pair.there.describe("alias/a").await.unwrap();
    pair.look().await;
    assert_eq!(pair.there.describe("alias/a").await.unwrap_err().code(), "NotFoundException");
}

async fn a_deleted_key_is_gone_everywhere(database: &TestDatabase) {
    let mut pair = Pair::open(database).await;
    let key = pair.here.create_key().await.key_id;
    pair.here.create_alias("alias/a", &key).await.unwrap();
    pair.look().await;
    let blob = pair.there.encrypt("alias/a", b"x", &[]).await.unwrap();
    pair.here.schedule_deletion(&key, Some(7)).await.unwrap();
    pair.there.decrypt(&blob, None, &[]).await.unwrap();
    pair.look().await;
    assert_eq!(pair.there.decrypt(&blob, None, &[]).await.unwrap_err().code(), "KMSInvalidStateException");
    pair.there.describe("alias/a").await.unwrap();
    pair.here.later(8 * DAY).await;
    pair.look().await;
    for name in [&key, "alias/a"] {
        assert_eq!(pair.there.describe(name).await.unwrap_err().code(), "NotFoundException");
    }
    assert!(pair.there.decrypt(&blob, None, &[]).await.is_err());
}

const GRANTS_ANNOUNCED: Statement =
    Statement::new("SELECT COUNT(*) AS announced FROM store_changes WHERE topic = 'kms.grants'");

async fn whoever_had_grants_on_a_deleted_key_is_no_news_each(database: &TestDatabase) {
    let mut pair = Pair::open(database).await;
    let db = open(database).await;
    let announced = async || db.query(GRANTS_ANNOUNCED, &[]).await.unwrap()[0].i64("announced").unwrap();
    for (grantees, news) in [(3, 3), (257, 1)] {
        let key = pair.here.create_key().await.key_id;
        for number in 0..grantees {
            pair.here.grant(&key, &pair.here.iam(&format!("user/{number}")), &["Encrypt"]).await;
        }
        pair.look().await;
        let user = pair.there.user("user/0");
        user.encrypt(&key, b"x", &[]).await.unwrap();
        pair.here.schedule_deletion(&key, Some(7)).await.unwrap();
        let before = announced().await;
        pair.here.later(8 * DAY).await;
        assert_eq!(announced().await - before, news, "{grantees}");
        pair.look().await;
        assert!(user.encrypt(&key, b"x", &[]).await.is_err());
    }
}

async fn a_rotated_key_decrypts_everywhere(database: &TestDatabase) {
    let mut pair = Pair::open(database).await;
    let key = pair.here.create_key().await.key_id;
    pair.there.encrypt(&key, b"x", &[]).await.unwrap();
    pair.here.rotate(&key).await.unwrap();
    pair.look().await;
    let (here, there) = (&pair.here, &pair.there);
    for (from, to) in [(here, there), (there, here)] {
        let blob = from.encrypt(&key, b"y", &[]).await.unwrap();
        assert_eq!(to.decrypt(&blob, None, &[]).await.unwrap(), b"y");
    }
}

async fn a_reset_is_one_everywhere(database: &TestDatabase) {
    let mut pair = Pair::open(database).await;
    let key = pair.here.create_key().await.key_id;
    pair.there.encrypt(&key, b"x", &[]).await.unwrap();
    pair.here.kms.reset(&open(database).await).await;
    pair.look().await;
    assert_eq!(pair.there.describe(&key).await.unwrap_err().code(), "NotFoundException");
}
