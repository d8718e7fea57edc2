//! Key policies: who is let in, and how far.

use serde_json::{Value, json};
use strongroom_client::CallError;

use super::checks::{KEY_POLICY_PUBLIC, KEY_POLICY_WIDE};
use super::documents::{allowing, allows_all, is_bounded, is_for_everybody, name_of, texts};
use super::outcome::Tally;
use super::site::{Site, text};

/// Looks at the policy of a key.
pub(super) fn examine(
    site: &Site,
    region: &str,
    id: &str,
    name: &str,
    tally: &mut Tally,
) -> Result<(), CallError> {
    let answer = site.kms(region, "GetKeyPolicy", &json!({ "KeyId": id, "PolicyName": "default" }))?;
    let statements = allowing(text(&answer, "Policy"));
    let public = statements.iter().find(|statement| is_for_everybody(statement) && !is_bounded(statement));
    let found = public.map(|statement| format!("{} allows everybody something", name_of(statement)));
    tally.examined(KEY_POLICY_PUBLIC, Some(region), name, found);
    let wide = statements.iter().find_map(|statement| {
        let who = whole_of_kms(statement, &site.account)?;
        Some(format!("{} gives {who} all of KMS", name_of(statement)))
    });
    tally.examined(KEY_POLICY_WIDE, Some(region), name, wide);
    Ok(())
}

/// Whom a statement gives all of KMS, beside the account itself, which leaves it to IAM's policies.
fn whole_of_kms(statement: &Value, account: &str) -> Option<String> {
    if !allows_all(statement, "kms") || is_bounded(statement) {
        return None;
    }
    if is_for_everybody(statement) {
        return Some("everybody".to_owned());
    }
    let own = [account.to_owned(), format!("arn:aws:iam::{account}:root")];
    let named = texts(statement.get("Principal")?, "AWS");
    named.into_iter().find(|principal| !own.iter().any(|own| own == principal)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_itself_may_have_all_of_kms() {
        let table = [
            (json!({ "AWS": "arn:aws:iam::111122223333:root" }), None),
            (json!({ "AWS": "111122223333" }), None),
            (
                json!({ "AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:role/Boss"] }),
                Some("arn:aws:iam::111122223333:role/Boss"),
            ),
            (json!({ "AWS": "arn:aws:iam::444455556666:root" }), Some("arn:aws:iam::444455556666:root")),
            (json!("*"), Some("everybody")),
        ];
        for (principal, who) in table {
            let statement =
                json!({ "Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": principal });
            assert_eq!(whole_of_kms(&statement, "111122223333").as_deref(), who, "{principal}");
        }
        let some = json!({ "Effect": "Allow", "Action": "kms:Decrypt", "Principal": "*" });
        assert_eq!(whole_of_kms(&some, "111122223333"), None);
    }
}
