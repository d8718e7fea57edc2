//! Selectors that are refused.

use strongroom_api_cloudtrail::{
    AdvancedEventSelector, AdvancedFieldSelector, CloudTrail as _, DataResource, EventSelector,
    GetEventSelectorsRequest, GetInsightSelectorsRequest, PutEventSelectorsRequest,
};
use strongroom_testkit::TestDatabase;
use tempfile::TempDir;

use crate::fixture::REGION;
use crate::world::World;

fn equals(field: &str, values: &[&str]) -> AdvancedFieldSelector {
    let equals = Some(values.iter().map(|value| (*value).to_owned()).collect());
    AdvancedFieldSelector { field: field.to_owned(), equals, ..Default::default() }
}

fn basic(selector: EventSelector) -> PutEventSelectorsRequest {
    let event_selectors = Some(vec![selector]);
    PutEventSelectorsRequest { trail_name: "Trail".to_owned(), event_selectors, ..Default::default() }
}

fn advanced(field_selectors: Vec<AdvancedFieldSelector>) -> PutEventSelectorsRequest {
    let advanced_event_selectors = Some(vec![AdvancedEventSelector { name: None, field_selectors }]);
    PutEventSelectorsRequest {
        trail_name: "Trail".to_owned(),
        advanced_event_selectors,
        ..Default::default()
    }
}

fn data(kind: &str, value: &str) -> EventSelector {
    let resources = DataResource { r#type: Some(kind.to_owned()), values: Some(vec![value.to_owned()]) };
    EventSelector { data_resources: Some(vec![resources]), ..Default::default() }
}

#[test]
fn selectors_that_mean_nothing_are_refused() {
    strongroom_testkit::run(async {
        let (database, folder) = (TestDatabase::sqlite(), TempDir::new().unwrap());
        let world = World::new(&database, &folder).await;
        world.trail("Trail", |_| ()).await;
        let context = world.context(REGION);
        let management = || equals("eventCategory", &["Management"]);
        let excluding = EventSelector {
            exclude_management_event_sources: Some(vec!["ec2.amazonaws.com".to_owned()]),
            ..Default::default()
        };
        let refused = [
            basic(data("AWS::S3::Object", "arn:aws:s3:::*")),
            basic(data("AWS::S3::Bucket", "arn:aws:s3")),
            basic(excluding),
            advanced(vec![equals("readOnly", &["true"])]),
            advanced(vec![management(), equals("readOnly", &["maybe"])]),
            advanced(vec![management(), equals("eventColour", &["red"])]),
            advanced(vec![management(), management()]),
            advanced(vec![equals("eventCategory", &["Data"])]),
            advanced(vec![
                management(),
                AdvancedFieldSelector {
                    field: "readOnly".to_owned(),
                    not_equals: Some(vec!["true".to_owned()]),
                    ..Default::default()
                },
            ]),
            PutEventSelectorsRequest { trail_name: "Trail".to_owned(), ..Default::default() },
        ];
        for input in refused {
            let error = world.cloudtrail.put_event_selectors(&context, input.clone()).await.unwrap_err();
            assert_eq!(error.code(), "InvalidEventSelectorsException", "{input:?}");
        }
        // Observed.
        let error =
            world.cloudtrail.put_event_selectors(&context, basic(data("AWS::S3::Object", "arn:aws:s3:::*")));
        let error = error.await.unwrap_err();
        assert_eq!(error.message(), Some("Value arn:aws:s3:::* for DataResources.Values is invalid."));
        let accepted = [
            basic(data("AWS::S3::Object", "arn:aws:s3")),
            basic(data("AWS::S3::Object", "arn:aws:s3:::bucket/")),
            advanced(vec![
                equals("eventCategory", &["Data"]),
                equals("resources.type", &["AWS::S3::Object"]),
            ]),
            advanced(vec![
                management(),
                AdvancedFieldSelector {
                    field: "eventSource".to_owned(),
                    not_equals: Some(vec!["kms.amazonaws.com".to_owned()]),
                    ..Default::default()
                },
            ]),
        ];
        for input in accepted {
            world.cloudtrail.put_event_selectors(&context, input).await.unwrap();
        }
        let get = GetEventSelectorsRequest { trail_name: "Trail".to_owned() };
        let shown = world.cloudtrail.get_event_selectors(&context, get).await.unwrap();
        assert_eq!(shown.advanced_event_selectors.unwrap()[0].field_selectors.len(), 2);
        let insights =
            GetInsightSelectorsRequest { trail_name: Some("Trail".to_owned()), ..Default::default() };
        let error = world.cloudtrail.get_insight_selectors(&context, insights).await.unwrap_err();
        assert_eq!(error.code(), "InsightNotEnabledException");
    });
}

#[test]
fn the_fields_of_a_selector_are_those_of_its_category() {
    strongroom_testkit::run(async {
        let (database, folder) = (TestDatabase::sqlite(), TempDir::new().unwrap());
        let world = World::new(&database, &folder).await;
        world.trail("Trail", |_| ()).await;
        let context = world.context(REGION);
        let category = |name: &str| equals("eventCategory", &[name]);
        let objects = || equals("resources.type", &["AWS::S3::Object"]);
        let kms = || equals("eventSource", &["kms.amazonaws.com"]);
        let refused = [
            vec![category("Management"), objects()],
            vec![category("Management"), equals("resources.ARN", &["arn:aws:s3:::bucket/key"])],
            vec![category("Management"), equals("errorCode", &["AccessDenied"])],
            vec![category("Data"), objects(), equals("vpcEndpointId", &["vpce-1"])],
            vec![category("NetworkActivity")],
            vec![category("NetworkActivity"), kms(), equals("readOnly", &["true"])],
        ];
        for fields in refused {
            let error = world.cloudtrail.put_event_selectors(&context, advanced(fields.clone())).await;
            assert_eq!(error.unwrap_err().code(), "InvalidEventSelectorsException", "{fields:?}");
        }
        let accepted = [
            vec![category("Management"), kms(), equals("eventName", &["Decrypt"])],
            vec![category("Data"), objects(), equals("resources.ARN", &["arn:aws:s3:::bucket/key"])],
            vec![category("NetworkActivity"), kms(), equals("errorCode", &["VpceAccessDenied"])],
        ];
        for fields in accepted {
            world.cloudtrail.put_event_selectors(&context, advanced(fields)).await.unwrap();
        }
    });
}
