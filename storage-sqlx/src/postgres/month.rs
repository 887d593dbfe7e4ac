//! Makes the monthly partitions of readings and health reports, ahead of time and on demand.
//!
//! A partition is only a faster place: what no month has one for is kept by the default partition,
//! and so is what comes while one cannot be made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fieldgate_core::model::timestamp::Timestamp;
use sqlx::postgres::PgConnection;

use crate::error::Error;
use crate::postgres::PostgresStorage;
use crate::postgres::transaction::{View, scoped};

/// A month, counted from January of the year 0.
type Month = i32;

/// A table that lies in one partition for each month.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Parent {
    Health,
    Reading,
}

impl Parent {
    const ALL: [Self; 2] = [Self::Health, Self::Reading];

    const fn name(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Reading => "reading",
        }
    }
}

/// The months that have partitions.
#[derive(Debug, Default)]
pub(super) struct Months {
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    made: BTreeSet<(Parent, Month)>,
    /// Whether one of them is missing all the same, as a [`look`] was under way.
    postponed: bool,
    /// The oldest months that retention keeps anything of.
    oldest: BTreeMap<Parent, Month>,
    now: Timestamp,
    /// None is made before this, as one could not be.
    rests_until: Timestamp,
}

impl Months {
    /// Notes the time. Returns the months to make for it: the present one, and the next ones.
    fn begin(&self, now: Timestamp) -> Vec<(Parent, Month)> {
        let mut known = self.lock();
        known.now = now;
        if std::mem::take(&mut known.postponed) {
            known.made.clear();
        }
        let present = month_of(now);
        let ahead = (present..=present + AHEAD)
            .flat_map(|month| Parent::ALL.map(|parent| (parent, month)))
            .filter(|month| known.should_make(month));
        ahead.collect()
    }

    /// Which of the times are of months that have no partition and should have one. Those that are
    /// further `behind` the present have none, nor those that are to come: a device with a wrong
    /// clock would make hundreds of them.
    fn missing(
        &self,
        parent: Parent,
        times: impl Iterator<Item = Timestamp>,
        behind: Month,
    ) -> BTreeSet<(Parent, Month)> {
        let known = self.lock();
        let present = month_of(known.now);
        let window = FIRST.max(present - behind)..=present + AHEAD;
        times
            .map(month_of)
            .filter(|month| window.contains(month))
            .map(|month| (parent, month))
            .filter(|month| known.should_make(month))
            .collect()
    }

    /// Notes from when on retention keeps what is in a table: the months before are dropped, and
    /// what comes late for one of them is not worth a partition.
    pub(super) fn keep_from(&self, parent: Parent, before: Timestamp) {
        let mut known = self.lock();
        let oldest = month_of(before);
        known.oldest.insert(parent, oldest);
        known
            .made
            .retain(|&(of, month)| of != parent || month >= oldest);
    }

    fn note_made(&self, month: (Parent, Month), made: bool) {
        let mut known = self.lock();
        known.made.insert(month);
        known.postponed |= !made;
    }

    /// Who tries again at once is in the way of everyone again, and for as long.
    fn note_failure(&self) {
        let mut known = self.lock();
        known.rests_until = known.now.plus(REST);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Known {
    fn default() -> Self {
        Self {
            made: BTreeSet::new(),
            postponed: false,
            oldest: BTreeMap::new(),
            now: Timestamp::UNIX_EPOCH,
            rests_until: Timestamp::UNIX_EPOCH,
        }
    }
}

impl Known {
    fn should_make(&self, month: &(Parent, Month)) -> bool {
        let oldest = self.oldest.get(&month.0);
        self.now >= self.rests_until
            && !self.made.contains(month)
            && oldest.is_none_or(|oldest| month.1 >= *oldest)
    }
}

impl PostgresStorage {
    /// Makes the partitions of this month and the next ones.
    pub(super) async fn make_months_ahead(&self, now: Timestamp) {
        self.make_months(self.months.begin(now)).await;
    }

    /// Makes the partitions for what was reported of these times.
    pub(super) async fn make_months_of(
        &self,
        parent: Parent,
        times: impl Iterator<Item = Timestamp> + Send,
    ) {
        self.make_months(self.months.missing(parent, times, BEHIND))
            .await;
    }

    /// Makes the partitions for what another storage has kept of these times, however long.
    pub(super) async fn make_old_months_of(
        &self,
        parent: Parent,
        times: impl Iterator<Item = Timestamp> + Send,
    ) {
        self.make_months(self.months.missing(parent, times, Month::MAX))
            .await;
    }

    /// Where one fails it goes on without the others: the default partition takes what comes, until
    /// they are made after a while.
    async fn make_months(&self, months: impl IntoIterator<Item = (Parent, Month), IntoIter: Send>) {
        for (parent, month) in months {
            let made = self
                .write(View::Server, |tx| {
                    scoped(async move { add(tx, parent, month).await })
                })
                .await;
            match made {
                Ok(made) => self.months.note_made((parent, month), made),
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the partition of a month could not be made"
                    );
                    return self.months.note_failure();
                }
            }
        }
    }
}

/// Makes the partition of a month, unless a [`look`] is under way; whether it did.
async fn add(tx: &mut PgConnection, parent: Parent, month: Month) -> Result<bool, Error> {
    if !begin_change(tx).await? {
        return Ok(false);
    }
    sqlx::query("SELECT add_month($1, $2)")
        .bind(parent.name())
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
    // Others wait for it, so it neither waits nor works for long itself.
    sqlx::raw_sql("SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '8s'")
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
    parent: Parent,
    before: Timestamp,
) -> Result<bool, Error> {
    if !begin_change(tx).await? {
        return Ok(false);
    }
    let dropped = sqlx::query_scalar("SELECT drop_month($1, $2)")
        .bind(parent.name())
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

/// January 2020: what was taken before lies in one partition together.
const FIRST: Month = 2020 * 12;

/// How long no month is made after one could not be.
const REST: Duration = Duration::from_secs(3600);

/// How many months back are made for what comes late.
const BEHIND: Month = 24;

const DAY_MILLIS: i64 = 24 * 3_600_000;

/// From March 1 of the year 0.
const DAYS_BEFORE_1970: i64 = 719_468;

const DAYS_PER_CYCLE: i64 = 146_097;

#[cfg(feature = "testing")]
#[cfg(test)]
mod tests;
