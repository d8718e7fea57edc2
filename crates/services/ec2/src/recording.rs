//! What records of EC2 show of requests, where that is not what requests say.
//!
//! CloudTrail shows lists under the names of EC2's older protocol, and many of them where none was given. The forms here are
//! those of records of real calls that Invictus Incident Response (aws_dataset) and Stratus Red Team (docs/detonation-logs)
//! publish; ModifySecurityGroupRules' is that of AWS's samples of queries (cloud-trail-lake-query-samples). Requests whose
//! records nobody shows stay as they are.

use serde_json::{Map, Value, json};

/// The code in records of calls that their callers had no right to.
const UNAUTHORIZED: &str = "Client.UnauthorizedOperation";

/// A list of a request.
struct List {
    /// Its name in requests.
    asked: &'static str,
    /// Its name in records.
    shown: &'static str,
    each: Each,
    /// Whether records have it, as `{}`, where requests do not.
    always: bool,
}

/// How one of its items is shown.
enum Each {
    /// A text, by itself in a structure, under that name.
    Named(&'static str),
    /// As it is.
    Whole,
    Filter,
    TagSpecification,
    Permission,
}

const fn always(asked: &'static str, shown: &'static str, each: Each) -> List {
    List { asked, shown, each, always: true }
}

const fn given(asked: &'static str, shown: &'static str, each: Each) -> List {
    List { asked, shown, each, always: false }
}

/// Of texts that have the same name in both.
const fn ids(name: &'static str, shown: &'static str) -> List {
    always(name, shown, Each::Named(name))
}

const FILTERS: List = always("filter", "filterSet", Each::Filter);
const FILTERS_IF_ANY: List = given("filter", "filterSet", Each::Filter);
const PERMISSIONS: List = always("ipPermissions", "ipPermissions", Each::Permission);
const RULES: List = given("securityGroupRuleId", "securityGroupRuleIds", Each::Named("securityGroupRuleId"));
const RESOURCES: List = ids("resourceId", "resourcesSet");
const TAGS: List = always("tag", "tagSet", Each::Whole);
const TAGS_IF_ANY: List = given("tag", "tagSet", Each::Whole);
const TAG_SPECIFICATIONS: List = given("tagSpecification", "tagSpecificationSet", Each::TagSpecification);

/// The lists of requests, in the order of records.
const LISTS: &[(&str, &[List])] = &[
    ("AuthorizeSecurityGroupEgress", &[PERMISSIONS, TAG_SPECIFICATIONS]),
    ("AuthorizeSecurityGroupIngress", &[PERMISSIONS, TAG_SPECIFICATIONS]),
    (
        "CreateNetworkInterface",
        &[
            always("securityGroupId", "groupSet", Each::Named("groupId")),
            always("privateIpAddresses", "privateIpAddressesSet", Each::Whole),
            TAG_SPECIFICATIONS,
        ],
    ),
    ("CreateSecurityGroup", &[TAG_SPECIFICATIONS]),
    ("CreateSubnet", &[TAG_SPECIFICATIONS]),
    ("CreateTags", &[RESOURCES, TAGS]),
    ("CreateVpc", &[TAG_SPECIFICATIONS]),
    ("DeleteTags", &[RESOURCES, TAGS_IF_ANY]),
    // The older protocol has filters of these attributes; today's requests have none.
    ("DescribeAccountAttributes", &[ids("attributeName", "accountAttributeNameSet"), FILTERS]),
    (
        "DescribeAvailabilityZones",
        &[ids("zoneName", "availabilityZoneSet"), ids("zoneId", "availabilityZoneIdSet"), FILTERS_IF_ANY],
    ),
    ("DescribeInternetGateways", &[ids("internetGatewayId", "internetGatewayIdSet"), FILTERS]),
    ("DescribeNetworkAcls", &[ids("networkAclId", "networkAclIdSet"), FILTERS]),
    ("DescribeNetworkInterfaces", &[ids("networkInterfaceId", "networkInterfaceIdSet"), FILTERS]),
    ("DescribeRegions", &[ids("regionName", "regionSet"), FILTERS_IF_ANY]),
    ("DescribeRouteTables", &[ids("routeTableId", "routeTableIdSet"), FILTERS]),
    (
        "DescribeSecurityGroups",
        &[ids("groupName", "securityGroupSet"), ids("groupId", "securityGroupIdSet"), FILTERS],
    ),
    ("DescribeSubnets", &[ids("subnetId", "subnetSet"), FILTERS]),
    ("DescribeTags", &[FILTERS_IF_ANY]),
    ("DescribeVpcs", &[ids("vpcId", "vpcSet"), FILTERS]),
    ("ModifyNetworkInterfaceAttribute", &[given("securityGroupId", "groupSet", Each::Named("groupId"))]),
    ("RevokeSecurityGroupEgress", &[PERMISSIONS, RULES]),
    ("RevokeSecurityGroupIngress", &[PERMISSIONS, RULES]),
];

/// The parameters of a call as AWS's records show them. `error` is the code in the record of a call that was refused.
#[must_use]
pub fn recorded_parameters(
    operation: &str,
    parameters: Option<String>,
    error: Option<&str>,
) -> Option<String> {
    // A request that was not understood is not shown as one that asked for everything.
    let is_understood = matches!(error, None | Some(UNAUTHORIZED));
    let text = parameters.or_else(|| is_understood.then(|| "{}".to_owned()))?;
    let Ok(mut members) = serde_json::from_str::<Map<String, Value>>(&text) else { return Some(text) };
    match operation {
        "CreateVpc" => {
            members.entry("instanceTenancy").or_insert_with(|| json!("default"));
            members.entry("amazonProvidedIpv6CidrBlock").or_insert_with(|| json!(false));
        }
        "ModifySecurityGroupRules" if !members.is_empty() => {
            let request = json!({ "ModifySecurityGroupRulesRequest": as_sent(Value::Object(members)) });
            return Some(request.to_string());
        }
        _ => {}
    }
    let lists = LISTS.iter().find(|(name, _)| *name == operation).map_or(&[][..], |(_, lists)| lists);
    for list in lists {
        let items = match members.shift_remove(list.asked) {
            Some(value) => items_of(value),
            None if list.always => Vec::new(),
            None => continue,
        };
        let items = items.into_iter().map(|item| shown(item, &list.each)).collect();
        members.insert(list.shown.to_owned(), list_of(items));
    }
    (!members.is_empty()).then(|| Value::Object(members).to_string())
}

fn shown(item: Value, each: &Each) -> Value {
    match (each, item) {
        (Each::Named(name), item) => json!({ *name: item }),
        (Each::Filter, Value::Object(mut filter)) => {
            if let Some(values) = filter.shift_remove("value") {
                let values = items_of(values).into_iter().map(|value| json!({ "value": value })).collect();
                filter.insert("valueSet".to_owned(), list_of(values));
            }
            Value::Object(filter)
        }
        (Each::TagSpecification, Value::Object(mut specification)) => {
            if let Some(tags) = specification.shift_remove("tag") {
                specification.insert("tags".to_owned(), Value::Array(items_of(tags)));
            }
            Value::Object(specification)
        }
        (Each::Permission, Value::Object(mut permission)) => {
            for from in ["groups", "ipRanges", "ipv6Ranges", "prefixListIds"] {
                let given = permission.shift_remove(from).unwrap_or_else(|| json!({}));
                permission.insert(from.to_owned(), given);
            }
            Value::Object(permission)
        }
        (_, item) => item,
    }
}

/// The items of a list as it is written: `{"items":[..]}`, or `{}` without any.
fn items_of(list: Value) -> Vec<Value> {
    let Value::Object(mut list) = list else { return Vec::new() };
    match list.remove("items") {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

fn list_of(items: Vec<Value>) -> Value {
    if items.is_empty() {
        return json!({});
    }
    Value::Object(Map::from_iter([("items".to_owned(), Value::Array(items))]))
}

/// A request of EC2's newer operations, which records show as it came: names begin with a capital letter, the items of a list
/// are numbered, and a single one stands for its list.
fn as_sent(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let sent = members.into_iter().map(|(name, value)| {
        let mut numbered: Vec<_> = (1..).zip(items_of(value.clone())).map(number).collect();
        let value = match numbered.len() {
            0 => as_sent(value),
            1 => numbered.remove(0),
            _ => Value::Array(numbered),
        };
        (capitalized(&name), value)
    });
    Value::Object(sent.collect())
}

fn number((position, item): (i32, Value)) -> Value {
    match as_sent(item) {
        Value::Object(mut members) => {
            members.insert("tag".to_owned(), json!(position));
            Value::Object(members)
        }
        text => json!({ "tag": position, "content": text }),
    }
}

fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use strongroom_api_ec2::SERVICE;
    use strongroom_schema::Kind;

    use super::*;

    #[test]
    fn every_list_is_of_a_request() {
        for (operation, lists) in LISTS {
            let schema = SERVICE.operations.iter().find(|known| known.name == *operation).unwrap();
            let Kind::Structure(members) = schema.input.kind else { panic!("{operation}") };
            let names: Vec<_> = members
                .iter()
                .map(|member| member.traits.wire_name.unwrap_or(member.name))
                .map(capitalized)
                .collect();
            for list in *lists {
                let without = *operation == "DescribeAccountAttributes" && list.asked == "filter";
                assert_ne!(names.contains(&capitalized(list.asked)), without, "{operation} {}", list.asked);
            }
        }
    }
}
