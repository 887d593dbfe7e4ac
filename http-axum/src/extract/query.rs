//! Query strings: parameters may be repeated where that means something; unknown ones are refused.

use std::collections::BTreeSet;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use fieldgate_core::model::Invalid;

use crate::problem::Problem;

/// The parameters of a query.
#[derive(Clone, Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: FromQuery, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut pairs = QueryPairs::read(parts)?;
        let query = T::from_query(&mut pairs)?;
        pairs.finish()?;
        Ok(Self(query))
    }
}

/// Something that a query says.
pub(crate) trait FromQuery: Sized {
    /// Takes the parameters that it knows.
    fn from_query(query: &mut QueryPairs) -> Result<Self, Problem>;
}

/// The parameters of a query that nobody has taken yet.
#[derive(Debug)]
pub(crate) struct QueryPairs(Vec<(String, String)>);

impl QueryPairs {
    /// Reads the query of a request.
    pub(crate) fn read(parts: &Parts) -> Result<Self, Problem> {
        let octets = percent_encoding::percent_decode_str(parts.uri.query().unwrap_or_default());
        if octets.decode_utf8().is_err() {
            return Err(malformed("the query is not UTF-8".to_owned()));
        }
        let pairs = axum::extract::Query::try_from_uri(&parts.uri);
        let axum::extract::Query(pairs): axum::extract::Query<Vec<(String, String)>> =
            pairs.map_err(|_| malformed("the query is malformed".to_owned()))?;
        if pairs.len() > PARAMETERS_MAX {
            let detail = format!("a query has at most {PARAMETERS_MAX} parameters");
            return Err(malformed(detail));
        }
        Ok(Self(pairs))
    }

    /// What has not been taken.
    pub(crate) fn remaining(&self) -> &[(String, String)] {
        &self.0
    }

    /// Takes all values of a parameter that may be repeated.
    pub(crate) fn all<T: FromStr<Err = Invalid>>(&mut self, name: &str) -> Result<Vec<T>, Problem> {
        let taken = self.0.extract_if(.., |(found, _)| found == name);
        let values = taken.map(|(_, value)| value.parse());
        values
            .collect::<Result<_, _>>()
            .map_err(|invalid| unparsable(name, &invalid))
    }

    /// Takes the value of a parameter that may be there once.
    pub(crate) fn one<T: FromStr<Err = Invalid>>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, Problem> {
        let value = self.text(name)?.map(|value| value.parse());
        value
            .transpose()
            .map_err(|invalid| unparsable(name, &invalid))
    }

    /// Takes the text of a parameter that may be there once.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let mut values = self.0.extract_if(.., |(found, _)| found == name);
        let (value, other) = (values.next(), values.next());
        if other.is_some() {
            let detail = format!("the query parameter `{name}` may be there once");
            return Err(malformed(detail));
        }
        Ok(value.map(|(_, value)| value))
    }

    /// Refuses what nobody has taken.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        let names = self.0.iter().map(|(name, _)| {
            let name: String = name.chars().take(NAME_SHOWN_CHARS).collect();
            format!("{name:?}")
        });
        let names: BTreeSet<_> = names.collect();
        if names.is_empty() {
            return Ok(());
        }
        let shown: Vec<_> = names.into_iter().take(NAMES_SHOWN_MAX).collect();
        Err(malformed(match shown.as_slice() {
            [only] => format!("there is no query parameter {only} here"),
            several => format!("there are no query parameters {} here", several.join(", ")),
        }))
    }
}

/// A parameter that cannot be read.
pub(crate) fn unparsable(name: &str, invalid: &Invalid) -> Problem {
    malformed(format!("the query parameter `{name}`: {invalid}"))
}

/// A query that makes no sense.
pub(crate) fn malformed(detail: String) -> Problem {
    Problem::malformed("query_malformed", detail)
}

const PARAMETERS_MAX: usize = 128;

/// How much of a name an error repeats.
const NAME_SHOWN_CHARS: usize = 64;

/// How many names an error repeats.
const NAMES_SHOWN_MAX: usize = 16;
