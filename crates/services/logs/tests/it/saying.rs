//! What events say to CloudWatch, and what is delivered once.

use strongroom_api_logs::{
    CloudWatchLogs as _, DeleteMetricFilterRequest, MetricTransformation, PutMetricFilterRequest,
};
use strongroom_logs::{Admitted, Arrival, Arrivals, Emitted, Logs};
use strongroom_store::{Engine, Statement, StoreError};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{ACCOUNT, DAY, KEY, Lab, MINUTE, REGION, refused};

on_both_engines! {
    what_fits_is_said_by_the_minute,
    what_was_not_taken_comes_again,
    what_one_call_says_is_bounded,
    filters_go_and_say_no_more,
    a_filter_that_comes_anew_says_its_own_default,
    what_a_deleted_filter_still_says_is_not_that_of_the_next,
    streams_that_are_written_together_say_one_default,
    what_fits_is_remembered_of_a_filter_that_did_not_come_to_the_end,
    metrics_of_the_services_are_not_for_filters,
    a_default_counts_once_for_a_minute_in_which_nothing_has_fitted,
    what_is_delivered_under_a_name_is_there_once,
    what_a_service_logs_needs_no_key_of_others,
}

const PLACE: (&str, &str) = ("g", "s");

const MINUTES: Statement = Statement::new("SELECT COUNT(*) AS found FROM logs_filter_minutes");

async fn lab(database: &TestDatabase) -> Lab {
    let lab = Lab::new(database).await;
    lab.root().create("g").await.unwrap();
    lab.root().stream("g", "s").await.unwrap();
    lab
}

async fn put_filter(lab: &Lab, name: &str, pattern: &str, default_value: Option<f64>) {
    let transformation = MetricTransformation {
        metric_name: name.to_owned(),
        metric_namespace: "Shop".to_owned(),
        metric_value: "2".to_owned(),
        default_value,
        ..Default::default()
    };
    let input = PutMetricFilterRequest {
        log_group_name: "g".to_owned(),
        filter_name: name.to_owned(),
        filter_pattern: pattern.to_owned(),
        metric_transformations: vec![transformation],
        ..Default::default()
    };
    lab.logs.put_metric_filter(&lab.root().changing(), input).await.unwrap();
}

async fn metrics_of_the_services_are_not_for_filters(database: &TestDatabase) {
    let lab = lab(database).await;
    for namespace in ["AWS/KMS", "AWS/Logs", "AWS/"] {
        let transformation = MetricTransformation {
            metric_name: "KeyUsageCount".to_owned(),
            metric_namespace: namespace.to_owned(),
            metric_value: "1".to_owned(),
            ..Default::default()
        };
        let input = PutMetricFilterRequest {
            log_group_name: "g".to_owned(),
            filter_name: "forged".to_owned(),
            filter_pattern: String::new(),
            metric_transformations: vec![transformation],
            ..Default::default()
        };
        let (code, text) = refused(lab.logs.put_metric_filter(&lab.root().changing(), input).await);
        assert_eq!(code, "InvalidParameterException", "{namespace}");
        assert!(text.contains(namespace), "{text}");
    }
}

/// Takes all that was said, as each engine has it.
async fn take(lab: &Lab) -> Vec<Emitted> {
    take_by_turns(lab).await.concat()
}

/// As [`take`], what comes at once together.
async fn take_by_turns(lab: &Lab) -> Vec<Vec<Emitted>> {
    let mut all = Vec::new();
    match lab.logs.events_db().engine() {
        Engine::Sqlite => {
            while let Some(emissions) = lab.logs.emissions().await.unwrap() {
                lab.logs.taken(&emissions).await.unwrap();
                all.push(emissions.rows.into_iter().flat_map(|row| row.said).collect());
            }
        }
        Engine::Postgres => loop {
            let db = lab.logs.events_db();
            let taken = db.transaction(|tx| Box::pin(async move { Logs::take_emissions(tx).await }));
            let taken: Vec<_> = taken.await.unwrap();
            if taken.is_empty() {
                break;
            }
            all.push(taken);
        },
    }
    all
}

/// Samples, sum and minute of a metric.
fn of<'s>(said: &'s [Emitted], name: &'s str) -> Vec<(f64, f64, i64)> {
    let of_metric = said.iter().filter(|said| said.name == name);
    of_metric.map(|said| (said.samples, said.sum, said.at_ms / MINUTE)).collect()
}

async fn what_fits_is_said_by_the_minute(database: &TestDatabase) {
    let lab = lab(database).await;
    put_filter(&lab, "errors", "ERROR", Some(0.0)).await;
    let (minute, now) = (lab.now() / MINUTE, lab.now());
    let events =
        [(now - 2 * MINUTE, "fine"), (now - MINUTE, "ERROR"), (now, "ERROR"), (now, "fine"), (now, "ERROR")];
    lab.root().put(PLACE, &events).await.unwrap();
    let said = take(&lab).await;
    assert_eq!(of(&said, "errors"), [(1.0, 0.0, minute - 2), (1.0, 2.0, minute - 1), (2.0, 4.0, minute)]);
    assert_eq!(of(&said, "IncomingLogEvents"), [(1.0, 5.0, minute)]);
    let bytes = events.iter().map(|(_, text)| text.len()).sum::<usize>();
    assert_eq!(of(&said, "IncomingBytes"), [(1.0, bytes as f64, minute)]);
    let about: Vec<_> = said.iter().map(|said| (said.account.as_str(), said.region.as_str())).collect();
    assert!(about.iter().all(|about| *about == (ACCOUNT, REGION)));
    assert_eq!(take(&lab).await, []);
}

async fn a_default_counts_once_for_a_minute_in_which_nothing_has_fitted(database: &TestDatabase) {
    let lab = lab(database).await;
    put_filter(&lab, "errors", "ERROR", Some(0.5)).await;
    let said_after = async |text: &str| {
        lab.root().put(PLACE, &[(lab.now(), text)]).await.unwrap();
        of(&take(&lab).await, "errors")
    };
    let minute = lab.now() / MINUTE;
    assert_eq!(said_after("fine").await, [(1.0, 0.5, minute)]);
    assert_eq!(said_after("fine again").await, [], "it has counted for this minute");
    assert_eq!(said_after("ERROR").await, [(1.0, 2.0, minute)]);
    lab.wait(MINUTE);
    assert_eq!(said_after("ERROR").await, [(1.0, 2.0, minute + 1)]);
    assert_eq!(said_after("fine").await, [], "another has fitted in this minute");
    // Many minutes at once, of some of which it has said something.
    let texts: Vec<_> = (0..20).map(|before| (lab.now() - (19 - before) * MINUTE, "fine")).collect();
    lab.root().put(PLACE, &texts).await.unwrap();
    let said = of(&take(&lab).await, "errors");
    let expected: Vec<_> = (0..18).map(|before| (1.0, 0.5, minute + 1 - 19 + before)).collect();
    assert_eq!(said, expected);
    // What is remembered of minutes goes.
    let count = async || lab.db.query_one(MINUTES, &[]).await.unwrap().i64("found").unwrap();
    assert_eq!(count().await, 20);
    lab.pass(3 * DAY).await;
    assert_eq!(count().await, 0);
}

async fn what_was_not_taken_comes_again(database: &TestDatabase) {
    let lab = lab(database).await;
    if lab.logs.events_db().engine() == Engine::Sqlite {
        lab.root().put(PLACE, &[(lab.now(), "one")]).await.unwrap();
        let first = lab.logs.emissions().await.unwrap().unwrap();
        assert_eq!(lab.logs.emissions().await.unwrap().unwrap(), first);
        lab.logs.taken(&first).await.unwrap();
        lab.root().put(PLACE, &[(lab.now(), "two")]).await.unwrap();
        let second = lab.logs.emissions().await.unwrap().unwrap();
        assert_eq!(second.source, first.source);
        assert!(
            second.rows[0].number > first.rows[0].number,
            "whoever has the first knows that the second is another"
        );
        lab.root().put(PLACE, &[(lab.now(), "three")]).await.unwrap();
        let again = lab.logs.emissions().await.unwrap().unwrap();
        assert_eq!(again.rows[0], second.rows[0], "what comes again has the number that it had");
        assert_eq!(again.rows.len(), 2);
    } else {
        lab.root().put(PLACE, &[(lab.now(), "one")]).await.unwrap();
        let lost = lab.logs.events_db().transaction(|tx| {
            Box::pin(async move {
                assert_eq!(Logs::take_emissions(tx).await?.len(), 2);
                Err::<(), _>(StoreError::Conflict)
            })
        });
        lost.await.unwrap_err();
        assert_eq!(take(&lab).await.len(), 2);
    }
}

/// Four filters with long names, and events of 35 minutes with a hundred values each: more than ten megabytes.
async fn what_one_call_says_is_bounded(database: &TestDatabase) {
    let lab = lab(database).await;
    for number in 0..4 {
        let dimensions = [("Id".to_owned(), "$.id".to_owned())].into_iter().collect();
        let transformation = MetricTransformation {
            metric_name: format!("{number}{}", "m".repeat(250)),
            metric_namespace: "n".repeat(250),
            metric_value: "1".to_owned(),
            dimensions: Some(dimensions),
            ..Default::default()
        };
        let input = PutMetricFilterRequest {
            log_group_name: "g".to_owned(),
            filter_name: number.to_string(),
            filter_pattern: "{ $.id = * }".to_owned(),
            metric_transformations: vec![transformation],
            ..Default::default()
        };
        lab.logs.put_metric_filter(&lab.root().changing(), input).await.unwrap();
    }
    let message = |at: i64| format!("{{\"id\":{}}}", at % 100);
    let messages: Vec<_> = (0..3_500).map(|at| (lab.now() - at / 100 * MINUTE, message(at))).collect();
    let events: Vec<_> = messages.iter().rev().map(|(at_ms, text)| (*at_ms, text.as_str())).collect();
    lab.root().put(PLACE, &events).await.unwrap();
    let turns = take_by_turns(&lab).await;
    let length =
        |said: &Vec<Emitted>| said.iter().map(|one| 200 + one.name.len() + one.namespace.len()).sum();
    let lengths: Vec<usize> = turns.iter().map(length).collect();
    assert!(lengths.iter().sum::<usize>() <= 4 << 20);
    assert!(lengths.iter().all(|length| *length < 300 << 10), "{lengths:?}");
    let all = turns.concat();
    assert!(all.len() > 5_000, "{}", all.len());
    assert_eq!(of(&all, "IncomingLogEvents"), [(1.0, 3_500.0, lab.now() / MINUTE)]);
}

async fn filters_go_and_say_no_more(database: &TestDatabase) {
    let lab = lab(database).await;
    lab.root().put(PLACE, &[(lab.now(), "ERROR")]).await.unwrap();
    put_filter(&lab, "errors", "ERROR", None).await;
    lab.root().put(PLACE, &[(lab.now(), "ERROR")]).await.unwrap();
    let (log_group_name, filter_name) = ("g".to_owned(), "errors".to_owned());
    let input = DeleteMetricFilterRequest { log_group_name, filter_name };
    lab.logs.delete_metric_filter(&lab.root().changing(), input.clone()).await.unwrap();
    lab.root().put(PLACE, &[(lab.now(), "ERROR")]).await.unwrap();
    assert_eq!(of(&take(&lab).await, "errors").len(), 1);
    let gone = refused(lab.logs.delete_metric_filter(&lab.root().changing(), input).await);
    assert_eq!(gone.0, "ResourceNotFoundException");
}

async fn a_filter_that_comes_anew_says_its_own_default(database: &TestDatabase) {
    let lab = lab(database).await;
    let minutes: Vec<_> = (0..1_100).map(|before| (lab.now() - (1_099 - before) * MINUTE, "fine")).collect();
    for (default, of_others) in [(0.5, minutes.len()), (0.25, 0)] {
        put_filter(&lab, "errors", "ERROR", Some(default)).await;
        put_filter(&lab, "others", "ERROR", Some(default)).await;
        lab.root().put(PLACE, &minutes).await.unwrap();
        let said = take(&lab).await;
        let sums: Vec<_> = of(&said, "errors").iter().map(|(_, sum, _)| *sum).collect();
        assert_eq!(sums, vec![default; minutes.len()]);
        assert_eq!(of(&said, "others").len(), of_others, "this one has stayed");
        let (log_group_name, filter_name) = ("g".to_owned(), "errors".to_owned());
        let input = DeleteMetricFilterRequest { log_group_name, filter_name };
        lab.logs.delete_metric_filter(&lab.root().changing(), input).await.unwrap();
        let left = lab.logs.events_db().query_one(MINUTES, &[]).await.unwrap().i64("found").unwrap();
        assert_eq!(left, 1_100);
    }
    // The sweep takes several transactions for them.
    lab.pass(3 * DAY).await;
    let left = lab.logs.events_db().query_one(MINUTES, &[]).await.unwrap().i64("found").unwrap();
    assert_eq!(left, 0);
}

/// Events that a filter has looked at are written when it is gone, and another has its name.
async fn what_a_deleted_filter_still_says_is_not_that_of_the_next(database: &TestDatabase) {
    let lab = lab(database).await;
    put_filter(&lab, "errors", "ERROR", Some(0.5)).await;
    // A change leaves it the same filter.
    lab.root().put(PLACE, &[(lab.now() - MINUTE, "fine")]).await.unwrap();
    put_filter(&lab, "errors", "ERROR", Some(0.75)).await;
    let events = [(lab.now() - MINUTE, "fine"), (lab.now(), "fine")];
    let arrivals = Arrivals {
        account: ACCOUNT.parse().unwrap(),
        region: REGION,
        group: "g".to_owned(),
        stream: "s".to_owned(),
        events: events.map(|(at_ms, message)| Arrival { at_ms, message: message.to_owned() }).into(),
        made_by: None,
    };
    let admitted = &lab.logs.admit(arrivals).await.unwrap();
    let (log_group_name, filter_name) = ("g".to_owned(), "errors".to_owned());
    let input = DeleteMetricFilterRequest { log_group_name, filter_name };
    lab.logs.delete_metric_filter(&lab.root().changing(), input).await.unwrap();
    put_filter(&lab, "errors", "ERROR", Some(0.25)).await;
    let db = lab.logs.events_db();
    db.transaction(|tx| Box::pin(async move { admitted.write(tx).await })).await.unwrap();
    lab.root().put(PLACE, &events).await.unwrap();
    let said = take(&lab).await;
    let mut said = of(&said, "errors");
    said.sort_by(|one, other| one.partial_cmp(other).unwrap());
    let minute = lab.now() / MINUTE;
    let expected = [
        (1.0, 0.25, minute - 1),
        (1.0, 0.25, minute),
        (1.0, 0.5, minute - 1),
        // Written once its minutes were forgotten.
        (1.0, 0.75, minute - 1),
        (1.0, 0.75, minute),
    ];
    assert_eq!(said, expected);
}

async fn what_fits_is_remembered_of_a_filter_that_did_not_come_to_the_end(database: &TestDatabase) {
    let lab = lab(database).await;
    let terms: Vec<_> = (0..60).map(|number| format!("?term{number}")).collect();
    put_filter(&lab, "errors", &format!("?ERROR {}", terms.join(" ")), Some(0.5)).await;
    let (minute, before, now) = (lab.now() / MINUTE, lab.now() - MINUTE, lab.now());
    let long = "t".repeat(250_000);
    let events = [(before, "ERROR"), (now, &long), (now, &long), (now, &long), (now, &long)];
    lab.root().put(PLACE, &events).await.unwrap();
    assert_eq!(
        of(&take(&lab).await, "errors"),
        [(1.0, 2.0, minute - 1)],
        "of the last minute nothing is known"
    );
    lab.root().put(PLACE, &[(before, "fine"), (now, "fine")]).await.unwrap();
    assert_eq!(of(&take(&lab).await, "errors"), [(1.0, 0.5, minute)]);
}

async fn streams_that_are_written_together_say_one_default(database: &TestDatabase) {
    let lab = lab(database).await;
    lab.root().stream("g", "t").await.unwrap();
    put_filter(&lab, "errors", "ERROR", Some(0.5)).await;
    let minute = lab.now() / MINUTE;
    let (before, now) = (lab.now() - MINUTE, lab.now());
    let mut all = Vec::new();
    for (stream, message) in [("s", "fine"), ("t", "ERROR")] {
        let event = |at_ms: i64, message: &str| Arrival { at_ms, message: message.to_owned() };
        let arrivals = Arrivals {
            account: ACCOUNT.parse().unwrap(),
            region: REGION,
            group: "g".to_owned(),
            stream: stream.to_owned(),
            events: vec![event(before, "fine"), event(now, message)],
            made_by: None,
        };
        all.push(lab.logs.admit(arrivals).await.unwrap());
    }
    let (db, all) = (lab.logs.events_db(), &all);
    db.transaction(|tx| Box::pin(async move { Admitted::write_all(all, tx).await })).await.unwrap();
    let said = take(&lab).await;
    assert_eq!(of(&said, "errors"), [(1.0, 0.5, minute - 1), (1.0, 2.0, minute)]);
    assert_eq!(of(&said, "IncomingLogEvents"), [(1.0, 2.0, minute), (1.0, 2.0, minute)]);
    assert_eq!(lab.root().texts(("g", "t")).await.unwrap(), ["fine", "ERROR"]);
}

async fn what_is_delivered_under_a_name_is_there_once(database: &TestDatabase) {
    let lab = lab(database).await;
    let deliver = async |lab: &Lab, name: &str, stream: &str, message: &str| {
        let events = vec![Arrival { at_ms: lab.now(), message: message.to_owned() }];
        lab.logs.deliver(&lab.root().context(), ("g", stream), name, events).await
    };
    for name in ["a/0", "a/1", "a/0"] {
        deliver(&lab, name, "s", name).await.unwrap();
    }
    assert_eq!(lab.root().texts(PLACE).await.unwrap(), ["a/0", "a/1"]);
    assert_eq!(of(&take(&lab).await, "IncomingLogEvents").len(), 2);
    // For as long as a trail tries to deliver a file.
    lab.wait(30 * DAY);
    deliver(&lab, "a/0", "s", "a/0").await.unwrap();
    assert_eq!(lab.root().texts(PLACE).await.unwrap(), ["a/0", "a/1"]);
    let missing = refused(deliver(&lab, "a/2", "other", "x").await);
    assert_eq!(missing.0, "ResourceNotFoundException");
    let reader = lab.root().as_user(r#"{"Effect":"Allow","Action":"logs:Get*","Resource":"*"}"#);
    let denied = lab.logs.deliver(&reader.context(), PLACE, "a/3", Vec::new()).await.unwrap_err();
    assert!(denied.is_access_denied());
    assert!(lab.logs.expect_delivered(&reader.context(), PLACE).await.unwrap_err().is_access_denied());
    lab.logs.expect_delivered(&lab.root().context(), PLACE).await.unwrap();
}

async fn what_a_service_logs_needs_no_key_of_others(database: &TestDatabase) {
    let lab = lab(database).await;
    lab.root().associate("g", KEY).await.unwrap();
    lab.kms.refuse(Some("DisabledException"));
    for message in ["one", "two"] {
        let arrivals = Arrivals {
            account: ACCOUNT.parse().unwrap(),
            region: REGION,
            group: "g".to_owned(),
            stream: "s".to_owned(),
            events: vec![Arrival { at_ms: lab.now(), message: message.to_owned() }],
            made_by: Some("cloudhsm.amazonaws.com"),
        };
        // A key that was opened serves for five minutes.
        lab.wait(6 * MINUTE);
        let admitted = &lab.logs.admit(arrivals).await.unwrap();
        let db = lab.logs.events_db();
        db.transaction(|tx| Box::pin(async move { admitted.write(tx).await })).await.unwrap();
    }
    assert_eq!(lab.root().texts(PLACE).await.unwrap(), ["one", "two"]);
    lab.root().put(PLACE, &[(lab.now(), "three")]).await.unwrap_err();
}
