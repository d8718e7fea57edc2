//! Random sequences of operations on one set of related keys, against a small model of its states.

use std::collections::BTreeMap;

use proptest::prelude::*;
use strongroom_api_kms::KeyState;
use strongroom_kms::MIGRATIONS;
use strongroom_schema::Timestamp;
use strongroom_service::ApiError;
use strongroom_store::{Db, OpenOptions};

use crate::fixture::{ACCOUNT, Client, DAY, FAR_REGION, NOW, REGION, root, start};

const REGIONS: [&str; 3] = [REGION, FAR_REGION, "ap-southeast-2"];

const STATE: &str = "KMSInvalidStateException";
const DISABLED: &str = "DisabledException";
const NOT_FOUND: &str = "NotFoundException";
const UNSUPPORTED: &str = "UnsupportedOperationException";

/// How near an automatic rotation keeps one on demand away, in milliseconds.
const TOO_CLOSE: i64 = 20 * 60 * 1000;

/// An index of [`REGIONS`].
type Place = usize;

type Expected = Result<(), &'static str>;

#[derive(Clone, Copy, Debug)]
enum Step {
    Replicate(Place),
    Promote(Place),
    Enable,
    Disable,
    ScheduleDeletion(i32),
    CancelDeletion,
    EnableRotation(i32),
    DisableRotation,
    Rotate,
    Encrypt,
    Decrypt(usize),
    PassTime(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Enabled,
    Disabled,
    /// Creating or Updating.
    Passing {
        is_new: bool,
    },
    AwaitingReplicas {
        days: i32,
    },
    Pending {
        due: i64,
    },
}

/// One of the related keys.
#[derive(Clone, Copy, Debug)]
struct Member {
    state: State,
    /// The period in days, and the next moment.
    rotation: Option<(i32, i64)>,
}

struct Model {
    now: i64,
    primary: Place,
    members: BTreeMap<Place, Member>,
    rotations: usize,
    on_demand: usize,
}

impl Member {
    fn usable(self) -> Expected {
        match self.state {
            State::Enabled | State::Passing { is_new: false } => Ok(()),
            State::Disabled => Err(DISABLED),
            _ => Err(STATE),
        }
    }

    fn shown_state(self) -> (KeyState, Option<i64>, Option<i32>) {
        match self.state {
            State::Enabled => (KeyState::Enabled, None, None),
            State::Disabled => (KeyState::Disabled, None, None),
            State::Passing { is_new: true } => (KeyState::Creating, None, None),
            State::Passing { is_new: false } => (KeyState::Updating, None, None),
            State::AwaitingReplicas { days } => (KeyState::PendingReplicaDeletion, None, Some(days)),
            State::Pending { due } => (KeyState::PendingDeletion, Some(due), None),
        }
    }

    fn shown_rotation(self) -> Option<(i32, i64)> {
        self.rotation
            .filter(|_| !matches!(self.state, State::AwaitingReplicas { .. } | State::Pending { .. }))
    }
}

impl Model {
    fn new() -> Self {
        let first = Member { state: State::Enabled, rotation: None };
        Self { now: NOW, primary: 0, members: [(0, first)].into(), rotations: 0, on_demand: 0 }
    }

    fn member(&mut self, place: Place) -> Result<&mut Member, &'static str> {
        self.members.get_mut(&place).ok_or(NOT_FOUND)
    }

    /// The primary key's rotation becomes that of all.
    fn share(&mut self) {
        let rotation = self.members[&self.primary].rotation;
        self.members.values_mut().for_each(|member| member.rotation = rotation);
    }

    fn take(&mut self, at: Place, step: Step) -> Expected {
        let (now, primary, count) = (self.now, self.primary, self.members.len());
        let is_primary = at == primary;
        match step {
            Step::PassTime(days) => {
                self.pass_time(days);
                return Ok(());
            }
            Step::Decrypt(_) if !self.members.contains_key(&at) => return Err("AccessDeniedException"),
            _ => {}
        }
        let member = self.member(at)?;
        match step {
            Step::Encrypt | Step::Decrypt(_) => member.usable()?,
            Step::Enable | Step::Disable => match member.state {
                State::Enabled | State::Disabled => {
                    let enables = matches!(step, Step::Enable);
                    if let (true, State::Disabled, Some((_, next))) =
                        (enables && is_primary, member.state, &mut member.rotation)
                    {
                        *next = now.max(*next);
                    }
                    member.state = if enables { State::Enabled } else { State::Disabled };
                    self.share();
                }
                _ => return Err(STATE),
            },
            Step::ScheduleDeletion(days) => match member.state {
                State::Enabled | State::Disabled | State::Passing { is_new: true } => {
                    let pending = State::Pending { due: now + i64::from(days) * DAY };
                    let waits = is_primary && count > 1;
                    member.state = if waits { State::AwaitingReplicas { days } } else { pending };
                }
                _ => return Err(STATE),
            },
            Step::CancelDeletion => match member.state {
                State::Pending { .. } | State::AwaitingReplicas { .. } => member.state = State::Disabled,
                _ => return Err(STATE),
            },
            Step::Replicate(_) | Step::Promote(_) if !is_primary => return Err(UNSUPPORTED),
            Step::EnableRotation(_) | Step::DisableRotation | Step::Rotate if !is_primary => {
                return Err(UNSUPPORTED);
            }
            Step::EnableRotation(days) => {
                member.usable()?;
                if member.rotation.is_none_or(|(before, _)| before != days) {
                    member.rotation = Some((days, now + i64::from(days) * DAY));
                }
                self.share();
            }
            Step::DisableRotation => {
                member.usable()?;
                member.rotation = None;
                self.share();
            }
            Step::Rotate => {
                member.usable()?;
                if member.rotation.is_some_and(|(_, next)| next < now + TOO_CLOSE) {
                    return Err("ConflictException");
                }
                if self.on_demand == 25 {
                    return Err("LimitExceededException");
                }
                self.on_demand += 1;
                self.rotations += 1;
                self.share();
            }
            Step::Replicate(to) => {
                match member.state {
                    State::Passing { .. } => return Err(STATE),
                    _ => member.usable()?,
                }
                let replica = Member { state: State::Passing { is_new: true }, ..*member };
                if self.members.contains_key(&to) {
                    return Err("AlreadyExistsException");
                }
                self.members.insert(to, replica);
                self.share();
            }
            Step::Promote(to) => {
                if to == at {
                    return Err(UNSUPPORTED);
                }
                member.usable()?;
                self.member(to)?.usable()?;
                self.primary = to;
                for place in [at, to] {
                    self.member(place)?.state = State::Passing { is_new: false };
                }
            }
            Step::PassTime(_) => {}
        }
        Ok(())
    }

    fn pass_time(&mut self, days: i64) {
        self.now += days * DAY;
        for member in self.members.values_mut() {
            if matches!(member.state, State::Passing { .. }) {
                member.state = State::Enabled;
            }
        }
        // Replicas go in the order of their days; the primary one, if it is to go, after them.
        let mut due: Vec<_> = self
            .members
            .iter()
            .filter_map(|(place, member)| match member.state {
                State::Pending { due } if due <= self.now && *place != self.primary => Some((due, *place)),
                _ => None,
            })
            .collect();
        due.sort_unstable();
        for (at, place) in due {
            self.members.remove(&place);
            let is_last = self.members.len() == 1;
            if let Some(primary) = self.members.get_mut(&self.primary)
                && let State::AwaitingReplicas { days } = primary.state
                && is_last
            {
                primary.state = State::Pending { due: at + i64::from(days) * DAY };
            }
        }
        let now = self.now;
        let Some(primary) = self.members.get_mut(&self.primary) else { return };
        match (primary.state, &mut primary.rotation) {
            (State::Pending { due }, _) if due <= now => self.members.clear(),
            (State::Enabled, Some((days, next))) if *next <= now => {
                while *next <= now {
                    *next += i64::from(*days) * DAY;
                    self.rotations += 1;
                }
                self.share();
            }
            _ => {}
        }
    }
}

/// The server and its model, side by side.
struct Pair {
    clients: [Client; 3],
    model: Model,
    key: String,
    blobs: Vec<Vec<u8>>,
}

fn coded<T>(answer: Result<T, ApiError>) -> Result<(), String> {
    answer.map(drop).map_err(|error| error.code().to_owned())
}

impl Pair {
    async fn new() -> Self {
        let db = Db::open_sqlite_ephemeral(&OpenOptions::default()).await.unwrap();
        db.migrate(&[MIGRATIONS]).await.unwrap();
        let kms = start(&db, &root());
        let clients = REGIONS.map(|region| Client::new(&kms, ACCOUNT, region));
        let key = clients[0].create_primary().await;
        let blobs = vec![clients[0].encrypt(&key, b"0", &[]).await.unwrap()];
        Self { clients, model: Model::new(), key, blobs }
    }

    async fn take(&mut self, at: Place, step: Step) {
        self.model.now += 1;
        let (client, key) = (self.clients[at].at(self.model.now), &self.key);
        let answer = match step {
            Step::Replicate(to) => coded(client.replicate(key, REGIONS[to]).await),
            Step::Promote(to) => coded(client.update_primary(key, REGIONS[to]).await),
            Step::Enable => coded(client.enable(key).await),
            Step::Disable => coded(client.disable(key).await),
            Step::ScheduleDeletion(days) => coded(client.schedule_deletion(key, Some(days)).await),
            Step::CancelDeletion => coded(client.cancel_deletion(key).await),
            Step::EnableRotation(days) => coded(client.enable_rotation(key, Some(days)).await),
            Step::DisableRotation => coded(client.disable_rotation(key).await),
            Step::Rotate => coded(client.rotate(key).await),
            Step::Encrypt => {
                let made = client.encrypt(key, b"0", &[]).await;
                self.blobs.extend(made.clone().ok());
                coded(made)
            }
            Step::Decrypt(which) => {
                coded(client.decrypt(&self.blobs[which % self.blobs.len()], None, &[]).await)
            }
            Step::PassTime(days) => {
                client.later(days * DAY).await;
                Ok(())
            }
        };
        let expected = self.model.take(at, step);
        assert_eq!(answer, expected.map_err(str::to_owned), "{step:?} in {}", REGIONS[at]);
        self.compare().await;
    }

    /// Every key of the set is as the model has it, and knows of the others.
    async fn compare(&self) {
        let mut materials = Vec::new();
        for (place, client) in self.clients.iter().enumerate() {
            let shown = client.describe(&self.key).await;
            let Some(member) = self.model.members.get(&place) else {
                assert_eq!(coded(shown), Err(NOT_FOUND.to_owned()));
                continue;
            };
            let shown = shown.unwrap();
            let deletion = shown.deletion_date.map(Timestamp::as_millis);
            let state = (shown.key_state.unwrap(), deletion, shown.pending_deletion_window_in_days);
            assert_eq!(state, member.shown_state(), "{}", REGIONS[place]);
            let related = client.related(&self.key).await;
            let others = self.model.members.keys().filter(|other| **other != self.model.primary);
            let mut replicas: Vec<_> = others.map(|other| REGIONS[*other].to_owned()).collect();
            replicas.sort_unstable();
            assert_eq!((related.1.as_str(), related.2), (REGIONS[self.model.primary], replicas));
            let status = client.rotation_status(&self.key).await.unwrap();
            let next = status.next_rotation_date.map(Timestamp::as_millis);
            assert_eq!(status.rotation_period_in_days.zip(next), member.shown_rotation());
            let listed = client.rotations(&self.key, None, None).await;
            assert_eq!(listed.len(), self.model.rotations);
            let ids: Vec<_> = listed.into_iter().map(|entry| entry.key_material_id).collect();
            materials.push((ids, shown.current_key_material_id));
        }
        materials.dedup();
        assert!(materials.len() <= 1, "related keys have different materials");
    }
}

fn step() -> impl Strategy<Value = Step> {
    let place = || 0..REGIONS.len();
    prop_oneof![
        6 => place().prop_map(Step::Replicate),
        4 => place().prop_map(Step::Promote),
        5 => Just(Step::Enable),
        2 => Just(Step::Disable),
        3 => (7..20).prop_map(Step::ScheduleDeletion),
        3 => Just(Step::CancelDeletion),
        2 => prop_oneof![Just(90), Just(120)].prop_map(Step::EnableRotation),
        1 => Just(Step::DisableRotation),
        3 => Just(Step::Rotate),
        3 => Just(Step::Encrypt),
        4 => (0..64_usize).prop_map(Step::Decrypt),
        6 => prop_oneof![Just(0_i64), Just(8), Just(20), Just(150)].prop_map(Step::PassTime),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn related_keys_do_as_the_model(steps in proptest::collection::vec((0..REGIONS.len(), step()), 1..60)) {
        strongroom_testkit::run(async {
            let mut pair = Pair::new().await;
            for (at, step) in steps {
                Box::pin(pair.take(at, step)).await;
            }
        });
    }
}
