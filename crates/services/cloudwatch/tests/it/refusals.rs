//! What is refused, and how.

use strongroom_api_cloudwatch::{self as api, CloudWatch as _};
use strongroom_testkit::{TestDatabase, on_both_engines};

use crate::fixture::{Lab, orders, refusal};

on_both_engines! {
    what_is_no_alarm,
    who_may_do_what,
}

async fn what_is_no_alarm(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    let client = lab.root();
    let refused = async |input: api::PutMetricAlarmInput| refusal(client.put(input).await);
    assert_eq!(
        refused(api::PutMetricAlarmInput { datapoints_to_alarm: Some(2), ..orders("a") }).await,
        "ValidationException: DatapointsToAlarm must be less than or equal to EvaluationPeriods"
    );
    assert_eq!(
        refused(api::PutMetricAlarmInput { evaluation_periods: Some(1_441), ..orders("a") }).await,
        "ValidationException: Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= \
         86400)."
    );
    let week = api::PutMetricAlarmInput { period: Some(3_600), evaluation_periods: Some(169), ..orders("a") };
    assert!(refused(week).await.contains("more than a week"));
    assert!(refused(api::PutMetricAlarmInput { period: Some(45), ..orders("a") }).await.contains("Period"));
    assert!(refused(api::PutMetricAlarmInput { statistic: None, ..orders("a") }).await.contains("Statistic"));
    let percentile = api::PutMetricAlarmInput {
        statistic: None,
        extended_statistic: Some("p99".to_owned()),
        ..orders("a")
    };
    assert!(refused(percentile).await.starts_with("NotImplementedException"));
    assert!(refused(api::PutMetricAlarmInput { threshold: None, ..orders("a") }).await.contains("Threshold"));
    let treatment = Some("sometimes".to_owned());
    let treated = api::PutMetricAlarmInput { treat_missing_data: treatment, ..orders("a") };
    assert!(refused(treated).await.contains("notBreaching"));
    for (action, code) in [
        ("arn:aws:lambda:us-east-1:111122223333:function:f", "NotImplementedException"),
        ("arn:aws:sns:us-east-1:1:t", "ValidationException: Invalid arn syntax: arn:aws:sns:us-east-1:1:t"),
        ("topic", "ValidationException: Invalid arn syntax: topic"),
    ] {
        let input = api::PutMetricAlarmInput { ok_actions: Some(vec![action.to_owned()]), ..orders("a") };
        assert!(refused(input).await.starts_with(code), "{action}");
    }
    let math = |expression: &str| {
        let query = api::MetricDataQuery {
            id: "e1".to_owned(),
            expression: Some(expression.to_owned()),
            ..Default::default()
        };
        api::PutMetricAlarmInput {
            namespace: None,
            metric_name: None,
            statistic: None,
            period: None,
            metrics: Some(vec![query]),
            ..orders("a")
        }
    };
    assert!(refused(math("1 +")).await.contains("Error in expression 'e1'"));
    assert!(refused(math("TIME_SERIES(1)")).await.contains("at least one metric"));
    assert!(refused(math("SEARCH('x', 'Sum', 60)")).await.starts_with("NotImplementedException"));
    let both = api::PutMetricAlarmInput { metric_name: Some("m".to_owned()), ..math("1") };
    assert_eq!(
        refused(both).await,
        "ValidationException: MetricName should not be set if list of Metrics is set."
    );
}

async fn who_may_do_what(database: &TestDatabase) {
    let lab = Lab::new(database).await;
    lab.root().put(orders("team-a")).await.unwrap();
    let user = lab.root().as_user(
        r#"{"Effect":"Allow","Action":["cloudwatch:PutMetricAlarm","cloudwatch:SetAlarmState"],
            "Resource":"arn:aws:cloudwatch:*:*:alarm:team-*"},
           {"Effect":"Allow","Action":"cloudwatch:PutMetricData","Resource":"*",
            "Condition":{"StringEquals":{"cloudwatch:namespace":"Shop"}}}"#,
    );
    user.put(orders("team-a")).await.unwrap();
    user.set_state("team-a", "OK").await.unwrap();
    let text = refusal(user.put(orders("other")).await);
    assert!(
        text.starts_with(
            "AccessDeniedException: User: arn:aws:iam::111122223333:user/a is not authorized to perform: \
             cloudwatch:PutMetricAlarm on resource: arn:aws:cloudwatch:us-east-1:111122223333:alarm:other"
        ),
        "{text}"
    );
    assert!(refusal(user.set_state("other", "OK").await).starts_with("AccessDenied"), "there or not");
    user.data(&[(lab.now(), 1.0)]).await;
    let elsewhere = api::PutMetricDataInput {
        namespace: "Elsewhere".to_owned(),
        metric_data: Some(Vec::new()),
        ..Default::default()
    };
    let answer = user.cloudwatch.put_metric_data(&user.changing(), elsewhere).await;
    assert!(refusal(answer).starts_with("AccessDeniedException"));
}
