//! Spans of time in queries.

use std::str::FromStr;
use std::time::Duration;

use fieldgate_core::model::Invalid;
use fieldgate_core::model::reading::TimeRange;
use fieldgate_core::model::timestamp::Timestamp;
use utoipa::IntoParams;

use crate::extract::{FromQuery, QueryPairs, query_malformed};
use crate::problem::Problem;

/// From when to when.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RangeQuery {
    /// The first instant (RFC 3339); the beginning of all data if absent.
    #[param(value_type = Option<String>, format = "date-time")]
    from: Option<Timestamp>,
    /// The first instant that does not belong to it any more (RFC 3339); the end of all data if
    /// absent.
    #[param(value_type = Option<String>, format = "date-time")]
    to: Option<Timestamp>,
}

impl RangeQuery {
    /// The range.
    pub(crate) fn range(&self) -> TimeRange {
        TimeRange {
            from: self.from.unwrap_or(TimeRange::ALL.from),
            to: self.to.unwrap_or(TimeRange::ALL.to),
        }
    }
}

impl FromQuery for RangeQuery {
    fn from_query(query: &mut QueryPairs) -> Result<Self, Problem> {
        let range = Self {
            from: query.one("from")?,
            to: query.one("to")?,
        };
        if let (Some(from), Some(to)) = (range.from, range.to)
            && from > to
        {
            let detail = "the query parameter `from` lies behind `to`";
            return Err(query_malformed(detail.to_owned()));
        }
        Ok(range)
    }
}

/// How far back from now.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WindowQuery {
    /// How far back: a whole number and `s`, `m`, `h` or `d`.
    #[param(value_type = Option<String>, pattern = "^[1-9][0-9]{0,8}[smhd]$", example = "24h")]
    last: Option<Last>,
}

impl WindowQuery {
    /// The range from so far back on; `default` where the query does not say.
    pub(crate) fn range(&self, now: Timestamp, default: Duration) -> TimeRange {
        TimeRange {
            from: now.minus(self.last.map_or(default, |last| last.0)),
            // A device's clock may be a little ahead: what it has just said belongs to it.
            to: Timestamp::MAX,
        }
    }
}

impl FromQuery for WindowQuery {
    fn from_query(query: &mut QueryPairs) -> Result<Self, Problem> {
        let last = query.one("last")?;
        Ok(Self { last })
    }
}

/// What span of time to sum up.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SummaryQuery {
    /// The first instant (RFC 3339).
    #[param(value_type = Option<String>, format = "date-time")]
    from: Option<Timestamp>,
    /// The first instant that does not belong to it any more (RFC 3339); now if absent.
    #[param(value_type = Option<String>, format = "date-time")]
    to: Option<Timestamp>,
    /// Instead of `from`: how far back from `to`, as a whole number and `s`, `m`, `h` or `d`. With
    /// neither of the two, 24 hours.
    #[param(value_type = Option<String>, pattern = "^[1-9][0-9]{0,8}[smhd]$", example = "24h")]
    last: Option<Last>,
}

impl SummaryQuery {
    /// The range, which ends now where the query does not say.
    pub(crate) fn range(&self, now: Timestamp) -> Result<TimeRange, Problem> {
        let to = self.to.unwrap_or(now);
        let last = self.last.map_or(DAY, |last| last.0);
        let from = self.from.unwrap_or_else(|| to.minus(last));
        if from > to {
            return Err(query_malformed("`from` lies behind `to`".to_owned()));
        }
        Ok(TimeRange { from, to })
    }
}

impl FromQuery for SummaryQuery {
    fn from_query(query: &mut QueryPairs) -> Result<Self, Problem> {
        let RangeQuery { from, to } = RangeQuery::from_query(query)?;
        let last = query.one("last")?;
        if from.is_some() && last.is_some() {
            let detail = "the query parameters `from` and `last` exclude each other";
            return Err(query_malformed(detail.to_owned()));
        }
        Ok(Self { from, to, last })
    }
}

/// A length of time, for example `90s` or `24h`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Last(Duration);

impl FromStr for Last {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let parse = || {
            let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
            let secs = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3600,
                "d" => 24 * 3600,
                _ => return None,
            };
            let is_number = (1..=9).contains(&number.len())
                && number.bytes().all(|byte| byte.is_ascii_digit())
                && !number.starts_with('0');
            let number: u64 = is_number.then(|| number.parse().ok())??;
            Some(Self(Duration::from_secs(number * secs)))
        };
        parse().ok_or_else(|| {
            Invalid::new("a length of time is a whole number and s, m, h or d, for example 24h")
        })
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        for (text, secs) in [("90s", 90), ("15m", 900), ("24h", 86_400), ("7d", 604_800)] {
            assert_eq!(text.parse(), Ok(Last(Duration::from_secs(secs))), "{text}");
        }
        for text in [
            "",
            "h",
            "0h",
            "01h",
            "-1h",
            "+1h",
            "1.5h",
            "1w",
            "1H",
            "1 h",
            "9999999999s",
            "1ü",
        ] {
            assert!(text.parse::<Last>().is_err(), "{text}");
        }
    }
}
