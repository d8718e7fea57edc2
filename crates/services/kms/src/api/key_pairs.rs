//! Data key pairs: made for use outside KMS, the private half encrypted under a symmetric key.

use strongroom_api_kms::{
    DataKeyPairSpec, GenerateDataKeyPairRequest, GenerateDataKeyPairResponse,
    GenerateDataKeyPairWithoutPlaintextRequest, GenerateDataKeyPairWithoutPlaintextResponse, actions,
};
use strongroom_identity::RequestContext;
use strongroom_policy::Authorized;
use strongroom_schema::{Blob, Map};
use strongroom_secret::SecretBytes;

use super::cryptography::{encryption_context, note_material, usable_for};
use super::recipient::{Enclave, attested, given};
use super::{algorithms, asked, new_key_spec};
use crate::KeyManagement;
use crate::domain::key::SharedKey;
use crate::domain::spec::{DataKeyPairKind, KeyUsage};
use crate::error::Refusal;
use crate::management::Encrypts;

pub(super) async fn generate_data_key_pair(
    kms: &KeyManagement,
    context: &RequestContext,
    input: GenerateDataKeyPairRequest,
) -> Result<GenerateDataKeyPairResponse, Refusal> {
    let enclave = Enclave::named(kms, context, input.recipient.as_ref())?;
    let kind = kind(&input.key_pair_spec)?;
    kms.check_grant_tokens(input.grant_tokens.as_deref())?;
    context.ask(attested(enclave.as_ref(), asked::generate_data_key_pair(&input)));
    let key = kms.find::<actions::GenerateDataKeyPair>(context, &input.key_id).await?;
    let key: Authorized<actions::GenerateDataKeyPair, _> =
        usable_for(kms, context, key, KeyUsage::EncryptDecrypt)?;
    let dry_run = input.dry_run == Some(true);
    let made = generate(kms, context, &key, kind, input.encryption_context, dry_run).await?;
    let given = given(enclave.as_ref(), &made.private_key)?;
    Ok(GenerateDataKeyPairResponse {
        private_key_ciphertext_blob: Some(Blob(made.blob)),
        private_key_plaintext: given.plaintext,
        public_key: Some(Blob(made.public_key)),
        key_id: Some(key.resource().arn.clone()),
        key_pair_spec: Some(input.key_pair_spec),
        ciphertext_for_recipient: given.ciphertext_for_recipient,
        key_material_id: made.material_id,
    })
}

pub(super) async fn generate_data_key_pair_without_plaintext(
    kms: &KeyManagement,
    context: &RequestContext,
    input: GenerateDataKeyPairWithoutPlaintextRequest,
) -> Result<GenerateDataKeyPairWithoutPlaintextResponse, Refusal> {
    let kind = kind(&input.key_pair_spec)?;
    kms.check_grant_tokens(input.grant_tokens.as_deref())?;
    context.ask(asked::generate_data_key_pair_without_plaintext(&input));
    let key = kms.find::<actions::GenerateDataKeyPairWithoutPlaintext>(context, &input.key_id).await?;
    let key: Authorized<actions::GenerateDataKeyPairWithoutPlaintext, _> =
        usable_for(kms, context, key, KeyUsage::EncryptDecrypt)?;
    let dry_run = input.dry_run == Some(true);
    let made = generate(kms, context, &key, kind, input.encryption_context, dry_run).await?;
    Ok(GenerateDataKeyPairWithoutPlaintextResponse {
        private_key_ciphertext_blob: Some(Blob(made.blob)),
        public_key: Some(Blob(made.public_key)),
        key_id: Some(key.resource().arn.clone()),
        key_pair_spec: Some(input.key_pair_spec),
        key_material_id: made.material_id,
    })
}

/// A new pair, its private half in the clear and encrypted.
struct KeyPair {
    private_key: SecretBytes,
    public_key: Vec<u8>,
    blob: Vec<u8>,
    material_id: Option<String>,
}

async fn generate<A: Encrypts>(
    kms: &KeyManagement,
    context: &RequestContext,
    key: &Authorized<A, SharedKey>,
    kind: DataKeyPairKind,
    pairs: Option<Map<String>>,
    dry_run: bool,
) -> Result<KeyPair, Refusal> {
    // The request names no algorithm, and only one encrypts a private key.
    algorithms::encryption(key.resource(), None)?;
    kms.expect_data_key_pairs(key.resource())?;
    let bound_to = encryption_context(pairs)?;
    note_material(context, key.resource());
    if dry_run {
        return Err(kms.dry_run(key.resource()).await);
    }
    let (private_key, public_key) = kms.make_data_key_pair(context, kind).await?;
    let blob = kms.encrypt(key, &bound_to, private_key.expose()).await?;
    let material_id = key.resource().current_material_id();
    Ok(KeyPair { private_key, public_key, blob, material_id })
}

fn kind(spec: &DataKeyPairSpec) -> Result<DataKeyPairKind, Refusal> {
    match spec {
        DataKeyPairSpec::Rsa2048 => Ok(DataKeyPairKind::Rsa2048),
        DataKeyPairSpec::Rsa3072 => Ok(DataKeyPairKind::Rsa3072),
        DataKeyPairSpec::Rsa4096 => Ok(DataKeyPairKind::Rsa4096),
        DataKeyPairSpec::EccNistP256 => Ok(DataKeyPairKind::P256),
        DataKeyPairSpec::EccNistP384 => Ok(DataKeyPairKind::P384),
        DataKeyPairSpec::EccNistP521 => Ok(DataKeyPairKind::P521),
        DataKeyPairSpec::EccSecgP256K1 => Ok(DataKeyPairKind::Secp256k1),
        DataKeyPairSpec::EccNistEdwards25519 => Ok(DataKeyPairKind::Ed25519),
        DataKeyPairSpec::Sm2 => Err(new_key_spec::unsupported_here(spec.as_str())),
        DataKeyPairSpec::MlKem512 => Ok(DataKeyPairKind::MlKem512),
        DataKeyPairSpec::MlKem768 => Ok(DataKeyPairKind::MlKem768),
        DataKeyPairSpec::MlKem1024 => Ok(DataKeyPairKind::MlKem1024),
        DataKeyPairSpec::Unknown(other) => {
            Err(Refusal::Validation(format!("KeyPairSpec {other} is unknown.")))
        }
    }
}
