//! Virtual MFA devices and their codes.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use strongroom_api_iam::{self as iam, Iam as _};
use strongroom_crypto::digest::Hash;
use strongroom_crypto::hmac::Hmac;
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::NOW;
use crate::fixture::iam::{Client, STRANGER, client, refusal};

on_both_engines! {
    a_device_is_made_enabled_and_taken_away,
    wrong_codes_enable_nothing,
    each_code_is_taken_once,
    codes_tried_at_once_are_no_more_attempts,
    a_device_that_comes_back_keeps_what_was_taken,
    a_device_that_runs_ahead_is_put_right,
    devices_are_listed,
}

/// Milliseconds of a step.
pub(crate) const STEP: i64 = 30_000;

/// What an authenticator application shows (RFC 6238), from the text of a seed.
pub(crate) struct Authenticator(Vec<u8>);

impl Authenticator {
    fn new(base32: &[u8]) -> Self {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let value = |letter: &u8| alphabet.iter().position(|known| known == letter).unwrap();
        let bits: Vec<_> =
            base32.iter().flat_map(|letter| (0..5).rev().map(move |bit| (letter, bit))).collect();
        let byte = |bits: &[(&u8, usize)]| {
            bits.iter().fold(0, |byte, (letter, bit)| byte << 1 | (value(letter) >> bit & 1) as u8)
        };
        Self(bits.chunks_exact(8).map(byte).collect())
    }

    pub(crate) fn code(&self, at_ms: i64) -> String {
        let tag = Hmac::new(Hash::Sha1, &self.0).sign(&[&(at_ms / STEP).to_be_bytes()]);
        let offset = usize::from(tag[19] & 15);
        let number = u32::from_be_bytes(tag[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }

    /// Whether each step around the time of these tests has a code of its own, and none has `000000`. With one seed in
    /// some two hundred it is not so, and what a test takes for a wrong code would count.
    fn has_a_code_for_each_step(&self) -> bool {
        let steps = -10..=110;
        let codes: BTreeSet<_> = steps.clone().map(|step| self.code(NOW + step * STEP)).collect();
        codes.len() == steps.count() && !codes.contains("000000")
    }
}

pub(crate) async fn create(
    client: &Client,
    name: &str,
) -> Result<(String, Authenticator, Vec<u8>), ApiError> {
    loop {
        let made = create_any(client, name).await?;
        if made.1.has_a_code_for_each_step() {
            return Ok(made);
        }
        delete(client, &made.0).await?;
    }
}

async fn create_any(client: &Client, name: &str) -> Result<(String, Authenticator, Vec<u8>), ApiError> {
    let input =
        iam::CreateVirtualMFADeviceRequest { virtual_mfa_device_name: name.to_owned(), ..Default::default() };
    let made = client.iam().create_virtual_mfa_device(&client.changing(), input).await?.virtual_mfa_device;
    let seed = made.base32_string_seed.unwrap();
    assert_eq!(seed.expose().0.len(), 64);
    let picture = made.qr_code_png.unwrap().expose().0.clone();
    Ok((made.serial_number, Authenticator::new(&seed.expose().0), picture))
}

async fn enable(client: &Client, user: &str, serial: &str, codes: [String; 2]) -> Result<(), ApiError> {
    let [authentication_code1, authentication_code2] = codes;
    let input = iam::EnableMFADeviceRequest {
        user_name: user.to_owned(),
        serial_number: serial.to_owned(),
        authentication_code1,
        authentication_code2,
    };
    client.iam().enable_mfa_device(&client.changing(), input).await.map(drop)
}

/// A device of that name that the user has, enabled by the codes of now and before.
pub(crate) async fn device_of(client: &Client, user: &str, name: &str) -> (String, Authenticator) {
    let (serial, app, _) = create(client, name).await.unwrap();
    enable(client, user, &serial, [app.code(NOW - STEP), app.code(NOW)]).await.unwrap();
    (serial, app)
}

async fn deactivate(client: &Client, user: &str, serial: &str) -> Result<(), ApiError> {
    let (user_name, serial_number) = (Some(user.to_owned()), serial.to_owned());
    let input = iam::DeactivateMFADeviceRequest { user_name, serial_number };
    client.iam().deactivate_mfa_device(&client.changing(), input).await.map(drop)
}

async fn delete(client: &Client, serial: &str) -> Result<(), ApiError> {
    let input = iam::DeleteVirtualMFADeviceRequest { serial_number: serial.to_owned() };
    client.iam().delete_virtual_mfa_device(&client.changing(), input).await.map(drop)
}

async fn devices(client: &Client, user: &str) -> Vec<String> {
    let input = iam::ListMFADevicesRequest { user_name: Some(user.to_owned()), ..Default::default() };
    let listed = client.iam().list_mfa_devices(&client.context(), input).await.unwrap();
    listed.mfa_devices.into_iter().map(|device| device.serial_number).collect()
}

async fn a_device_is_made_enabled_and_taken_away(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    let (serial, app, picture) = create(&client, "phone").await.unwrap();
    assert_eq!(serial, "arn:aws:iam::111122223333:mfa/phone");
    assert!(picture.starts_with(b"\x89PNG"));
    assert_eq!(
        refusal(create(&client, "Phone").await.map(drop)),
        "EntityAlreadyExists: MFADevice entity at the same path and name already exists."
    );
    enable(&client, "a", &serial, [app.code(NOW - STEP), app.code(NOW)]).await.unwrap();
    assert_eq!(devices(&client, "a").await, [serial.as_str()]);
    assert_eq!(
        refusal(delete(&client, &serial).await),
        "DeleteConflict: MFA VirtualDevice in use. Must deactivate first."
    );
    assert_eq!(
        refusal(client.delete_user("a").await),
        "DeleteConflict: Cannot delete entity, must delete MFA device first."
    );
    deactivate(&client, "a", &serial).await.unwrap();
    assert!(devices(&client, "a").await.is_empty());
    delete(&client, &serial).await.unwrap();
    assert_eq!(
        refusal(delete(&client, &serial).await),
        format!("NoSuchEntity: VirtualMFADevice with serial number {serial} doesn't exist.")
    );
    client.delete_user("a").await.unwrap();
}

async fn wrong_codes_enable_nothing(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    let (serial, app, _) = create(&client, "phone").await.unwrap();
    let code = |steps: i64| app.code(NOW + steps * STEP);
    for (first, second) in [(0, -1), (0, 0), (-1, 1), (-4, -3), (3, 4)] {
        assert_eq!(
            refusal(enable(&client, "a", &serial, [code(first), code(second)]).await),
            "InvalidAuthenticationCode: Authentication code for device is not valid."
        );
    }
    assert!(devices(&client, "a").await.is_empty());
    enable(&client, "a", &serial, [code(0), code(1)]).await.unwrap();
}

async fn each_code_is_taken_once(database: &TestDatabase) {
    let client = client(database).await;
    let user = client.create_user("a").await.unwrap();
    let other = client.create_user("b").await.unwrap();
    let (serial, app, _) = create(&client, "phone").await.unwrap();
    enable(&client, "a", &serial, [app.code(NOW - STEP), app.code(NOW)]).await.unwrap();
    let take = async |account: &str, user: &str, code: &str, at_ms: i64| {
        let account = account.parse().unwrap();
        client.iam().take_code(account, user, &serial, code, at_ms).await.unwrap()
    };
    let own = client.account.to_string();
    // Those by which the device was enabled are used up.
    assert!(!take(&own, &user.user_id, &app.code(NOW), NOW).await);
    let next = app.code(NOW + STEP);
    assert!(!take(&own, &other.user_id, &next, NOW).await, "it is not his device");
    assert!(!take(STRANGER, &user.user_id, &next, NOW).await);
    assert!(!take(&own, &user.user_id, "000000", NOW).await);
    assert!(take(&own, &user.user_id, &next, NOW).await);
    assert!(!take(&own, &user.user_id, &next, NOW).await);
    // The step before, and no step earlier.
    let later = NOW + 10 * STEP;
    assert!(!take(&own, &user.user_id, &app.code(later - 2 * STEP), later).await);
    assert!(take(&own, &user.user_id, &app.code(later - STEP), later).await);
    assert!(take(&own, &user.user_id, &app.code(later), later).await);
}

/// Whoever sends codes at the same time has ten attempts, as whoever waits for each answer.
async fn codes_tried_at_once_are_no_more_attempts(database: &TestDatabase) {
    let client = client(database).await;
    let user = client.create_user("a").await.unwrap();
    let (serial, app) = device_of(&client, "a", "phone").await;
    let (right, wrong) = (app.code(NOW + STEP), app.code(NOW + 9 * STEP));
    let take = async |code: &str, at_ms: i64| {
        client.iam().take_code(client.account, &user.user_id, &serial, code, at_ms).await.unwrap()
    };
    // They begin one after the other, and most wait for the store.
    let mut first: Vec<_> = (0..10).map(|_| Box::pin(take(&wrong, NOW))).collect();
    first.retain_mut(|attempt| match begun(attempt) {
        Poll::Ready(taken) => {
            assert!(!taken);
            false
        }
        Poll::Pending => true,
    });
    assert_eq!(begun(&mut Box::pin(take(&right, NOW))), Poll::Ready(false));
    for attempt in first {
        assert!(!attempt.await);
    }
    assert!(!take(&right, NOW).await);
    let later = NOW + 10 * STEP;
    assert!(take(&app.code(later), later).await);
}

/// What there is of a future once it has begun.
fn begun<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Codes that were taken before do not count again because somebody has the device anew.
async fn a_device_that_comes_back_keeps_what_was_taken(database: &TestDatabase) {
    let client = client(database).await;
    let user = client.create_user("a").await.unwrap();
    let (serial, app) = device_of(&client, "a", "phone").await;
    let next = app.code(NOW + STEP);
    let take =
        async || client.iam().take_code(client.account, &user.user_id, &serial, &next, NOW).await.unwrap();
    assert!(take().await);
    deactivate(&client, "a", &serial).await.unwrap();
    enable(&client, "a", &serial, [app.code(NOW - STEP), app.code(NOW)]).await.unwrap();
    assert!(!take().await);
}

async fn a_device_that_runs_ahead_is_put_right(database: &TestDatabase) {
    let client = client(database).await;
    let user = client.create_user("a").await.unwrap();
    let (serial, app, _) = create(&client, "phone").await.unwrap();
    enable(&client, "a", &serial, [app.code(NOW - STEP), app.code(NOW)]).await.unwrap();
    let ahead = NOW + 100 * STEP;
    let code = app.code(ahead + STEP);
    assert!(!client.iam().take_code(client.account, &user.user_id, &serial, &code, NOW).await.unwrap());
    let input = iam::ResyncMFADeviceRequest {
        user_name: "a".to_owned(),
        serial_number: serial.clone(),
        authentication_code1: app.code(ahead - STEP),
        authentication_code2: app.code(ahead),
    };
    client.iam().resync_mfa_device(&client.changing(), input).await.unwrap();
    assert!(client.iam().take_code(client.account, &user.user_id, &serial, &code, NOW).await.unwrap());
}

async fn devices_are_listed(database: &TestDatabase) {
    let client = client(database).await;
    client.create_user("a").await.unwrap();
    let (first, app, _) = create(&client, "one").await.unwrap();
    let (second, _, _) = create(&client, "two").await.unwrap();
    enable(&client, "a", &first, [app.code(NOW - STEP), app.code(NOW)]).await.unwrap();
    for (status, mut wanted) in [
        (None, vec![first.clone(), second.clone()]),
        (Some("Any"), vec![first.clone(), second.clone()]),
        (Some("Assigned"), vec![first.clone()]),
        (Some("Unassigned"), vec![second.clone()]),
    ] {
        let assignment_status = status.map(iam::AssignmentStatusType::from);
        let input = iam::ListVirtualMFADevicesRequest { assignment_status, ..Default::default() };
        let listed = client.iam().list_virtual_mfa_devices(&client.context(), input).await.unwrap();
        let mut found = Vec::new();
        for device in listed.virtual_mfa_devices {
            assert!(device.base32_string_seed.is_none());
            assert_eq!(device.user.is_some(), device.serial_number == first);
            found.push(device.serial_number);
        }
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted, "{status:?}");
    }
}
