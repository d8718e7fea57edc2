//! What KMS does by itself asks no key policy; ReEncrypt asks two, of which both may be one key's.

use strongroom_api_kms::{PutKeyPolicyRequest, ReEncryptRequest};
use strongroom_testkit::{TestDatabase, on_both_engines};

use super::Rig;
use crate::fixture::{DAY, NOW};
use crate::key_policies::{ALICE, ROOT, outcome, policy, statement};
use crate::operations::re_encrypt;

on_both_engines! {
    a_policy_that_refuses_all_holds_up_neither_rotation_nor_deletion,
    re_encrypt_on_the_same_key_is_told_from_others,
}

async fn a_policy_that_refuses_all_holds_up_neither_rotation_nor_deletion(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    let deny = statement("Deny", r#""*""#, r#""kms:*""#, "");
    let closed = policy(&[statement("Allow", ALICE, r#""kms:*""#, ""), deny]);
    for key in [rig.key().await, rig.create_key().await.key_id] {
        let goes = if rig.describe(&key).await.unwrap().custom_key_store_id.is_some() {
            rig.key().await
        } else {
            rig.create_key().await.key_id
        };
        rig.enable_rotation(&key, Some(90)).await.unwrap();
        rig.schedule_deletion(&goes, Some(7)).await.unwrap();
        for key in [&key, &goes] {
            let input = PutKeyPolicyRequest {
                key_id: key.clone(),
                policy: closed.clone(),
                bypass_policy_lockout_safety_check: Some(true),
                ..PutKeyPolicyRequest::default()
            };
            rig.try_put_policy(input).await.unwrap();
            assert!(!outcome(rig.describe(key).await));
        }
    }
    assert_eq!(rig.hsm_keys().len(), 2);
    let later = rig.at(NOW + 91 * DAY).later(0).await;
    let records = rig.client.kms.records();
    let count = |name: &str| records.iter().filter(|record| record.event_name == name).count();
    assert_eq!((count("RotateKey"), count("DeleteKey")), (2, 2));
    assert_eq!(rig.hsm_keys().len(), 2, "one has a second material, the other is gone");
    assert_eq!(later.key_ids(None).await.len(), 2);
    // The store is looked after too.
    rig.disconnect().await;
    rig.connect().await;
}

async fn re_encrypt_on_the_same_key_is_told_from_others(database: &TestDatabase) {
    let rig = Rig::new(database).await;
    for in_store in [true, false] {
        let new = async || if in_store { rig.key().await } else { rig.create_key().await.key_id };
        let (key, other) = (new().await, new().await);
        let blob = rig.encrypt(&key, b"x", &[]).await.unwrap();
        let other_blob = rig.encrypt(&other, b"x", &[]).await.unwrap();
        let alias = format!("alias/{key}");
        rig.create_alias(&alias, &key).await.unwrap();
        for (wanted, on_same) in [("true", true), ("false", false)] {
            let all_but = format!(
                r#"{{"Effect":"Allow","Principal":{ROOT},"NotAction":"kms:ReEncrypt*","Resource":"*"}}"#
            );
            let condition = format!(r#"{{"Bool":{{"kms:ReEncryptOnSameKey":"{wanted}"}}}}"#);
            let may = statement("Allow", ROOT, r#""kms:ReEncrypt*""#, &condition);
            rig.put_policy(&key, &policy(&[all_but, may])).await.unwrap();
            let call = async |input: ReEncryptRequest| outcome(rig.re_encrypt(input).await);
            for name in [&key, &alias] {
                assert_eq!(call(re_encrypt(&blob, Some(name), name)).await, on_same, "{wanted}");
                assert_eq!(call(re_encrypt(&blob, Some(name), &other)).await, !on_same, "{wanted}");
                assert_eq!(call(re_encrypt(&other_blob, None, name)).await, !on_same, "{wanted}");
            }
            let unnamed = rig.re_encrypt(re_encrypt(&blob, None, &alias)).await;
            assert_eq!(unnamed.is_ok(), on_same, "{wanted}");
            let dry = ReEncryptRequest { dry_run: Some(true), ..re_encrypt(&blob, Some(&key), &alias) };
            let refused = rig.re_encrypt(dry).await.unwrap_err();
            let code = if on_same { "DryRunOperationException" } else { "AccessDeniedException" };
            assert_eq!(refused.code(), code, "{wanted}");
        }
    }
}
