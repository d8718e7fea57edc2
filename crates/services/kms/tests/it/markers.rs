//! Markers of lists: each leads on in its own list, and nowhere else.

use strongroom_api_kms::IncludeKeyMaterial;
use strongroom_service::ApiError;
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, NOW, client};

const INVALID: &str = "InvalidMarkerException: Could not deserialize marker.";

on_both_engines! {
    markers_lead_nowhere_else,
    forged_markers_are_refused_or_stay_in_their_list,
    a_marker_holds_when_the_list_has_changed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Keys,
    Aliases,
    AliasesOfKey,
    Tags,
    Policies,
    Rotations,
    Materials,
}

const LISTS: [List; 7] = [
    List::Keys,
    List::Aliases,
    List::AliasesOfKey,
    List::Tags,
    List::Policies,
    List::Rotations,
    List::Materials,
];

impl List {
    /// One page of a single entry. Answers the next marker.
    async fn page(
        self,
        client: &Client,
        key: &str,
        marker: Option<&str>,
    ) -> Result<Option<String>, ApiError> {
        let one = Some(1);
        Ok(match self {
            Self::Keys => client.list_keys(one, marker).await?.next_marker,
            Self::Aliases => client.list_aliases(None, one, marker).await?.next_marker,
            Self::AliasesOfKey => client.list_aliases(Some(key), one, marker).await?.next_marker,
            Self::Tags => client.list_tags(key, one, marker).await?.next_marker,
            Self::Policies => client.list_policies(key, one, marker).await?.next_marker,
            Self::Rotations => client.list_rotations(key, None, one, marker).await?.next_marker,
            Self::Materials => {
                let all = Some(IncludeKeyMaterial::AllKeyMaterial);
                client.list_rotations(key, all, one, marker).await?.next_marker
            }
        })
    }

    /// Whether the other list takes this one's markers: the same list, or the same with less in it.
    fn takes_markers_of(self, other: Self) -> bool {
        use List::{Aliases, AliasesOfKey, Materials, Rotations};
        self == other
            || matches!(
                (self, other),
                (Aliases, AliasesOfKey) | (AliasesOfKey, Aliases) | (Materials, Rotations)
            )
    }
}

/// A key of which every list has several entries, but for the list of policies, which has one.
async fn listed(client: &Client) -> String {
    let key = client.create_key().await.key_id;
    client.create_key().await;
    for number in 0..3 {
        client.create_alias(&format!("alias/{number}"), &key).await.unwrap();
        client.tag(&key, &[(&format!("tag {number}"), "x")]).await.unwrap();
        client.at(NOW + 1 + number).rotate(&key).await.unwrap();
    }
    key
}

async fn markers_lead_nowhere_else(database: &TestDatabase) {
    let client = client(database).await;
    let key = listed(&client).await;
    for from in LISTS {
        let Some(marker) = from.page(&client, &key, None).await.unwrap() else {
            assert_eq!(from, List::Policies);
            continue;
        };
        for list in LISTS {
            let answer = list.page(&client, &key, Some(&marker)).await;
            if list.takes_markers_of(from) {
                assert!(answer.is_ok(), "{list:?} with a marker of {from:?}");
            } else if (list, from) != (List::Rotations, List::Materials) {
                let refused = answer.unwrap_err().to_string();
                assert_eq!(refused, INVALID, "{list:?} with a marker of {from:?}");
            }
        }
    }
    // A marker of one key's rotations says nothing about another's.
    let marker = List::Rotations.page(&client, &key, None).await.unwrap().unwrap();
    let other = listed_again(&client).await;
    let refused = List::Rotations.page(&client, &other, Some(&marker)).await.unwrap_err();
    assert_eq!(refused.to_string(), INVALID);
}

async fn listed_again(client: &Client) -> String {
    let key = client.create_key().await.key_id;
    for number in 0..2 {
        client.at(NOW + 1 + number).rotate(&key).await.unwrap();
    }
    key
}

async fn forged_markers_are_refused_or_stay_in_their_list(database: &TestDatabase) {
    let client = client(database).await;
    let key = listed(&client).await;
    let long = "a".repeat(1024);
    for list in LISTS {
        for marker in ["", "0", "00", "01", "0101", "garbage", "ÿ", "\0", &key, "alias/0", "tag 0", &long] {
            let refused = list.page(&client, &key, Some(marker)).await.unwrap_err();
            assert_eq!(refused.to_string(), INVALID, "{list:?} with {marker:?}");
        }
        let Some(genuine) = list.page(&client, &key, None).await.unwrap() else { continue };
        for marker in [&genuine[1..], &genuine[..genuine.len() - 1], &format!("{genuine}00")] {
            let refused = list.page(&client, &key, Some(marker)).await.unwrap_err();
            assert_eq!(refused.to_string(), INVALID, "{list:?} with {marker:?}");
        }
        // Another byte at every place. It never gets as far as the database with what the database does not
        // take.
        for at in (0..genuine.len()).step_by(2) {
            for byte in ["00", "0a", "2f", "7f", "c3", "ff"] {
                let mut forged = genuine.clone();
                forged.replace_range(at..at + 2, byte);
                let answer = list.page(&client, &key, Some(&forged)).await;
                assert!(
                    answer.is_ok() || answer.unwrap_err().to_string() == INVALID,
                    "{list:?} with {forged}"
                );
            }
        }
    }
}

async fn a_marker_holds_when_the_list_has_changed(database: &TestDatabase) {
    let client = client(database).await;
    let key = listed(&client).await;
    let of_aliases = List::AliasesOfKey.page(&client, &key, None).await.unwrap().unwrap();
    let of_tags = List::Tags.page(&client, &key, None).await.unwrap().unwrap();
    // The entry that the marker was made at is gone, one before it has come, and one behind it.
    client.delete_alias("alias/0").await.unwrap();
    client.create_alias("alias/-", &key).await.unwrap();
    client.create_alias("alias/00", &key).await.unwrap();
    let rest = client.list_aliases(Some(&key), None, Some(&of_aliases)).await.unwrap();
    let names: Vec<_> = rest.aliases.unwrap().into_iter().map(|alias| alias.alias_name.unwrap()).collect();
    assert_eq!(names, ["alias/00", "alias/1", "alias/2"]);

    client.untag(&key, &["tag 0"]).await.unwrap();
    client.tag(&key, &[("a", ""), ("tag 00", "")]).await.unwrap();
    let rest = client.list_tags(&key, None, Some(&of_tags)).await.unwrap();
    let names: Vec<_> = rest.tags.unwrap().into_iter().map(|tag| tag.tag_key).collect();
    assert_eq!(names, ["tag 00", "tag 1", "tag 2"]);
}
