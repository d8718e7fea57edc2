//! Ids and materials of new keys that their makers choose, in development: the tags of LocalStack.
//!
//! A material that is chosen is a secret all the same. Records, which show every tag, show it as AWS shows
//! secrets: not at all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use strongroom_secret::{Key256, SecretBytes};

use crate::domain::identifier::is_key_id;
use crate::domain::multi_region::ID_PREFIX;
use crate::domain::tags::Tags;
use crate::error::Refusal;
use crate::management::NewKey;

/// The tag whose value becomes the key's id. It stays a tag, so that what was asked for is what shows.
const ID: &str = "_custom_id_";

/// The tag whose value, in base64, becomes the key's material. It does not stay: the store holds no key in
/// the clear.
const MATERIAL: &str = "_custom_key_material_";

/// What stands in a record in place of a secret, in AWS's words.
pub(super) const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// The parameters of a KMS call as its record may show them: without a chosen material.
pub fn conceal_chosen_material(parameters: String) -> String {
    if !parameters.contains(MATERIAL) {
        return parameters;
    }
    let Ok(mut shown) = serde_json::from_str::<Value>(&parameters) else { return format!("\"{HIDDEN}\"") };
    for tag in shown.get_mut("tags").and_then(Value::as_array_mut).into_iter().flatten() {
        if tag["tagKey"] == MATERIAL {
            tag["tagValue"] = HIDDEN.into();
        }
    }
    shown.to_string()
}

/// Takes what the tags of a new key choose, which may be a multi-Region key.
pub(super) fn choose(tags: Tags, is_multi_region: bool) -> Result<NewKey, Refusal> {
    let mut new = NewKey { tags, ..NewKey::default() };
    if let Some(id) = new.tags.get(ID) {
        let is_of_kind = id.starts_with(ID_PREFIX) == is_multi_region;
        if !is_key_id(id) || !is_of_kind || id.bytes().any(|byte| byte.is_ascii_uppercase()) {
            let (what, example) = if is_multi_region {
                ("mrk- and 32 digits", "mrk-1234abcd12ab34cd56ef1234567890ab")
            } else {
                ("a UUID", "1234abcd-12ab-34cd-56ef-1234567890ab")
            };
            return Err(Refusal::Validation(format!(
                "The tag {ID} must hold a key id, {what} in lower case such as {example}"
            )));
        }
        new.id = Some(id.to_owned());
    }
    if let Some(text) = new.tags.take(MATERIAL) {
        let text = SecretBytes::new(text.into_bytes());
        let bytes = STANDARD.decode(text.expose()).map(SecretBytes::new);
        let material = bytes.ok().and_then(|bytes| Key256::copied_from(bytes.expose()));
        new.material = Some(material.ok_or_else(|| {
            Refusal::Validation(format!("The tag {MATERIAL} must hold the 32 bytes of the key in base64"))
        })?);
    }
    Ok(new)
}
