//! Event selectors, and those of Insights, of which there are none.

use strongroom_api_cloudtrail::{
    AdvancedEventSelector, EventSelector, GetEventSelectorsRequest, GetEventSelectorsResponse,
    GetInsightSelectorsRequest, GetInsightSelectorsResponse, PutEventSelectorsRequest,
    PutEventSelectorsResponse, actions, errors,
};
use strongroom_identity::RequestContext;

use crate::CloudTrail;
use crate::domain::selectors::{Advanced, Basic, Selectors};
use crate::error::Refusal;

pub(super) async fn put(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    input: PutEventSelectorsRequest,
) -> Result<PutEventSelectorsResponse, Refusal> {
    let selectors = &Selectors::parse(input.event_selectors, input.advanced_event_selectors)?;
    let moment = cloudtrail.trails.moment(context);
    let put = cloudtrail.trails.change::<actions::PutEventSelectors>(context, &input.trail_name, |trail| {
        trail.has_custom_selectors = true;
        trail.change_rules(moment, |trail| trail.selectors = selectors.clone())
    });
    let trail = put.await?;
    let (event_selectors, advanced_event_selectors) = shown(&trail.selectors);
    Ok(PutEventSelectorsResponse { trail_arn: Some(trail.arn()), event_selectors, advanced_event_selectors })
}

pub(super) async fn get(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    input: GetEventSelectorsRequest,
) -> Result<GetEventSelectorsResponse, Refusal> {
    let trails = &cloudtrail.trails;
    let trail = trails.permitted::<actions::GetEventSelectors>(context, &input.trail_name).await?;
    let (event_selectors, advanced_event_selectors) = shown(&trail.selectors);
    Ok(GetEventSelectorsResponse { trail_arn: Some(trail.arn()), event_selectors, advanced_event_selectors })
}

fn shown(selectors: &Selectors) -> (Option<Vec<EventSelector>>, Option<Vec<AdvancedEventSelector>>) {
    match selectors {
        Selectors::Basic(basic) => (Some(basic.iter().map(Basic::shown).collect()), None),
        Selectors::Advanced(advanced) => (None, Some(advanced.iter().map(Advanced::shown).collect())),
    }
}

pub(super) async fn get_insights(
    cloudtrail: &CloudTrail,
    context: &RequestContext,
    input: GetInsightSelectorsRequest,
) -> Result<GetInsightSelectorsResponse, Refusal> {
    let name = match (input.trail_name, input.event_data_store) {
        (Some(name), None) => name,
        (None, Some(_)) => return Err(Refusal::NotImplemented("cloudtrail: event data stores")),
        _ => {
            return Err(Refusal::of(
                &errors::INVALID_PARAMETER_COMBINATION_EXCEPTION,
                "You must specify either the TrailName or the EventDataStore parameter, but not both.",
            ));
        }
    };
    let trail = cloudtrail.trails.permitted::<actions::GetInsightSelectors>(context, &name).await?;
    let text = format!("Trail {} does not have Insights enabled.", trail.arn());
    Err(Refusal::of(&errors::INSIGHT_NOT_ENABLED_EXCEPTION, text))
}
