//! Moments as CloudTrail writes them.

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const TEXT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const IN_DIGEST_NAME: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");
const IN_FILE_NAME: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute]Z");
const FOLDER: &[BorrowedFormatItem<'_>] = format_description!("[year]/[month]/[day]");

/// `2015-08-17T15:01:31Z`.
pub(crate) fn text(ms: i64) -> String {
    write(ms, TEXT)
}

/// `20150817T150131Z`.
pub(crate) fn in_digest_name(ms: i64) -> String {
    write(ms, IN_DIGEST_NAME)
}

/// `20150817T1500Z`.
pub(crate) fn in_file_name(ms: i64) -> String {
    write(ms, IN_FILE_NAME)
}

/// `2015/08/17`.
pub(crate) fn folder(ms: i64) -> String {
    write(ms, FOLDER)
}

fn write(ms: i64, form: &[BorrowedFormatItem<'_>]) -> String {
    let moment =
        OffsetDateTime::from_unix_timestamp(ms.div_euclid(1000)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(form).unwrap_or_default()
}
