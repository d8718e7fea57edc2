//! What is particular to the records of each service.

/// A call, as far as its parameters are shown by it.
pub(super) struct Asked<'a> {
    /// The operation's name.
    pub(super) operation: &'static str,
    /// The parameters in CloudTrail's form.
    pub(super) parameters: Option<String>,
    /// The code of the refusal.
    pub(super) error_code: Option<&'a str>,
}

/// How the records of a service are made where they differ from others'.
pub(super) struct Manner {
    event_source: &'static str,
    /// The parameters that are shown, apart from what is shown of no service.
    parameters: fn(Asked<'_>) -> Option<String>,
    /// What is shown of an operation's answer.
    pub(super) elements: fn(&'static str, String) -> Option<String>,
    /// The name of an operation.
    pub(super) name: fn(&'static str) -> &'static str,
    /// What a caller says that he calls with.
    pub(super) agent: fn(&str) -> String,
    /// Whether the version of the API is named: CloudWatch Logs' records do, AWS's of other services here do not.
    pub(super) names_version: bool,
    /// Operations on what is in a resource, which CloudTrail calls data events ("Logging data events" in the AWS CloudTrail
    /// User Guide): event history leaves them out. Everything else is management, every call of KMS included.
    data_events: &'static [&'static str],
    /// Operations that are about no resource and have an empty list of them, where others have none.
    about_nothing: &'static [&'static str],
}

/// A service of which nothing is particular.
const PLAIN: Manner = Manner {
    event_source: "",
    parameters: |asked| asked.parameters,
    elements: |_, elements| Some(elements),
    name: |operation| operation,
    agent: str::to_owned,
    names_version: false,
    data_events: &[],
    about_nothing: &[],
};

/// The services that have something particular.
static PARTICULAR: [Manner; 6] = [
    Manner {
        event_source: "kms.amazonaws.com",
        parameters: |Asked { operation, parameters, .. }| {
            parameters
                .filter(|_| strongroom_kms::shows_parameters(operation))
                .map(strongroom_kms::conceal_chosen_material)
                .map(strongroom_kms::spell_origin)
                .map(strongroom_kms::name_cluster)
                .and_then(|parameters| strongroom_kms::grant_parameters(operation, parameters))
        },
        elements: strongroom_kms::conceal_grant_token,
        // KMS Developer Guide, "Logging AWS KMS API calls with AWS CloudTrail": "GenerateRandom", "ListAliases".
        about_nothing: &["GenerateRandom", "ListAliases", "ListKeys", "ListRetirableGrants"],
        ..PLAIN
    },
    Manner {
        event_source: "ec2.amazonaws.com",
        parameters: |Asked { operation, parameters, error_code }| {
            strongroom_ec2::recorded_parameters(operation, parameters, error_code)
        },
        ..PLAIN
    },
    Manner {
        event_source: "s3.amazonaws.com",
        name: strongroom_s3::event_name,
        agent: strongroom_s3::recorded_agent,
        ..PLAIN
    },
    Manner {
        event_source: "sns.amazonaws.com",
        parameters: |asked| asked.parameters.map(strongroom_sns::conceal_content),
        data_events: &["Publish", "PublishBatch"],
        ..PLAIN
    },
    Manner {
        event_source: "logs.amazonaws.com",
        parameters: |asked| asked.parameters.map(strongroom_logs::conceal_events),
        names_version: true,
        ..PLAIN
    },
    Manner {
        event_source: "monitoring.amazonaws.com",
        data_events: &["GetMetricData", "GetMetricStatistics", "ListMetrics", "PutMetricData"],
        ..PLAIN
    },
];

impl Manner {
    /// That of the service with this event source.
    pub(super) fn of(event_source: &str) -> &'static Self {
        PARTICULAR.iter().find(|manner| manner.event_source == event_source).unwrap_or(&PLAIN)
    }

    /// The parameters of a call that are shown: one-time codes of no service, whatever is particular to it.
    pub(super) fn shown_parameters(&self, asked: Asked<'_>) -> Option<String> {
        (self.parameters)(asked).and_then(strongroom_iam::conceal_codes)
    }

    /// Whether calls of an operation are management events, as far as the service's schema does not say otherwise.
    pub(super) fn is_management(&self, operation: &str) -> bool {
        !self.data_events.contains(&operation)
    }

    /// Whether calls of an operation have an empty list of resources.
    pub(super) fn is_about_nothing(&self, operation: &str) -> bool {
        self.about_nothing.contains(&operation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CloudTrail counts all of KMS as management: Decrypt is in the event history.
    #[test]
    fn calls_on_what_is_in_a_resource_are_data_events() {
        let is_management = |source: &str, operation: &str| Manner::of(source).is_management(operation);
        assert!(is_management("kms.amazonaws.com", "Decrypt"));
        assert!(is_management("sns.amazonaws.com", "CreateTopic"));
        assert!(!is_management("sns.amazonaws.com", "Publish"));
        assert!(!is_management("monitoring.amazonaws.com", "PutMetricData"));
        assert!(is_management("monitoring.amazonaws.com", "PutMetricAlarm"));
    }

    #[test]
    fn each_service_shows_what_may_be_shown() {
        let shown = |source: &str, operation: &'static str, parameters: &str| {
            let parameters = Some(parameters.to_owned());
            Manner::of(source).shown_parameters(Asked { operation, parameters, error_code: None })
        };
        let kms = "kms.amazonaws.com";
        assert_eq!(shown(kms, "Decrypt", r#"{"grantTokens":["t"]}"#).as_deref(), Some("{}"));
        assert_eq!(shown(kms, "RetireGrant", r#"{"grantId":"g"}"#), None);
        assert_eq!(shown(kms, "GenerateRandom", r#"{"numberOfBytes":1}"#), None);
        let code = r#"{"durationSeconds":900,"tokenCode":"123456"}"#;
        let without = Some(r#"{"durationSeconds":900}"#.to_owned());
        // Of no service, whether it has a row or none.
        let with_row = PARTICULAR.iter().map(|manner| manner.event_source);
        for source in with_row.chain(["sts.amazonaws.com", "iam.amazonaws.com", "cloudhsm.amazonaws.com"]) {
            assert_eq!(shown(source, "GetSessionToken", code), without, "{source}");
        }
        let events = r#"{"logGroupName":"g","logEvents":[{"message":"m"}]}"#;
        let group = Some(r#"{"logGroupName":"g"}"#.to_owned());
        assert_eq!(shown("logs.amazonaws.com", "PutLogEvents", events), group);
        let message = shown("sns.amazonaws.com", "Publish", r#"{"message":"m"}"#).unwrap();
        assert!(!message.contains(r#""m""#), "{message}");
        assert_eq!(shown("monitoring.amazonaws.com", "ListMetrics", "{}").as_deref(), Some("{}"));
        let nothing = |source: &str, error_code| {
            let asked = Asked { operation: "DescribeVpcs", parameters: None, error_code };
            Manner::of(source).shown_parameters(asked)
        };
        let lists = Some(r#"{"vpcSet":{},"filterSet":{}}"#.to_owned());
        assert_eq!(nothing("ec2.amazonaws.com", None), lists);
        assert_eq!(nothing("ec2.amazonaws.com", Some("InvalidParameterValue")), None);
        assert_eq!(nothing("cloudhsm.amazonaws.com", None), None);
    }

    #[test]
    fn each_service_tells_the_rest_in_its_manner() {
        let (kms, s3, logs) = (
            Manner::of("kms.amazonaws.com"),
            Manner::of("s3.amazonaws.com"),
            Manner::of("logs.amazonaws.com"),
        );
        let plain = Manner::of("cloudhsm.amazonaws.com");
        let answer = r#"{"grantId":"g","grantToken":"t"}"#;
        let elements = |manner: &Manner| (manner.elements)("CreateGrant", answer.to_owned()).unwrap();
        assert_eq!(elements(kms), r#"{"grantId":"g"}"#);
        assert_eq!(elements(plain), answer);
        assert!(kms.is_about_nothing("ListAliases") && kms.is_about_nothing("GenerateRandom"));
        assert!(!kms.is_about_nothing("DescribeKey") && !plain.is_about_nothing("ListAliases"));
        let named = |manner: &Manner| ((manner.name)("ListObjectsV2"), (manner.agent)("aws-cli"));
        assert_eq!(named(s3), ("ListObjects", "[aws-cli]".to_owned()));
        assert_eq!(named(plain), ("ListObjectsV2", "aws-cli".to_owned()));
        assert!(logs.names_version);
        assert!(![kms, s3, plain].iter().any(|manner| manner.names_version));
    }
}
