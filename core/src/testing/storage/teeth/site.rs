//! Faults of records that operators make, shown by sites.

use super::{Fault, FaultyStorage, whole};
use crate::model::device::{DeviceFilter, DeviceUpdate};
use crate::model::id::{OrganizationId, SiteId};
use crate::model::page::{Page, PageRequest};
use crate::model::revision::Revision;
use crate::model::site::{Site, SiteSettings};
use crate::storage::{DeviceStore, Effects, SiteStore, StorageError, Unique};
use crate::testing::clauses::assert_caught;
use crate::testing::fixtures::{noon, site as new_site};
use crate::testing::storage::{StorageFixture, extremes, ids, pages, site, times};

impl FaultyStorage {
    pub(super) async fn create_site(
        &self,
        site: &Site,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let mut site = site.clone();
        match self.fault {
            Fault::CutsTexts => {
                let text = site.settings.description.as_ref().map(ToString::to_string);
                let cut = text.map(|text| text.chars().take(255).collect::<String>());
                site.settings.description = cut.and_then(|text| text.parse().ok());
            }
            Fault::LosesMilliseconds => site.created_at = site.created_at.whole_seconds(),
            _ => {}
        }
        if self.has(Fault::TakesIdsFromOthers) {
            for other in self.everybody().await {
                drop(self.inner.delete_site(other, site.id, None).await);
            }
        }
        let answer = self.inner.create_site(&site, effects).await;
        match answer {
            Err(StorageError::Taken(Unique::Id)) if self.has(Fault::Overwrites) => {
                let (id, settings) = (site.organization_id, &site.settings);
                self.inner.update_site(id, site.id, None, settings).await?;
                Ok(())
            }
            answer => answer,
        }
    }

    pub(super) async fn site(
        &self,
        organization: OrganizationId,
        id: SiteId,
    ) -> Result<Option<Site>, StorageError> {
        let mut found = self.inner.site(organization, id).await?;
        if let Some(site) = &mut found
            && self.has(Fault::StandsStill)
        {
            site.revision = Revision::FIRST;
        }
        Ok(found)
    }

    pub(super) async fn sites(
        &self,
        organization: OrganizationId,
        page: PageRequest<SiteId>,
    ) -> Result<Page<Site>, StorageError> {
        let mut found = self.inner.sites(organization, page).await?;
        if self.has(Fault::SkipsBehindThePosition) && page.after.is_some() && found.items.len() > 1
        {
            found.items.remove(0);
        }
        Ok(found)
    }

    pub(super) async fn update_site(
        &self,
        organization: OrganizationId,
        id: SiteId,
        expected: Option<Revision>,
        settings: &SiteSettings,
    ) -> Result<Site, StorageError> {
        let updated = self.inner.update_site(organization, id, expected, settings);
        match updated.await {
            Err(StorageError::NotFound { .. }) if self.has(Fault::CreatesByUpdate) => {
                let site = Site {
                    id,
                    settings: settings.clone(),
                    ..new_site(organization)
                };
                self.inner.create_site(&site, &Effects::NONE).await?;
                Ok(site)
            }
            answer => answer,
        }
    }

    pub(super) async fn delete_site(
        &self,
        organization: OrganizationId,
        id: SiteId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        if self.has(Fault::EvictsDevices) {
            let filter = DeviceFilter {
                site_id: Some(id),
                ..DeviceFilter::default()
            };
            let there = self.inner.devices(organization, &filter, whole());
            for mut device in there.await?.items {
                device.settings.site_id = None;
                let update = DeviceUpdate {
                    settings: device.settings,
                    status: None,
                };
                let moved =
                    self.inner
                        .update_device(organization, device.id, None, &update, noon());
                moved.await?;
            }
        }
        self.inner.delete_site(organization, id, expected).await
    }
}

#[tokio::test]
async fn faults_of_records_are_caught() {
    assert_catches!(site::create_refuses_a_taken_id, Overwrites, "Ok(())");
    assert_catches!(site::changes_need_a_record, CreatesByUpdate, "Ok(Site");
    assert_catches!(
        site::update_changes_the_settings,
        StandsStill,
        "revision: Revision(1)"
    );
    assert_catches!(
        site::delete_spares_a_site_with_devices,
        EvictsDevices,
        "Ok(())"
    );
    assert_catches!(ids::copies_change_nothing, TakesIdsFromOthers, "left: [");
    assert_catches!(
        pages::keys_sites_and_groups,
        SkipsBehindThePosition,
        "missed: ["
    );
}

#[tokio::test]
async fn faults_of_values_are_caught() {
    assert_catches!(
        extremes::the_longest_texts_of_sites_and_groups,
        CutsTexts,
        "left: Some(Site"
    );
    assert_catches!(
        site::create_then_read,
        LosesMilliseconds,
        "unix_millis: 1781524800000"
    );
    assert_catches!(
        times::of_what_operators_make,
        LosesMilliseconds,
        "left: Timestamp { unix_millis: 0 }"
    );
}
