//! Random sequences of what can happen to a multi-Region key of imported materials, which each Region is brought by itself,
//! against a small model of it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use strongroom_api_kms::{
    CreateKeyRequest, ImportKeyMaterialRequest, ImportState, ImportType, IncludeKeyMaterial,
    KeyMaterialState, KeySpec, KeyState, KeyUsageType,
};
use strongroom_schema::Timestamp;
use strongroom_service::ApiError;
use strongroom_store::Db;
use strongroom_testkit::TestDatabase;

use crate::fixture::{Client, DAY, FAR_REGION, Parameters, REGION, external, open, owner, root, until};

const REGIONS: [&str; 3] = [REGION, FAR_REGION, "ap-southeast-2"];
const HOUR: i64 = 60 * 60 * 1000;
const OAEP: &str = "RSAES_OAEP_SHA_256";

const STATE: &str = "KMSInvalidStateException";
const UNSUPPORTED: &str = "UnsupportedOperationException";
const INCORRECT: &str = "IncorrectKeyMaterialException";
const NOT_FOUND: &str = "NotFoundException";

/// An index of [`REGIONS`].
type Place = usize;

/// One of three materials.
type Number = u8;

type Expected = Result<(), &'static str>;

/// What happens in a Region.
#[derive(Clone, Debug)]
enum Step {
    /// A material is brought, as new, as known, or without saying; for some hours, or for good.
    Bring {
        number: Number,
        is_new: Option<bool>,
        hours: Option<i64>,
    },
    /// A material is taken away, or the current one.
    TakeAway(Option<Number>),
    Rotate,
    Replicate(Place),
    Promote(Place),
    Enable,
    Disable,
    /// Of a replica: with the primary key everything would be over.
    ScheduleDeletion,
    CancelDeletion,
    /// Hours pass, and what is due is done.
    Pass(i64),
    Restart,
    Encrypt,
}

fn step() -> impl Strategy<Value = Step> {
    let bring = (0..3u8, proptest::option::of(any::<bool>()), proptest::option::weighted(0.3, 1..40i64));
    prop_oneof![
        10 => bring.prop_map(|(number, is_new, hours)| Step::Bring { number, is_new, hours }),
        3 => proptest::option::of(0..3u8).prop_map(Step::TakeAway),
        5 => Just(Step::Rotate),
        4 => (0..REGIONS.len()).prop_map(Step::Replicate),
        3 => (0..REGIONS.len()).prop_map(Step::Promote),
        1 => Just(Step::Enable),
        1 => Just(Step::Disable),
        2 => Just(Step::ScheduleDeletion),
        1 => Just(Step::CancelDeletion),
        4 => prop_oneof![4 => 0..30i64, 1 => Just(8 * 24)].prop_map(Step::Pass),
        1 => Just(Step::Restart),
        3 => Just(Step::Encrypt),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Enabled,
    Disabled,
    PendingImport,
    Creating,
    Updating,
    PendingDeletion { due: i64 },
}

/// How far a material is, which all Regions agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Permanent,
    /// All Regions had it.
    Ready,
    /// A Region has not had it yet.
    Awaited,
}

/// The key of one Region.
#[derive(Clone, Debug)]
struct Member {
    state: State,
    was_complete: bool,
    /// The materials that are there, with their ends.
    there: BTreeMap<Number, Option<i64>>,
}

impl Member {
    fn usable(&self) -> Expected {
        match self.state {
            State::Enabled | State::Updating => Ok(()),
            State::Disabled => Err("DisabledException"),
            _ => Err(STATE),
        }
    }

    fn settled(&self) -> Expected {
        if matches!(self.state, State::Creating | State::Updating) { Err(STATE) } else { Ok(()) }
    }
}

struct Model {
    now: i64,
    primary: Place,
    members: BTreeMap<Place, Member>,
    stages: BTreeMap<Number, Stage>,
    current: Option<Number>,
}

impl Model {
    fn new(now: i64) -> Self {
        let first = Member { state: State::PendingImport, was_complete: false, there: BTreeMap::new() };
        Self { now, primary: 0, members: [(0, first)].into(), stages: BTreeMap::new(), current: None }
    }

    fn waits(&self) -> Option<(Number, Stage)> {
        self.stages
            .iter()
            .find(|(_, stage)| **stage != Stage::Permanent)
            .map(|(number, stage)| (*number, *stage))
    }

    /// A key can be used while all is there that it ever encrypted with.
    fn review(&mut self) {
        let permanent = self.stages.iter().filter(|(_, stage)| **stage == Stage::Permanent);
        let permanent: Vec<_> = permanent.map(|(number, _)| *number).collect();
        for member in self.members.values_mut() {
            let is_complete =
                self.current.is_some() && permanent.iter().all(|number| member.there.contains_key(number));
            member.state = match member.state {
                State::PendingDeletion { .. } | State::Creating => member.state,
                _ if !is_complete => State::PendingImport,
                _ if !member.was_complete => State::Enabled,
                state => state,
            };
            member.was_complete = is_complete;
        }
    }

    /// What waits is ready once no Region lacks it.
    fn settle(&mut self) {
        for (number, stage) in &mut self.stages {
            let is_everywhere = self.members.values().all(|member| member.there.contains_key(number));
            if *stage == Stage::Awaited && is_everywhere {
                *stage = Stage::Ready;
            }
        }
    }

    fn bring(&mut self, at: Place, number: Number, is_new: Option<bool>, ends: Option<i64>) -> Expected {
        let (is_replica, is_first, has_replicas) =
            (at != self.primary, self.current.is_none(), self.members.len() > 1);
        let waits = self.waits();
        let member = self.members.get_mut(&at).unwrap();
        if matches!(member.state, State::Creating | State::PendingDeletion { .. }) {
            return Err(STATE);
        }
        if is_replica && is_new == Some(true) {
            return Err(UNSUPPORTED);
        }
        let is_new = is_new.unwrap_or(is_first);
        if is_new && !is_first && waits.is_some() {
            return Err(STATE);
        }
        if self.stages.contains_key(&number) == is_new {
            return Err(INCORRECT);
        }
        member.there.insert(number, ends);
        if is_new {
            let stage = match (is_first, has_replicas) {
                (true, _) => Stage::Permanent,
                (false, true) => Stage::Awaited,
                (false, false) => Stage::Ready,
            };
            self.stages.insert(number, stage);
            self.current.get_or_insert(number);
        }
        // Any other that waits has its own import to be ready by.
        if self.stages[&number] == Stage::Awaited {
            self.settle();
        }
        Ok(())
    }

    fn lose(&mut self, at: Place, number: Number) {
        if at == self.primary && self.stages[&number] != Stage::Permanent {
            self.stages.remove(&number);
            for member in self.members.values_mut() {
                member.there.remove(&number);
            }
        } else if let Some(member) = self.members.get_mut(&at) {
            member.there.remove(&number);
        }
    }

    fn take(&mut self, at: Place, step: &Step) -> Expected {
        let is_primary = at == self.primary;
        let (now, waits) = (self.now, self.waits());
        let member = self.members.get_mut(&at).unwrap();
        match step {
            Step::Bring { number, is_new, hours } => {
                let ends = hours.map(|hours| ends(now, hours));
                self.bring(at, *number, *is_new, ends)?;
            }
            Step::TakeAway(number) => {
                member.settled()?;
                match number.or(self.current) {
                    Some(number) if !self.stages.contains_key(&number) => return Err(NOT_FOUND),
                    Some(number) => self.lose(at, number),
                    None => {}
                }
            }
            Step::Rotate | Step::Replicate(_) | Step::Promote(_) if !is_primary => return Err(UNSUPPORTED),
            Step::Rotate => {
                member.usable()?;
                let Some((number, Stage::Ready)) = waits else { return Err(STATE) };
                if !member.there.contains_key(&number) {
                    return Err(STATE);
                }
                self.stages.insert(number, Stage::Permanent);
                self.current = Some(number);
            }
            Step::Replicate(to) => {
                member.settled()?;
                member.usable()?;
                if self.members.contains_key(to) {
                    return Err("AlreadyExistsException");
                }
                let new = Member { state: State::Creating, was_complete: false, there: BTreeMap::new() };
                self.members.insert(*to, new);
                let ready = self.stages.values_mut().filter(|stage| **stage == Stage::Ready);
                ready.for_each(|stage| *stage = Stage::Awaited);
            }
            Step::Promote(to) => {
                if *to == at {
                    return Err(UNSUPPORTED);
                }
                member.usable()?;
                self.members.get(to).ok_or(NOT_FOUND)?.usable()?;
                self.primary = *to;
                for place in [at, *to] {
                    self.members.get_mut(&place).unwrap().state = State::Updating;
                }
            }
            Step::Enable | Step::Disable => match member.state {
                State::Enabled | State::Disabled => {
                    let enables = matches!(step, Step::Enable);
                    member.state = if enables { State::Enabled } else { State::Disabled };
                }
                _ => return Err(STATE),
            },
            Step::ScheduleDeletion => match member.state {
                State::PendingDeletion { .. } | State::Updating => return Err(STATE),
                _ => member.state = State::PendingDeletion { due: now + 7 * DAY },
            },
            Step::CancelDeletion => match member.state {
                State::PendingDeletion { .. } if member.was_complete => member.state = State::Disabled,
                State::PendingDeletion { .. } => member.state = State::PendingImport,
                _ => return Err(STATE),
            },
            Step::Encrypt => member.usable()?,
            Step::Pass(_) | Step::Restart => {}
        }
        self.review();
        Ok(())
    }

    fn pass(&mut self, hours: i64) {
        self.now += hours * HOUR;
        for member in self.members.values_mut() {
            if matches!(member.state, State::Creating | State::Updating) {
                member.state = if member.was_complete { State::Enabled } else { State::PendingImport };
            }
        }
        while let Some((_, place, number)) = self.first_due() {
            if let Some(number) = number {
                self.lose(place, number);
            } else {
                self.members.remove(&place);
                self.settle();
            }
            self.review();
        }
    }

    /// What is due first: the end of a material in a Region, or that of the key there.
    fn first_due(&self) -> Option<(i64, Place, Option<Number>)> {
        let mut due = Vec::new();
        for (place, member) in &self.members {
            due.extend(member.there.iter().filter_map(|(number, at)| Some(((*at)?, *place, Some(*number)))));
            if let State::PendingDeletion { due: at } = member.state {
                due.push((at, *place, None));
            }
        }
        due.into_iter().min().filter(|(at, ..)| *at <= self.now)
    }
}

/// Never at the moment at which a key is deleted.
fn ends(now: i64, hours: i64) -> i64 {
    now + hours * HOUR + 1
}

/// The model, and KMS.
struct Pair {
    db: Db,
    client: Client,
    key: String,
    /// What materials are wrapped by in each Region, and since when.
    parameters: BTreeMap<Place, (Parameters, i64)>,
    ids: BTreeMap<Number, String>,
    blobs: Vec<Vec<u8>>,
    model: Model,
}

fn coded<T>(answer: Result<T, ApiError>) -> Result<(), String> {
    answer.map(drop).map_err(|error| error.code().to_owned())
}

impl Pair {
    async fn new(database: &TestDatabase) -> Self {
        let db = open(database).await;
        let client = owner(&db);
        let external = external(KeySpec::SymmetricDefault, KeyUsageType::EncryptDecrypt);
        let input = CreateKeyRequest { multi_region: Some(true), ..external };
        let key = client.try_create_key(input).await.unwrap().key_id;
        let model = Model::new(client.now);
        let (parameters, ids, blobs) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Self { db, client, key, parameters, ids, blobs, model }
    }

    fn client_in(&self, place: Place) -> Client {
        self.client.in_region(REGIONS[place])
    }

    /// What a material is wrapped by there; `None` if the key gives nothing of it now.
    async fn parameters_in(&mut self, place: Place) -> Option<Parameters> {
        let (model, now) = (&self.model, self.model.now);
        let is_over = |since: &i64| now - since >= 23 * HOUR;
        if self.parameters.get(&place).is_none_or(|(_, since)| is_over(since)) {
            let gives = matches!(
                model.members[&place].state,
                State::Enabled | State::Disabled | State::PendingImport
            );
            let parameters = if gives {
                self.client_in(place).parameters(&self.key, OAEP).await
            } else {
                return None;
            };
            self.parameters.insert(place, (parameters, now));
        }
        self.parameters.get(&place).map(|(parameters, _)| parameters.clone())
    }

    async fn take(&mut self, at: Place, step: &Step) {
        match step {
            Step::Pass(hours) => {
                self.client = self.client.much_later(hours * HOUR).await;
                self.model.pass(*hours);
                self.parameters.retain(|place, _| self.model.members.contains_key(place));
                return;
            }
            Step::Restart => {
                self.client = self.client.on(&self.client.kms.restarted(&self.db, &root()));
                return;
            }
            Step::ScheduleDeletion if at == self.model.primary => return,
            _ => {}
        }
        let (client, key) = (self.client_in(at), self.key.clone());
        if !self.model.members.contains_key(&at) {
            assert_eq!(coded(client.describe(&key).await), Err(NOT_FOUND.to_owned()));
            return;
        }
        let answer = match step {
            Step::Bring { number, is_new, hours } => {
                let Some(parameters) = self.parameters_in(at).await else { return };
                let said = |is_new| {
                    if is_new { ImportType::NewKeyMaterial } else { ImportType::ExistingKeyMaterial }
                };
                let input = ImportKeyMaterialRequest {
                    import_type: is_new.map(said),
                    ..parameters.import(&key, &[*number; 32])
                };
                let input = match hours {
                    Some(hours) => until(input, ends(self.model.now, *hours)),
                    None => input,
                };
                let answer = client.import(input).await;
                if let Ok(answer) = &answer {
                    let id = answer.key_material_id.clone().unwrap();
                    let known = self.ids.entry(*number).or_insert(id.clone());
                    assert_eq!(*known, id, "one material has one id, in every Region");
                }
                coded(answer)
            }
            Step::TakeAway(number) => {
                let unknown = "f".repeat(64);
                let id = number.map(|number| self.ids.get(&number).unwrap_or(&unknown).as_str());
                coded(client.take_away(&key, id).await)
            }
            Step::Rotate => coded(client.rotate(&key).await),
            Step::Replicate(to) => coded(client.replicate(&key, REGIONS[*to]).await),
            Step::Promote(to) => coded(client.update_primary(&key, REGIONS[*to]).await),
            Step::Enable => coded(client.enable(&key).await),
            Step::Disable => coded(client.disable(&key).await),
            Step::ScheduleDeletion => coded(client.schedule_deletion(&key, Some(7)).await),
            Step::CancelDeletion => coded(client.cancel_deletion(&key).await),
            Step::Encrypt => {
                let blob = client.encrypt(&key, b"plain", &[]).await;
                self.blobs.extend(blob.as_ref().ok().cloned());
                coded(blob)
            }
            Step::Pass(_) | Step::Restart => unreachable!("done above"),
        };
        let expected = self.model.take(at, step).map_err(str::to_owned);
        assert_eq!(answer, expected, "{step:?} in {}", REGIONS[at]);
    }

    /// Every Region shows what the model says, and no other Region has the key.
    async fn compare(&self, step: &Step) {
        for (place, region) in REGIONS.into_iter().enumerate() {
            let (client, what) = (self.client_in(place), format!("{step:?}, seen in {region}"));
            let Some(member) = self.model.members.get(&place) else {
                assert_eq!(coded(client.describe(&self.key).await), Err(NOT_FOUND.to_owned()), "{what}");
                continue;
            };
            let shown = client.describe(&self.key).await.unwrap();
            let state = match member.state {
                State::Enabled => KeyState::Enabled,
                State::Disabled => KeyState::Disabled,
                State::PendingImport => KeyState::PendingImport,
                State::Creating => KeyState::Creating,
                State::Updating => KeyState::Updating,
                State::PendingDeletion { .. } => KeyState::PendingDeletion,
            };
            assert_eq!(shown.key_state, Some(state), "{what}");
            let current = self.model.current.filter(|number| member.there.contains_key(number));
            let current = current.map(|number| self.ids[&number].clone());
            assert_eq!(shown.current_key_material_id, current, "{what}");
            let (_, primary, replicas) = client.related(&self.key).await;
            let others = self.model.members.keys().filter(|other| **other != self.model.primary);
            let others: BTreeSet<_> = others.map(|other| REGIONS[*other].to_owned()).collect();
            assert_eq!(primary, REGIONS[self.model.primary], "{what}");
            assert_eq!(BTreeSet::from_iter(replicas), others, "{what}");
            self.compare_materials(&client, member, &what).await;
        }
    }

    async fn compare_materials(&self, client: &Client, member: &Member, what: &str) {
        let listed = client.rotations(&self.key, Some(IncludeKeyMaterial::AllKeyMaterial), None).await;
        let listed = listed.into_iter().map(|entry| {
            let shown = (entry.key_material_state, entry.import_state, entry.valid_to);
            (entry.key_material_id.unwrap(), shown)
        });
        let expected = self.model.stages.iter().map(|(number, stage)| {
            let state = match stage {
                Stage::Permanent if self.model.current == Some(*number) => KeyMaterialState::Current,
                Stage::Permanent => KeyMaterialState::NonCurrent,
                Stage::Ready => KeyMaterialState::PendingRotation,
                Stage::Awaited => KeyMaterialState::PendingMultiRegionImportAndRotation,
            };
            let held = member.there.get(number);
            let import = if held.is_some() { ImportState::Imported } else { ImportState::PendingImport };
            let valid_to = held.copied().flatten().map(Timestamp::from_millis);
            (self.ids[number].clone(), (Some(state), Some(import), valid_to))
        });
        assert_eq!(listed.collect::<BTreeMap<_, _>>(), expected.collect::<BTreeMap<_, _>>(), "{what}");
    }
}

async fn goes_along(steps: &[(Place, Step)]) {
    let database = TestDatabase::sqlite();
    let mut pair = Box::pin(Pair::new(&database)).await;
    for (at, step) in steps {
        // Most happens where there is a key.
        let at = if pair.model.members.contains_key(at) { *at } else { pair.model.primary };
        Box::pin(pair.take(at, step)).await;
        Box::pin(pair.compare(step)).await;
    }
    // All that was encrypted anywhere can be decrypted wherever the key can be used.
    for (place, member) in &pair.model.members {
        for blob in &pair.blobs {
            let answer = coded(pair.client_in(*place).decrypt(blob, None, &[]).await);
            assert_eq!(answer, member.usable().map_err(str::to_owned), "in {}", REGIONS[*place]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn related_keys_of_imported_materials_do_as_the_model(
        steps in proptest::collection::vec((0..REGIONS.len(), step()), 1..70)
    ) {
        strongroom_testkit::run(async { Box::pin(goes_along(&steps)).await });
    }
}
