//! Passwords of users, and the account's policy on them.

use strongroom_api_iam::{self as iam, actions, errors};
use strongroom_identity::RequestContext;
use strongroom_schema::Unit;
use strongroom_secret::SecretString;

use super::{own_name, shapes};
use crate::IdentityManagement;
use crate::domain::directory::Directory;
use crate::domain::kind::Kind;
use crate::domain::password::{self, Login, PasswordPolicy};
use crate::domain::user::User;
use crate::error::Refusal;
use crate::passwords::{self, Turn};
use crate::targets::Target;

pub(super) async fn update_account_password_policy(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::UpdateAccountPasswordPolicyRequest,
) -> Result<Unit, Refusal> {
    identities
        .change::<actions::UpdateAccountPasswordPolicy, _>(context, &[Target::Account], |edit| {
            edit.settings_mut(|settings| {
                settings.password_policy = Some(PasswordPolicy::parse(&input));
                Ok(())
            })
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn get_account_password_policy(
    identities: &IdentityManagement,
    context: &RequestContext,
    _: Unit,
) -> Result<iam::GetAccountPasswordPolicyResponse, Refusal> {
    let directory = identities.read::<actions::GetAccountPasswordPolicy>(context, &[Target::Account]).await?;
    let policy = directory.password_policy().ok_or_else(|| no_policy(&directory))?;
    Ok(iam::GetAccountPasswordPolicyResponse { password_policy: policy.to_answer() })
}

pub(super) async fn delete_account_password_policy(
    identities: &IdentityManagement,
    context: &RequestContext,
    _: Unit,
) -> Result<Unit, Refusal> {
    identities
        .change::<actions::DeleteAccountPasswordPolicy, _>(context, &[Target::Account], |edit| {
            let missing = no_policy(edit);
            edit.settings_mut(|settings| settings.password_policy.take().map(drop).ok_or(missing))
        })
        .await?;
    Ok(Unit)
}

fn no_policy(directory: &Directory) -> Refusal {
    Refusal::no_such(format!("The Password Policy with domain name {} cannot be found.", directory.account))
}

pub(super) async fn create_login_profile(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::CreateLoginProfileRequest,
) -> Result<iam::CreateLoginProfileResponse, Refusal> {
    let name = own_name(context, input.user_name)?;
    let target = [Target::One(Kind::User, &name)];
    let password = input.password.ok_or_else(|| {
        Refusal::Validation(
            "1 validation error detected: Value null at 'password' failed to satisfy constraint: Member must not \
             be null"
                .to_owned(),
        )
    })?;
    let directory = identities.read::<actions::CreateLoginProfile>(context, &target).await?;
    let user = directory.user(&name)?;
    password::check(directory.password_policy().as_ref(), password.expose())?;
    let sealed_hash = identities.turn()?.hash(&user.id, password).await?;
    let reset = input.password_reset_required.unwrap_or(false);
    let user_id = user.id.clone();
    identities
        .change::<actions::CreateLoginProfile, _>(context, &target, |edit| {
            edit.user_mut(&name, |user| {
                if user.login.is_some() {
                    return Err(Refusal::exists(format!("Login Profile for user {name} already exists.")));
                }
                expect_same(user, &user_id)?;
                user.login = Some(Login::new(sealed_hash.clone(), reset, context.now_ms));
                Ok(())
            })
        })
        .await?;
    Ok(iam::CreateLoginProfileResponse {
        login_profile: iam::LoginProfile {
            user_name: name,
            create_date: shapes::moment(context.now_ms),
            password_reset_required: Some(reset),
        },
    })
}

pub(super) async fn get_login_profile(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::GetLoginProfileRequest,
) -> Result<iam::GetLoginProfileResponse, Refusal> {
    let name = own_name(context, input.user_name)?;
    let directory =
        identities.read::<actions::GetLoginProfile>(context, &[Target::One(Kind::User, &name)]).await?;
    let login = directory.user(&name)?.login()?;
    Ok(iam::GetLoginProfileResponse {
        login_profile: iam::LoginProfile {
            create_date: shapes::moment(login.created_ms),
            password_reset_required: Some(login.reset_required),
            user_name: name,
        },
    })
}

pub(super) async fn update_login_profile(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::UpdateLoginProfileRequest,
) -> Result<Unit, Refusal> {
    let name = input.user_name.as_str();
    let target = [Target::One(Kind::User, name)];
    let directory = identities.read::<actions::UpdateLoginProfile>(context, &target).await?;
    let user = directory.user(name)?;
    user.login()?;
    let sealed_hash = match input.password {
        Some(password) => {
            let policy = directory.password_policy();
            password::check(policy.as_ref(), password.expose())?;
            let turn = identities.turn()?;
            expect_new(&turn, user, policy.as_ref(), &password).await?;
            Some(turn.hash(&user.id, password).await?)
        }
        None => None,
    };
    let user_id = user.id.clone();
    identities
        .change::<actions::UpdateLoginProfile, _>(context, &target, |edit| {
            edit.user_mut(name, |user| {
                expect_same(user, &user_id)?;
                let missing = password_missing(user);
                let login = user.login.as_mut().ok_or(missing)?;
                if let Some(sealed_hash) = &sealed_hash {
                    login.change(sealed_hash.clone(), context.now_ms);
                }
                if let Some(reset) = input.password_reset_required {
                    login.reset_required = reset;
                }
                Ok(())
            })
        })
        .await?;
    Ok(Unit)
}

fn password_missing(user: &User) -> Refusal {
    crate::domain::user::no_login(&user.name)
}

pub(super) async fn delete_login_profile(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::DeleteLoginProfileRequest,
) -> Result<Unit, Refusal> {
    let name = own_name(context, input.user_name)?;
    identities
        .change::<actions::DeleteLoginProfile, _>(context, &[Target::One(Kind::User, &name)], |edit| {
            edit.user_mut(&name, |user| {
                let missing = password_missing(user);
                user.login.take().map(drop).ok_or(missing)
            })
        })
        .await?;
    Ok(Unit)
}

pub(super) async fn change_password(
    identities: &IdentityManagement,
    context: &RequestContext,
    input: iam::ChangePasswordRequest,
) -> Result<Unit, Refusal> {
    let Some(name) = super::caller_name(context) else {
        let text = "Only IAM Users can change their own password";
        return Err(Refusal::Modelled(&errors::INVALID_USER_TYPE_EXCEPTION, text.to_owned()));
    };
    let target = [Target::One(Kind::User, name)];
    let directory = identities.read::<actions::ChangePassword>(context, &target).await?;
    let user = directory.user(name)?;
    let login = user.login()?;
    let turn = identities.turn()?;
    expect_old(identities, &turn, &user.id, &login.sealed_hash, &input.old_password).await?;
    let policy = directory.password_policy();
    password::check(policy.as_ref(), input.new_password.expose())?;
    expect_new(&turn, user, policy.as_ref(), &input.new_password).await?;
    let sealed_hash = turn.hash(&user.id, input.new_password).await?;
    drop(turn);
    let (user_id, before) = (user.id.clone(), login.sealed_hash.clone());
    identities
        .change::<actions::ChangePassword, _>(context, &target, |edit| {
            edit.user_mut(name, |user| {
                expect_same(user, &user_id)?;
                let missing = password_missing(user);
                // The password that was shown must be the one that goes.
                let is_same = |login: &&mut Login| {
                    passwords::is_same_hash(&identities.sealer, &user_id, &login.sealed_hash, &before)
                };
                let login = user.login.as_mut().filter(is_same).ok_or(missing)?;
                login.change(sealed_hash.clone(), context.now_ms);
                login.reset_required = false;
                Ok(())
            })
        })
        .await?;
    Ok(Unit)
}

/// Refuses a user who has taken another's name while a password was hashed.
fn expect_same(user: &User, id: &str) -> Result<(), Refusal> {
    if user.id == id { Ok(()) } else { Err(Kind::User.not_found(&user.name)) }
}

/// Refuses who does not know his password, or has been wrong about it too often.
async fn expect_old(
    identities: &IdentityManagement,
    turn: &Turn<'_>,
    user_id: &str,
    sealed_hash: &str,
    password: &SecretString,
) -> Result<(), Refusal> {
    let attempts = &identities.passwords.attempts;
    if !attempts.begin(user_id, identities.sessions.clocks().real_now()) {
        let text = "The old password was incorrect too often. Try again in five minutes.";
        return Err(Refusal::Modelled(&errors::ENTITY_TEMPORARILY_UNMODIFIABLE_EXCEPTION, text.to_owned()));
    }
    let fits = turn.fits(user_id, vec![sealed_hash.to_owned()], password).await;
    if !matches!(fits, Ok(false)) {
        attempts.was_right(user_id);
    }
    if fits? {
        return Ok(());
    }
    let text = "The old password was incorrect.";
    Err(Refusal::Modelled(&errors::INVALID_USER_TYPE_EXCEPTION, text.to_owned()))
}

/// Refuses a password that the policy remembers.
async fn expect_new(
    turn: &Turn<'_>,
    user: &User,
    policy: Option<&PasswordPolicy>,
    password: &SecretString,
) -> Result<(), Refusal> {
    let number = policy.map_or(0, PasswordPolicy::remembered);
    let remembered = user.login.iter().flat_map(|login| login.remembered(number));
    let remembered = remembered.map(str::to_owned).collect();
    if turn.fits(&user.id, remembered, password).await? {
        return Err(Refusal::password(
            "Password does not conform to the account password policy: it was used before.",
        ));
    }
    Ok(())
}
