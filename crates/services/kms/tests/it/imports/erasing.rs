//! Materials that are gone are in the store's files no more.

use std::fs;

use strongroom_store::{Db, Statement};
use strongroom_testkit::{TestDatabase, run};

use crate::fixture::{DAY, NOW, open, owner, until};

const TOKENS: Statement = Statement::new("SELECT token FROM kms_materials ORDER BY key_id, material_id");

/// Whether any file of the database has those bytes.
fn is_found(database: &TestDatabase, bytes: &[u8]) -> bool {
    let files = fs::read_dir(database.directory().unwrap()).unwrap();
    let contents = files.map(|file| fs::read(file.unwrap().path()).unwrap());
    contents.into_iter().any(|content| content.windows(bytes.len()).any(|part| part == bytes))
}

/// The sealed material that the store holds.
async fn token(db: &Db) -> Vec<u8> {
    let token = db.query_one(TOKENS, &[]).await.unwrap().blob("token").unwrap();
    assert!(token.len() > 32, "it is there");
    token
}

#[test]
fn a_material_that_is_gone_is_in_no_file() {
    run(async {
        let database = TestDatabase::sqlite();
        let db = open(&database).await;
        let client = owner(&db);
        let key = client.empty_key().await;
        let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
        // Taken away.
        client.import(parameters.import(&key, &[1; 32])).await.unwrap();
        let first = token(&db).await;
        assert!(is_found(&database, &first));
        client.take_away(&key, None).await.unwrap();
        assert!(!is_found(&database, &first), "taken away");
        // Expired.
        client.import(until(parameters.import(&key, &[1; 32]), NOW + DAY)).await.unwrap();
        let second = token(&db).await;
        assert!(is_found(&database, &second) && !is_found(&database, &first));
        let client = client.much_later(DAY).await;
        assert!(!is_found(&database, &second), "expired");
        // Gone with its key.
        client.bring(&key, &[1; 32]).await.unwrap();
        let third = token(&db).await;
        assert!(is_found(&database, &third));
        client.schedule_deletion(&key, Some(7)).await.unwrap();
        client.much_later(8 * DAY).await;
        assert!(!is_found(&database, &third), "deleted");
    });
}
