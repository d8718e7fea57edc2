//! Grants made and ended, each in one transaction with the count of the key's grants.

use strongroom_api_kms::actions;
use strongroom_crypto::hex;
use strongroom_identity::RequestContext;
use strongroom_store::Tx;

use crate::KeyManagement;
use crate::domain::grant::{
    Constraints, Grant, Granting, NamedParty, Operations, Retirable, Terms, one_more,
};
use crate::domain::identifier::{Home, Named};
use crate::domain::key::Key;
use crate::error::Refusal;
use crate::management::{KEY_RESOURCE, random_id};
use crate::repo;

/// What a caller says of a grant that shall be made.
pub(crate) struct NewGrant {
    pub(crate) name: Option<String>,
    pub(crate) grantee: NamedParty,
    pub(crate) retiring: Option<NamedParty>,
    pub(crate) operations: Operations,
    pub(crate) constraints: Constraints,
}

/// A grant that is there now.
pub(crate) struct MadeGrant {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) key_arn: String,
}

/// How a caller says which grant he means.
pub(crate) enum WhichGrant<'r> {
    Token(&'r str),
    OfKey { key_id: &'r str, grant_id: &'r str },
}

/// Asks for permission to end a grant of a key, if there is such a key and it has it.
type Permit<'p> = dyn Fn(Option<Key>, Option<Grant>) -> Result<(Key, Option<Grant>), Refusal> + Sync + 'p;

impl KeyManagement {
    /// Makes a grant, or finds the one of the same name and terms; nothing but the decision in a dry run.
    pub(crate) async fn create_grant(
        &self,
        context: &RequestContext,
        key_id: &str,
        new: NewGrant,
        is_dry_run: bool,
    ) -> Result<MadeGrant, Refusal> {
        let (home, key_id) = Named::parse_key_only(context, key_id)?;
        let (home, key_id) = (&home, key_id.as_str());
        let (operations, constraints) = (new.operations, &new.constraints.clone());
        let terms = &self.terms(context, new).await?;
        let id = &hex::encode(&random_id::<32>()?);
        let made = self.db.transaction(|tx| {
            Box::pin(async move {
                let key = repo::keys::load(tx, &self.mac, home, key_id).await?;
                let key = key.ok_or_else(|| Refusal::no_such_key(&Home::of(context).key_arn(key_id)))?;
                note(context, &key);
                let mut granting = Granting { key, relevant: Vec::new() };
                // Most make grants by policies; the others' own grants may be many.
                if !self.authority.explain::<actions::CreateGrant, _>(context, &granting).is_allowed {
                    granting.relevant =
                        self.load_relevant(tx, context, &granting.key, operations, constraints).await?;
                }
                let may = self.authority.authorize::<actions::CreateGrant, _>(context, granting)?;
                let mut key = may.into_resource().key;
                key.expect_enabled()?;
                // Who may make no grants learns of nobody whether he exists.
                let terms = terms.as_ref().map_err(|arn| Refusal::no_such_principal(arn))?;
                terms.check(key.nature())?;
                let same = repo::grants::load_same(tx, &self.mac, home, key_id, terms).await?;
                if is_dry_run {
                    return Err(Refusal::DryRun);
                }
                if let Some(same) = same {
                    return Ok((key, same.id));
                }
                self.add_grant(tx, &mut key, id, context.now_ms, terms).await?;
                repo::post(tx, context.draft()).await?;
                Ok((key, id.clone()))
            })
        });
        let made = made.await;
        if let Ok(terms) = terms {
            self.forget_grants(home, key_id, terms.grantee.identity());
        }
        self.forget_key(home, key_id);
        let (key, id) = made?;
        Ok(MadeGrant { token: self.tokens.seal(home, key_id, &id)?, id, key_arn: key.arn })
    }

    /// Adds a grant to a key that a transaction has loaded, and counts it.
    pub(super) async fn add_grant(
        &self,
        tx: &mut Tx<'_>,
        key: &mut Key,
        id: &str,
        now_ms: i64,
        terms: &Terms,
    ) -> Result<(), Refusal> {
        key.grants = one_more(key.grants, self.settings.quotas.grants_per_key)?;
        let grant = Grant {
            home: key.home.clone(),
            key_id: key.id.clone(),
            id: id.to_owned(),
            created_ms: now_ms,
            terms: terms.clone(),
        };
        repo::grants::insert(tx, &self.mac, &grant).await?;
        repo::keys::replace(tx, &self.mac, key).await?;
        Ok(())
    }

    /// Ends a grant for somebody who may administer the key.
    pub(crate) async fn revoke_grant(
        &self,
        context: &RequestContext,
        key_id: &str,
        grant_id: &str,
        is_dry_run: bool,
    ) -> Result<String, Refusal> {
        let (home, key_id) = Named::parse_key_only(context, key_id)?;
        let permit = |key: Option<Key>, grant| {
            let key = key.ok_or_else(|| Refusal::no_such_key(&Home::of(context).key_arn(&key_id)))?;
            note(context, &key);
            let key = self.authority.authorize::<actions::RevokeGrant, _>(context, key)?.into_resource();
            Ok((key, grant))
        };
        self.end_grant(context, (&home, &key_id, grant_id), is_dry_run, &permit).await
    }

    /// Ends a grant for somebody whom the grant lets do it, and answers its id.
    pub(crate) async fn retire_grant(
        &self,
        context: &RequestContext,
        which: WhichGrant<'_>,
        is_dry_run: bool,
    ) -> Result<String, Refusal> {
        let (home, key_id, grant_id) = match which {
            WhichGrant::Token(token) => self.tokens.open(token)?,
            WhichGrant::OfKey { key_id, grant_id } => {
                let (home, key_id) = Named::parse_key_only(context, key_id)?;
                (home, key_id, grant_id.to_owned())
            }
        };
        if home.region != context.region.name() {
            return Err(Refusal::InvalidGrantToken);
        }
        let is_own = home.account == context.account();
        let permit = |key: Option<Key>, grant: Option<Grant>| {
            let key = match key {
                Some(key) => key,
                None if is_own => return Err(Refusal::no_such_key(&home.key_arn(&key_id))),
                // Which keys there are is no business of a stranger's.
                None => return Err(Refusal::no_such_grant(&grant_id)),
            };
            // Only the grant says who may. Where there is none, a stranger has not touched the key, and its owner's
            // trail does not speak of him.
            let Some(grant) = grant else {
                if is_own {
                    note(context, &key);
                }
                return Ok((key, None));
            };
            note(context, &key);
            let retirable = Retirable::new(key, grant);
            context.ask(retirable.stated());
            let may = self.authority.authorize::<actions::RetireGrant, _>(context, retirable)?;
            let (key, grant) = may.into_resource().into_parts();
            Ok((key, Some(grant)))
        };
        self.end_grant(context, (&home, &key_id, &grant_id), is_dry_run, &permit).await
    }

    async fn end_grant(
        &self,
        context: &RequestContext,
        (home, key_id, grant_id): (&Home, &str, &str),
        is_dry_run: bool,
        permit: &Permit<'_>,
    ) -> Result<String, Refusal> {
        let ended = self.db.transaction(|tx| {
            Box::pin(async move {
                let key = repo::keys::load(tx, &self.mac, home, key_id).await?;
                let grant = repo::grants::load(tx, &self.mac, home, key_id, grant_id).await?;
                let (mut key, grant) = permit(key, grant)?;
                let Some(grant) = grant else { return Err(Refusal::no_such_grant(grant_id)) };
                if is_dry_run {
                    return Err(Refusal::DryRun);
                }
                repo::grants::delete(tx, &grant).await?;
                key.grants = key.grants.saturating_sub(1);
                repo::keys::replace(tx, &self.mac, &mut key).await?;
                repo::post(tx, context.draft()).await?;
                Ok::<_, Refusal>(grant)
            })
        });
        let ended = ended.await;
        self.forget_key(home, key_id);
        match &ended {
            Ok(grant) => self.forget_grants(home, key_id, grant.terms.grantee.identity()),
            // Whether it has been ended is not known, nor whose it was.
            Err(refusal) if refusal.leaves_doubt() => self.grants.clear(),
            Err(_) => {}
        }
        ended.map(|grant| grant.id)
    }

    /// The terms of a new grant, or the name of a principal of it who does not exist.
    async fn terms(&self, context: &RequestContext, new: NewGrant) -> Result<Result<Terms, String>, Refusal> {
        let grantee = match self.bind(new.grantee).await? {
            Ok(grantee) => grantee,
            Err(named) => return Ok(Err(named)),
        };
        let retiring = match new.retiring {
            None => None,
            Some(retiring) => match self.bind(retiring).await? {
                Ok(retiring) => Some(retiring),
                Err(named) => return Ok(Err(named)),
            },
        };
        Ok(Ok(Terms {
            name: new.name,
            issuer: context.account(),
            grantee,
            retiring,
            operations: new.operations,
            constraints: new.constraints,
        }))
    }
}

/// Notes the key, for the call's record.
fn note(context: &RequestContext, key: &Key) {
    context.touched(KEY_RESOURCE, key.home.account, key.arn.clone());
}
