//! Makes the monthly partitions of readings and health reports, ahead of time and on demand.
//!
//! A partition is only a faster place: what no month has one for is kept by the default partition,
//! and so is what comes while one cannot be made.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use fieldgate_core::model::timestamp::Timestamp;
use sqlx::postgres::PgConnection;

use crate::error::Error;
use crate::postgres::PostgresStorage;
use crate::postgres::transaction::{View, scoped};

/// A month, counted from January of the year 0.
type Month = i32;

/// The months that have partitions.
#[derive(Debug, Default)]
pub(super) struct Months {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    made: BTreeSet<Month>,
    /// Whether one of them could not be made, and is missing all the same.
    failed: bool,
    /// The present one, as far as is known.
    present: Month,
}

impl Months {
    /// Notes the present month. Returns those to make for it: itself, and the next ones.
    fn begin(&self, now: Timestamp) -> Vec<Month> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.present = month_of(now);
        if std::mem::take(&mut known.failed) {
            known.made.clear();
        }
        let ahead = known.present..=known.present + AHEAD;
        ahead.filter(|month| !known.made.contains(month)).collect()
    }

    /// Which of the times are of months that have no partition and should have one. The window
    /// keeps a device with a wrong clock from making hundreds of them.
    fn missing(&self, times: impl Iterator<Item = Timestamp>) -> BTreeSet<Month> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let window = known.present - BEHIND..=known.present + AHEAD;
        times
            .map(month_of)
            .filter(|month| window.contains(month) && !known.made.contains(month))
            .collect()
    }

    fn note(&self, month: Month, made: bool) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.made.insert(month);
        known.failed |= !made;
    }

    /// Looks again for what there is, as some may have been removed.
    pub(super) fn forget(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.made.clear();
    }
}

impl PostgresStorage {
    /// Makes the partitions of this month and the next ones.
    pub(super) async fn make_months_ahead(&self, now: Timestamp) {
        for month in self.months.begin(now) {
            self.make_month(month).await;
        }
    }

    /// Makes the partitions for what was taken at these times.
    pub(super) async fn make_months_of(&self, times: impl Iterator<Item = Timestamp> + Send) {
        for month in self.months.missing(times) {
            self.make_month(month).await;
        }
    }

    /// Goes on where it fails: the default partition takes what comes, until the next purge has made
    /// the month.
    async fn make_month(&self, month: Month) {
        let made = self
            .write(View::Server, |tx| {
                scoped(async move { add(tx, month).await })
            })
            .await;
        self.months.note(month, *made.as_ref().unwrap_or(&false));
        if let Err(error) = made {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the partitions of a month could not be made"
            );
        }
    }
}

/// Makes the partitions of a month, unless a [`look`] is under way; whether it did.
async fn add(tx: &mut PgConnection, month: Month) -> Result<bool, Error> {
    if !begin_change(tx).await? {
        return Ok(false);
    }
    sqlx::query("SELECT add_month($1)")
        .bind(month)
        .execute(tx)
        .await?;
    Ok(true)
}

/// Keeps the partitions as they are for as long as the connection is there, for one look at all: it
/// would lose what a partition holds that is removed meanwhile, and be in the way of that.
pub(super) async fn look(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query("SELECT pg_advisory_lock_shared($1)")
        .bind(LOOK)
        .execute(connection)
        .await?;
    Ok(())
}

/// Waits for other changes of partitions, and keeps each [`look`] away until the transaction ends;
/// false where one is under way.
async fn begin_change(tx: &mut PgConnection) -> Result<bool, Error> {
    // Others wait for it, so it does not wait long itself.
    sqlx::query("SET LOCAL lock_timeout = '2s'")
        .execute(&mut *tx)
        .await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(CHANGE)
        .execute(&mut *tx)
        .await?;
    let locked = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)");
    Ok(locked.bind(LOOK).fetch_one(tx).await?)
}

/// Removes the oldest month of `parent` that ends at or before a time, unless a [`look`] is under
/// way; whether it did.
pub(super) async fn drop_oldest(
    tx: &mut PgConnection,
    parent: &'static str,
    before: Timestamp,
) -> Result<bool, Error> {
    if !begin_change(tx).await? {
        return Ok(false);
    }
    let dropped = sqlx::query_scalar("SELECT drop_month($1, $2)")
        .bind(parent)
        .bind(before.unix_millis())
        .fetch_one(tx)
        .await?;
    Ok(dropped)
}

/// By the calendar's cycle of 400 years, which begins with March of the year 0.
fn month_of(time: Timestamp) -> Month {
    let days = time.unix_millis() / DAY_MILLIS + DAYS_BEFORE_1970;
    let (cycle, day) = (days / DAYS_PER_CYCLE, days % DAYS_PER_CYCLE);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    // No time is after the year 9999.
    Month::try_from((cycle * 400 + year) * 12 + month + 2).unwrap_or(Month::MAX)
}

/// "Fg month".
const CHANGE: i64 = 0x4667_206d_6f6e_7468;

/// "Fg look.".
const LOOK: i64 = 0x4667_206c_6f6f_6b2e;

/// How many months are made before they begin.
const AHEAD: Month = 2;

/// How many months back are made for what comes late.
const BEHIND: Month = 24;

const DAY_MILLIS: i64 = 24 * 3_600_000;

/// From March 1 of the year 0.
const DAYS_BEFORE_1970: i64 = 719_468;

const DAYS_PER_CYCLE: i64 = 146_097;

#[cfg(test)]
mod tests {
    use super::month_of;

    #[test]
    fn months_are_those_of_the_calendar() {
        for (time, year, month) in [
            ("1970-01-01T00:00:00Z", 1970, 1),
            ("1999-12-31T23:59:59.999Z", 1999, 12),
            ("2000-02-29T12:00:00Z", 2000, 2),
            ("2000-03-01T00:00:00Z", 2000, 3),
            ("2026-06-30T23:59:59.999Z", 2026, 6),
            ("2026-07-01T00:00:00Z", 2026, 7),
            ("2100-02-28T23:00:00Z", 2100, 2),
            ("9999-12-31T23:59:59.999Z", 9999, 12),
        ] {
            let parsed = time.parse();
            assert_eq!(parsed.map(month_of), Ok(year * 12 + month - 1), "{time}");
        }
    }
}
