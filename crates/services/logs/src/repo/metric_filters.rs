//! Rows of metric filters.

use serde::{Deserialize, Serialize};
use strongroom_identity::AccountId;
use strongroom_store::{AuthorityRow, Db, Row, RowMac, Statement, StoreError, Tx, Value};

use super::{most, unreadable};
use crate::domain::id::Id;
use crate::domain::metric_filter::{MOST_IN_GROUP, MetricFilter, Rule};

/// The form of a rule.
const FORMAT: i64 = 1;

const PUT: Statement = Statement::new(
    "INSERT INTO logs_metric_filters (group_id, name, metric, namespace, created_ms, format, rule, mac) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (group_id, name) DO UPDATE SET \
     metric = excluded.metric, namespace = excluded.namespace, created_ms = excluded.created_ms, \
     format = excluded.format, rule = excluded.rule, mac = excluded.mac",
);
const OF_GROUP: Statement = Statement::new(
    "SELECT group_id, name, metric, namespace, created_ms, format, rule, mac FROM logs_metric_filters \
     WHERE group_id = $1 ORDER BY name LIMIT $2",
);
/// By the filters' names; of the same name by the groups'.
const LIST: Statement = Statement::new(
    "SELECT f.group_id, f.name, f.metric, f.namespace, f.created_ms, f.format, f.rule, f.mac, \
     g.name AS group_name FROM logs_metric_filters f JOIN logs_groups g ON g.group_id = f.group_id \
     WHERE g.account = $1 AND g.region = $2 AND (CAST($3 AS TEXT) = '' OR f.metric = $3) \
     AND (CAST($4 AS TEXT) = '' OR f.namespace = $4) AND (f.name > $5 OR (f.name = $5 AND g.name > $6)) \
     ORDER BY f.name, g.name LIMIT $7",
);
const DELETE: Statement =
    Statement::new("DELETE FROM logs_metric_filters WHERE group_id = $1 AND name = $2 RETURNING rule");
const DELETE_ALL: Statement = Statement::new("DELETE FROM logs_metric_filters WHERE group_id = $1");

pub(super) const STATEMENTS: &[Statement] = &[PUT, OF_GROUP, LIST, DELETE, DELETE_ALL];

/// A row of `logs_metric_filters`. The rule stays as it was read: the MAC is over its bytes.
struct FilterRow {
    filter: MetricFilter,
    rule: String,
}

/// What the column of the rule holds.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    rule: Rule,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    noted_under: Option<String>,
}

impl AuthorityRow for FilterRow {
    const TABLE: &'static str = "logs_metric_filters";

    fn columns(&self) -> Vec<(&'static str, Value)> {
        let MetricFilter { group, name, created_ms, rule, .. } = &self.filter;
        vec![
            ("group_id", (*group).into()),
            ("name", name.into()),
            ("metric", Value::from(&rule.metric)),
            ("namespace", Value::from(&rule.namespace)),
            ("created_ms", (*created_ms).into()),
            ("format", FORMAT.into()),
            ("rule", Value::from(&self.rule)),
        ]
    }

    fn key(&self) -> String {
        format!("{}/{}", self.filter.group, self.filter.name)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let format = row.i64("format")?;
        if format != FORMAT {
            return Err(unreadable("format", format!("the form {format} is not known")));
        }
        let (name, text) = (row.text("name")?, row.text("rule")?);
        let kept: Kept = serde_json::from_str(&text).map_err(|error| unreadable("rule", error))?;
        let filter = MetricFilter {
            group: Id::read(row, "group_id")?,
            noted_under: noted_under(&name, kept.noted_under),
            name,
            created_ms: row.i64("created_ms")?,
            rule: kept.rule,
        };
        let read = Self { filter, rule: text };
        // The columns that are looked for are the rule's.
        let rule = &read.filter.rule;
        if row.text("metric")? != rule.metric || row.text("namespace")? != rule.namespace {
            return Err(StoreError::Corrupt { table: Self::TABLE, key: read.key() });
        }
        Ok(read)
    }
}

/// What the minutes of a filter are noted under: those that older servers made have only their names.
fn noted_under(name: &str, kept: Option<String>) -> String {
    kept.unwrap_or_else(|| name.to_owned())
}

/// Writes a filter, in place of one of its name.
pub(crate) async fn put(tx: &mut Tx<'_>, mac: &RowMac, filter: &MetricFilter) -> Result<(), StoreError> {
    let kept = Kept { rule: filter.rule.clone(), noted_under: Some(filter.noted_under.clone()) };
    let rule = serde_json::to_string(&kept).map_err(|error| unreadable("rule", error))?;
    tx.execute(PUT, &mac.values(&FilterRow { filter: filter.clone(), rule })).await.map(drop)
}

/// The filters of a group, by name.
pub(crate) async fn of_group(db: &Db, mac: &RowMac, group: Id) -> Result<Vec<MetricFilter>, StoreError> {
    let rows = db.query(OF_GROUP, &[group.into(), most(MOST_IN_GROUP)]).await?;
    rows.iter().map(|row| load(mac, group, row)).collect()
}

/// The same, as a transaction sees them.
pub(crate) async fn load_of_group(
    tx: &mut Tx<'_>,
    mac: &RowMac,
    group: Id,
) -> Result<Vec<MetricFilter>, StoreError> {
    let rows = tx.query(OF_GROUP, &[group.into(), most(MOST_IN_GROUP)]).await?;
    rows.iter().map(|row| load(mac, group, row)).collect()
}

fn load(mac: &RowMac, group: Id, row: &Row) -> Result<MetricFilter, StoreError> {
    let filter = mac.load::<FilterRow>(row)?.filter;
    if filter.group == group {
        return Ok(filter);
    }
    Err(StoreError::Corrupt { table: FilterRow::TABLE, key: filter.name })
}

/// What filters are listed by.
pub(crate) struct Listing<'l> {
    pub(crate) account: AccountId,
    pub(crate) region: &'l str,
    /// The metric's name and namespace, where only its filters are wanted.
    pub(crate) metric: Option<(&'l str, &'l str)>,
    /// The names of the filter and the group after which the list goes on.
    pub(crate) after: (&'l str, &'l str),
}

/// Filters of all groups of an account and Region, with their groups' names.
pub(crate) async fn list(
    db: &Db,
    mac: &RowMac,
    listing: &Listing<'_>,
    many: usize,
) -> Result<Vec<(MetricFilter, String)>, StoreError> {
    let (metric, namespace) = listing.metric.unwrap_or_default();
    let values = [
        listing.account.to_string().into(),
        listing.region.into(),
        metric.into(),
        namespace.into(),
        listing.after.0.into(),
        listing.after.1.into(),
        most(many),
    ];
    let rows = db.query(LIST, &values).await?;
    rows.iter().map(|row| Ok((mac.load::<FilterRow>(row)?.filter, row.text("group_name")?))).collect()
}

/// Takes a filter away, if it is there; answers what its minutes are noted under. That is not looked at closely: also one that
/// has been altered can be taken away.
pub(crate) async fn delete(tx: &mut Tx<'_>, group: Id, name: &str) -> Result<Option<String>, StoreError> {
    let Some(row) = tx.query_opt(DELETE, &[group.into(), name.into()]).await? else { return Ok(None) };
    let kept = serde_json::from_str::<Kept>(&row.text("rule")?).ok();
    Ok(Some(noted_under(name, kept.and_then(|kept| kept.noted_under))))
}

/// Takes all filters of a group away.
pub(crate) async fn delete_all(tx: &mut Tx<'_>, group: Id) -> Result<(), StoreError> {
    tx.execute(DELETE_ALL, &[group.into()]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules of older servers do not say what minutes are noted under, and rules without anything optional leave that out.
    #[test]
    fn a_rule_that_an_older_server_wrote_is_read() {
        let text = r#"{"pattern":"[ip, size]","metric":"Bytes","namespace":"App","value":"$size","default":0.5,"dimensions":[["Ip","$ip"]],"unit":"Bytes"}"#;
        let kept: Kept = serde_json::from_str(text).unwrap();
        let rule = Rule {
            pattern: "[ip, size]".to_owned(),
            metric: "Bytes".to_owned(),
            namespace: "App".to_owned(),
            value: "$size".to_owned(),
            default: Some(0.5),
            dimensions: vec![("Ip".to_owned(), "$ip".to_owned())],
            unit: Some("Bytes".to_owned()),
        };
        assert_eq!(kept.rule, rule);
        assert_eq!(noted_under("sizes", kept.noted_under), "sizes");
        let bare = r#"{"pattern":"ERROR","metric":"Errors","namespace":"App","value":"1"}"#;
        let Kept { rule, noted_under: note } = serde_json::from_str(bare).unwrap();
        assert_eq!((rule.value.as_str(), rule.default, rule.unit), ("1", None, None));
        assert!(rule.dimensions.is_empty());
        assert_eq!(noted_under("errors", note), "errors");
    }
}
