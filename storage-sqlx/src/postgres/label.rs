//! Index tables of tags and of the words of names, and the conditions that look into them.

use std::collections::BTreeSet;

use fieldgate_core::model::device::name_words;
use fieldgate_core::model::id::OrganizationId;
use fieldgate_core::model::tag::{Tag, TagSelector, Tags};
use fieldgate_core::model::text::Name;
use sqlx::postgres::{PgConnection, Postgres};
use sqlx::{Encode, Type};
use uuid::Uuid;

use crate::error::Error;
use crate::postgres::row::tag_texts;
use crate::postgres::select::Select;

/// The index tables of one kind of record.
#[derive(Debug)]
pub(super) struct Labels {
    add_tags: &'static str,
    remove_tags: &'static str,
    add_words: &'static str,
    remove_words: &'static str,
}

macro_rules! labels {
    ($tag:literal, $word:literal) => {
        Labels {
            add_tags: concat!(
                "INSERT INTO ",
                $tag,
                " (organization_id, tag, owner_id) SELECT $1, value, $2 \
                 FROM unnest($3) AS value ON CONFLICT DO NOTHING"
            ),
            remove_tags: concat!(
                "DELETE FROM ",
                $tag,
                " WHERE organization_id = $1 AND owner_id = $2 \
                 AND tag = ANY($3)"
            ),
            add_words: concat!(
                "INSERT INTO ",
                $word,
                " (organization_id, word, owner_id) \
                 SELECT $1, value, $2 FROM unnest($3) AS value ON CONFLICT DO NOTHING"
            ),
            remove_words: concat!(
                "DELETE FROM ",
                $word,
                " WHERE organization_id = $1 AND owner_id = $2 \
                 AND word = ANY($3)"
            ),
        }
    };
}

impl Labels {
    /// Those of components, which are not found by words.
    pub(super) const COMPONENT: Self = labels!("component_tag", "component_word");
    /// Those of devices.
    pub(super) const DEVICE: Self = labels!("device_tag", "device_word");
    /// Those of sensors.
    pub(super) const SENSOR: Self = labels!("sensor_tag", "sensor_word");

    /// Replaces the tags of a record.
    pub(super) async fn set_tags(
        &self,
        connection: &mut PgConnection,
        organization: OrganizationId,
        owner: &Uuid,
        (old, new): (&Tags, &Tags),
    ) -> Result<(), Error> {
        if old == new {
            return Ok(());
        }
        if !old.is_empty() {
            let tags = tag_texts(old);
            run(self.remove_tags, connection, organization, owner, tags).await?;
        }
        if !new.is_empty() {
            let tags = tag_texts(new);
            run(self.add_tags, connection, organization, owner, tags).await?;
        }
        Ok(())
    }

    /// Replaces the words of a record; without a name it has none.
    pub(super) async fn set_words(
        &self,
        connection: &mut PgConnection,
        organization: OrganizationId,
        owner: &Uuid,
        (old, new): (Option<&Name>, Option<&Name>),
    ) -> Result<(), Error> {
        if old == new {
            return Ok(());
        }
        if let Some(old) = old {
            let words = words(old);
            run(self.remove_words, connection, organization, owner, words).await?;
        }
        if let Some(new) = new {
            let words = words(new);
            run(self.add_words, connection, organization, owner, words).await?;
        }
        Ok(())
    }
}

async fn run<T>(
    statement: &'static str,
    connection: &mut PgConnection,
    organization: OrganizationId,
    owner: &Uuid,
    labels: Vec<T>,
) -> Result<(), Error>
where
    Vec<T>: for<'t> Encode<'t, Postgres> + Type<Postgres>,
{
    sqlx::query(statement)
        .bind(organization.as_uuid())
        .bind(owner)
        .bind(labels)
        .execute(connection)
        .await?;
    Ok(())
}

fn words(name: &Name) -> Vec<Vec<u8>> {
    let words: BTreeSet<String> = name_words(name.as_str()).collect();
    words.into_iter().map(String::into_bytes).collect()
}

/// Adds for each of the tags that the record has it. `has` is the condition up to the tag, and
/// ends within a parenthesis.
pub(super) fn push_all<'t>(
    select: &mut Select,
    has: &'static str,
    tags: impl Iterator<Item = &'t Tag>,
) {
    for tag in tags {
        select.sql(" AND ").sql(has).sql(" = ").bind(tag.as_str());
        select.sql(")");
    }
}

/// Adds that the selector chooses the record; see [`push_all`].
pub(super) fn push_selector(select: &mut Select, has: &'static str, selector: &TagSelector) {
    push_all(select, has, selector.all.iter());
    for (tags, how) in [(&selector.any, " AND "), (&selector.none, " AND NOT ")] {
        if !tags.is_empty() {
            select.sql(how).sql(has);
            select.sql(" = ANY(");
            select.bind(tag_texts(tags)).sql("))");
        }
    }
}

/// Adds that a word begins with `prefix`. `has` is the condition up to the organization of the
/// words `w`, and ends within a parenthesis.
pub(super) fn push_prefix(
    select: &mut Select,
    has: &'static str,
    organization: OrganizationId,
    prefix: &str,
) {
    let from = prefix.to_lowercase().into_bytes();
    // Every name has a word, and it begins with nothing.
    let Some((last, rest)) = from.split_last() else {
        return;
    };
    // No octet of UTF-8 is 255.
    let mut to = rest.to_vec();
    to.push(last.saturating_add(1));
    select.sql(" AND ").sql(has).sql(" = ");
    select.bind(organization.as_uuid());
    select.sql(" AND w.word >= ").bind(from.as_slice());
    select.sql(" AND w.word < ").bind(to).sql(")");
}
