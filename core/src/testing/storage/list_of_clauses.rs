//! The macros that turn each clause into a test of its own.

/// Declares one test for each clause of the storage contract, in one module per noun.
///
/// It takes the path of a [`StorageFixture`](crate::testing::storage::StorageFixture), absolute or
/// as it is in scope:
///
/// ```text
/// mod memory {
///     fieldgate_core::storage_contract!(crate::MemoryFixture);
/// }
/// ```
#[macro_export]
macro_rules! storage_contract {
    ($fixture:path) => {
        type StorageContractFixture = $fixture;

        $crate::storage_contract!(@noun api_key:
            create_then_read,
            scopes_and_ends_are_kept,
            create_refuses_a_taken_id,
            create_refuses_a_taken_prefix,
            owners_are_apart,
            touch_moves_forwards,
            touch_does_not_create,
            delete_is_at_once,
            the_list_is_by_id,
        );
        $crate::storage_contract!(@noun group:
            create_then_read,
            create_refuses_a_taken_id,
            update_changes_the_settings,
            update_checks_the_revision,
            changes_need_a_record,
            delete_spares_the_devices,
            the_list_is_by_id,
            counting_follows_the_selector,
        );
        $crate::storage_contract!(@noun health:
            store_then_read,
            the_first_of_a_timestamp_stays,
            devices_are_apart,
            latest_is_by_timestamp,
            the_history_is_newest_first,
            it_needs_a_device,
        );
        $crate::storage_contract!(@noun idempotency:
            every_change_brings_its_effects,
            a_taken_key_refuses_every_change,
            the_key_is_checked_first,
            a_refused_change_has_no_effects,
            owners_are_apart,
            keys_are_exact,
        );
        $crate::storage_contract!(@noun organization:
            create_then_read,
            the_unknown_is_none,
            create_refuses_a_taken_id,
            create_refuses_a_taken_slug,
            update_changes_slug_and_name,
            update_keeps_its_own_slug,
            update_refuses_a_taken_slug,
            update_checks_the_revision,
            update_needs_a_record,
            delete_takes_keys_sites_and_groups_along,
            delete_spares_an_organization_with_devices,
            delete_needs_a_record,
            the_unknown_takes_nothing,
        );
        $crate::storage_contract!(@noun quarantine:
            store_then_read,
            the_list_is_newest_first_and_filtered,
            the_oldest_go_first,
            a_batch_counts_too,
            discard_removes,
            it_needs_a_device,
        );
        $crate::storage_contract!(@noun retained:
            the_last_message_is_kept,
            topics_and_devices_are_apart,
            an_empty_payload_removes,
            it_needs_a_device,
        );
        $crate::storage_contract!(@noun site:
            create_then_read,
            create_refuses_a_taken_id,
            update_changes_the_settings,
            update_checks_the_revision,
            changes_need_a_record,
            delete_removes,
            delete_spares_a_site_with_devices,
            delete_sees_a_device_that_has_moved_in,
            the_list_is_by_id,
        );
    };
    (@noun $noun:ident: $($clause:ident),+ $(,)?) => {
        mod $noun {
            type Fixture = super::StorageContractFixture;

            $(
                #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $clause() {
                    let fixture =
                        <Fixture as $crate::testing::storage::StorageFixture>::fresh().await;
                    let storage =
                        $crate::testing::storage::StorageFixture::storage(&fixture);
                    $crate::testing::storage::$noun::$clause(&storage).await;
                }
            )+
        }
    };
}

/// Declares one test for each clause that a storage which outlives its process has to keep.
///
/// It takes what [`storage_contract!`](crate::storage_contract) takes.
#[macro_export]
macro_rules! durable_storage_contract {
    ($fixture:path) => {
        type DurableStorageContractFixture = $fixture;

    };
    (@noun $noun:ident: $($clause:ident),+ $(,)?) => {
        mod $noun {
            type Fixture = super::DurableStorageContractFixture;

            $(
                #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $clause() {
                    let fixture =
                        <Fixture as $crate::testing::storage::StorageFixture>::fresh().await;
                    $crate::testing::storage::$noun::$clause(fixture).await;
                }
            )+
        }
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// A clause that no macro lists would pass by never being run.
    #[test]
    fn the_macros_list_every_clause() {
        let macros = include_str!("list_of_clauses.rs");
        let mut missing = Vec::new();
        for (noun, source) in SOURCES {
            let listed: BTreeSet<&str> = macros
                .split(&format!("(@noun {noun}:\n"))
                .nth(1)
                .and_then(|rest| rest.split(");").next())
                .map(|list| list.split(',').map(str::trim).collect())
                .unwrap_or_default();
            let clauses = source.split("\npub async fn ").skip(1);
            let clauses = clauses.filter_map(|rest| rest.split(['(', '<']).next());
            let unlisted = clauses.filter(|clause| !listed.contains(clause));
            missing.extend(unlisted.map(|clause| format!("{noun}::{clause}")));
        }
        assert!(missing.is_empty(), "not listed: {missing:#?}");
    }

    /// A file of clauses that is not among the sources would not be looked at.
    #[test]
    fn the_sources_are_all_files_of_clauses() {
        let declared: BTreeSet<&str> = include_str!("mod.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
            .collect();
        let known: BTreeSet<&str> = SOURCES.iter().map(|(noun, _)| *noun).collect();
        assert_eq!(known, declared);
        for (noun, source) in SOURCES {
            assert!(source.contains("\npub async fn "), "no clause in {noun}");
        }
    }

    const SOURCES: &[(&str, &str)] = &[
        ("api_key", include_str!("api_key.rs")),
        ("group", include_str!("group.rs")),
        ("health", include_str!("health.rs")),
        ("idempotency", include_str!("idempotency.rs")),
        ("organization", include_str!("organization.rs")),
        ("quarantine", include_str!("quarantine.rs")),
        ("retained", include_str!("retained.rs")),
        ("site", include_str!("site.rs")),
    ];
}
