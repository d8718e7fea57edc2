//! Random sequences of operations against a small model of what KMS is: keys, names for them, and ciphertexts
//! that belong to a key and a context.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use strongroom_kms::MIGRATIONS;
use strongroom_service::ApiError;
use strongroom_store::{Db, OpenOptions};

use crate::fixture::{
    ABSENT, ACCOUNT, Client, FAR_REGION, Pairs, REGION, STRANGER, data_key, plaintext, root, start,
};

const HOMES: [(&str, &str); 4] =
    [(ACCOUNT, REGION), (ACCOUNT, FAR_REGION), (STRANGER, REGION), (STRANGER, FAR_REGION)];
const ALIASES: [&str; 5] = ["alias/a", "alias/a/b", "alias/B", "alias/_", "alias/z"];
const CONTEXTS: [Pairs<'static>; 3] = [&[], &[("a", "b")], &[("a", "b"), ("c", "")]];

type Home = usize;
type Key = usize;

/// A request's way to name a key. What an index points at is decided when the step is taken.
#[derive(Clone, Debug)]
enum Naming {
    Id(Index),
    Arn(Index),
    Alias(usize),
    AliasArn(Home, usize),
    Absent,
}

#[derive(Clone, Debug)]
enum Step {
    CreateKey,
    CreateAlias { name: usize, target: Naming },
    Describe { key: Naming },
    Encrypt { key: Naming, context: usize, plaintext: Vec<u8> },
    GenerateDataKey { key: Naming, context: usize },
    Decrypt { blob: Index, key: Option<Naming>, context: usize },
    ListKeys { page: i32 },
    ListAliases { of: Option<Naming>, page: i32 },
    Restart,
}

fn naming() -> impl Strategy<Value = Naming> {
    prop_oneof![
        4 => any::<Index>().prop_map(Naming::Id),
        4 => any::<Index>().prop_map(Naming::Arn),
        4 => (0..ALIASES.len()).prop_map(Naming::Alias),
        3 => (0..HOMES.len(), 0..ALIASES.len()).prop_map(|(home, name)| Naming::AliasArn(home, name)),
        1 => Just(Naming::Absent),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let context = || 0..CONTEXTS.len();
    let plaintext = proptest::collection::vec(any::<u8>(), 1..40);
    prop_oneof![
        3 => Just(Step::CreateKey),
        4 => (0..ALIASES.len(), naming()).prop_map(|(name, target)| Step::CreateAlias { name, target }),
        2 => naming().prop_map(|key| Step::Describe { key }),
        4 => (naming(), context(), plaintext)
            .prop_map(|(key, context, plaintext)| Step::Encrypt { key, context, plaintext }),
        2 => (naming(), context()).prop_map(|(key, context)| Step::GenerateDataKey { key, context }),
        6 => (any::<Index>(), proptest::option::of(naming()), context())
            .prop_map(|(blob, key, context)| Step::Decrypt { blob, key, context }),
        1 => (1..4).prop_map(|page| Step::ListKeys { page }),
        2 => (proptest::option::of(naming()), 1..4).prop_map(|(of, page)| Step::ListAliases { of, page }),
        1 => Just(Step::Restart),
    ]
}

/// What the model expects of a refused call: its code.
type Expected<T> = Result<T, &'static str>;

const NOT_FOUND: &str = "NotFoundException";
const DENIED: &str = "AccessDeniedException";
const NO_ALIASES: &str = "InvalidArnException";

#[derive(Default)]
struct Model {
    /// The home and id of each key.
    keys: Vec<(Home, String)>,
    aliases: BTreeMap<(Home, &'static str), Key>,
    ciphertexts: Vec<Ciphertext>,
}

struct Ciphertext {
    key: Key,
    context: usize,
    plaintext: Vec<u8>,
    blob: Vec<u8>,
}

fn arn(home: Home, resource: &str) -> String {
    let (account, region) = HOMES[home];
    format!("arn:aws:kms:{region}:{account}:{resource}")
}

impl Model {
    /// The text that goes into the request.
    fn text(&self, naming: &Naming) -> String {
        match naming {
            Naming::Id(index) | Naming::Arn(index) if !self.keys.is_empty() => {
                let (home, id) = index.get(&self.keys);
                if matches!(naming, Naming::Id(_)) { id.clone() } else { arn(*home, &format!("key/{id}")) }
            }
            Naming::Alias(name) => ALIASES[*name].to_owned(),
            Naming::AliasArn(home, name) => arn(*home, ALIASES[*name]),
            Naming::Id(_) | Naming::Arn(_) | Naming::Absent => ABSENT.to_owned(),
        }
    }

    /// The key that a caller at `home` finds under that name, whether or not he may use it.
    fn find(&self, home: Home, naming: &Naming) -> Expected<Key> {
        let same_region = |other: Home| HOMES[other].1 == HOMES[home].1;
        let key = match naming {
            Naming::Id(index) | Naming::Arn(index) if !self.keys.is_empty() => {
                let key = index.index(self.keys.len());
                let of = self.keys[key].0;
                let reached = if matches!(naming, Naming::Id(_)) { of == home } else { same_region(of) };
                reached.then_some(key)
            }
            Naming::Alias(name) => self.aliases.get(&(home, ALIASES[*name])).copied(),
            Naming::AliasArn(of, name) if same_region(*of) => {
                self.aliases.get(&(*of, ALIASES[*name])).copied()
            }
            _ => None,
        };
        key.ok_or(NOT_FOUND)
    }

    /// The same for operations that take no alias.
    fn find_by_id(&self, home: Home, naming: &Naming) -> Expected<Key> {
        match naming {
            Naming::AliasArn(of, _) if HOMES[*of].1 != HOMES[home].1 => Err(NOT_FOUND),
            Naming::Alias(_) | Naming::AliasArn(..) => Err(NO_ALIASES),
            _ => self.find(home, naming),
        }
    }

    fn may_use(&self, home: Home, key: Key) -> Expected<Key> {
        if HOMES[self.keys[key].0].0 == HOMES[home].0 { Ok(key) } else { Err(DENIED) }
    }

    fn usable(&self, home: Home, naming: &Naming) -> Expected<Key> {
        self.find(home, naming).and_then(|key| self.may_use(home, key))
    }

    fn keys_of(&self, home: Home) -> Vec<String> {
        let mut ids: Vec<_> =
            self.keys.iter().filter(|(of, _)| *of == home).map(|(_, id)| id.clone()).collect();
        ids.sort_unstable();
        ids
    }

    fn aliases_of(&self, home: Home, key: Option<Key>) -> Vec<(String, String)> {
        let of = self
            .aliases
            .iter()
            .filter(|((of, _), target)| *of == home && key.is_none_or(|key| key == **target));
        of.map(|((_, name), target)| ((*name).to_owned(), self.keys[*target].1.clone())).collect()
    }
}

/// KMS and its model, side by side.
struct Pair {
    db: Db,
    clients: [Client; 4],
    model: Model,
}

impl Pair {
    async fn new() -> Self {
        let db = Db::open_sqlite_ephemeral(&OpenOptions::default()).await.unwrap();
        db.migrate(&[MIGRATIONS]).await.unwrap();
        Self { clients: clients(&db), db, model: Model::default() }
    }

    async fn take(&mut self, home: Home, step: &Step) {
        let (client, model) = (&self.clients[home], &mut self.model);
        match step {
            Step::CreateKey => model.keys.push((home, client.create_key().await.key_id)),
            Step::CreateAlias { name, target } => {
                let name = ALIASES[*name];
                let found = model.find_by_id(home, target).and_then(|key| model.may_use(home, key));
                let expected = match found {
                    Ok(_) if model.aliases.contains_key(&(home, name)) => Err("AlreadyExistsException"),
                    found => found,
                };
                let answer = client.create_alias(name, &model.text(target)).await;
                assert_eq!(answer.err().as_ref().map(ApiError::code), expected.err());
                if let Ok(key) = expected {
                    model.aliases.insert((home, name), key);
                }
            }
            Step::Describe { key } => {
                let expected = model.usable(home, key).map(|key| model.keys[key].1.clone());
                let answer = client.describe(&model.text(key)).await;
                assert_eq!(
                    answer.map(|key| key.key_id).map_err(|error| error.code().to_owned()),
                    expected.map_err(str::to_owned)
                );
            }
            Step::Encrypt { key, context, plaintext } => {
                let expected = model.usable(home, key);
                let answer = client.encrypt(&model.text(key), plaintext, CONTEXTS[*context]).await;
                model.keep(expected, answer.map(|blob| (plaintext.clone(), blob)), *context);
            }
            Step::GenerateDataKey { key, context } => {
                let expected = model.usable(home, key);
                let mut input = data_key(&model.text(key));
                input.encryption_context = crate::fixture::bound_to(CONTEXTS[*context]);
                let answer = client.try_generate(input).await;
                let made = answer.map(|made| (plaintext(made.plaintext), made.ciphertext_blob.unwrap().0));
                model.keep(expected, made, *context);
            }
            Step::Decrypt { blob, key, context } => {
                if model.ciphertexts.is_empty() {
                    return;
                }
                let ciphertext = blob.get(&model.ciphertexts);
                let found = match key {
                    Some(key) => match model.find(home, key) {
                        Ok(key) if key != ciphertext.key => Err("IncorrectKeyException"),
                        found => found,
                    },
                    None if model.keys[ciphertext.key].0 != home => Err(DENIED),
                    None => Ok(ciphertext.key),
                };
                let expected = match found.and_then(|key| model.may_use(home, key)) {
                    Ok(_) if *context != ciphertext.context => Err("InvalidCiphertextException"),
                    found => found.map(|_| ciphertext.plaintext.clone()),
                };
                let named = key.as_ref().map(|key| model.text(key));
                let answer = client.decrypt(&ciphertext.blob, named.as_deref(), CONTEXTS[*context]).await;
                assert_eq!(answer.map_err(|error| error.code().to_owned()), expected.map_err(str::to_owned));
            }
            Step::ListKeys { page } => {
                assert_eq!(client.key_ids(Some(*page)).await, model.keys_of(home));
            }
            Step::ListAliases { of, page } => {
                let key = of.as_ref().map(|key| {
                    // For one's own keys only.
                    model
                        .find_by_id(home, key)
                        .and_then(|key| model.may_use(home, key).map_err(|_| NOT_FOUND))
                });
                let named = of.as_ref().map(|key| model.text(key));
                match key.transpose() {
                    Ok(key) => {
                        let found = client.aliases(named.as_deref(), Some(*page)).await;
                        let found = found.into_iter();
                        let found =
                            found.map(|alias| (alias.alias_name.unwrap(), alias.target_key_id.unwrap()));
                        assert_eq!(found.collect::<Vec<_>>(), model.aliases_of(home, key));
                    }
                    Err(code) => {
                        let refused = client.list_aliases(named.as_deref(), Some(*page), None).await;
                        assert_eq!(refused.unwrap_err().code(), code);
                    }
                }
            }
            Step::Restart => self.clients = clients(&self.db),
        }
    }
}

impl Model {
    /// Keeps a ciphertext that was made, or checks that it was rightly not.
    fn keep(&mut self, expected: Expected<Key>, made: Result<(Vec<u8>, Vec<u8>), ApiError>, context: usize) {
        match (expected, made) {
            (Ok(key), Ok((plaintext, blob))) => {
                self.ciphertexts.push(Ciphertext { key, context, plaintext, blob });
            }
            (Err(code), Err(error)) => assert_eq!(error.code(), code),
            (expected, made) => panic!("{expected:?} was expected, and came {}", made.is_ok()),
        }
    }
}

fn clients(db: &Db) -> [Client; 4] {
    let kms = start(db, &root());
    HOMES.map(|(account, region)| Client::new(&kms, account, region))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn kms_does_as_the_model(steps in proptest::collection::vec((0..HOMES.len(), step()), 1..60)) {
        strongroom_testkit::run(async {
            let mut pair = Pair::new().await;
            // Something to work on, whatever comes.
            for home in 0..HOMES.len() {
                pair.take(home, &Step::CreateKey).await;
            }
            for (home, step) in &steps {
                pair.take(*home, step).await;
            }
        });
    }
}
