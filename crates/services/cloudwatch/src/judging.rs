//! An alarm on a metric, judged at a moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::CloudWatch;
use crate::domain::alarm::{MetricStat, Query, Source, State, StateValue, Watch};
use crate::domain::evaluation::{Rule, Verdict, Window};
use crate::domain::home::Home;
use crate::domain::math::{MathError, Series, Value};
use crate::domain::reason::{self, Sample, Seen};
use crate::domain::series::Span;
use crate::error::Refusal;
use crate::queries::Queries;

impl CloudWatch {
    /// The state that an alarm goes into at a moment, where that is another than it is in.
    pub(crate) async fn judge(
        &self,
        home: &Home,
        watch: &Watch,
        state: &State,
        at_ms: i64,
    ) -> Result<Option<State>, Refusal> {
        let seen = self.look(home, watch, at_ms).await?;
        let breaches: Vec<_> = seen
            .values
            .iter()
            .map(|sample| sample.map(|sample| watch.comparison.is_breached(sample.value, watch.threshold)))
            .collect();
        let judgement = Rule::of(watch).judge(&breaches);
        let value = match judgement.verdict {
            Verdict::Ok => StateValue::Ok,
            Verdict::Alarm => StateValue::Alarm,
            Verdict::InsufficientData => StateValue::InsufficientData,
            Verdict::Keep => return Ok(None),
        };
        if value == state.value {
            return Ok(None);
        }
        let text = reason::text(watch, &seen, &judgement, value);
        let data = reason::data(watch, &seen, &judgement, at_ms);
        Ok(Some(state.after(value, text, Some(data), at_ms)))
    }

    /// What an alarm sees in its window.
    async fn look(&self, home: &Home, watch: &Watch, at_ms: i64) -> Result<Seen, Refusal> {
        let window = Window::of(watch, at_ms);
        let span = Span { start_ms: window.start_ms(), end_ms: at_ms, period_ms: window.period_ms };
        match &watch.source {
            Source::Metric(stat) => {
                let periods = self.periods(home, &stat.metric, stat.unit.as_deref(), &span, at_ms).await?;
                let mut units = periods.0.keys().map(|(_, unit)| unit.as_str());
                let first = units.next().map(str::to_owned);
                let unit = first.filter(|first| units.all(|unit| unit == first));
                let merged = periods.merged();
                let values = (0..window.periods).map(|place| {
                    let set = merged.get(&window.begin_ms(place))?;
                    Some(Sample { value: stat.statistic.of(set), samples: Some(set.samples) })
                });
                Ok(Seen { window, values: values.collect(), unit })
            }
            Source::Math(queries) => {
                let series = self.compute_alarm(home, queries, &span, at_ms).await?;
                let values = (0..window.periods).map(|place| {
                    let value = series.as_ref()?.points.get(&window.begin_ms(place)).copied()?;
                    Some(Sample { value, samples: None })
                });
                Ok(Seen { window, values: values.collect(), unit: None })
            }
        }
    }

    /// The series that an alarm on metric math watches. An expression without a value has no series.
    async fn compute_alarm(
        &self,
        home: &Home,
        queries: &[Query],
        span: &Span,
        at_ms: i64,
    ) -> Result<Option<Arc<Series>>, Refusal> {
        let mut given = BTreeMap::new();
        for query in queries {
            if let Some(stat) = &query.stat {
                given.insert(query.id.clone(), Arc::new(self.series(home, stat, span, at_ms).await?));
            }
        }
        let Some(watched) = watched(queries) else { return Ok(None) };
        let (queries, id, span) = (queries.to_vec(), watched.id.clone(), *span);
        // Not where calls are answered. Alarms are judged one after the other.
        let computed = tokio::task::spawn_blocking(move || Queries::new(&queries, given, span).value_of(&id));
        match computed.await.map_err(|error| Refusal::Internal(error.into()))? {
            Ok(Value::Series(series)) => Ok(Some(series)),
            Err(MathError::TooMuch) => {
                Err(Refusal::validation("its expression takes more computing than it may"))
            }
            Ok(Value::Number(_) | Value::Array(_)) | Err(_) => Ok(None),
        }
    }

    /// A statistic of a metric as a series.
    pub(crate) async fn series(
        &self,
        home: &Home,
        stat: &MetricStat,
        span: &Span,
        at_ms: i64,
    ) -> Result<Series, Refusal> {
        let periods = self.periods(home, &stat.metric, stat.unit.as_deref(), span, at_ms).await?;
        let points = periods.merged().into_iter().map(|(begin_ms, set)| (begin_ms, stat.statistic.of(&set)));
        Ok(Series { span: *span, points: points.collect() })
    }
}

/// The metric or expression that an alarm compares: the one that is returned.
pub(crate) fn watched(queries: &[Query]) -> Option<&Query> {
    let mut returned = queries.iter().filter(|query| query.return_data.unwrap_or(true));
    let first = returned.next()?;
    returned.next().is_none().then_some(first)
}
