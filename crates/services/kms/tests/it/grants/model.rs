//! Random sequences of what can happen to grants, against a small model of what they are: who has which of them, and
//! what for.

use std::collections::BTreeMap;

use proptest::prelude::*;
use strongroom_api_kms::CreateGrantRequest;
use strongroom_kms::MIGRATIONS;
use strongroom_service::ApiError;
use strongroom_store::{Db, OpenOptions};

use crate::fixture::{ACCOUNT, Client, Pairs, REGION, exactly, grant, root, start, within};

/// Those who are granted something, and who ask for something.
const PEOPLE: [&str; 3] = ["user/alice", "user/bob", "role/worker"];
const OPERATIONS: [&str; 4] = ["Encrypt", "Decrypt", "CreateGrant", "RetireGrant"];
const CONTEXTS: [Pairs<'static>; 3] = [&[], &[("a", "1")], &[("a", "1"), ("b", "2")]];

/// A constraint on the encryption context: by its index, exact or not.
type Constraint = Option<(bool, usize)>;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Terms {
    grantee: usize,
    retiring: Option<usize>,
    operations: Vec<usize>,
    constraint: Constraint,
    name: Option<u8>,
}

#[derive(Clone, Debug)]
enum Step {
    /// Somebody makes a grant; the root user, if it is nobody.
    Create {
        by: Option<usize>,
        key: usize,
        terms: Terms,
    },
    Retire {
        by: usize,
        which: usize,
    },
    Revoke {
        which: usize,
    },
    /// Somebody else gets the name.
    Replace {
        who: usize,
    },
    Use {
        by: usize,
        key: usize,
        operation: usize,
        context: usize,
    },
    Restart,
}

fn terms() -> impl Strategy<Value = Terms> {
    let operations = proptest::sample::subsequence((0..OPERATIONS.len()).collect::<Vec<_>>(), 1..=3);
    let constraint = proptest::option::of((any::<bool>(), 0..CONTEXTS.len()));
    let retiring = proptest::option::weighted(0.3, 0..PEOPLE.len());
    let name = proptest::option::weighted(0.5, 0_u8..2);
    (0..PEOPLE.len(), retiring, operations, constraint, name).prop_map(
        |(grantee, retiring, operations, constraint, name)| {
            // An empty subset is no constraint.
            let constraint = constraint.filter(|(is_exact, context)| *is_exact || *context > 0);
            Terms { grantee, retiring, operations, constraint, name }
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0..PEOPLE.len();
    prop_oneof![
        4 => (proptest::option::weighted(0.3, who()), 0_usize..2, terms())
            .prop_map(|(by, key, terms)| Step::Create { by, key, terms }),
        2 => (who(), 0_usize..20).prop_map(|(by, which)| Step::Retire { by, which }),
        1 => (0_usize..20).prop_map(|which| Step::Revoke { which }),
        1 => who().prop_map(|who| Step::Replace { who }),
        8 => (who(), 0_usize..2, 0_usize..2, 0..CONTEXTS.len())
            .prop_map(|(by, key, operation, context)| Step::Use { by, key, operation, context }),
        1 => Just(Step::Restart),
    ]
}

/// A grant, as far as anybody can tell.
struct Grant {
    key: usize,
    terms: Terms,
    /// Whoever has the name of grantee or retiring principal now is somebody else.
    grantee_is_gone: bool,
    retiring_is_gone: bool,
}

#[derive(Default)]
struct Model {
    grants: BTreeMap<String, Grant>,
}

fn has_all(pairs: Pairs<'_>, of: Pairs<'_>) -> bool {
    of.iter().all(|pair| pairs.contains(pair))
}

fn is_met(constraint: Constraint, context: usize) -> bool {
    match constraint {
        None => true,
        Some((true, exactly)) => exactly == context,
        Some((false, within)) => has_all(CONTEXTS[context], CONTEXTS[within]),
    }
}

/// Whether every context that meets the one meets the other.
fn is_as_strict(one: Constraint, other: Constraint) -> bool {
    let is_within = (0..CONTEXTS.len()).all(|context| !is_met(one, context) || is_met(other, context));
    // There are more contexts than these.
    is_within
        && !matches!((one, other), (None | Some((false, _)), Some((true, _))) | (None, Some((false, _))))
}

impl Model {
    fn held(&self, by: usize, key: usize) -> impl Iterator<Item = &Grant> {
        self.grants
            .values()
            .filter(move |grant| grant.key == key && grant.terms.grantee == by && !grant.grantee_is_gone)
    }

    fn may_use(&self, by: usize, key: usize, operation: usize, context: usize) -> bool {
        self.held(by, key).any(|grant| {
            grant.terms.operations.contains(&operation) && is_met(grant.terms.constraint, context)
        })
    }

    fn may_create(&self, by: usize, key: usize, terms: &Terms) -> bool {
        self.held(by, key).any(|grant| {
            grant.terms.operations.contains(&2)
                && terms.operations.iter().all(|operation| grant.terms.operations.contains(operation))
                && is_as_strict(terms.constraint, grant.terms.constraint)
        })
    }

    fn may_retire(by: usize, grant: &Grant) -> bool {
        let as_grantee =
            grant.terms.grantee == by && !grant.grantee_is_gone && grant.terms.operations.contains(&3);
        as_grantee || grant.terms.retiring == Some(by) && !grant.retiring_is_gone
    }

    /// The grant of that name with the same terms, to the same people.
    fn same(&self, key: usize, terms: &Terms) -> Option<&String> {
        terms.name?;
        let is_it = |grant: &Grant| {
            grant.key == key && grant.terms == *terms && !grant.grantee_is_gone && !grant.retiring_is_gone
        };
        self.grants.iter().find(|(_, grant)| is_it(grant)).map(|(id, _)| id)
    }

    fn replace(&mut self, who: usize) {
        for grant in self.grants.values_mut() {
            grant.grantee_is_gone |= grant.terms.grantee == who;
            grant.retiring_is_gone |= grant.terms.retiring == Some(who);
        }
    }
}

fn request(client: &Client, key: &str, terms: &Terms) -> CreateGrantRequest {
    let operations: Vec<_> = terms.operations.iter().map(|operation| OPERATIONS[*operation]).collect();
    let constraints =
        terms.constraint.map(
            |(is_exact, context)| {
                if is_exact { exactly(CONTEXTS[context]) } else { within(CONTEXTS[context]) }
            },
        );
    CreateGrantRequest {
        name: terms.name.map(|name| name.to_string()),
        retiring_principal: terms.retiring.map(|who| client.iam(PEOPLE[who])),
        constraints,
        ..grant(key, &client.iam(PEOPLE[terms.grantee]), &operations)
    }
}

fn code<T>(outcome: Result<T, ApiError>) -> Result<(), String> {
    outcome.map(drop).map_err(|refusal| refusal.code().to_owned())
}

fn expected(may: bool) -> Result<(), String> {
    if may { Ok(()) } else { Err("AccessDeniedException".to_owned()) }
}

async fn goes_along(steps: &[Step]) {
    let folder = tempfile::TempDir::new().unwrap();
    let db = Db::open_sqlite(&folder.path().join("db"), &OpenOptions::default()).await.unwrap();
    db.migrate(&[MIGRATIONS]).await.unwrap();
    let mut client = Client::new(&start(&db, &root()), ACCOUNT, REGION);
    let keys = [client.create_key().await.key_id, client.create_key().await.key_id];
    let mut blobs = Vec::new();
    for key in &keys {
        for context in CONTEXTS {
            blobs.push(client.encrypt(key, b"x", context).await.unwrap());
        }
    }
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Create { by, key, terms } => {
                let caller = by.map_or(client.clone(), |by| client.user(PEOPLE[by]));
                let made = caller.create_grant(request(&client, &keys[*key], terms)).await;
                let may = by.is_none_or(|by| model.may_create(by, *key, terms));
                let is_sound = terms.operations != [2];
                match made {
                    Ok(made) => {
                        assert!(may && is_sound, "{step:?}");
                        let id = made.grant_id.unwrap();
                        assert!(model.same(*key, terms).is_none_or(|same| *same == id), "{step:?}");
                        let terms = terms.clone();
                        let grant =
                            Grant { key: *key, terms, grantee_is_gone: false, retiring_is_gone: false };
                        model.grants.insert(id, grant);
                    }
                    Err(refusal) if may => {
                        assert!(!is_sound && refusal.code() == "ValidationException", "{step:?}: {refusal}");
                    }
                    Err(refusal) => assert_eq!(refusal.code(), "AccessDeniedException", "{step:?}"),
                }
            }
            Step::Retire { by, which } => {
                let Some((id, grant)) = model.grants.iter().cycle().nth(*which) else { continue };
                let may = Model::may_retire(*by, grant);
                let id = id.clone();
                let retired = client.user(PEOPLE[*by]).retire(&keys[grant.key], &id).await;
                assert_eq!(code(retired), expected(may), "{step:?}");
                if may {
                    model.grants.remove(&id);
                }
            }
            Step::Revoke { which } => {
                let Some((id, grant)) = model.grants.iter().cycle().nth(*which) else { continue };
                client.revoke(&keys[grant.key], id).await.unwrap();
                let id = id.clone();
                model.grants.remove(&id);
            }
            Step::Replace { who } => {
                client.kms.surroundings.people.replace(&client.iam(PEOPLE[*who]));
                model.replace(*who);
            }
            Step::Use { by, key, operation, context } => {
                let caller = client.user(PEOPLE[*by]);
                let outcome = if OPERATIONS[*operation] == "Encrypt" {
                    caller.encrypt(&keys[*key], b"x", CONTEXTS[*context]).await
                } else {
                    let blob = &blobs[key * CONTEXTS.len() + context];
                    caller.decrypt(blob, Some(&keys[*key]), CONTEXTS[*context]).await
                };
                let may = model.may_use(*by, *key, *operation, *context);
                assert_eq!(code(outcome), expected(may), "{step:?}");
            }
            Step::Restart => client = client.on(&client.kms.restarted(&db, &root())),
        }
    }
    for (key, key_id) in keys.iter().enumerate() {
        let listed: Vec<_> =
            client.grants(key_id, Some(2)).await.into_iter().map(|grant| grant.grant_id.unwrap()).collect();
        let known: Vec<_> =
            model.grants.iter().filter(|(_, grant)| grant.key == key).map(|(id, _)| id.clone()).collect();
        assert_eq!(listed, known);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn grants_do_as_the_model(steps in proptest::collection::vec(step(), 1..80)) {
        strongroom_testkit::run(async { goes_along(&steps).await });
    }
}
