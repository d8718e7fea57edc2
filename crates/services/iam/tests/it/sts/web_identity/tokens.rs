//! Which tokens count.

use serde_json::{Value, json};
use strongroom_crypto::ec::Curve;
use strongroom_crypto::hmac::HmacSha256;
use strongroom_testkit::{TestDatabase, on_both_engines};
use tokio::task::JoinSet;

use super::issuer::{Documents, ISSUER, Key, SECONDS, claims, encoded, token};
use super::{account, asked, assume, saying, usual};
use crate::fixture::NOW;
use crate::fixture::iam::{Client, refusal};

on_both_engines! {
    every_algorithm_of_awss_counts,
    what_is_no_such_token_is_refused,
    nobody_else_signs_for_the_provider,
    claims_are_checked,
    keys_are_kept_and_change,
    a_provider_that_does_not_answer_is_left_alone_for_a_while,
    a_provider_that_takes_long_does_not_keep_everybody_waiting,
    another_issuers_configuration_does_not_count,
    without_a_way_out_nobody_is_believed,
}

const NO_JWT: &str = "InvalidIdentityToken: The ID Token provided is not a valid JWT. (You may see this error if you \
    sent an Access Token)";
const NO_KEY: &str = "InvalidIdentityToken: Couldn't retrieve verification key from your identity provider,  please \
    reference AssumeRoleWithWebIdentity documentation for requirements";
const FORGED: &str = "InvalidIdentityToken: The signature of the ID Token is not valid";
const SILENT: &str =
    "IDPCommunicationError: The identity provider did not answer as it should. Try again in a moment.";

async fn refused(client: &Client, token: &str) -> String {
    let (answer, vouched) = assume(client, asked("r", token)).await;
    assert_eq!(vouched, None, "who is not believed is nobody");
    refusal(answer)
}

async fn every_algorithm_of_awss_counts(database: &TestDatabase) {
    let curves = [Curve::P256, Curve::P384, Curve::P521].map(Key::elliptic);
    let [p256, p384, p521] = &curves;
    let rsa = Key::rsa();
    let keys = [("r", &rsa), ("e256", p256), ("e384", p384), ("e512", p521)];
    let client = account(database, &Documents::of(&keys.map(|(id, key)| key.published(id)))).await;
    for (alg, kid, key) in [
        ("RS256", "r", &rsa),
        ("RS384", "r", &rsa),
        ("RS512", "r", &rsa),
        ("ES256", "e256", p256),
        ("ES384", "e384", p384),
        ("ES512", "e512", p521),
    ] {
        let token = token(key, &json!({"alg": alg, "kid": kid, "typ": "JWT"}), &claims(&json!({})));
        let (answer, _) = assume(&client, asked("r", &token)).await;
        answer.unwrap_or_else(|error| panic!("{alg}: {error:?}"));
    }
    // Each for its own kind of key: the hash alone does not make the algorithm.
    for (alg, kid, key) in
        [("ES256", "r", &rsa), ("RS256", "e256", p256), ("ES256", "e384", p384), ("ES384", "e256", p256)]
    {
        let token = token(key, &json!({"alg": alg, "kid": kid}), &claims(&json!({})));
        assert_eq!(refused(&client, &token).await, FORGED, "{alg} with {kid}");
    }
}

async fn what_is_no_such_token_is_refused(database: &TestDatabase) {
    let client = usual(database).await;
    let header = |header: Value| token(&Key::rsa(), &header, &claims(&json!({})));
    let sound = saying(&json!({}));
    let unsigned = format!("{}.", sound.rsplit_once('.').unwrap().0);
    for token in [
        "an opaque access token".to_owned(),
        "a.b.c".to_owned(),
        format!("{sound}=="),
        format!(".{sound}"),
        // Unsecured, and with a secret: RFC 8725, 2.1.
        header(json!({"alg": "none", "kid": "k"})),
        header(json!({"alg": "None", "kid": "k"})),
        header(json!({"alg": "HS256", "kid": "k"})),
        header(json!({"alg": "PS256", "kid": "k"})),
        header(json!({"alg": "RS256"})),
        // What must be understood is not (RFC 7515, 4.1.11).
        header(json!({"alg": "RS256", "kid": "k", "crit": ["exp"]})),
        token(&Key::rsa(), &json!({"alg": "RS256", "kid": "k"}), &json!(["iss", ISSUER])),
    ] {
        assert_eq!(refused(&client, &token).await, NO_JWT, "{token}");
    }
    assert_eq!(refused(&client, &unsigned).await, FORGED);
}

async fn nobody_else_signs_for_the_provider(database: &TestDatabase) {
    let documents = Documents::of(&[
        Key::rsa().published("k"),
        json!({"kty": "oct", "kid": "secret", "k": encoded(b"secret")}),
        json!({"kty": "RSA", "kid": "for-encryption", "use": "enc", "n": Key::rsa().published("k")["n"], "e": "AQAB"}),
    ]);
    let client = account(database, &documents).await;
    let usual = json!({"alg": "RS256", "kid": "k"});
    let sound = token(&Key::rsa(), &usual, &claims(&json!({})));
    let [header, _, signature] = sound.split('.').collect::<Vec<_>>().try_into().unwrap();

    let said = encoded(claims(&json!({"sub": "job:8"})).to_string().as_bytes());
    assert_eq!(refused(&client, &format!("{header}.{said}.{signature}")).await, FORGED, "altered");
    let forger = Key::elliptic(Curve::P256);
    let forged = token(&forger, &json!({"alg": "ES256", "kid": "k"}), &claims(&json!({})));
    assert_eq!(refused(&client, &forged).await, FORGED, "of somebody else's key");

    // With what is public as the secret: RFC 8725, 2.1.
    let header = encoded(json!({"alg": "HS256", "kid": "k"}).to_string().as_bytes());
    let signed = format!("{header}.{}", encoded(claims(&json!({})).to_string().as_bytes()));
    let public = Key::rsa().published("k")["n"].to_string();
    let mac = HmacSha256::new(public.as_bytes()).sign(&[signed.as_bytes()]);
    assert_eq!(refused(&client, &format!("{signed}.{}", encoded(&mac))).await, NO_JWT, "with a secret");

    for kid in ["other", "secret", "for-encryption"] {
        let token = token(&Key::rsa(), &json!({"alg": "RS256", "kid": kid}), &claims(&json!({})));
        assert_eq!(refused(&client, &token).await, NO_KEY, "{kid}");
    }
    // The token does not bring its own key.
    let own =
        json!({"alg": "ES256", "kid": "own", "jwk": forger.published("own"), "jku": "https://evil.example"});
    assert_eq!(refused(&client, &token(&forger, &own, &claims(&json!({})))).await, NO_KEY);
}

async fn claims_are_checked(database: &TestDatabase) {
    let client = usual(database).await;
    let missing = |claim: &str| format!("InvalidIdentityToken: Missing a required claim: {claim}");
    let no_provider = |url: &str| {
        format!("InvalidIdentityToken: No OpenIDConnect provider found in your account for {url}")
    };
    let rejected = |claim: &str| format!("IDPRejectedClaim: The claim {claim} in the token is not valid");
    let expired = |now: i64, end: i64| {
        format!(
            "ExpiredTokenException: Token expired: current date/time {now} must be before the expiration date/time {end}"
        )
    };
    let early = |begins: i64| {
        format!(
            "InvalidIdentityToken: Token not yet valid: current date/time {SECONDS} must be after the date/time {begins}"
        )
    };
    let tags = "https://aws.amazon.com/tags";
    for (others, wanted) in [
        (json!({"iss": null}), missing("iss")),
        (json!({"iss": "https://idp.example.com"}), no_provider("https://idp.example.com")),
        (json!({"iss": format!("{ISSUER}/")}), no_provider(&format!("{ISSUER}/"))),
        (json!({"iss": "http://idp.example.com/tenant"}), no_provider("http://idp.example.com/tenant")),
        (json!({"iss": "idp.example.com/tenant"}), no_provider("idp.example.com/tenant")),
        (json!({"aud": null}), missing("aud")),
        (
            json!({"aud": "sts.amazonaws.com.evil"}),
            "InvalidIdentityToken: Incorrect token audience".to_owned(),
        ),
        (json!({"aud": []}), "InvalidIdentityToken: Incorrect token audience".to_owned()),
        (json!({"sub": null}), missing("sub")),
        (json!({"sub": ""}), rejected("sub")),
        (json!({"sub": "s".repeat(256)}), rejected("sub")),
        (json!({"exp": null}), missing("exp")),
        (json!({"iat": null}), missing("iat")),
        (json!({"exp": SECONDS}), expired(SECONDS, SECONDS)),
        (json!({"exp": SECONDS - 1}), expired(SECONDS, SECONDS - 1)),
        (json!({"exp": "tomorrow"}), rejected("exp")),
        (json!({"iat": SECONDS + 301}), early(SECONDS + 301)),
        (json!({"nbf": SECONDS + 301}), early(SECONDS + 301)),
        (json!({tags: "team=keys"}), rejected(tags)),
        (json!({tags: {"principal_tags": {"team": ["a", "b"]}}}), rejected(tags)),
        (json!({tags: {"principal_tags": {"t".repeat(129): ["a"]}}}), rejected(tags)),
        (
            json!({"https://aws.amazon.com/source_identity": "a b"}),
            rejected("https://aws.amazon.com/source_identity"),
        ),
    ] {
        assert_eq!(refused(&client, &saying(&others)).await, wanted, "{others}");
    }
    for sound in [
        json!({"aud": ["nobody", "sts.amazonaws.com"]}),
        json!({"exp": SECONDS + 1}),
        json!({"exp": 1_700_000_100.5}),
        json!({"iat": SECONDS + 300, "nbf": SECONDS + 300}),
    ] {
        assume(&client, asked("r", &saying(&sound))).await.0.unwrap();
    }
    // Real time counts.
    client.server.clock.set(NOW + 3_600_000);
    assert_eq!(refused(&client, &saying(&json!({}))).await, expired(SECONDS + 3600, SECONDS + 3600));
}

async fn keys_are_kept_and_change(database: &TestDatabase) {
    let documents = Documents::of(&[Key::rsa().published("k")]);
    let client = account(database, &documents).await;
    let sound = saying(&json!({"exp": SECONDS + 86_400}));
    for _ in 0..3 {
        assume(&client, asked("r", &sound)).await.0.unwrap();
    }
    assert_eq!(documents.reads(), 2, "the configuration and the keys, once");

    // A new key is found, though not at once: whoever makes tokens up does not make us ask.
    let new = Key::elliptic(Curve::P256);
    let rotated =
        token(&new, &json!({"alg": "ES256", "kid": "new"}), &claims(&json!({"exp": SECONDS + 86_400})));
    documents.publish(&[new.published("new")]);
    assert_eq!(refused(&client, &rotated).await, NO_KEY);
    assert_eq!(documents.reads(), 2);
    client.server.clock.set(NOW + 60_000);
    assume(&client, asked("r", &rotated)).await.0.unwrap();
    assert_eq!(documents.reads(), 4);
    // And the old one is gone.
    assert_eq!(refused(&client, &sound).await, NO_KEY);

    client.server.clock.set(NOW + 60_000 + 3_599_999);
    assume(&client, asked("r", &rotated)).await.0.unwrap();
    assert_eq!(documents.reads(), 4);
    client.server.clock.set(NOW + 60_000 + 3_600_000);
    assume(&client, asked("r", &rotated)).await.0.unwrap();
    assert_eq!(documents.reads(), 6, "an hour later they are read again");
}

async fn a_provider_that_does_not_answer_is_left_alone_for_a_while(database: &TestDatabase) {
    let documents = Documents::of(&[]);
    let client = account(database, &documents).await;
    documents.fall_silent();
    for _ in 0..3 {
        assert_eq!(refused(&client, &saying(&json!({}))).await, SILENT);
    }
    assert_eq!(documents.reads(), 1);
    documents.publish(&[Key::rsa().published("k")]);
    assert_eq!(refused(&client, &saying(&json!({}))).await, SILENT);
    client.server.clock.set(NOW + 5_000);
    assume(&client, asked("r", &saying(&json!({})))).await.0.unwrap();
}

async fn a_provider_that_takes_long_does_not_keep_everybody_waiting(database: &TestDatabase) {
    let documents = Documents::of(&[Key::rsa().published("k")]);
    let client = account(database, &documents).await;
    let slow = documents.slow.lock().await;
    let (mut callers, token) = (JoinSet::new(), saying(&json!({})));
    for _ in 0..12 {
        let (client, token) = (client.clone(), token.clone());
        callers.spawn(async move { assume(&client, asked("r", &token)).await.0.map(drop) });
    }
    for _ in 0..4 {
        let answer = callers.join_next().await.unwrap().unwrap();
        assert_eq!(refusal(answer), SILENT, "eight wait, and no more");
    }
    drop(slow);
    assert!(callers.join_all().await.iter().all(Result::is_ok));
    assert_eq!(documents.reads(), 2, "one has read for all");
}

async fn another_issuers_configuration_does_not_count(database: &TestDatabase) {
    let documents = Documents::of(&[Key::rsa().published("k")]);
    let client = account(database, &documents).await;
    let configuration = format!("{ISSUER}/.well-known/openid-configuration");
    documents.put("http://127.0.0.1:8200/keys", &json!({"keys": [Key::rsa().published("k")]}));
    for (second, document) in [
        json!({"issuer": "https://evil.example.com", "jwks_uri": format!("{ISSUER}/keys")}),
        json!({"issuer": ISSUER}),
        json!({"issuer": ISSUER, "jwks_uri": configuration}),
        // These are the keys, and nobody from outside sends the server to itself for them.
        json!({"issuer": ISSUER, "jwks_uri": "http://127.0.0.1:8200/keys"}),
    ]
    .into_iter()
    .enumerate()
    {
        documents.put(&configuration, &document);
        client.server.clock.set(NOW + 5_000 * i64::try_from(second).unwrap());
        assert_eq!(refused(&client, &saying(&json!({}))).await, SILENT, "{document}");
    }
}

async fn without_a_way_out_nobody_is_believed(database: &TestDatabase) {
    // The account of a server that knows the provider, and of one that asks nobody.
    let client = usual(database).await;
    let deaf = client.on(&crate::fixture::iam::serve(&crate::fixture::open(database).await));
    assert_eq!(refused(&deaf, &saying(&json!({}))).await, SILENT);
}
