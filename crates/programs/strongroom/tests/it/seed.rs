//! `strongroom seed check`: what is wrong with a seed is named by its place, all of it at once.

use std::fs;

use serde_json::{Value, json};

use crate::program::Place;

/// What the program says of a seed, and whether it can be used.
fn check(seed: &str, options: &[&str]) -> (bool, String) {
    let place = Place::new();
    let file = place.temporary().join("seed.json");
    fs::write(&file, seed).unwrap();
    let output =
        place.run(["seed", "check", file.to_str().unwrap()].into_iter().chain(options.iter().copied()));
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

fn of_account(members: &Value) -> String {
    let mut account = json!({ "AccountId": "111122223333" });
    account.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    json!({ "Accounts": [account] }).to_string()
}

fn trust(arn: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": { "Effect": "Allow", "Principal": { "AWS": arn }, "Action": "sts:AssumeRole" },
    })
}

const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

#[test]
fn the_place_of_everything_that_is_wrong_is_told() {
    let allow =
        json!({ "Version": "2012-10-17", "Statement": { "Effect": "Alow", "Action": "*", "Resource": "*" } });
    let seed = of_account(&json!({
        "AccountAlias": "-no-",
        "ManagedPolicies": [{ "ManagedPolicyName": "p", "Path": "x", "PolicyDocument": allow }],
        "Groups": [{ "GroupName": "g" }, { "GroupName": "G" }],
        "Users": [{
            "UserName": "no spaces",
            "Policies": [
                { "PolicyName": "p", "PolicyDocument": { "Version": "2012-10-17", "Statement": [] } },
                { "PolicyName": "p", "PolicyDocument": { "Version": "2012-10-17", "Statement": [], "Statemnt": 1 } },
            ],
            "ManagedPolicyArns": ["ReadOnly"],
            "Tags": [{ "Key": "", "Value": "v" }],
            "AccessKeys": [
                { "AccessKeyId": "AKIA", "SecretAccessKey": "secret" },
                { "AccessKeyId": "ASIAIOSFODNN7EXAMPLE", "SecretAccessKey": "" },
            ],
        }],
        "Roles": [{ "RoleName": "r", "MaxSessionDuration": 60, "AssumeRolePolicyDocument": trust("nobody") }],
        "Keys": [
            { "KeyId": "MRK", "KeyMaterial": "AAAA", "Aliases": ["alias/a b"] },
            { "KeyId": KEY, "KeySpec": "AES_256", "Region": "mars-1" },
            { "KeyId": KEY, "KeySpec": "RSA_2048", "KeyUsage": "x", "Aliases": ["alias/a", "alias/a"] },
        ],
    }));
    let (usable, said) = check(&seed, &[]);
    assert!(!usable);
    for expected in [
        "AccountAlias: \"-no-\" has characters or a form",
        "ManagedPolicies[0].Path: \"x\" has characters or a form",
        "ManagedPolicies[0].PolicyDocument: Statement.Effect: \"Alow\" is no effect: use Allow or Deny",
        "Groups[1].GroupName: group g of account 111122223333 is in this seed twice",
        "Users[0].UserName: \"no spaces\"",
        "Users[0].Policies[0].PolicyDocument: Statement: there are no statements",
        "Users[0].Policies[1].PolicyName: another policy here is called p",
        "there is no element \"Statemnt\" here",
        "Users[0].ManagedPolicyArns[0]: \"ReadOnly\" has 8 characters; at least 20 are needed",
        "Users[0].Tags[0].Key: \"\" has 0 characters; at least 1 are needed",
        "Users[0].AccessKeys[0].AccessKeyId: \"AKIA\" has 4 characters; at least 16 are needed",
        "Users[0].AccessKeys[1].AccessKeyId: ids that begin with ASIA are those of temporary credentials",
        "Users[0].AccessKeys[1].SecretAccessKey: a secret has 1 to 128 characters",
        "Roles[0].MaxSessionDuration: 60 is out of range; use 3600 to 43200",
        "Roles[0].AssumeRolePolicyDocument: Statement.Principal.AWS: \"nobody\" is no principal here",
        "Keys[0].KeyId: \"MRK\" is no key id; use a UUID in lower case",
        "Keys[0].KeyMaterial: this is not 32 bytes in base64",
        "Keys[0].Aliases[0]: \"alias/a b\" has characters or a form",
        "Keys[1].Region: \"mars-1\" is no Region of AWS",
        "Keys[2].KeyUsage: \"x\" is unknown; use one of",
        "Keys[2].Aliases[1]: alias/a in us-east-1 of account 111122223333 is in this seed twice",
    ] {
        let expected = if expected.starts_with("there") {
            expected.to_owned()
        } else {
            format!("\n  Accounts[0].{expected}")
        };
        assert!(said.contains(&expected), "no {expected:?} in:\n{said}");
    }
}

#[test]
fn a_member_that_is_not_known_or_of_another_type_is_told_by_its_place() {
    for (seed, expected) in [
        (of_account(&json!({ "User": [] })), "Accounts[0].User: unknown field `User`, expected one of"),
        (of_account(&json!({ "Users": {} })), "Accounts[0].Users: invalid type: map, expected a sequence"),
        (of_account(&json!({ "Users": [{}] })), "Accounts[0].Users[0]: missing field `UserName`"),
        (
            of_account(&json!({ "Keys": [{ "KeyId": 7 }] })),
            "Accounts[0].Keys[0].KeyId: invalid type: integer `7`",
        ),
        (
            r#"{"Accounts":[{"AccountId":"1","AccountId":"2"}]}"#.to_owned(),
            "Accounts[0]: duplicate field `AccountId`",
        ),
        (r#"{"Accounts":[],}"#.to_owned(), "trailing comma at line 1 column 16"),
        (r#"{"Accounts":[]} {}"#.to_owned(), "trailing characters at line 1 column 17"),
        (r#"{"Accounts":[{"AccountId":"12"}]}"#.to_owned(), "Accounts[0].AccountId: \"12\" is no account id"),
    ] {
        let (usable, said) = check(&seed, &[]);
        assert!(!usable && said.contains(expected), "no {expected:?} in:\n{said}");
    }
}

/// A name that stands twice in a policy would hide what the first says.
#[test]
fn a_policy_is_read_as_it_stands_in_the_file() {
    let seed = r#"{"Accounts":[{"AccountId":"111122223333","Keys":[{"KeyId":"1234abcd-12ab-34cd-56ef-1234567890ab","KeyPolicy":
        {"Version":"2012-10-17","Statement":[{"Effect":"Deny","Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}}]}]}"#;
    let (usable, said) = check(seed, &[]);
    assert!(!usable, "{said}");
    assert!(
        said.contains("Accounts[0].Keys[0].KeyPolicy: Statement[0]: the key \"Effect\" is there twice"),
        "{said}"
    );
    let seed = of_account(&json!({ "Keys": [{ "KeyId": KEY, "KeyPolicy": "{}" }] }));
    let (_, said) = check(&seed, &[]);
    assert!(said.contains("Accounts[0].Keys[0].KeyPolicy: "), "{said}");
}

#[test]
fn secrets_are_for_development_only_and_never_repeated() {
    let material = "c2VjcmV0IGtleSBtYXRlcmlhbCBvZiAzMiBieXRlcyE=";
    let seed = of_account(&json!({
        "Users": [{ "UserName": "u", "AccessKeys": [{ "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "hush hush" }] }],
        "Keys": [{ "KeyId": KEY, "KeyMaterial": material }],
    }));
    let (usable, said) = check(&seed, &["--without-secrets"]);
    assert!(!usable);
    for place in ["Users[0].AccessKeys[0].SecretAccessKey", "Keys[0].KeyMaterial"] {
        let expected = format!("\n  Accounts[0].{place}: only `strongroom dev` takes secrets out of a seed");
        assert!(said.contains(&expected), "no {expected:?} in:\n{said}");
    }
    assert!(!said.contains("hush") && !said.contains(material), "{said}");
}

#[test]
fn roles_that_trust_each_other_cannot_be_made() {
    let arn = |name: &str| format!("arn:aws:iam::111122223333:role/{name}");
    let role = |name: &str, trusted: &str| json!({ "RoleName": name, "AssumeRolePolicyDocument": trust(&arn(trusted)) });
    let (usable, said) = check(&of_account(&json!({ "Roles": [role("a", "b"), role("b", "a")] })), &[]);
    assert!(!usable);
    assert!(
        said.contains(
            "Accounts[0].Roles[0].AssumeRolePolicyDocument: trusts arn:aws:iam::111122223333:role/b"
        ),
        "{said}"
    );
    // One after the other can, in whatever order the file has them.
    let first = json!({ "RoleName": "b", "AssumeRolePolicyDocument": trust("111122223333") });
    let (usable, said) = check(&of_account(&json!({ "Roles": [role("a", "b"), first] })), &[]);
    assert!(usable, "{said}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let output = Place::new().run(["seed", "check", "/nowhere/seed.json"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("reading the seed /nowhere/seed.json: No such file"), "{said}");
}
