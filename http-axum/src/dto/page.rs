//! Pages of lists. Each has a schema of its own, for generated clients.

use serde::Deserialize;
use utoipa::IntoParams;

/// Which page of a list is wanted: the document's side of [`crate::extract::List`].
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "read by `extract::List`; this is for the document"
)]
pub(crate) struct PageQuery {
    /// How many items at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
    /// Where to go on: the `nextCursor` of the page before, with the same filters.
    cursor: Option<String>,
}

/// Makes the body of a page.
macro_rules! page {
    ($(#[$doc:meta])* $name:ident of $item:ident) => {
        $(#[$doc])*
        #[derive(Debug, serde::Serialize, utoipa::ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $name {
            /// The items, in the list's order.
            items: Vec<$item>,
            /// Where the list goes on; null on its last page.
            #[schema(required = true)]
            next_cursor: Option<String>,
        }

        impl crate::extract::PageBody for $name {
            type Item = $item;

            fn new(items: Vec<$item>, next_cursor: Option<String>) -> Self {
                Self { items, next_cursor }
            }
        }
    };
}
pub(crate) use page;
