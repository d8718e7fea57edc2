//! What policies say of imports (KMS Developer Guide, "AWS KMS condition keys").

use strongroom_api_kms::ImportKeyMaterialRequest;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{DAY, NOW, client, until};

const MATERIAL: [u8; 32] = [0x5a; 32];

on_both_engines! {
    policies_see_how_material_is_wrapped,
    policies_see_when_material_expires,
}

/// A policy that lets the account do everything but this.
fn denying(action: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[
            {{"Effect":"Allow","Principal":{{"AWS":"111122223333"}},"Action":"kms:*","Resource":"*"}},
            {{"Effect":"Deny","Principal":"*","Action":"kms:{action}","Resource":"*","Condition":{condition}}}]}}"#
    )
}

async fn policies_see_how_material_is_wrapped(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.empty_key().await;
    for (condition, algorithm, spec) in [
        (
            r#"{"StringNotEquals":{"kms:WrappingAlgorithm":"RSAES_OAEP_SHA_256"}}"#,
            "RSAES_OAEP_SHA_1",
            "RSA_3072",
        ),
        (r#"{"StringEquals":{"kms:WrappingKeySpec":"RSA_2048"}}"#, "RSAES_OAEP_SHA_256", "RSA_2048"),
    ] {
        client.put_policy(&key, &denying("GetParametersForImport", condition)).await.unwrap();
        let refused = client.try_parameters(&key, algorithm, spec).await.unwrap_err();
        assert_eq!(refused.code(), "AccessDeniedException", "{condition}");
        client.try_parameters(&key, "RSAES_OAEP_SHA_256", "RSA_3072").await.unwrap();
    }
}

async fn policies_see_when_material_expires(database: &TestDatabase) {
    let client = client(database).await;
    let key = client.empty_key().await;
    let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
    let lasting = parameters.import(&key, &MATERIAL);
    let silent = ImportKeyMaterialRequest { expiration_model: None, ..until(lasting.clone(), NOW + DAY) };
    // 2023-11-16 is two days after the tests' time.
    for (condition, refused, allowed) in [
        (
            r#"{"StringEquals":{"kms:ExpirationModel":"KEY_MATERIAL_DOES_NOT_EXPIRE"}}"#,
            lasting.clone(),
            // What is left out is not there, its default neither.
            silent.clone(),
        ),
        (
            r#"{"StringNotEqualsIfExists":{"kms:ExpirationModel":"KEY_MATERIAL_EXPIRES"}}"#,
            lasting.clone(),
            until(lasting.clone(), NOW + DAY),
        ),
        (
            r#"{"DateGreaterThan":{"kms:ValidTo":"2023-11-16T22:13:20Z"}}"#,
            until(lasting.clone(), NOW + 3 * DAY),
            until(lasting.clone(), NOW + DAY),
        ),
        (r#"{"Null":{"kms:ValidTo":"true"}}"#, lasting.clone(), until(lasting.clone(), NOW + DAY)),
    ] {
        client.put_policy(&key, &denying("ImportKeyMaterial", condition)).await.unwrap();
        assert_eq!(client.import(refused).await.unwrap_err().code(), "AccessDeniedException", "{condition}");
        client.import(allowed).await.unwrap();
    }
}
