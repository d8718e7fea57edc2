//! Pages of lists.

use strongroom_api_ec2::{self as ec2, Ec2 as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Client, client, in_subnet, refusal, tag};

on_both_engines! {
    every_page_goes_on_where_the_last_ended,
    what_no_page_is,
    tags_of_one_resource_span_pages,
}

async fn page(
    client: &Client,
    max_results: Option<i32>,
    next_token: Option<&str>,
) -> Result<(Vec<String>, Option<String>), String> {
    let input = ec2::DescribeNetworkInterfacesRequest {
        max_results,
        next_token: next_token.map(str::to_owned),
        ..Default::default()
    };
    let found = client.ec2.describe_network_interfaces(&client.context(), input).await;
    let found = found.map_err(|error| error.to_string())?;
    let ids = found.network_interfaces.unwrap().into_iter().map(|one| one.network_interface_id.unwrap());
    Ok((ids.collect(), found.next_token))
}

async fn every_page_goes_on_where_the_last_ended(database: &TestDatabase) {
    let client = client(database).await;
    let subnet = client.some_subnet().await;
    for _ in 0..12 {
        client.create_interface(in_subnet(&subnet)).await.unwrap();
    }
    let (all, end) = page(&client, None, None).await.unwrap();
    assert_eq!((all.len(), end), (12, None));
    for size in [5, 6, 11, 12, 13, 1000] {
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let (ids, next) = page(&client, Some(size), token.as_deref()).await.unwrap();
            assert!(ids.len() == size as usize || next.is_none());
            assert!(!ids.is_empty());
            seen.extend(ids);
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
    }
    // What goes away meanwhile is not missed by the next page.
    let (ids, token) = page(&client, Some(5), None).await.unwrap();
    client.delete_interface(&ids[4]).await.unwrap();
    let (next, _) = page(&client, Some(5), token.as_deref()).await.unwrap();
    assert_eq!(next, all[5..10]);
}

async fn what_no_page_is(database: &TestDatabase) {
    const NO_TOKEN: &str =
        "InvalidPaginationToken: The specified pagination token is not valid or is expired.";
    let client = client(database).await;
    let subnet = client.some_subnet().await;
    for _ in 0..6 {
        client.create_interface(in_subnet(&subnet)).await.unwrap();
    }
    for (size, expected) in [
        (
            4,
            "InvalidParameterValue: Value ( 4 ) for parameter maxResults is invalid. Expecting a value greater than 5.",
        ),
        (
            -1,
            "InvalidParameterValue: Value ( -1 ) for parameter maxResults is invalid. Expecting a value greater than 5.",
        ),
        (
            1001,
            "InvalidParameterValue: Value ( 1001 ) for parameter maxResults is invalid. Expecting a value less than or equal to 1000.",
        ),
    ] {
        assert_eq!(page(&client, Some(size), None).await.unwrap_err(), expected);
    }
    for token in ["x", "0105", "00", &"ab".repeat(5000)] {
        assert_eq!(page(&client, None, Some(token)).await.unwrap_err(), NO_TOKEN);
    }
    // A token is of one list.
    let token = page(&client, Some(5), None).await.unwrap().1;
    let input = ec2::DescribeVpcsRequest { next_token: token, ..Default::default() };
    assert_eq!(refusal(client.ec2.describe_vpcs(&client.context(), input).await), NO_TOKEN);
    let id = page(&client, None, None).await.unwrap().0.remove(0);
    let input = ec2::DescribeNetworkInterfacesRequest {
        network_interface_ids: Some(vec![id]),
        max_results: Some(5),
        ..Default::default()
    };
    assert_eq!(
        refusal(client.ec2.describe_network_interfaces(&client.context(), input).await),
        "InvalidParameterCombination: The parameter networkInterfaceId cannot be used with the parameter maxResults"
    );
    let input = ec2::DescribeVpcsRequest {
        vpc_ids: Some(vec![client.default_vpc().await.vpc_id.unwrap()]),
        max_results: Some(5),
        ..Default::default()
    };
    let found = client.ec2.describe_vpcs(&client.context(), input).await.unwrap();
    assert_eq!((found.vpcs.unwrap().len(), found.next_token), (1, None));
}

async fn tags_of_one_resource_span_pages(database: &TestDatabase) {
    let client = client(database).await;
    let id = client.create_group(None, "g").await.unwrap();
    let tags: Vec<_> = (0..12).map(|number| tag(&format!("k {number:02}"), "v")).collect();
    let input = ec2::CreateTagsRequest { resources: vec![id], tags, dry_run: None };
    client.ec2.create_tags(&client.changing(), input).await.unwrap();
    let (mut keys, mut next_token) = (Vec::new(), None);
    loop {
        let input = ec2::DescribeTagsRequest { max_results: Some(5), next_token, ..Default::default() };
        let found = client.ec2.describe_tags(&client.context(), input).await.unwrap();
        keys.extend(found.tags.unwrap().into_iter().map(|tag| tag.key.unwrap()));
        next_token = found.next_token;
        if next_token.is_none() {
            break;
        }
    }
    let expected: Vec<_> = (0..12).map(|number| format!("k {number:02}")).collect();
    assert_eq!(keys, expected);
}
