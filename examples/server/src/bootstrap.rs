//! The first start: the organization `default`, and the first keys.

use std::io;

use anyhow::Context as _;
use fieldgate_core::Fieldgate;
use fieldgate_core::model::api_key::{ApiKeySettings, Grant, KeyOwner, Scope};
use fieldgate_core::model::id::OrganizationId;
use fieldgate_core::model::page::{PageLimit, PageRequest};
use fieldgate_core::model::secret::SecretText;
use fieldgate_core::storage::ServerProof;
use zeroize::Zeroizing;

use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::private_file;
use crate::settings::StorageUrl;

/// What the first start made.
#[derive(Debug, Default)]
pub(crate) struct Bootstrapped {
    /// The key of the organization `default`, if it was made just now.
    pub(crate) admin_key: Option<SecretText>,
}

/// Makes the organization `default` and the first keys, where nothing is there yet, or where an
/// earlier first start was cut off.
///
/// A marker in the data directory is there from before the first change until the keys lie in
/// their files. While it is there no key has ever been shown, so that those which a start that was
/// cut off has stored are removed, and new ones made: there is never an installation to which
/// nobody has a key.
///
/// # Errors
///
/// [`Failure`] where storage or files fail, and the next start goes on; and where the storage is
/// empty but the directory has keys, which belong to another storage.
pub(crate) async fn bootstrap(
    fieldgate: &Fieldgate,
    directory: &DataDir,
    storage: &StorageUrl,
) -> Result<Bootstrapped, Failure> {
    let marker = directory.first_start_marker();
    let interrupted = marker
        .try_exists()
        .context("the data directory cannot be read")?;
    if !interrupted && !is_empty(fieldgate).await? {
        return Ok(Bootstrapped::default());
    }
    if !interrupted {
        spare_other_keys(directory, storage)?;
    }
    match private_file::create(&marker, b"") {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(Failure::runtime(format!("the data directory: {error}")));
        }
        _ => {}
    }
    let organization = default_organization(fieldgate).await?;
    let owner = KeyOwner::Organization(organization);
    let admin_key = fresh_key(fieldgate, owner, "admin", &Scope::ORGANIZATION).await?;
    let server_key = fresh_key(fieldgate, KeyOwner::Server, "server", &[Scope::Server]).await?;
    for (path, key) in [
        (directory.admin_key(), &admin_key),
        (directory.server_key(), &server_key),
    ] {
        let line = Zeroizing::new(format!("{}\n", key.as_str()));
        private_file::replace(&path, line.as_bytes())
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    private_file::remove(&marker).context("the data directory cannot be changed")?;
    Ok(Bootstrapped {
        admin_key: Some(admin_key),
    })
}

/// Refuses to write over keys that are good for another storage: whoever has forgotten `--storage`
/// would lose them.
fn spare_other_keys(directory: &DataDir, storage: &StorageUrl) -> Result<(), Failure> {
    // What was in memory is gone, and its keys with it.
    let files = match storage {
        StorageUrl::Memory => vec![directory.database_file()],
        StorageUrl::Postgres(_) | StorageUrl::Sled(_) | StorageUrl::Sqlite(_) => {
            vec![directory.admin_key(), directory.server_key()]
        }
    };
    let found = files.into_iter().find(|path| path.exists());
    let Some(found) = found else {
        return Ok(());
    };
    Err(Failure::runtime(format!(
        "the storage {} is empty, but {} belongs to another one: name that by --storage, or \
         another directory by --data-dir",
        storage.masked(),
        found.display()
    )))
}

/// Nothing is there: no organization, and no key by which somebody has removed them all.
async fn is_empty(fieldgate: &Fieldgate) -> Result<bool, Failure> {
    let organizations = fieldgate.organizations();
    let page = organizations
        .list(
            ServerProof::vouch(),
            PageRequest::first(PageLimit::default()),
        )
        .await;
    let organizations = page.context("the storage cannot be read")?.items;
    let keys = fieldgate.api_keys();
    let page = keys
        .list(KeyOwner::Server, PageRequest::first(PageLimit::default()))
        .await;
    let keys = page.context("the storage cannot be read")?.items;
    Ok(organizations.is_empty() && keys.is_empty())
}

async fn default_organization(fieldgate: &Fieldgate) -> Result<OrganizationId, Failure> {
    let organizations = fieldgate.organizations();
    let slug = SLUG.parse().context("the first slug")?;
    let found = organizations.organization_by_slug(&slug).await;
    match found {
        Ok(organization) => return Ok(organization.id),
        Err(fieldgate_core::Error::NotFound { .. }) => {}
        Err(error) => return Err(anyhow::Error::new(error).into()),
    }
    let name = NAME.parse().context("the first name")?;
    let created = organizations
        .create(ServerProof::vouch(), slug, name, None)
        .await;
    Ok(created
        .context("the organization `default` cannot be made")?
        .organization
        .id)
}

/// Mints a key and removes all that the owner had before.
async fn fresh_key(
    fieldgate: &Fieldgate,
    owner: KeyOwner,
    name: &str,
    scopes: &[Scope],
) -> Result<SecretText, Failure> {
    let keys = fieldgate.api_keys();
    let grant = Grant {
        scopes: scopes.iter().copied().collect(),
        expires_at: None,
    };
    let new = ApiKeySettings {
        name: name.parse().context("the first key's name")?,
        scopes: grant.scopes.clone(),
        expires_at: None,
    };
    let minted = keys.mint(owner, &grant, new, None).await;
    let minted = minted.context("the first keys cannot be made")?;
    let mut page = PageRequest::first(PageLimit::MAX);
    loop {
        let found = keys.list(owner, page).await;
        let found = found.context("the storage cannot be read")?;
        for key in found.items.iter().filter(|key| key.id != minted.key.id) {
            let revoked = keys.revoke(owner, key.id, None).await;
            revoked.context("a key of the interrupted first start cannot be removed")?;
        }
        page.after = found.items.last().map(|key| key.id);
        if !found.more {
            break;
        }
    }
    minted
        .text
        .ok_or_else(|| Failure::runtime("the first key has no text"))
}

/// The slug of the first organization.
pub(crate) const SLUG: &str = "default";
const NAME: &str = "Default";
