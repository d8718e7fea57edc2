//! GetLogEvents: pages forward and backward.

use strongroom_api_logs::GetLogEventsRequest;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, Lab, START, refused};

on_both_engines! {
    pages_go_forward_and_backward,
    the_end_answers_the_same_token,
    a_stretch_of_time_has_an_open_end,
    a_page_holds_a_megabyte,
}

const PLACE: (&str, &str) = ("g", "s");

async fn lab(database: &TestDatabase, events: usize) -> Lab {
    let lab = Lab::new(database).await;
    lab.root().create("g").await.unwrap();
    lab.root().stream("g", "s").await.unwrap();
    let texts: Vec<_> = (0..events).map(|number| number.to_string()).collect();
    // Two of each moment.
    let at = |number: usize| START + i64::try_from(number / 2).unwrap();
    let events: Vec<_> = texts.iter().enumerate().map(|(at_, text)| (at(at_), text.as_str())).collect();
    if !events.is_empty() {
        lab.root().put(PLACE, &events).await.unwrap();
    }
    lab
}

/// A page: texts, and the tokens forward and backward.
async fn page(client: &Client, asked: GetLogEventsRequest) -> (Vec<String>, String, String) {
    let page = client.get(PLACE, asked).await.unwrap();
    let texts = page.events.unwrap().into_iter().map(|event| event.message.unwrap()).collect();
    (texts, page.next_forward_token.unwrap(), page.next_backward_token.unwrap())
}

fn asked(limit: i32, next_token: Option<&str>) -> GetLogEventsRequest {
    let next_token = next_token.map(str::to_owned);
    GetLogEventsRequest { limit: Some(limit), next_token, ..Default::default() }
}

async fn pages_go_forward_and_backward(database: &TestDatabase) {
    let lab = lab(database, 7).await;
    let root = lab.root();
    // The newest come first, each page in the order of time.
    let (texts, forward, backward) = page(&root, asked(3, None)).await;
    assert_eq!(texts, ["4", "5", "6"]);
    let (texts, _, back) = page(&root, asked(3, Some(&backward))).await;
    assert_eq!(texts, ["1", "2", "3"]);
    let (texts, on, _) = page(&root, asked(3, Some(&back))).await;
    assert_eq!(texts, ["0"]);
    let (texts, ..) = page(&root, asked(3, Some(&on))).await;
    assert_eq!(texts, ["1", "2", "3"]);
    root.put(PLACE, &[(START + 100, "later")]).await.unwrap();
    let (texts, ..) = page(&root, asked(3, Some(&forward))).await;
    assert_eq!(texts, ["later"], "a token forward leads to what came after");
    let from_head = GetLogEventsRequest { start_from_head: Some(true), ..asked(4, None) };
    let (texts, on, _) = page(&root, from_head).await;
    assert_eq!(texts, ["0", "1", "2", "3"]);
    assert_eq!(page(&root, asked(2, Some(&on))).await.0, ["4", "5"]);
}

async fn the_end_answers_the_same_token(database: &TestDatabase) {
    let lab = lab(database, 2).await;
    let root = lab.root();
    let (_, forward, backward) = page(&root, asked(10, None)).await;
    let (texts, same, _) = page(&root, asked(10, Some(&forward))).await;
    assert_eq!((texts.len(), &same), (0, &forward));
    let (texts, _, same) = page(&root, asked(10, Some(&backward))).await;
    assert_eq!((texts.len(), &same), (0, &backward));
    root.stream("g", "empty").await.unwrap();
    let empty = root.get(("g", "empty"), GetLogEventsRequest::default()).await.unwrap();
    assert_eq!(empty.events.unwrap().len(), 0);
    let forward = empty.next_forward_token.unwrap();
    root.put(("g", "empty"), &[(START, "first")]).await.unwrap();
    let page = root.get(("g", "empty"), asked(10, Some(&forward))).await.unwrap();
    assert_eq!(page.events.unwrap().len(), 1);
    let (code, text) = refused(root.get(PLACE, asked(1, Some("f/1/s"))).await);
    assert_eq!(
        (code.as_str(), text.as_str()),
        ("InvalidParameterException", "The specified nextToken is invalid.")
    );
}

async fn a_stretch_of_time_has_an_open_end(database: &TestDatabase) {
    let lab = lab(database, 8).await;
    let root = lab.root();
    let stretch = |from_head| GetLogEventsRequest {
        start_time: Some(START + 1),
        end_time: Some(START + 3),
        start_from_head: Some(from_head),
        ..Default::default()
    };
    for from_head in [true, false] {
        let (texts, forward, backward) = page(&root, stretch(from_head)).await;
        assert_eq!(texts, ["2", "3", "4", "5"]);
        let next = |token: String| GetLogEventsRequest { next_token: Some(token), ..stretch(from_head) };
        assert_eq!(page(&root, next(forward)).await.0, [] as [&str; 0]);
        assert_eq!(page(&root, next(backward)).await.0, [] as [&str; 0]);
    }
}

async fn a_page_holds_a_megabyte(database: &TestDatabase) {
    let lab = lab(database, 0).await;
    let root = lab.root();
    let long = "x".repeat(400_000);
    for at in 0..5 {
        root.put(PLACE, &[(START + at, &format!("{at}{long}"))]).await.unwrap();
    }
    let mut token = None;
    let mut seen = String::new();
    loop {
        let from_head = GetLogEventsRequest {
            start_from_head: Some(true),
            next_token: token.clone(),
            ..Default::default()
        };
        let (texts, forward, _) = page(&root, from_head).await;
        assert!(texts.len() <= 2);
        if texts.is_empty() {
            break;
        }
        seen.extend(texts.iter().map(|text| text.chars().next().unwrap()));
        token = Some(forward);
    }
    assert_eq!(seen, "01234");
    let (texts, ..) = page(&root, GetLogEventsRequest::default()).await;
    assert_eq!(texts.iter().map(|text| &text[..1]).collect::<String>(), "34");
}
