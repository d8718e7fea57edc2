//! The history of alarms.

use strongroom_api_cloudwatch::{self as api, actions};
use strongroom_identity::RequestContext;
use strongroom_schema::Timestamp;

use super::paging;
use crate::CloudWatch;
use crate::domain::home::Home;
use crate::error::Refusal;
use crate::repo::history::{self, Kept, Place, Wanted};

/// Items in a page, at the most and unless the request wants fewer.
const PAGE: usize = 100;

/// Items that are looked at for one page.
const MOST_LOOKED_AT: usize = 10_000;

/// The number of the list in tokens.
const LIST: u8 = 4;

pub(super) async fn describe_alarm_history(
    cloudwatch: &CloudWatch,
    context: &RequestContext,
    input: api::DescribeAlarmHistoryInput,
) -> Result<api::DescribeAlarmHistoryOutput, Refusal> {
    let name = input.alarm_name.as_deref();
    let home = Home::of(context);
    let alarms = cloudwatch.directory.of(&home).await?;
    let alarm = name.and_then(|name| alarms.get(name));
    cloudwatch.permit_alarm::<actions::DescribeAlarmHistory>(
        context,
        name.unwrap_or("*"),
        alarm.map(|alarm| &**alarm),
    )?;
    let wanted = Wanted {
        alarm: name,
        newest_first: input.scan_by != Some(api::ScanBy::TimestampAscending),
        from_ms: input.start_date.map_or(i64::MIN, Timestamp::as_millis),
        until_ms: input.end_date.map_or(i64::MAX, Timestamp::as_millis),
    };
    let mut after: Option<Place> = match input.next_token.as_deref().filter(|token| !token.is_empty()) {
        Some(token) => {
            let [at_ms, item] = paging::open(LIST, token)?;
            let at_ms = <[u8; 8]>::try_from(at_ms).map_err(|_| Refusal::NextToken)?;
            Some((i64::from_be_bytes(at_ms), item))
        }
        None => None,
    };
    let limit = input.max_records.and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE).min(PAGE);
    let kind = input.history_item_type.as_ref().map(api::HistoryItemType::as_str);
    // A list without members counts as not given.
    let types = input.alarm_types.as_deref().filter(|types| !types.is_empty());
    let fits = |kept: &Kept| {
        kind.is_none_or(|kind| kind == kept.kind)
            && match types {
                None => kept.alarm_type == "MetricAlarm" || name.is_some(),
                Some(types) => types.iter().any(|wanted| wanted.as_str() == kept.alarm_type),
            }
    };
    let mut found = Vec::new();
    let mut looked_at = 0;
    let more = 'pages: loop {
        let page = history::list(&cloudwatch.db, &home, &wanted, after.as_ref(), PAGE as u32).await?;
        let is_last = page.len() < PAGE;
        for kept in page {
            if found.len() == limit || looked_at == MOST_LOOKED_AT {
                break 'pages true;
            }
            looked_at += 1;
            after = Some(kept.place.clone());
            if fits(&kept) {
                found.push(shown(kept));
            }
        }
        if is_last {
            break false;
        }
    };
    let next_token =
        after.filter(|_| more).map(|(at_ms, item)| paging::close(LIST, &[&at_ms.to_be_bytes(), &item]));
    Ok(api::DescribeAlarmHistoryOutput { alarm_history_items: Some(found), next_token })
}

fn shown(kept: Kept) -> api::AlarmHistoryItem {
    api::AlarmHistoryItem {
        alarm_name: Some(kept.alarm),
        alarm_type: Some(api::AlarmType::from(kept.alarm_type.as_str())),
        timestamp: Some(Timestamp::from_millis(kept.place.0)),
        history_item_type: Some(api::HistoryItemType::from(kept.kind.as_str())),
        history_summary: Some(kept.summary),
        history_data: Some(kept.data),
    }
}
