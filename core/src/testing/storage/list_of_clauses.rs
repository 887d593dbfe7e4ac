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

        $crate::storage_contract!(@noun agreement:
            a_redemption_and_a_revocation_agree,
            a_redemption_and_a_deletion_agree,
            a_session_and_a_shut_out_agree,
        );
        $crate::storage_contract!(@noun announcement:
            announced_things_are_there,
            an_announcement_describes_what_is_there,
            an_announcement_describes_each_of_several,
            announcing_again_changes_nothing,
            firmware_and_profile_are_taken_over,
            limits_refuse_what_is_too_much,
            limits_are_per_device,
            an_announced_type_replaces_an_inferred_one,
            a_contradicting_type_is_refused,
            a_type_without_readings_may_change,
            what_operators_said_stays,
            it_needs_a_device,
        );
        $crate::storage_contract!(@noun api_key:
            create_then_read,
            scopes_and_ends_are_kept,
            create_refuses_a_taken_id,
            create_refuses_a_taken_prefix,
            owners_are_apart,
            touch_moves_forwards,
            touch_does_not_create,
            update_changes_the_settings,
            changes_check_the_revision,
            update_needs_a_record,
            delete_is_at_once,
            the_list_is_by_id,
        );
        $crate::storage_contract!(@noun archive:
            it_has_everything_in_order,
            an_archive_goes_into_another_storage,
            an_archive_comes_from_another_storage,
            every_answer_moves_along,
            the_unique_moves_along,
            tokens_move_along,
            counters_go_on,
            certificates_of_deleted_devices_move_along,
            what_is_gone_is_not_in_it,
            an_import_again_changes_nothing,
            an_import_is_whole_or_not_at_all,
        );
        $crate::storage_contract!(@noun archive_view:
            a_bookmark_leads_to_the_rest,
            later_changes_are_not_in_it,
            calls_are_in_it_as_a_whole,
            a_dropped_archive_holds_nothing,
            the_end_is_the_end,
            an_import_takes_its_weight,
            a_sound_storage_has_no_findings,
        );
        $crate::storage_contract!(@noun atomicity:
            a_batch_is_seen_as_a_whole,
            a_registration_is_seen_as_a_whole,
            a_redemption_is_seen_as_a_whole,
            a_deletion_is_seen_as_a_whole,
            a_dropped_call_is_whole_or_nothing,
        );
        $crate::storage_contract!(@noun certificate:
            the_list_is_by_sequence,
            look_up_is_by_device,
            revoked_ones_are_listed_by_serial_number,
            expired_ones_leave_the_list,
            a_revocation_stays_as_it_is,
            the_list_outlives_the_organization,
            revocations_are_counted,
            crl_numbers_rise,
            crl_numbers_are_never_given_twice,
            issuers_are_listed_oldest_first,
            a_taken_issuer_is_refused,
            records_are_complete,
        );
        $crate::storage_contract!(@noun component:
            create_then_read,
            create_refuses_a_taken_id,
            create_refuses_a_taken_key,
            create_needs_a_device,
            the_limit_holds,
            update_changes_the_settings,
            changes_check_the_revision,
            changes_need_a_record,
            delete_takes_sensors_and_readings_along,
            the_list_is_by_id_and_filtered,
        );
        $crate::storage_contract!(@noun concurrency:
            one_redemption_of_a_token_wins,
            redemptions_of_many_tokens_do_not_meet,
            one_device_of_a_name_is_created,
            one_request_of_a_key_is_carried_out,
            one_update_of_a_revision_wins,
            updates_without_a_revision_all_count,
            sessions_get_numbers_of_their_own,
            one_token_of_a_device_is_open,
            batches_create_a_sensor_once,
            limits_hold_in_a_race,
            sensor_limits_hold_in_a_race,
        );
        $crate::storage_contract!(@noun counts:
            devices_are_counted_as_they_change,
            groups_are_counted_as_they_change,
            sensors_are_counted_as_they_change,
            counts_hold_in_a_race,
            counts_move_along,
        );
        $crate::storage_contract!(@noun deletion:
            it_is_gone_from_every_answer,
            what_it_had_is_gone,
            late_writes_find_nothing,
            the_name_is_free,
            certificates_are_revoked,
            its_token_is_unknown,
            its_session_is_gone,
            it_checks_the_revision,
            it_needs_a_record,
            others_are_spared,
        );
        $crate::storage_contract!(@noun device:
            create_then_read,
            the_unknown_is_none,
            create_refuses_a_taken_id,
            create_refuses_a_taken_name,
            names_are_exact,
            a_site_has_to_be_its_own,
            every_presence_is_kept,
            the_list_is_by_id,
            the_summary_counts,
        );
        $crate::storage_contract!(@noun device_filter:
            each_alone,
            each_two_together,
            all_together,
            lists_follow_changes,
        );
        $crate::storage_contract!(@noun device_update:
            update_changes_the_settings,
            update_checks_the_revision,
            update_needs_a_record,
            renaming_keeps_names_unique,
            a_refused_status_changes_nothing,
            inactive_ends_the_session,
            maintenance_keeps_the_session,
        );
        $crate::storage_contract!(@noun extremes:
            the_longest_texts_of_an_organization,
            the_longest_texts_of_a_device,
            the_longest_texts_of_sites_and_groups,
            the_longest_texts_of_components_and_sensors,
            the_fullest_device,
            the_greatest_numbers_of_health,
            the_largest_quarantined_item,
            the_longest_serial_numbers,
            the_first_and_the_last_instant,
        );
        $crate::storage_contract!(@noun group:
            create_then_read,
            create_refuses_a_taken_id,
            update_changes_the_settings,
            changes_check_the_revision,
            changes_need_a_record,
            delete_spares_the_devices,
            the_list_is_by_id,
            the_size_follows_the_selector,
            sizes_are_those_of_the_devices,
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
            no_refused_change_has_effects,
            owners_are_apart,
            keys_are_exact,
        );
        $crate::storage_contract!(@noun ids:
            devices_of_any_id,
            records_of_any_id,
            copies_change_nothing,
        );
        $crate::storage_contract!(@noun ingestion:
            the_unknown_is_created,
            the_known_is_found,
            devices_are_apart,
            a_sensor_by_its_id_has_to_be_its_own,
            the_first_of_a_timestamp_stays,
            late_data_does_not_replace_the_latest,
            a_missing_timestamp_is_the_arrival,
            good_items_are_stored_bad_ones_quarantined,
            limits_hold,
            an_empty_batch_changes_nothing,
            metadata_is_kept,
            the_device_stays_as_it_is,
            it_needs_a_device,
            a_large_batch_is_taken,
        );
        $crate::storage_contract!(@noun isolation:
            devices,
            a_copied_id_changes_nothing,
            sites_and_groups,
            tokens,
            certificates_and_sessions,
            components_and_sensors,
            reports,
            what_was_reported,
            filters_by_foreign_ids_find_nothing,
            deletions_do_not_cross,
        );
        $crate::storage_contract!(@noun lists:
            pages_hold_while_devices_come_and_go,
            a_position_outlives_its_record,
            a_page_knows_whether_there_are_more,
            pages_hold_while_items_come_and_go,
            pages_hold_while_components_come_and_go,
        );
        $crate::storage_contract!(@noun maintenance:
            nothing_old_nothing_removed,
            remains_are_removed_and_no_answer_changes,
            what_was_made_again_is_spared,
            retention_removes_what_is_older,
            old_quarantined_items_go,
            old_requests_are_forgotten,
            certificates_outlive_their_devices,
            expired_tokens_are_noted,
            none_keeps_for_ever,
            the_probe_answers,
        );
        $crate::storage_contract!(@noun organization:
            create_then_read,
            create_brings_the_first_key,
            the_list_is_by_id,
            the_unknown_is_none,
            create_refuses_a_taken_id,
            create_refuses_a_taken_slug,
            update_changes_slug_and_name,
            update_keeps_its_own_slug,
            update_refuses_a_taken_slug,
            changes_check_the_revision,
            update_needs_a_record,
            delete_takes_keys_sites_and_groups_along,
            delete_spares_an_organization_with_devices,
            delete_needs_a_record,
            the_unknown_takes_nothing,
        );
        $crate::storage_contract!(@noun pages:
            organizations,
            keys_sites_and_groups,
            tokens,
            certificates,
            sensors,
            health_reports,
            devices_under_load,
            others_do_not_come_in,
        );
        $crate::storage_contract!(@noun quarantine:
            store_then_read,
            the_list_is_newest_first_and_filtered,
            the_oldest_go_first,
            a_batch_counts_too,
            discard_removes,
            it_needs_a_device,
        );
        $crate::storage_contract!(@noun races:
            one_slug_and_one_prefix_are_taken,
            one_component_of_a_key_is_created,
            one_certificate_of_a_serial_number_is_recorded,
            one_device_is_renamed_to_a_name,
            one_update_of_what_operators_make_wins,
            one_update_of_what_devices_make_wins,
            one_deletion_wins,
            reports_that_race_are_each_taken_once,
            the_quarantine_stays_within_its_limit,
        );
        $crate::storage_contract!(@noun reading:
            the_history_is_newest_first,
            the_last_instant_is_kept,
            sensors_are_apart,
            the_unknown_is_empty,
            pages_hold_while_readings_arrive,
        );
        $crate::storage_contract!(@noun redemption:
            it_records_all_of_it,
            a_used_token_is_refused,
            an_unknown_token_is_refused,
            a_certificate_of_another_is_refused,
            an_expired_token_is_refused,
            a_revoked_token_is_refused,
            an_inactive_device_is_refused,
            a_key_in_use_is_refused,
            a_key_is_free_again,
            a_compromised_key_is_refused,
            a_compromised_key_is_remembered,
            the_certificate_limit_holds,
            the_checks_have_their_order,
            a_key_in_use_is_told_first,
            a_taken_serial_number_changes_nothing,
            a_waiting_certificate_is_superseded,
            a_used_certificate_stays_good,
        );
        $crate::storage_contract!(@noun retained:
            the_last_message_is_kept,
            topics_and_devices_are_apart,
            an_empty_payload_removes,
            it_needs_a_device,
        );
        $crate::storage_contract!(@noun sensor:
            update_changes_the_settings,
            update_leaves_the_type,
            changes_check_the_revision,
            changes_need_a_record,
            update_may_widen_the_type,
            update_refuses_a_contradicting_type,
            update_takes_any_type_without_readings,
            retention_frees_the_type,
            delete_takes_readings_along,
            delete_leaves_room,
        );
        $crate::storage_contract!(@noun sensor_filter:
            each_alone,
            each_two_together,
            all_together,
            lists_follow_the_devices,
        );
        $crate::storage_contract!(@noun session:
            the_first_session_makes_it_active,
            sessions_come_and_go,
            a_takeover_with_the_old_end_last,
            a_takeover_with_the_old_end_first,
            closing_needs_the_newest_session,
            an_ended_session_is_not_closed_again,
            an_inactive_device_is_refused,
            maintenance_lets_sessions_in,
            an_unknown_certificate_is_refused,
            an_unknown_device_is_refused,
            an_expired_certificate_is_refused,
            superseded_and_revoked_certificates_are_refused,
            the_first_use_supersedes_the_older,
            the_first_use_spares_the_revoked,
            the_last_sign_of_life_does_not_turn_back,
        );
        $crate::storage_contract!(@noun settlement:
            a_node_settles_its_own,
            maintenance_stays,
            a_settled_session_has_ended,
            a_session_taken_over_is_not_settled,
            nodes_are_exact,
            touch_moves_forwards,
            touch_passes_over_the_unknown,
        );
        $crate::storage_contract!(@noun site:
            create_then_read,
            create_refuses_a_taken_id,
            update_changes_the_settings,
            changes_check_the_revision,
            changes_need_a_record,
            delete_removes,
            delete_spares_a_site_with_devices,
            delete_sees_a_device_that_has_moved_in,
            the_list_is_by_id,
        );
        $crate::storage_contract!(@noun times:
            of_what_operators_make,
            of_devices,
            of_tokens,
            of_certificates,
            of_reports,
        );
        $crate::storage_contract!(@noun token:
            register_then_read,
            register_is_all_or_nothing,
            create_then_read,
            create_refuses_a_taken_id,
            create_needs_a_device,
            a_new_token_revokes_the_open_one,
            a_new_token_spares_the_used_and_the_revoked,
            an_expired_token_is_replaced_for_good,
            the_list_is_by_state_and_id,
            revoke_says_what_it_found,
            revoke_needs_a_record,
            recorded_states_stay,
            the_device_stays_as_it_is,
        );
        $crate::storage_contract!(@noun value_types:
            the_first_value_gives_the_type,
            an_integer_is_welcome_on_a_double,
            a_fraction_widens_what_was_stored,
            a_fraction_widens_its_own_batch,
            a_set_type_does_not_widen,
            a_duplicate_does_not_widen,
            numbers_are_kept_to_the_bit,
            texts_are_kept_to_the_letter,
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
                    $crate::testing::storage::assert_sound(&storage).await;
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

        $crate::durable_storage_contract!(@noun durable:
            every_answer_is_the_same,
            the_unique_stays_taken,
            redemptions_stay,
            sessions_wait_to_be_settled,
            readings_stay,
            the_ca_goes_on,
            deletions_stay,
            reopening_changes_nothing,
        );
        $crate::durable_storage_contract!(@noun reopening:
            every_record_is_the_same,
            imports_stay,
            updates_stay,
            removals_stay,
            purges_stay,
            limits_count_what_was_there,
            what_was_seen_is_known,
            handles_are_to_the_same_records,
        );
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
    use crate::testing::clauses::{assert_all_sources, unlisted};

    #[test]
    fn the_macros_list_every_clause() {
        let missing = unlisted(include_str!("list_of_clauses.rs"), SOURCES);
        assert!(missing.is_empty(), "not listed: {missing:#?}");
    }

    #[test]
    fn the_sources_are_all_files_of_clauses() {
        assert_all_sources(include_str!("mod.rs"), SOURCES);
    }

    #[test]
    fn the_table_of_sentences_names_clauses_that_there_are() {
        let table = include_str!("../../../../docs/storage-contract.md");
        let mut rows = 0;
        for name in table.split('`').skip(1).step_by(2) {
            let Some((noun, clause)) = name.split_once("::") else {
                continue;
            };
            let source = SOURCES.iter().find(|(group, _)| *group == noun);
            let (_, source) = source.unwrap_or_else(|| panic!("there is no {noun}"));
            let is_there = |end| source.contains(&format!("\npub async fn {clause}{end}"));
            assert!(is_there('(') || is_there('<'), "there is no {name}");
            rows += 1;
        }
        assert!(rows > 150, "{rows} were found");
    }

    const SOURCES: &[(&str, &str)] = &[
        ("agreement", include_str!("agreement.rs")),
        ("announcement", include_str!("announcement.rs")),
        ("api_key", include_str!("api_key.rs")),
        ("archive", include_str!("archive.rs")),
        ("archive_view", include_str!("archive_view.rs")),
        ("atomicity", include_str!("atomicity.rs")),
        ("certificate", include_str!("certificate.rs")),
        ("component", include_str!("component.rs")),
        ("concurrency", include_str!("concurrency.rs")),
        ("counts", include_str!("counts.rs")),
        ("deletion", include_str!("deletion.rs")),
        ("device", include_str!("device.rs")),
        ("device_filter", include_str!("device_filter.rs")),
        ("device_update", include_str!("device_update.rs")),
        ("durable", include_str!("durable.rs")),
        ("extremes", include_str!("extremes.rs")),
        ("group", include_str!("group.rs")),
        ("health", include_str!("health.rs")),
        ("idempotency", include_str!("idempotency.rs")),
        ("ids", include_str!("ids.rs")),
        ("ingestion", include_str!("ingestion.rs")),
        ("isolation", include_str!("isolation.rs")),
        ("lists", include_str!("lists.rs")),
        ("maintenance", include_str!("maintenance.rs")),
        ("organization", include_str!("organization.rs")),
        ("pages", include_str!("pages.rs")),
        ("quarantine", include_str!("quarantine.rs")),
        ("races", include_str!("races.rs")),
        ("reading", include_str!("reading.rs")),
        ("redemption", include_str!("redemption.rs")),
        ("reopening", include_str!("reopening.rs")),
        ("retained", include_str!("retained.rs")),
        ("sensor", include_str!("sensor.rs")),
        ("sensor_filter", include_str!("sensor_filter.rs")),
        ("session", include_str!("session.rs")),
        ("settlement", include_str!("settlement.rs")),
        ("site", include_str!("site.rs")),
        ("times", include_str!("times.rs")),
        ("token", include_str!("token.rs")),
        ("value_types", include_str!("value_types.rs")),
    ];
}
