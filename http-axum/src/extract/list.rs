//! Pages of lists: `limit`, `cursor`, and the filters of the list.

use axum::Json;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use fieldgate_core::model::Invalid;
use fieldgate_core::model::page::{Page, PageLimit, PageRequest};

use crate::cursor::{Binding, Position};
use crate::extract::query::QueryPairs;
use crate::extract::{FromQuery, caller, operation};
use crate::problem::Problem;

/// Which page of which list is wanted. `F` are the list's filters, `K` is a position in it.
#[derive(Clone, Debug)]
pub(crate) struct List<F, K> {
    /// The filters.
    pub(crate) filter: F,
    /// Which page.
    pub(crate) page: PageRequest<K>,
    binding: Binding,
}

impl<F: FromQuery, K: Position, S: Send + Sync> FromRequestParts<S> for List<F, K> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let mut query = QueryPairs::read(parts)?;
        let limit = query.one::<Limit>("limit")?.unwrap_or_default().0;
        let cursor = query.text("cursor")?;
        let params = RawPathParams::from_request_parts(parts, state).await;
        let path: Vec<&str> = match &params {
            Ok(params) => params.iter().map(|(_, value)| value).collect(),
            Err(_) => Vec::new(),
        };
        let owner = caller(&parts.extensions)?.owner;
        let id = operation(&parts.extensions)?.id;
        let binding = Binding::new(owner, id, &path, query.remaining());
        let filter = F::from_query(&mut query)?;
        query.finish()?;
        let after = cursor.map(|cursor| binding.position(&cursor)).transpose()?;
        Ok(Self {
            filter,
            page: PageRequest { after, limit },
            binding,
        })
    }
}

impl<F, K: Position> List<F, K> {
    /// The answer with a page that was found; `position` is that of an item in the list.
    pub(crate) fn answer<T, B>(&self, page: Page<T>, position: impl Fn(&T) -> K) -> Json<B>
    where
        B: PageBody<Item: From<T>>,
    {
        let last = page.items.last().filter(|_| page.more);
        let next_cursor = last.map(|last| self.binding.cursor(&position(last)));
        let items = page.items.into_iter().map(B::Item::from).collect();
        Json(B::new(items, next_cursor))
    }

    /// The answer where nothing can match.
    pub(crate) fn empty<B: PageBody>(&self) -> Json<B> {
        Json(B::new(Vec::new(), None))
    }
}

/// The body of a page.
pub(crate) trait PageBody {
    /// What it holds.
    type Item;

    /// A page of these items.
    fn new(items: Vec<Self::Item>, next_cursor: Option<String>) -> Self;
}

/// A list without filters.
impl FromQuery for () {
    fn from_query(_: &mut QueryPairs) -> Result<Self, Problem> {
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Limit(PageLimit);

impl std::str::FromStr for Limit {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let number = text.parse().unwrap_or_default();
        PageLimit::new(number).map(Self)
    }
}
