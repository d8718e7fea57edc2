//! The life of `rig/life.py`, on the AWS SDK for Rust: leads it, and prints what it saw as one JSON document.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;

use aws_sdk_kms::Client;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::operation::decrypt::DecryptOutput;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{DataKeySpec, Tag};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

const DAY: u32 = 24 * 60 * 60;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let endpoint = std::env::var("AWS_ENDPOINT_URL")?;
    let told = tell(&client(&endpoint)?, &endpoint).await?;
    Ok(serde_json::to_writer(std::io::stdout(), &told)?)
}

async fn tell(kms: &Client, endpoint: &str) -> Outcome<Value> {
    let created = kms.create_key().description("payroll").tags(tag("team", "blue")?).send().await?;
    let arn = created.key_metadata.and_then(|key| key.arn).ok_or("no ARN")?;
    kms.create_alias().alias_name("alias/post").target_key_id(&arn).send().await?;
    kms.create_alias().alias_name("alias/letters").target_key_id(&arn).send().await?;
    let more = vec![tag("team", "red")?, tag("stage", "test")?, tag("spare", "")?];
    kms.tag_resource().key_id(&arn).set_tags(Some(more)).send().await?;
    kms.untag_resource().key_id(&arn).tag_keys("spare").send().await?;
    let listed = kms.list_resource_tags().key_id(&arn).into_paginator().page_size(1).items().send();
    let listed = listed.collect::<Result<Vec<Tag>, _>>().await?;
    let tags: BTreeMap<_, _> = listed.iter().map(|tag| (tag.tag_key(), tag.tag_value())).collect();
    kms.update_key_description().key_id(&arn).description("letters").send().await?;
    let described = kms.describe_key().key_id("alias/letters").send().await?.key_metadata.ok_or("no key")?;
    let policy = kms.get_key_policy().key_id(&arn).policy_name("default").send().await?;
    kms.put_key_policy().key_id(&arn).set_policy(policy.policy).send().await?;
    let policies = kms.list_key_policies().key_id(&arn).send().await?;

    let old = encrypt(kms, "a letter").await?;
    kms.enable_key_rotation().key_id(&arn).rotation_period_in_days(90).send().await?;
    let rotation = kms.get_key_rotation_status().key_id(&arn).send().await?;
    advance(endpoint, 91)?;
    let new = encrypt(kms, "a reply").await?;
    kms.rotate_key_on_demand().key_id(&arn).send().await?;
    let moved = kms
        .re_encrypt()
        .ciphertext_blob(old.clone())
        .source_encryption_context("purpose", "letters")
        .destination_key_id(&arn)
        .destination_encryption_context("purpose", "archive")
        .send()
        .await?;
    let opened = [
        ("before rotation", decrypt(kms, old.clone(), "letters").await?),
        ("after rotation", decrypt(kms, new, "letters").await?),
        ("moved", decrypt(kms, moved.ciphertext_blob.ok_or("no ciphertext")?, "archive").await?),
    ];
    let rotations = kms.list_key_rotations().key_id(&arn).into_paginator().page_size(1).items().send();
    let rotations = rotations.collect::<Result<Vec<_>, _>>().await?;
    let current = kms.describe_key().key_id(&arn).send().await?.key_metadata.ok_or("no key")?;

    let mut states = Vec::new();
    let mut refusals = BTreeMap::new();
    kms.disable_key().key_id(&arn).send().await?;
    states.push(state(kms, &arn).await?);
    let disabled = kms.encrypt().key_id(&arn).plaintext(Blob::new("x")).send().await;
    refusals.insert("disabled", refusal(disabled)?);
    kms.enable_key().key_id(&arn).send().await?;
    states.push(state(kms, &arn).await?);
    let sealed = kms.generate_data_key_without_plaintext().key_id(&arn).key_spec(DataKeySpec::Aes256);
    let sealed = sealed.send().await?.ciphertext_blob.ok_or("no ciphertext")?;
    let data_key = kms.decrypt().ciphertext_blob(sealed).send().await?.plaintext.ok_or("no data key")?;
    let random = kms.generate_random().number_of_bytes(24).send().await?.plaintext.ok_or("no bytes")?;
    let last_usage = kms.get_key_last_usage().key_id(&arn).send().await?.key_last_usage.ok_or("no usage")?;

    let second = kms.create_key().send().await?.key_metadata.and_then(|key| key.arn).ok_or("no ARN")?;
    kms.update_alias().alias_name("alias/post").target_key_id(&second).send().await?;
    let led_to = kms.describe_key().key_id("alias/post").send().await?.key_metadata.ok_or("no key")?;
    let keys = kms.list_keys().into_paginator().page_size(1).items().send();
    let keys = keys.collect::<Result<Vec<_>, _>>().await?;
    let mut listed: Vec<_> = keys.iter().filter_map(|key| key.key_arn()).collect();
    listed.sort_unstable();

    let scheduled = kms.schedule_key_deletion().key_id(&arn).pending_window_in_days(7).send().await?;
    states.push(scheduled.key_state.ok_or("no state")?.to_string());
    let pending = kms.encrypt().key_id(&arn).plaintext(Blob::new("x")).send().await;
    refusals.insert("pending", refusal(pending)?);
    kms.cancel_key_deletion().key_id(&arn).send().await?;
    states.push(state(kms, &arn).await?);
    kms.schedule_key_deletion().key_id(&arn).pending_window_in_days(7).send().await?;
    states.push(state(kms, &arn).await?);
    advance(endpoint, 8)?;
    refusals.insert("gone", refusal(kms.describe_key().key_id(&arn).send().await)?);
    let lost = kms.decrypt().ciphertext_blob(old).encryption_context("purpose", "letters").send().await;
    refusals.insert("ciphertext", refusal(lost)?);
    let aliases = kms.list_aliases().into_paginator().page_size(1).items().send();
    let aliases = aliases.collect::<Result<Vec<_>, _>>().await?;
    let led_somewhere = aliases.iter().filter(|alias| alias.target_key_id().is_some());

    Ok(json!({
        "keys": [arn, second],
        "listed": listed,
        "materials": opened.iter().map(|(_, answer)| answer.key_material_id()).collect::<Vec<_>>(),
        "described": [described.key_state().map(|state| state.as_str()), described.description()],
        "tags": tags,
        "policies": policies.policy_names(),
        "rotation": (rotation.key_rotation_enabled, rotation.rotation_period_in_days),
        "rotations": rotations
            .iter()
            .map(|entry| (entry.rotation_type().map(|kind| kind.as_str()), entry.key_material_id()))
            .collect::<Vec<_>>(),
        "current": current.current_key_material_id(),
        "opened": opened.iter().map(|(name, answer)| (*name, text(answer))).collect::<BTreeMap<_, _>>(),
        "sizes": { "data key": data_key.as_ref().len(), "random": random.as_ref().len() },
        "last_usage": last_usage.operation().map(|operation| operation.as_str()),
        "alias_leads_to": led_to.arn(),
        "states": states,
        "aliases_left": led_somewhere.filter_map(|alias| alias.alias_name()).collect::<Vec<_>>(),
        "refusals": refusals,
    }))
}

/// A client over plain HTTP that tries once.
fn client(endpoint: &str) -> Outcome<Client> {
    let (id, secret) = (std::env::var("AWS_ACCESS_KEY_ID")?, std::env::var("AWS_SECRET_ACCESS_KEY")?);
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new(std::env::var("AWS_REGION")?))
        .credentials_provider(Credentials::new(id, secret, None, None, "environment"))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Ok(Client::from_conf(config))
}

fn tag(name: &str, value: &str) -> Outcome<Tag> {
    Ok(Tag::builder().tag_key(name).tag_value(value).build()?)
}

async fn state(kms: &Client, arn: &str) -> Outcome<String> {
    let key = kms.describe_key().key_id(arn).send().await?.key_metadata.ok_or("no key")?;
    Ok(key.key_state.ok_or("no state")?.to_string())
}

async fn encrypt(kms: &Client, plaintext: &str) -> Outcome<Blob> {
    let request = kms.encrypt().key_id("alias/post").plaintext(Blob::new(plaintext));
    let answer = request.encryption_context("purpose", "letters").send().await?;
    Ok(answer.ciphertext_blob.ok_or("no ciphertext")?)
}

async fn decrypt(kms: &Client, ciphertext: Blob, purpose: &str) -> Outcome<DecryptOutput> {
    Ok(kms.decrypt().ciphertext_blob(ciphertext).encryption_context("purpose", purpose).send().await?)
}

fn text(answer: &DecryptOutput) -> String {
    answer
        .plaintext()
        .map(|plaintext| String::from_utf8_lossy(plaintext.as_ref()).into_owned())
        .unwrap_or_default()
}

/// Code and message of a call that the server must refuse.
fn refusal<T, E: ProvideErrorMetadata>(answer: Result<T, SdkError<E>>) -> Outcome<[Option<String>; 2]> {
    let error = answer.err().ok_or("not refused")?;
    Ok([error.code().map(str::to_owned), error.message().map(str::to_owned)])
}

/// Moves the server's clock: what comes due by then has happened when the answer is there.
///
/// One request over a bare connection, because the SDK brings no HTTP client for requests of one's own.
fn advance(endpoint: &str, days: u32) -> Outcome<()> {
    let host = endpoint.strip_prefix("http://").ok_or("not an http endpoint")?;
    let body = json!({ "advance_seconds": days * DAY }).to_string();
    let mut connection = TcpStream::connect(host)?;
    write!(
        connection,
        "POST /_strongroom/clock HTTP/1.1\r\nhost: {host}\r\nx-strongroom-dev: 1\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len(),
    )?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200 ") { Ok(()) } else { Err(answer.into()) }
}
