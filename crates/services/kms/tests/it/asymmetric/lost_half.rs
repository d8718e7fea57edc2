//! A public half that somebody deleted in the HSMs, as `kmsuser`.

use strongroom_api_kms::{Kms as _, SigningAlgorithmSpec as Algorithm, UpdateCustomKeyStoreRequest};
use strongroom_hsm_client::Credentials;
use strongroom_hsm_proto::command::{AttributeName, AttributeValue, Command, DeleteKey, KeyClass, Role};
use strongroom_secret::{Secret, SecretString};
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::Lab;
use super::kinds::{keys, value};
use crate::fixture::update;
use crate::symmetric_only::{sign, verify};

on_both_engines! {
    a_lost_public_half_stops_what_needs_it_and_no_more,
}

const PASSWORD: &str = "Look4inside77";

/// What AWS has a person do who works as `kmsuser`: disconnect, have the password reset, tell KMS, connect.
async fn as_kmsuser(lab: &Lab, command: Command) {
    let client = &lab.client;
    client.disconnect(&lab.store).await.unwrap();
    lab.cluster.set_password(PASSWORD).unwrap();
    let kmsuser = lab.cluster.client(Some(Credentials {
        username: "kmsuser".to_owned(),
        role: Role::CryptoUser,
        password: SecretString::new(PASSWORD.to_owned()),
    }));
    kmsuser.call(command).await.unwrap();
    kmsuser.close();
    let key_store_password = Some(Secret::new(PASSWORD.to_owned()));
    let input = UpdateCustomKeyStoreRequest { key_store_password, ..update(&lab.store) };
    client.update_store(input).await.unwrap();
    client.connect(&lab.store).await.unwrap();
}

async fn a_lost_public_half_stops_what_needs_it_and_no_more(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = &lab.client;
    let key = lab.create("ECC_NIST_P256", "SIGN_VERIFY").await;
    let (key_id, arn) = (key.key_id, key.arn.unwrap());
    let public = lab.public_key(&key_id).await;
    let class = AttributeValue::Number(KeyClass::PublicKey as u64);
    let half = keys(&lab.cluster).into_iter().find(|key| value(key, AttributeName::Class) == Some(&class));
    as_kmsuser(&lab, Command::DeleteKey(DeleteKey { key: half.unwrap().key })).await;

    let algorithm = || Algorithm::EcdsaSha256;
    let signed = client.kms.sign(&client.context(), sign(&key_id, algorithm(), b"x")).await.unwrap();
    let signature = signed.signature.unwrap().0;
    let refused = client.kms.verify(&client.context(), verify(&key_id, algorithm(), b"x", &signature)).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        format!(
            "KMSInvalidStateException: {arn} is unavailable: its key material is not in the CloudHSM cluster. Associate \
             the custom key store with a cluster that was made from a backup with the key material."
        )
    );
    assert_eq!(lab.public_key(&key_id).await, public);
}
