//! Passwords for the console, and the account's policy on them (IAM User Guide, "Set an account password policy
//! for IAM users").

use serde::{Deserialize, Serialize};
use strongroom_api_iam as iam;

use crate::error::Refusal;

/// What AWS counts as symbols.
const SYMBOLS: &str = "!@#$%^&*()_+-=[]{}|'";

/// The length without a policy, and the kinds of characters out of four that must be there then.
const USUAL_LENGTH: i32 = 8;
const USUAL_KINDS: usize = 3;

/// The least length that a policy says if it says none.
const LEAST_LENGTH: i32 = 6;

/// A user's password, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) created_ms: i64,
    pub(crate) changed_ms: i64,
    pub(crate) reset_required: bool,
    /// The hash, sealed and in base 64.
    pub(crate) sealed_hash: String,
    /// Those before, newest first, as many as a policy can ask about.
    #[serde(default)]
    pub(crate) previous: Vec<String>,
}

/// Passwords before the present one that are remembered: what a policy can ask for at most.
const MOST_REMEMBERED: usize = 24;

impl Login {
    /// A new log-in.
    pub(crate) fn new(sealed_hash: String, reset_required: bool, now_ms: i64) -> Self {
        Self { created_ms: now_ms, changed_ms: now_ms, reset_required, sealed_hash, previous: Vec::new() }
    }

    /// Puts another password in place of the present one.
    pub(crate) fn change(&mut self, sealed_hash: String, now_ms: i64) {
        self.previous.insert(0, std::mem::replace(&mut self.sealed_hash, sealed_hash));
        self.previous.truncate(MOST_REMEMBERED);
        self.changed_ms = now_ms;
    }

    /// The sealed hashes that a new password must not fit, if the last `number` must not come again.
    pub(crate) fn remembered(&self, number: usize) -> impl Iterator<Item = &str> {
        std::iter::once(&self.sealed_hash).chain(&self.previous).take(number).map(String::as_str)
    }
}

/// An account's policy on passwords.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PasswordPolicy {
    length: i32,
    symbols: bool,
    numbers: bool,
    uppercase: bool,
    lowercase: bool,
    users_may_change: bool,
    max_age_days: Option<i32>,
    reuse_prevention: Option<i32>,
    hard_expiry: bool,
}

impl PasswordPolicy {
    /// The policy of a request: what it leaves out is as it is without a policy.
    pub(crate) fn parse(input: &iam::UpdateAccountPasswordPolicyRequest) -> Self {
        let flag = |value: Option<bool>| value.unwrap_or(false);
        Self {
            length: input.minimum_password_length.unwrap_or(LEAST_LENGTH),
            symbols: flag(input.require_symbols),
            numbers: flag(input.require_numbers),
            uppercase: flag(input.require_uppercase_characters),
            lowercase: flag(input.require_lowercase_characters),
            users_may_change: flag(input.allow_users_to_change_password),
            max_age_days: input.max_password_age,
            reuse_prevention: input.password_reuse_prevention,
            hard_expiry: flag(input.hard_expiry),
        }
    }

    /// The policy as an answer shows it.
    pub(crate) fn to_answer(&self) -> iam::PasswordPolicy {
        iam::PasswordPolicy {
            minimum_password_length: Some(self.length),
            require_symbols: Some(self.symbols),
            require_numbers: Some(self.numbers),
            require_uppercase_characters: Some(self.uppercase),
            require_lowercase_characters: Some(self.lowercase),
            allow_users_to_change_password: Some(self.users_may_change),
            expire_passwords: Some(self.max_age_days.is_some()),
            max_password_age: self.max_age_days,
            password_reuse_prevention: self.reuse_prevention,
            hard_expiry: Some(self.hard_expiry),
        }
    }

    /// Whether users may change their own passwords, whatever their policies allow.
    pub(crate) fn lets_users_change(&self) -> bool {
        self.users_may_change
    }

    /// After how many days a password must be changed.
    pub(crate) fn max_age_days(&self) -> Option<i32> {
        self.max_age_days
    }

    /// How many passwords before must not come again.
    pub(crate) fn remembered(&self) -> usize {
        self.reuse_prevention.and_then(|number| usize::try_from(number).ok()).unwrap_or(0)
    }

    fn check(&self, password: &str) -> Result<(), Refusal> {
        let found = Found::of(password);
        let missing = found.missing([self.uppercase, self.lowercase, self.numbers, self.symbols]);
        let mut texts = Vec::new();
        if found.length < self.length {
            texts.push(format!("Password should have a minimum length of {}", self.length));
        }
        texts.extend(missing.into_iter().map(str::to_owned));
        if texts.is_empty() { Ok(()) } else { Err(Refusal::password(texts.join(", "))) }
    }
}

/// Refuses a password that the account's policy, or without one IAM's own, does not take.
pub(crate) fn check(policy: Option<&PasswordPolicy>, password: &str) -> Result<(), Refusal> {
    if let Some(policy) = policy {
        return policy.check(password);
    }
    let found = Found::of(password);
    if found.length < USUAL_LENGTH {
        return Err(Refusal::password(format!("Password should have a minimum length of {USUAL_LENGTH}")));
    }
    let missing = found.missing([true; 4]);
    let kinds = found.kinds.len() - missing.len();
    if kinds >= USUAL_KINDS {
        return Ok(());
    }
    Err(Refusal::password(format!(
        "Password should meet {} more of the following requirements: {}",
        USUAL_KINDS - kinds,
        missing.join(", ")
    )))
}

/// What a password consists of.
struct Found {
    length: i32,
    /// Whether there are upper-case letters, lower-case ones, digits, symbols.
    kinds: [bool; 4],
}

const WORDS: [&str; 4] = [
    "Password should have at least one uppercase letter",
    "Password should have at least one lowercase letter",
    "Password should have at least one number",
    "Password should have at least one symbol",
];

impl Found {
    fn of(password: &str) -> Self {
        let any = |is: fn(char) -> bool| password.chars().any(is);
        let kinds = [
            any(|character| character.is_ascii_uppercase()),
            any(|character| character.is_ascii_lowercase()),
            any(|character| character.is_ascii_digit()),
            any(|character| SYMBOLS.contains(character)),
        ];
        Self { length: i32::try_from(password.chars().count()).unwrap_or(i32::MAX), kinds }
    }

    fn missing(&self, wanted: [bool; 4]) -> Vec<&'static str> {
        let both = wanted.iter().zip(self.kinds).zip(WORDS);
        both.filter(|((wanted, found), _)| **wanted && !found).map(|(_, words)| words).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_policy_three_kinds_of_four_must_be_there() {
        check(None, "Abcdefg1").unwrap();
        check(None, "abcdefg1!").unwrap();
        for short in ["Abc1!", "abcdefgh", "abcdefg1"] {
            assert!(check(None, short).is_err(), "{short}");
        }
    }

    #[test]
    fn a_policy_names_all_that_is_missing() {
        let policy = PasswordPolicy::parse(&iam::UpdateAccountPasswordPolicyRequest {
            minimum_password_length: Some(12),
            require_symbols: Some(true),
            require_numbers: Some(true),
            ..Default::default()
        });
        policy.check("abcdefghij1!").unwrap();
        let Err(Refusal::Modelled(_, text)) = policy.check("abc") else { panic!("a short one passes") };
        assert_eq!(
            text,
            "Password should have a minimum length of 12, Password should have at least one number, \
             Password should have at least one symbol"
        );
    }
}
