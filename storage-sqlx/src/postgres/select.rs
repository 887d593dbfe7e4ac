//! Builds queries for PostgreSQL.

use sqlx::Postgres;

pub(super) use crate::select::{check_revision, counted, row_count};

/// A query under construction.
pub(super) type Select = crate::select::Select<Postgres>;
