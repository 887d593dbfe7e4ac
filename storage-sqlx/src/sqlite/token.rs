//! Keeps registration tokens.

use async_trait::async_trait;
use fieldgate_core::model::certificate::Certificate;
use fieldgate_core::model::device::Device;
use fieldgate_core::model::id::{DeviceId, OrganizationId, TokenId};
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::secret::SecretHash;
use fieldgate_core::model::serial::SerialNumber;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::model::token::{RegistrationToken, TokenFate, TokenState};
use fieldgate_core::storage::{Effects, Redemption, StorageError, TokenStore, Unique};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::error::Error;
use crate::sqlite::checksum::{TOKEN, sound};
use crate::sqlite::redemption::redeem;
use crate::sqlite::row::Columns;
use crate::sqlite::select::Select;
use crate::sqlite::{SqliteStorage, device, device_write, idempotency, refuse};

#[async_trait]
impl TokenStore for SqliteStorage {
    async fn register_device(
        &self,
        device: &Device,
        token: &RegistrationToken,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let (device, token, effects) = (device.clone(), token.clone(), effects.clone());
        self.write(move |tx| {
            Box::pin(async move {
                idempotency::record(tx, &effects).await?;
                device_write::insert(tx, &device).await?;
                insert(tx, &token).await
            })
        })
        .await
    }

    async fn create_token(
        &self,
        token: &RegistrationToken,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let (token, effects) = (token.clone(), effects.clone());
        self.write(move |tx| {
            Box::pin(async move {
                idempotency::record(tx, &effects).await?;
                let (organization, device) = (token.organization_id, token.device_id);
                device::check(tx, organization, device).await?;
                revoke_open(tx, organization, device, token.created_at).await?;
                insert(tx, &token).await
            })
        })
        .await
    }

    async fn token(&self, id: TokenId) -> Result<Option<RegistrationToken>, StorageError> {
        let mut select = Select::new(SELECT);
        select.sql(" AND t.id = ").bind(id.as_bytes().as_slice());
        let mut reader = self.reader().await?;
        let found = select.optional(&mut reader, sound(&TOKEN, decode)).await;
        found.map_err(refuse)
    }

    async fn tokens(
        &self,
        organization: OrganizationId,
        states: &[TokenState],
        now: Timestamp,
        page: PageRequest<TokenId>,
    ) -> Result<Page<RegistrationToken>, StorageError> {
        let mut select = Select::new(SELECT);
        select.sql(" AND t.organization_id = ");
        select.bind(organization.as_bytes().as_slice());
        push_states(&mut select, states, now);
        if let Some(after) = page.after {
            select.sql(" AND t.id > ").bind(after.as_bytes().as_slice());
        }
        select.sql(" ORDER BY t.id");
        let mut reader = self.reader().await?;
        let page = select.page(&mut reader, page.limit, decode).await;
        page.map_err(refuse)
    }

    async fn revoke_token(
        &self,
        organization: OrganizationId,
        id: TokenId,
        now: Timestamp,
    ) -> Result<TokenState, StorageError> {
        self.write(move |tx| {
            Box::pin(async move {
                let found = find(tx, organization, id).await?;
                let mut token = found.ok_or(Error::not_found("token"))?;
                let state = token.state(now);
                if state == TokenState::Pending {
                    token.fate = TokenFate::Revoked { at: now };
                    set_fate(tx, &token).await?;
                }
                Ok(state)
            })
        })
        .await
    }

    async fn consume_token(
        &self,
        organization: OrganizationId,
        id: TokenId,
        certificate: &Certificate,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Redemption, StorageError> {
        let (certificate, limits) = (certificate.clone(), limits.clone());
        self.write(move |tx| {
            Box::pin(async move { redeem(tx, organization, id, certificate, &limits, now).await })
        })
        .await
    }
}

/// A token of a living device.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    id: TokenId,
) -> Result<Option<RegistrationToken>, Error> {
    let mut select = Select::new(SELECT);
    select.sql(" AND t.organization_id = ");
    select.bind(organization.as_bytes().as_slice());
    select.sql(" AND t.id = ").bind(id.as_bytes().as_slice());
    select.optional(connection, sound(&TOKEN, decode)).await
}

/// Writes what has become of a token.
pub(super) async fn set_fate(
    tx: &mut SqliteConnection,
    token: &RegistrationToken,
) -> Result<(), Error> {
    let (fate, at, serial_number) = fate_columns(&token.fate);
    sqlx::query("UPDATE token SET fate = ?2, fate_at = ?3, serial_number = ?4 WHERE id = ?1")
        .bind(token.id.as_bytes().as_slice())
        .bind(fate)
        .bind(at.map(Timestamp::unix_millis))
        .bind(serial_number.map(SerialNumber::as_be_bytes))
        .execute(tx)
        .await?;
    Ok(())
}

/// Revokes the open token of a device, or notes that it has expired.
pub(super) async fn revoke_open(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    device: DeviceId,
    at: Timestamp,
) -> Result<(), Error> {
    let mut select = Select::new(SELECT);
    select.sql(" AND t.fate = 'OPEN' AND t.organization_id = ");
    select.bind(organization.as_bytes().as_slice());
    select.sql(" AND t.device_id = ");
    select.bind(device.as_bytes().as_slice());
    if let Some(mut token) = select.optional(tx, sound(&TOKEN, decode)).await? {
        token.fate = match token.state(at) {
            TokenState::Expired => TokenFate::Expired,
            _ => TokenFate::Revoked { at },
        };
        set_fate(tx, &token).await?;
    }
    Ok(())
}

/// Adds a token.
pub(super) async fn insert(
    tx: &mut SqliteConnection,
    token: &RegistrationToken,
) -> Result<(), Error> {
    let (fate, at, serial_number) = fate_columns(&token.fate);
    let inserted = sqlx::query(
        "INSERT INTO token (organization_id, id, device_id, device_name, created_at, \
         expires_at, secret_hash, fate, fate_at, serial_number) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
    )
    .bind(token.organization_id.as_bytes().as_slice())
    .bind(token.id.as_bytes().as_slice())
    .bind(token.device_id.as_bytes().as_slice())
    .bind(token.device_name.as_str())
    .bind(token.created_at.unix_millis())
    .bind(token.expires_at.unix_millis())
    .bind(token.secret_hash.as_bytes().as_slice())
    .bind(fate)
    .bind(at.map(Timestamp::unix_millis))
    .bind(serial_number.map(SerialNumber::as_be_bytes))
    .execute(tx)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(Error::taken(Unique::Id));
    }
    Ok(())
}

/// Adds that a token is in one of the states, as [`RegistrationToken::state`] says it.
fn push_states(select: &mut Select, states: &[TokenState], now: Timestamp) {
    // With one state alone, the condition is plain enough for the index of open tokens.
    select.sql(if states.is_empty() {
        " AND (0"
    } else {
        " AND ("
    });
    for (index, state) in states.iter().enumerate() {
        if index > 0 {
            select.sql(" OR ");
        }
        match state {
            TokenState::Expired => {
                select.sql("t.fate = 'EXPIRED' OR t.fate = 'OPEN' AND t.expires_at <= ");
                select.bind(now.unix_millis());
            }
            TokenState::Pending => {
                select.sql("t.fate = 'OPEN' AND t.expires_at > ");
                select.bind(now.unix_millis());
            }
            TokenState::Revoked => {
                select.sql("t.fate = 'REVOKED'");
            }
            TokenState::Used => {
                select.sql("t.fate = 'USED'");
            }
        }
    }
    select.sql(")");
}

const fn fate_columns(
    fate: &TokenFate,
) -> (&'static str, Option<Timestamp>, Option<&SerialNumber>) {
    match fate {
        TokenFate::Expired => ("EXPIRED", None, None),
        TokenFate::Open => ("OPEN", None, None),
        TokenFate::Revoked { at } => ("REVOKED", Some(*at), None),
        TokenFate::Used { at, serial_number } => ("USED", Some(*at), Some(serial_number)),
    }
}

/// Reads a row of [`SELECT`].
pub(super) fn decode(row: &SqliteRow) -> Result<RegistrationToken, Error> {
    let mut columns = Columns::of(row, "token");
    let organization_id = columns.id(OrganizationId::from_uuid)?;
    let id = columns.id(TokenId::from_uuid)?;
    columns.name(id);
    Ok(RegistrationToken {
        id,
        organization_id,
        device_id: columns.id(DeviceId::from_uuid)?,
        device_name: columns.text()?,
        created_at: columns.timestamp()?,
        expires_at: columns.timestamp()?,
        secret_hash: SecretHash::from_bytes(columns.octets()?),
        fate: decode_fate(&mut columns)?,
    })
}

fn decode_fate(columns: &mut Columns<'_>) -> Result<TokenFate, Error> {
    let fate: &str = columns.plain()?;
    let at = columns.timestamp_optional()?;
    let serial_number = columns.parse_optional_with(SerialNumber::from_be_bytes)?;
    match (fate, at, serial_number) {
        ("EXPIRED", None, None) => Ok(TokenFate::Expired),
        ("OPEN", None, None) => Ok(TokenFate::Open),
        ("REVOKED", Some(at), None) => Ok(TokenFate::Revoked { at }),
        ("USED", Some(at), Some(serial_number)) => Ok(TokenFate::Used { at, serial_number }),
        _ => Err(columns.contradiction("no such fate of a token")),
    }
}

/// Those of living devices.
pub(super) const SELECT: &str = "SELECT t.organization_id, t.id, t.device_id, t.device_name, t.created_at, \
     t.expires_at, t.secret_hash, t.fate, t.fate_at, t.serial_number, t.checksum \
     FROM token AS t \
     WHERE EXISTS (SELECT 1 FROM device AS d WHERE d.organization_id = t.organization_id \
     AND d.id = t.device_id)";
