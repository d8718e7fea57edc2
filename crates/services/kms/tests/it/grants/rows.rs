//! Rows of grants that somebody has altered behind KMS's back: they give nobody anything.

use strongroom_store::Statement;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{client, grant, open};

on_both_engines! {
    altered_rows_are_not_believed,
    what_is_in_memory_asks_no_database,
}

async fn altered_rows_are_not_believed(database: &TestDatabase) {
    // $1 is a grant of Decrypt to alice, $2 one of Encrypt to bob on another key.
    const ALTERED: [Statement; 9] = [
        Statement::new(
            "UPDATE kms_grants SET terms = (SELECT terms FROM kms_grants WHERE grant_id = $2) WHERE grant_id = $1",
        ),
        Statement::new(
            "UPDATE kms_grants SET grantee = (SELECT grantee FROM kms_grants WHERE grant_id = $2) WHERE grant_id = $1",
        ),
        Statement::new(
            "UPDATE kms_grants SET key_id = (SELECT key_id FROM kms_grants WHERE grant_id = $2) WHERE grant_id = $1",
        ),
        Statement::new(
            "UPDATE kms_grants SET mac = (SELECT mac FROM kms_grants WHERE grant_id = $2) WHERE grant_id = $1",
        ),
        Statement::new("UPDATE kms_grants SET created_ms = created_ms + 1 WHERE grant_id IN ($1, $2)"),
        Statement::new("UPDATE kms_grants SET retiring = grantee WHERE grant_id IN ($1, $2)"),
        Statement::new("UPDATE kms_grants SET name = 'x' WHERE grant_id IN ($1, $2)"),
        Statement::new("UPDATE kms_grants SET fingerprint = mac WHERE grant_id IN ($1, $2)"),
        Statement::new("UPDATE kms_grants SET terms = '{}' WHERE grant_id IN ($1, $2)"),
    ];
    let root = client(database).await;
    let db = open(database).await;
    for statement in ALTERED {
        let (first, second) = (root.create_key().await.key_id, root.create_key().await.key_id);
        let blob = root.encrypt(&first, b"x", &[]).await.unwrap();
        let to_alice = root.grant(&first, &root.iam("user/alice"), &["Decrypt"]).await;
        let to_bob = root.grant(&second, &root.iam("user/bob"), &["Encrypt"]).await;
        assert_eq!(root.user("user/alice").decrypt(&blob, Some(&first), &[]).await.unwrap(), b"x");
        db.execute(statement, &[to_alice.as_str().into(), to_bob.as_str().into()]).await.unwrap();
        root.kms.forget_everything().await;
        for who in ["user/alice", "user/bob"] {
            for key in [&first, &second] {
                let outcome =
                    root.user(who).encrypt(key, b"x", &[]).await.map_err(|refusal| refusal.code().to_owned());
                let is_untouched = who == "user/bob" && *key == second;
                assert!(outcome.is_err() || is_untouched, "{statement:?} {who}");
            }
            let outcome = root.user(who).decrypt(&blob, Some(&first), &[]).await;
            let code = outcome.unwrap_err().code().to_owned();
            assert!(
                ["KMSInternalException", "AccessDeniedException"].contains(&&*code),
                "{statement:?} {who}"
            );
        }
    }
}

/// Grants that a caller has are read once, and so is that he has none.
async fn what_is_in_memory_asks_no_database(database: &TestDatabase) {
    let root = client(database).await;
    let key = root.create_key().await.key_id;
    let blob = root.encrypt(&key, b"x", &[]).await.unwrap();
    root.create_grant(grant(&key, &root.iam("role/worker"), &["Decrypt"])).await.unwrap();
    let (worker, alice) = (root.user("role/worker"), root.user("user/alice"));
    assert_eq!(worker.decrypt(&blob, None, &[]).await.unwrap(), b"x");
    assert!(alice.decrypt(&blob, None, &[]).await.is_err());
    // Whoever asks the database now is told otherwise.
    let db = open(database).await;
    db.execute(Statement::new("UPDATE kms_grants SET terms = '{}'"), &[]).await.unwrap();
    for _ in 0..3 {
        assert_eq!(worker.decrypt(&blob, None, &[]).await.unwrap(), b"x");
        assert_eq!(alice.decrypt(&blob, Some(&key), &[]).await.unwrap_err().code(), "AccessDeniedException");
    }
}
