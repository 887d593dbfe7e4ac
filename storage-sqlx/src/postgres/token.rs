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
use fieldgate_core::storage::{Effects, Redemption, StorageError, TokenStore};
use sqlx::postgres::{PgConnection, PgRow};

use crate::error::Error;
use crate::postgres::redemption::redeem;
use crate::postgres::row::Columns;
use crate::postgres::select::Select;
use crate::postgres::transaction::{View, scoped};
use crate::postgres::{PostgresStorage, device, device_write, idempotency, refuse};

#[async_trait]
impl TokenStore for PostgresStorage {
    async fn register_device(
        &self,
        device: &Device,
        token: &RegistrationToken,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        self.write(device.organization_id, |tx| {
            scoped(async move {
                idempotency::record(tx, device.organization_id, effects).await?;
                device_write::insert(tx, device).await?;
                insert(tx, token).await
            })
        })
        .await
    }

    async fn create_token(
        &self,
        token: &RegistrationToken,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        self.write(token.organization_id, |tx| {
            scoped(async move {
                idempotency::record(tx, token.organization_id, effects).await?;
                let (organization, device) = (token.organization_id, token.device_id);
                device::lock(tx, organization, device).await?;
                revoke_open(tx, organization, device, token.created_at).await?;
                insert(tx, token).await
            })
        })
        .await
    }

    async fn token(&self, id: TokenId) -> Result<Option<RegistrationToken>, StorageError> {
        let mut select = Select::new(SELECT);
        select.sql(" AND t.id = ").bind(id.as_uuid());
        let mut reader = self.reader(View::Server).await?;
        let found = select.optional(&mut reader, decode).await;
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
        select.bind(organization.as_uuid());
        push_states(&mut select, states, now);
        if let Some(after) = page.after {
            select.sql(" AND t.id > ").bind(after.as_uuid());
        }
        select.sql(" ORDER BY t.id");
        let mut reader = self.reader(organization).await?;
        let page = select.page(&mut reader, page.limit, decode).await;
        page.map_err(refuse)
    }

    async fn revoke_token(
        &self,
        organization: OrganizationId,
        id: TokenId,
        now: Timestamp,
    ) -> Result<TokenState, StorageError> {
        self.write(organization, |tx| {
            scoped(async move {
                let found = lock(tx, organization, id).await?;
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
        self.write(organization, |tx| {
            scoped(
                async move { redeem(tx, organization, id, certificate.clone(), limits, now).await },
            )
        })
        .await
    }
}

/// The device of a token, where both are there; it is locked before the token is.
pub(super) async fn lock_device(
    tx: &mut PgConnection,
    organization: OrganizationId,
    id: TokenId,
) -> Result<(), Error> {
    sqlx::query(
        "SELECT 1 FROM token AS t JOIN device AS d ON d.organization_id = t.organization_id \
         AND d.id = t.device_id WHERE t.organization_id = $1 AND t.id = $2 \
         FOR NO KEY UPDATE OF d",
    )
    .bind(organization.as_uuid())
    .bind(id.as_uuid())
    .execute(tx)
    .await?;
    Ok(())
}

/// A token of a living device, to be changed. The fate of a token changes without its device
/// being locked, too.
pub(super) async fn lock(
    connection: &mut PgConnection,
    organization: OrganizationId,
    id: TokenId,
) -> Result<Option<RegistrationToken>, Error> {
    let mut select = Select::new(SELECT);
    select.sql(" AND t.organization_id = ");
    select.bind(organization.as_uuid());
    select.sql(" AND t.id = ").bind(id.as_uuid());
    select.sql(" FOR NO KEY UPDATE OF t");
    select.optional(connection, decode).await
}

/// Writes what has become of a token.
pub(super) async fn set_fate(
    tx: &mut PgConnection,
    token: &RegistrationToken,
) -> Result<(), Error> {
    let (fate, at, serial_number) = fate_columns(&token.fate);
    sqlx::query("UPDATE token SET fate = $2, fate_at = $3, serial_number = $4 WHERE id = $1")
        .bind(token.id.as_uuid())
        .bind(fate)
        .bind(at.map(Timestamp::unix_millis))
        .bind(serial_number.map(SerialNumber::as_be_bytes))
        .execute(tx)
        .await?;
    Ok(())
}

/// Revokes the open token of a device, or notes that it has expired.
pub(super) async fn revoke_open(
    tx: &mut PgConnection,
    organization: OrganizationId,
    device: DeviceId,
    at: Timestamp,
) -> Result<(), Error> {
    let mut select = Select::new(SELECT);
    select.sql(" AND t.fate = 'OPEN' AND t.organization_id = ");
    select.bind(organization.as_uuid());
    select.sql(" AND t.device_id = ");
    select.bind(device.as_uuid());
    select.sql(" FOR NO KEY UPDATE OF t");
    if let Some(mut token) = select.optional(tx, decode).await? {
        token.fate = match token.state(at) {
            TokenState::Expired => TokenFate::Expired,
            _ => TokenFate::Revoked { at },
        };
        set_fate(tx, &token).await?;
    }
    Ok(())
}

pub(super) async fn insert(tx: &mut PgConnection, token: &RegistrationToken) -> Result<(), Error> {
    let (fate, at, serial_number) = fate_columns(&token.fate);
    sqlx::query(
        "INSERT INTO token (organization_id, id, device_id, device_name, created_at, \
         expires_at, secret_hash, fate, fate_at, serial_number) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(token.organization_id.as_uuid())
    .bind(token.id.as_uuid())
    .bind(token.device_id.as_uuid())
    .bind(token.device_name.as_str())
    .bind(token.created_at.unix_millis())
    .bind(token.expires_at.unix_millis())
    .bind(token.secret_hash.as_bytes().as_slice())
    .bind(fate)
    .bind(at.map(Timestamp::unix_millis))
    .bind(serial_number.map(SerialNumber::as_be_bytes))
    .execute(tx)
    .await?;
    Ok(())
}

/// Adds that a token is in one of the states, as [`RegistrationToken::state`] says it.
fn push_states(select: &mut Select, states: &[TokenState], now: Timestamp) {
    // With one state alone, the condition is plain enough for the index of open tokens.
    select.sql(if states.is_empty() {
        " AND (false"
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

pub(super) fn decode(row: &PgRow) -> Result<RegistrationToken, Error> {
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
     t.expires_at, t.secret_hash, t.fate, t.fate_at, t.serial_number FROM token AS t \
     WHERE EXISTS (SELECT 1 FROM device AS d WHERE d.organization_id = t.organization_id \
     AND d.id = t.device_id)";
