//! Reading EC2's form, and what EC2 says of a form that it cannot take.

use strongroom_protocols::envelope::Refusal;
use strongroom_protocols::query::Form;
use strongroom_protocols::{Limits, ec2};
use strongroom_schema::{Bound, Constraints, Kind, Member, MemberTraits, Schema};

use crate::dynamic::{Dyn, DynList, DynStructure, text, texts};

const fn plain(name: &'static str, kind: Kind) -> Schema {
    Schema { name, kind, constraints: Constraints::NONE, sensitive: false, xml_namespace: None }
}

const fn member(name: &'static str, schema: &'static Schema) -> Member {
    Member { name, schema, required: false, traits: MemberTraits::NONE }
}

const fn called(name: &'static str, wire: &'static str, schema: &'static Schema) -> Member {
    let traits = MemberTraits { wire_name: Some(wire), ..MemberTraits::NONE };
    Member { traits, ..member(name, schema) }
}

static TEXT: Schema = plain("String", Kind::String);
static NUMBER: Schema = plain("Integer", Kind::Integer);
static FLAG: Schema = plain("Boolean", Kind::Boolean);
static MOMENT: Schema = plain("DateTime", Kind::Timestamp(None));
static TENANCY: Schema = plain("Tenancy", Kind::Enum(&["default", "dedicated"]));
static MOST: Schema = Schema {
    constraints: Constraints { min: Some(Bound::Int(5)), max: Some(Bound::Int(1000)), ..Constraints::NONE },
    ..plain("MaxResults", Kind::Integer)
};
static VALUES: Schema = plain("ValueStringList", Kind::List(called("member", "item", &TEXT)));
static FILTER: Schema =
    plain("Filter", Kind::Structure(&[member("Name", &TEXT), called("Values", "Value", &VALUES)]));
static FILTERS: Schema = plain("FilterList", Kind::List(called("member", "Filter", &FILTER)));
static RULE: Schema = plain(
    "Rule",
    Kind::Structure(&[
        Member { required: true, ..member("RuleId", &TEXT) },
        called("FromPort", "fromPort", &NUMBER),
        called("Tenancy", "tenancy", &TENANCY),
    ]),
);
static RULES: Schema = plain("RuleList", Kind::List(called("member", "item", &RULE)));
static MAP: Schema = plain("Map", Kind::Map(member("key", &TEXT), member("value", &TEXT)));

static INPUT: Schema = plain(
    "DescribeRequest",
    Kind::Structure(&[
        Member { required: true, ..called("VpcId", "vpcId", &TEXT) },
        called("Filters", "filter", &FILTERS),
        called("Groups", "SecurityGroupId", &VALUES),
        called("DryRun", "dryRun", &FLAG),
        member("MaxResults", &MOST),
        called("InstanceTenancy", "instanceTenancy", &TENANCY),
        Member {
            traits: MemberTraits {
                wire_name: Some("rules"),
                query_name: Some("theRule"),
                ..MemberTraits::NONE
            },
            ..member("Rules", &RULES)
        },
        member("Since", &MOMENT),
        member("Map", &MAP),
    ]),
);

fn read(body: &str) -> Result<DynStructure, Refusal> {
    let mut input = DynStructure::new(&INPUT);
    let form =
        Form::parse(b"Action=Describe&Version=2016-11-15&X-Amz-Date=x", body.as_bytes(), &Limits::default());
    ec2::read(&form.unwrap(), &mut input).map(|()| input)
}

fn refused(body: &str) -> (String, String) {
    let refusal = read(body).expect_err(body);
    let view = refusal.view();
    assert_eq!(view.query.map(|query| (query.code, query.http_status)), Some((view.code, 400)), "{body}");
    (view.code.to_owned(), view.message.unwrap_or_default().to_owned())
}

#[test]
fn names_have_a_capital_and_lists_are_flattened() {
    let filter = DynStructure::new(&FILTER).with("Name", text("vpc-id")).with("Values", texts(&["a", "b"]));
    let rule = DynStructure::new(&RULE).with("RuleId", text("r")).with("FromPort", Dyn::Integer(-1));
    let expected = DynStructure::new(&INPUT)
        .with("VpcId", text("vpc-1"))
        .with("Filters", Dyn::List(DynList(vec![Dyn::Structure(filter)])))
        .with("Groups", texts(&["sg-1", "sg-2"]))
        .with("DryRun", Dyn::Boolean(true))
        .with("MaxResults", Dyn::Integer(5))
        .with("Rules", Dyn::List(DynList(vec![Dyn::Structure(rule)])));
    let body = "VpcId=vpc-1&Filter.1.Name=vpc-id&Filter.1.Value.2=b&Filter.1.Value.1=a&SecurityGroupId.1=sg-1&\
                SecurityGroupId.10=sg-2&DryRun=true&MaxResults=5&theRule.1.RuleId=r&theRule.1.FromPort=-1&\
                AWSAccessKeyId=AKID&SignatureVersion=2&Timestamp=now";
    assert_eq!(read(body).unwrap(), expected);
}

#[test]
fn parameters_that_nothing_takes_are_refused() {
    for (body, name) in [
        ("VpcId=a&Colour=red", "Colour"),
        ("VpcId=a&vpcId=b", "vpcId"),
        ("VpcId=a&Filters.1.Name=b", "Filters.1.Name"),
        ("VpcId=a&Filter.1.Names=b", "Filter.1.Names"),
        ("VpcId=a&Filter.member.1.Name=b", "Filter.member.1.Name"),
        ("VpcId=a&Filter.1.Name=b&Filter.x.Name=c", "Filter.x.Name"),
        ("VpcId=a&Filter.1.Version=b", "Filter.1.Version"),
        ("Colour=red", "Colour"),
    ] {
        let expected = ("UnknownParameter".to_owned(), format!("The parameter {name} is not recognized"));
        assert_eq!(refused(body), expected, "{body}");
    }
}

#[test]
fn a_parameter_that_is_missing_is_named() {
    for (body, name) in [
        ("", "VpcId"),
        ("DryRun=true", "VpcId"),
        ("VpcId=a&theRule.1.FromPort=1", "theRule.1.RuleId"),
        ("VpcId=a&theRule.1.RuleId=r&theRule.2.FromPort=1", "theRule.2.RuleId"),
    ] {
        let expected =
            ("MissingParameter".to_owned(), format!("The request must contain the parameter {name}"));
        assert_eq!(refused(body), expected, "{body}");
    }
}

#[test]
fn values_that_a_parameter_cannot_have_are_repeated() {
    for (body, message) in [
        (
            "MaxResults=4",
            "Value ( 4 ) for parameter maxResults is invalid. Expecting a value greater than 5.",
        ),
        (
            "MaxResults=1001",
            "Value ( 1001 ) for parameter maxResults is invalid. Expecting a value less than or equal to 1000.",
        ),
        ("InstanceTenancy=host", "Value (host) for parameter instanceTenancy is invalid."),
        ("theRule.1.RuleId=r&theRule.1.Tenancy=x", "Value (x) for parameter theRule.1.tenancy is invalid."),
        (
            "MaxResults=many",
            "Value (many) for parameter maxResults is invalid. STRING_VALUE can not be converted to an Integer",
        ),
        (
            "DryRun=yes",
            "Value (yes) for parameter dryRun is invalid. STRING_VALUE can not be converted to a Boolean",
        ),
        (
            "Since=today",
            "Value (today) for parameter since is invalid. STRING_VALUE can not be converted to milliseconds since \
             epoch",
        ),
        ("Filter=a", "Value (a) for parameter filter is invalid. Expected list or null"),
        ("Filter.1=a", "Value (a) for parameter filter.1 is invalid. Expected null"),
        (
            "DryRun.1=a",
            "Value () for parameter dryRun.1 is invalid. Start of structure or map found where not expected.",
        ),
    ] {
        let expected = ("InvalidParameterValue".to_owned(), message.to_owned());
        assert_eq!(refused(&format!("VpcId=a&{body}")), expected, "{body}");
    }
}

#[test]
fn what_is_repeated_is_cut() {
    let long = "x".repeat(100_000);
    for body in [
        format!("VpcId=a&DryRun={long}"),
        format!("VpcId=a&{long}=1"),
        format!("VpcId=a&InstanceTenancy={long}"),
    ] {
        assert!(refused(&body).1.len() < 400);
    }
}

#[test]
fn width_is_bounded() {
    let mut input = DynStructure::new(&INPUT);
    let limits = Limits { depth: 4, items: 4 };
    let form =
        Form::parse(b"", b"VpcId=a&SecurityGroupId.1=b&SecurityGroupId.2=c&DryRun=true", &limits).unwrap();
    assert!(ec2::read(&form, &mut input).is_ok());
    assert!(Form::parse(b"", b"a=1&b=2&c=3&d=4&e=5", &limits).is_err());
    assert!(Form::parse(b"", b"Filter.1.Value.1.x=1", &limits).is_err());
}
