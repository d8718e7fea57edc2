//! Random sequences of what can happen to a key of imported materials, against a small model of it.

use proptest::prelude::*;
use strongroom_api_kms::{
    ImportKeyMaterialRequest, ImportState, ImportType, IncludeKeyMaterial, KeyMaterialState, KeyState,
};
use strongroom_schema::Timestamp;
use strongroom_service::ApiError;
use strongroom_store::Db;
use strongroom_testkit::TestDatabase;

use crate::fixture::{Client, DAY, Parameters, open, owner, root, until};

const HOUR: i64 = 60 * 60 * 1000;
const STATE: &str = "KMSInvalidStateException";

/// What happens.
#[derive(Clone, Debug)]
enum Step {
    /// One of four materials is brought, as new, as known, or without saying; for some hours, or for good.
    Bring {
        material: u8,
        is_new: Option<bool>,
        hours: Option<i64>,
    },
    /// One of them is taken away, or the current one.
    TakeAway(Option<u8>),
    Rotate,
    Enable,
    Disable,
    ScheduleDeletion,
    CancelDeletion,
    /// Hours pass, and what is due is done.
    Pass(i64),
    /// The server starts anew.
    Restart,
    Encrypt,
}

fn step() -> impl Strategy<Value = Step> {
    let bring = (0..4u8, proptest::option::of(any::<bool>()), proptest::option::weighted(0.4, 1..40i64));
    prop_oneof![
        8 => bring.prop_map(|(material, is_new, hours)| Step::Bring { material, is_new, hours }),
        3 => proptest::option::of(0..4u8).prop_map(Step::TakeAway),
        3 => Just(Step::Rotate),
        1 => Just(Step::Enable),
        1 => Just(Step::Disable),
        1 => Just(Step::ScheduleDeletion),
        2 => Just(Step::CancelDeletion),
        3 => (1..30i64).prop_map(Step::Pass),
        1 => Just(Step::Restart),
        2 => Just(Step::Encrypt),
    ]
}

#[derive(Clone, Debug)]
struct Material {
    number: u8,
    is_there: bool,
    is_permanent: bool,
    expires: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Enabled,
    Disabled,
    PendingImport,
    PendingDeletion { due: i64 },
}

/// What a key is, as the documentation has it.
struct Model {
    now: i64,
    state: State,
    materials: Vec<Material>,
    current: Option<u8>,
}

impl Model {
    fn known(&mut self, number: u8) -> Option<&mut Material> {
        self.materials.iter_mut().find(|material| material.number == number)
    }

    fn is_whole(&self) -> bool {
        let lacks = |material: &Material| material.is_permanent && !material.is_there;
        self.current.is_some() && !self.materials.iter().any(lacks)
    }

    /// Materials have come or gone.
    fn settle(&mut self) {
        self.state = match self.state {
            State::PendingDeletion { .. } => self.state,
            State::PendingImport if self.is_whole() => State::Enabled,
            _ if !self.is_whole() => State::PendingImport,
            state => state,
        };
    }

    fn bring(&mut self, number: u8, is_new: Option<bool>, expires: Option<i64>) -> Result<(), &'static str> {
        if matches!(self.state, State::PendingDeletion { .. }) {
            return Err(STATE);
        }
        let is_new = is_new.unwrap_or(self.current.is_none());
        if is_new && self.current.is_some() && self.materials.iter().any(|material| !material.is_permanent) {
            return Err(STATE);
        }
        let is_first = self.current.is_none();
        match (self.known(number), is_new) {
            (Some(known), false) => (known.is_there, known.expires) = (true, expires),
            (None, true) => {
                self.materials.push(Material { number, is_there: true, is_permanent: is_first, expires });
                self.current.get_or_insert(number);
            }
            _ => return Err("IncorrectKeyMaterialException"),
        }
        self.settle();
        Ok(())
    }

    fn lose(&mut self, number: u8) {
        self.materials.retain(|material| material.number != number || material.is_permanent);
        if let Some(known) = self.known(number) {
            (known.is_there, known.expires) = (false, None);
        }
        self.settle();
    }

    fn take_away(&mut self, number: Option<u8>) -> Result<(), &'static str> {
        match number.or(self.current) {
            None => Ok(()),
            Some(number) if self.known(number).is_none() => Err("NotFoundException"),
            Some(number) => {
                self.lose(number);
                Ok(())
            }
        }
    }

    fn usable(&self) -> Result<(), &'static str> {
        match self.state {
            State::Enabled => Ok(()),
            State::Disabled => Err("DisabledException"),
            State::PendingImport | State::PendingDeletion { .. } => Err(STATE),
        }
    }

    fn rotate(&mut self) -> Result<(), &'static str> {
        self.usable()?;
        let waits = self.materials.iter_mut().find(|material| !material.is_permanent);
        let waits = waits.ok_or(STATE)?;
        waits.is_permanent = true;
        self.current = Some(waits.number);
        Ok(())
    }

    fn switch(&mut self, to: State) -> Result<(), &'static str> {
        match self.state {
            State::Enabled | State::Disabled => {
                self.state = to;
                Ok(())
            }
            State::PendingImport | State::PendingDeletion { .. } => Err(STATE),
        }
    }

    fn schedule_deletion(&mut self) -> Result<(), &'static str> {
        if let State::PendingDeletion { .. } = self.state {
            return Err(STATE);
        }
        self.state = State::PendingDeletion { due: self.now + 30 * DAY };
        Ok(())
    }

    fn cancel_deletion(&mut self) -> Result<(), &'static str> {
        match self.state {
            State::PendingDeletion { .. } => {
                self.state = if self.is_whole() { State::Disabled } else { State::PendingImport };
                Ok(())
            }
            _ => Err(STATE),
        }
    }

    /// Answers whether the key is still there.
    fn pass(&mut self, hours: i64) -> bool {
        self.now += hours * HOUR;
        let now = self.now;
        let over = |material: &&Material| material.expires.is_some_and(|at| at <= now);
        let over: Vec<_> = self.materials.iter().filter(over).map(|material| material.number).collect();
        for number in over {
            self.lose(number);
        }
        !matches!(self.state, State::PendingDeletion { due } if due <= now)
    }
}

/// The model, and KMS.
struct Pair {
    db: Db,
    client: Client,
    key: String,
    parameters: Parameters,
    parameters_of: i64,
    /// The ids of the materials, once they are known.
    ids: [Option<String>; 4],
    blobs: Vec<Vec<u8>>,
    model: Model,
}

fn agree(kms: Result<impl Sized, ApiError>, model: Result<(), &'static str>, what: &Step) {
    let kms = kms.map(drop);
    let code = kms.as_ref().map_err(|error| error.code().to_owned());
    assert_eq!(code, model.as_ref().map_err(|code| (*code).to_owned()), "{what:?}: {kms:?}");
}

impl Pair {
    async fn new(database: &TestDatabase) -> Self {
        let db = open(database).await;
        let client = owner(&db);
        let key = client.empty_key().await;
        let parameters = client.parameters(&key, "RSAES_OAEP_SHA_256").await;
        let now = client.now;
        let model = Model { now, state: State::PendingImport, materials: Vec::new(), current: None };
        Self {
            db,
            client,
            key,
            parameters,
            parameters_of: now,
            ids: Default::default(),
            blobs: Vec::new(),
            model,
        }
    }

    /// Answers whether the key is still there.
    async fn take(&mut self, step: &Step) -> bool {
        let (client, key) = (&self.client, &self.key);
        match step {
            Step::Bring { material, is_new, hours } => {
                if self.model.now - self.parameters_of >= 23 * HOUR
                    && !matches!(self.model.state, State::PendingDeletion { .. })
                {
                    self.parameters = client.parameters(key, "RSAES_OAEP_SHA_256").await;
                    self.parameters_of = self.model.now;
                }
                let expires = hours.map(|hours| self.model.now + hours * HOUR);
                let new = if *is_new == Some(true) {
                    ImportType::NewKeyMaterial
                } else {
                    ImportType::ExistingKeyMaterial
                };
                let input = ImportKeyMaterialRequest {
                    import_type: is_new.map(|_| new),
                    ..self.parameters.import(key, &[*material; 32])
                };
                let input = expires.map_or(input.clone(), |at| until(input, at));
                let kms = client.import(input).await;
                if let Ok(answer) = &kms {
                    let id = answer.key_material_id.clone();
                    let known = &mut self.ids[usize::from(*material)];
                    assert!(known.is_none() || *known == id, "one material has one id");
                    *known = id;
                }
                agree(kms, self.model.bring(*material, *is_new, expires), step);
            }
            Step::TakeAway(number) => {
                let unknown = Some("f".repeat(64));
                let id = number.and_then(|number| self.ids[usize::from(number)].clone().or(unknown));
                agree(client.take_away(key, id.as_deref()).await, self.model.take_away(*number), step);
            }
            Step::Rotate => agree(client.rotate(key).await, self.model.rotate(), step),
            Step::Enable => agree(client.enable(key).await, self.model.switch(State::Enabled), step),
            Step::Disable => agree(client.disable(key).await, self.model.switch(State::Disabled), step),
            Step::ScheduleDeletion => {
                agree(client.schedule_deletion(key, None).await, self.model.schedule_deletion(), step);
            }
            Step::CancelDeletion => {
                agree(client.cancel_deletion(key).await, self.model.cancel_deletion(), step);
            }
            Step::Pass(hours) => {
                self.client = client.much_later(hours * HOUR).await;
                if !self.model.pass(*hours) {
                    assert_eq!(self.client.describe(key).await.unwrap_err().code(), "NotFoundException");
                    return false;
                }
            }
            Step::Restart => self.client = client.on(&client.kms.restarted(&self.db, &root())),
            Step::Encrypt => {
                let kms = client.encrypt(key, b"plain", &[]).await;
                self.blobs.extend(kms.as_ref().ok().cloned());
                agree(kms, self.model.usable(), step);
            }
        }
        true
    }

    /// Compares what KMS shows with the model.
    async fn review(&self, step: &Step) {
        let shown = self.client.describe(&self.key).await.unwrap();
        let state = match self.model.state {
            State::Enabled => KeyState::Enabled,
            State::Disabled => KeyState::Disabled,
            State::PendingImport => KeyState::PendingImport,
            State::PendingDeletion { .. } => KeyState::PendingDeletion,
        };
        assert_eq!(shown.key_state, Some(state), "{step:?}");
        let permanent = self.model.materials.iter().filter(|material| material.is_permanent);
        let first = permanent.filter_map(|material| material.expires).min();
        let valid_to = first.filter(|_| self.model.is_whole());
        assert_eq!(shown.valid_to, valid_to.map(Timestamp::from_millis), "{step:?}");
        let all = Some(IncludeKeyMaterial::AllKeyMaterial);
        let listed: Vec<_> = self
            .client
            .rotations(&self.key, all, Some(2))
            .await
            .into_iter()
            .map(|entry| {
                (entry.key_material_id, entry.key_material_state, entry.import_state, entry.valid_to)
            })
            .collect();
        let expected = |material: &Material| {
            let state = match material.is_permanent {
                _ if self.model.current == Some(material.number) => KeyMaterialState::Current,
                true => KeyMaterialState::NonCurrent,
                false => KeyMaterialState::PendingRotation,
            };
            let import = if material.is_there { ImportState::Imported } else { ImportState::PendingImport };
            let valid_to = material.expires.map(Timestamp::from_millis);
            (self.ids[usize::from(material.number)].clone(), Some(state), Some(import), valid_to)
        };
        let expected: Vec<_> = self.model.materials.iter().map(expected).collect();
        assert_eq!(listed, expected, "{step:?}");
    }
}

async fn goes_along(steps: &[Step]) {
    let database = TestDatabase::sqlite();
    let mut pair = Box::pin(Pair::new(&database)).await;
    for step in steps {
        if !Box::pin(pair.take(step)).await {
            return;
        }
        Box::pin(pair.review(step)).await;
    }
    // All that was encrypted can be decrypted whenever the key can be used.
    for blob in &pair.blobs {
        let kms = pair.client.decrypt(blob, None, &[]).await;
        agree(kms, pair.model.usable(), &Step::Encrypt);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_key_of_imported_materials_does_as_the_model(steps in proptest::collection::vec(step(), 1..60)) {
        strongroom_testkit::run(async { Box::pin(goes_along(&steps)).await });
    }
}
