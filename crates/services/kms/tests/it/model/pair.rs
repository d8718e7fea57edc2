//! KMS and its model, side by side.

use std::sync::Arc;

use strongroom_api_kms::{
    CreateKeyRequest, IncludeKeyMaterial, KeyMaterialState, OriginType, ReEncryptRequest,
};
use strongroom_kms::MIGRATIONS;
use strongroom_runtime::{Clocks, ManualTime};
use strongroom_schema::Timestamp;
use strongroom_service::ApiError;
use strongroom_store::{Db, OpenOptions};

use super::key::{Expected, Key};
use super::reference::{Ciphertext, Model, Place};
use super::step::{ALIASES, CONTEXTS, Change, HOMES, Home, Naming, POLICIES, Step, TAGS};
use crate::fixture::cluster::TestCluster;
use crate::fixture::{
    Client, DAY, NOW, Surroundings, bound_to, data_key, decrypt, plaintext, root, start_in,
};
use crate::keys_in_stores::keys_in;
use crate::operations::re_encrypt;

pub(super) struct Pair {
    db: Db,
    clock: Arc<ManualTime>,
    surroundings: Surroundings,
    clients: [Client; 4],
    model: Model,
    /// The first client's key store and its cluster, if there is one.
    store: Option<(String, Arc<TestCluster>)>,
}

/// A refused answer by its code.
fn coded<T>(answer: Result<T, ApiError>) -> Result<T, String> {
    answer.map_err(|error| error.code().to_owned())
}

#[track_caller]
fn assert_same<T: std::fmt::Debug + PartialEq>(answer: Result<T, ApiError>, expected: Expected<T>) {
    assert_eq!(coded(answer), expected.map_err(str::to_owned));
}

fn clients(db: &Db, surroundings: &Surroundings) -> [Client; 4] {
    let kms = start_in(db, &root(), surroundings);
    HOMES.map(|(account, region)| Client::new(&kms, account, region))
}

impl Pair {
    pub(super) async fn new() -> Self {
        let db = Db::open_sqlite_ephemeral(&OpenOptions::default()).await.unwrap();
        db.migrate(&[MIGRATIONS]).await.unwrap();
        let clock = Arc::new(ManualTime::at(NOW));
        let surroundings = Surroundings { clocks: Clocks::new(clock.clone(), 0), ..Surroundings::default() };
        let clients = clients(&db, &surroundings);
        Self { db, clock, surroundings, clients, model: Model::new(), store: None }
    }

    /// With a key store, which is connected.
    pub(super) async fn with_store() -> Self {
        let mut pair = Self::new().await;
        pair.store = Some(pair.clients[0].connected_store().await);
        pair.model.store.connected_ms = Some(NOW);
        pair
    }

    pub(super) async fn take(&mut self, home: Home, step: &Step) {
        // No two calls are at one moment.
        self.model.now += 1;
        self.clock.set(self.model.now);
        let client = self.clients[home].at(self.model.now);
        let model = &mut self.model;
        match step {
            Step::CreateKey => model.keys.push(Key::new(home, client.create_key().await.key_id, false)),
            Step::CreateKeyInStore | Step::Connect { .. } => self.with_the_store(home, &client, step).await,
            Step::CreateAlias { name, target } => {
                let answer = client.create_alias(ALIASES[*name], &model.text(target)).await;
                assert_same(answer, model.create_alias(home, ALIASES[*name], target));
            }
            Step::UpdateAlias { name, target } => {
                let answer = client.update_alias(ALIASES[*name], &model.text(target)).await;
                assert_same(answer, model.update_alias(home, ALIASES[*name], target));
            }
            Step::DeleteAlias { name } => {
                let answer = client.delete_alias(ALIASES[*name]).await;
                assert_same(answer, model.delete_alias(home, ALIASES[*name]));
            }
            Step::Change { key, change } => {
                let answer = make(&client, &model.text(key), change).await;
                assert_same(answer, model.change(home, key, change));
            }
            Step::ListKeys { page } => {
                assert_eq!(client.key_ids(Some(*page)).await, model.keys_of(home));
            }
            Step::PassTime { days } => {
                model.pass_time(*days);
                self.clock.set(model.now);
                client.later(days * DAY).await;
            }
            Step::Restart => self.clients = clients(&self.db, &self.surroundings),
            Step::Describe { .. }
            | Step::ListTags { .. }
            | Step::GetPolicy { .. }
            | Step::RotationStatus { .. }
            | Step::ListRotations { .. }
            | Step::ListAliases { .. } => self.look(home, &client, step).await,
            Step::Encrypt { .. }
            | Step::GenerateDataKey { .. }
            | Step::Decrypt { .. }
            | Step::ReEncrypt { .. } => self.compute(home, &client, step).await,
        }
    }

    /// Steps with the key store.
    async fn with_the_store(&mut self, home: Home, client: &Client, step: &Step) {
        let Some((store, _)) = &self.store else { return };
        let model = &mut self.model;
        match step {
            Step::Connect { wanted } if *wanted != model.store.connected_ms.is_some() => {
                let owner = self.clients[0].at(model.now);
                if *wanted {
                    owner.connect(store).await.unwrap();
                    model.store.connected_ms = Some(model.now);
                } else {
                    owner.disconnect(store).await.unwrap();
                    model.store.connected_ms = None;
                }
                // What was missed meanwhile.
                owner.later(0).await;
                model.pass_time(0);
            }
            Step::CreateKeyInStore => {
                let input = CreateKeyRequest {
                    origin: Some(OriginType::AwsCloudhsm),
                    custom_key_store_id: Some(store.clone()),
                    ..CreateKeyRequest::default()
                };
                let made = client.try_create_key(input).await;
                let expected = model.takes_keys(home);
                assert_same(made.as_ref().map(drop).map_err(Clone::clone), expected);
                if let Ok(made) = made {
                    model.keys.push(Key::new(home, made.key_id, true));
                }
            }
            _ => {}
        }
    }

    /// Looks at the HSMs, in which nothing is to be that no key has.
    pub(super) fn review_hsms(&self) {
        if let Some((_, cluster)) = &self.store {
            assert_eq!(keys_in(cluster).len(), self.model.materials_in_store());
        }
    }

    /// Steps that look at all that a sequence has left: every key, those that are gone too, and every ciphertext.
    pub(super) fn review(&self) -> Vec<(Home, Step)> {
        let mut steps = Vec::new();
        for home in 0..HOMES.len() {
            steps.extend(
                [Step::ListKeys { page: 3 }, Step::ListAliases { of: None, page: 3 }]
                    .map(|step| (home, step)),
            );
        }
        for (which, key) in self.model.keys.iter().enumerate() {
            let looks = [
                Step::Describe { key: Naming::Id(which) },
                Step::ListTags { key: Naming::Id(which), page: 2 },
                Step::GetPolicy { key: Naming::Id(which) },
                Step::RotationStatus { key: Naming::Id(which) },
                Step::ListRotations { key: Naming::Id(which), all_material: true, page: 2 },
            ];
            steps.extend(looks.map(|step| (key.home, step)));
        }
        for (blob, ciphertext) in self.model.ciphertexts.iter().enumerate() {
            let home = self.model.keys[ciphertext.key].home;
            steps.push((home, Step::Decrypt { blob, key: None, context: ciphertext.context }));
        }
        steps
    }

    /// Steps that read what there is to know of keys.
    async fn look(&self, home: Home, client: &Client, step: &Step) {
        let model = &self.model;
        let found = |key| model.administered(home, key).map(|key| &model.keys[key]);
        match step {
            Step::Describe { key } => {
                let answer = client.describe(&model.text(key)).await.map(|key| {
                    let deletion = key.deletion_date.map(Timestamp::as_millis);
                    (key.key_id, (key.key_state.unwrap(), deletion), key.description.unwrap())
                });
                let found = model.find(home, key).and_then(|key| model.may_use(home, key));
                let shown =
                    |key: &Key| (key.id.clone(), key.shown_state(&model.store), key.description.clone());
                assert_same(answer, found.map(|key| shown(&model.keys[key])));
            }
            Step::ListTags { key, page } => match found(key) {
                Ok(known) => {
                    let listed = client.tags(&model.text(key), Some(*page)).await;
                    assert_eq!(listed, known.tags.clone().into_iter().collect::<Vec<_>>());
                }
                Err(code) => assert_refused(client.list_tags(&model.text(key), None, None).await, code),
            },
            Step::GetPolicy { key } => {
                // The default policy has a test of its own.
                let answer = client.policy(&model.text(key)).await;
                let put = answer.map(|text| POLICIES.iter().position(|policy| *policy == text));
                assert_same(put, found(key).map(|key| key.policy));
            }
            Step::RotationStatus { key } => {
                let answer = client.rotation_status(&model.text(key)).await.map(|status| {
                    let next = status.next_rotation_date.map(Timestamp::as_millis);
                    assert_eq!(status.key_rotation_enabled, Some(next.is_some()));
                    status.rotation_period_in_days.zip(next)
                });
                assert_same(answer, found(key).map(Key::shown_rotation));
            }
            Step::ListRotations { key, all_material, page } => {
                let all = all_material.then_some(IncludeKeyMaterial::AllKeyMaterial);
                match found(key) {
                    Ok(known) => {
                        let listed = client.rotations(&model.text(key), all, Some(*page)).await;
                        let first = all_material.then_some((None, None));
                        let rotations =
                            known.rotations.iter().cloned().map(|(kind, at)| (Some(kind), Some(at)));
                        let expected: Vec<_> = first.into_iter().chain(rotations).collect();
                        let current = |place| place + 1 == expected.len();
                        for (place, entry) in listed.iter().enumerate() {
                            let shown = entry.key_material_state == Some(KeyMaterialState::Current);
                            assert_eq!(shown, current(place), "{listed:?}");
                        }
                        let shown = listed.into_iter().map(|entry| {
                            (entry.rotation_type, entry.rotation_date.map(Timestamp::as_millis))
                        });
                        assert_eq!(shown.collect::<Vec<_>>(), expected);
                    }
                    Err(code) => {
                        assert_refused(client.list_rotations(&model.text(key), all, None, None).await, code);
                    }
                }
            }
            Step::ListAliases { of, page } => {
                let named = of.as_ref().map(|key| model.text(key));
                match model.aliases_of(home, of.as_ref()) {
                    Ok(expected) => {
                        let found = client.aliases(named.as_deref(), Some(*page)).await.into_iter();
                        let found = found.filter_map(|alias| alias.alias_name.zip(alias.target_key_id));
                        assert_eq!(found.collect::<Vec<_>>(), expected);
                    }
                    Err(code) => {
                        assert_refused(client.list_aliases(named.as_deref(), None, None).await, code);
                    }
                }
            }
            other => unreachable!("{other:?} is no look"),
        }
    }

    /// Steps that use keys.
    async fn compute(&mut self, home: Home, client: &Client, step: &Step) {
        let model = &self.model;
        match step {
            Step::Encrypt { key, context, plaintext } => {
                let answer = client.encrypt(&model.text(key), plaintext, CONTEXTS[*context]).await;
                let expected = model.usable(home, key);
                self.keep(expected, answer.map(|blob| (plaintext.clone(), blob)), *context);
            }
            Step::GenerateDataKey { key, context } => {
                let mut input = data_key(&model.text(key));
                input.encryption_context = bound_to(CONTEXTS[*context]);
                let made = client.try_generate(input).await;
                let made = made.map(|made| (plaintext(made.plaintext), made.ciphertext_blob.unwrap().0));
                let expected = model.usable(home, key);
                self.keep(expected, made, *context);
            }
            Step::Decrypt { blob, key, context } if !model.ciphertexts.is_empty() => {
                let ciphertext = &model.ciphertexts[blob % model.ciphertexts.len()];
                let mut input = decrypt(&ciphertext.blob);
                input.key_id = key.as_ref().map(|key| model.text(key));
                input.encryption_context = bound_to(CONTEXTS[*context]);
                let answer = client.try_decrypt(input).await;
                if let Ok(answer) = &answer {
                    let materials = self.materials(ciphertext.key).await;
                    assert_eq!(answer.key_material_id.as_ref(), Some(&materials[ciphertext.material]));
                }
                let expected = model.decrypt(home, ciphertext, key.as_ref(), *context);
                assert_same(answer.map(|answer| plaintext(answer.plaintext)), expected);
            }
            Step::ReEncrypt { blob, source, destination, from, to } if !model.ciphertexts.is_empty() => {
                let ciphertext = model.ciphertexts[blob % model.ciphertexts.len()].clone();
                let named = source.as_ref().map(|source| model.text(source));
                let input = ReEncryptRequest {
                    source_encryption_context: bound_to(CONTEXTS[*from]),
                    destination_encryption_context: bound_to(CONTEXTS[*to]),
                    ..re_encrypt(&ciphertext.blob, named.as_deref(), &model.text(destination))
                };
                let answer = client.re_encrypt(input).await;
                let moved =
                    answer.map(|answer| (ciphertext.plaintext.clone(), answer.ciphertext_blob.unwrap().0));
                let expected = model.re_encrypt(home, &ciphertext, (source.as_ref(), *from), destination);
                self.keep(expected, moved, *to);
            }
            // There is no ciphertext yet.
            _ => {}
        }
    }

    /// The ids of a key's materials, oldest first.
    async fn materials(&self, key: Place) -> Vec<String> {
        let key = &self.model.keys[key];
        let all = Some(IncludeKeyMaterial::AllKeyMaterial);
        let listed = self.clients[key.home].rotations(&key.id, all, None).await;
        listed.into_iter().map(|entry| entry.key_material_id.unwrap()).collect()
    }

    /// Keeps a ciphertext that was made, or checks that it was rightly not.
    fn keep(
        &mut self,
        expected: Expected<Place>,
        made: Result<(Vec<u8>, Vec<u8>), ApiError>,
        context: usize,
    ) {
        match (expected, made) {
            (Ok(key), Ok((plaintext, blob))) => {
                let material = self.model.keys[key].current();
                self.model.ciphertexts.push(Ciphertext { key, material, context, plaintext, blob });
            }
            (Err(code), Err(error)) => assert_eq!(error.code(), code),
            (expected, made) => panic!("{expected:?} was expected, and came {:?}", made.map(drop)),
        }
    }
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(answer: Result<T, ApiError>, code: &str) {
    assert_eq!(answer.unwrap_err().code(), code);
}

async fn make(client: &Client, key: &str, change: &Change) -> Result<(), ApiError> {
    match change {
        Change::Enable => client.enable(key).await,
        Change::Disable => client.disable(key).await,
        Change::ScheduleDeletion { days } => client.schedule_deletion(key, Some(*days)).await.map(drop),
        Change::CancelDeletion => client.cancel_deletion(key).await.map(drop),
        Change::Describe { description } => client.describe_as(key, description).await,
        Change::Tag { name, value } => client.tag(key, &[(TAGS[*name], value)]).await,
        Change::Untag { name } => client.untag(key, &[TAGS[*name]]).await,
        Change::PutPolicy { policy } => client.put_policy(key, POLICIES[*policy]).await,
        Change::EnableRotation { days } => client.enable_rotation(key, *days).await,
        Change::DisableRotation => client.disable_rotation(key).await,
        Change::Rotate => client.rotate(key).await.map(drop),
    }
}
