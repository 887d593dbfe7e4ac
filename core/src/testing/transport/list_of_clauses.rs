//! The macro that turns each clause into a test of its own.

/// Declares one test for each clause of the contract of
/// [`Transport`](crate::transport::Transport).
///
/// It takes the path of a [`TransportFixture`](crate::testing::transport::TransportFixture),
/// absolute or as it is in scope:
///
/// ```text
/// mod loopback {
///     fieldgate_core::transport_contract!(crate::Loopback);
/// }
/// ```
#[macro_export]
macro_rules! transport_contract {
    ($fixture:path) => {
        type TransportContractFixture = $fixture;

        $crate::transport_contract!(@group coming_in:
            a_device_is_the_one_of_its_certificate,
            who_is_refused_is_not_let_in,
            who_is_not_known_is_not_let_in,
            an_opening_is_carried_through,
            openings_do_not_wait_for_one_another,
        );
        $crate::transport_contract!(@group disconnect:
            it_ends_the_live_session,
            it_needs_no_session,
            nothing_is_handed_on_afterwards,
            it_ends_a_session_that_is_being_opened,
        );
        $crate::transport_contract!(@group ending:
            a_device_that_leaves,
            a_device_that_is_lost,
            a_message_under_way,
            an_end_is_noted_in_the_end,
            the_end_of_the_certificate,
            the_stop_of_the_transport,
            nothing_comes_after_the_stop,
        );
        $crate::transport_contract!(@group message:
            they_are_handed_on_in_order,
            each_comes_by_its_own_session,
            it_is_acknowledged_when_it_is_stored,
            what_failed_is_not_acknowledged,
            a_device_that_is_gone_has_no_session,
            replies_come_in_order,
            a_reply_goes_to_its_own_device,
            devices_do_not_wait_for_one_another,
        );
        $crate::transport_contract!(@group takeover:
            the_newer_session_stays,
            the_epoch_says_which_is_newer,
            of_many_at_once_the_newest_stays,
            other_devices_are_spared,
        );
    };
    (@group $group:ident: $($clause:ident),+ $(,)?) => {
        mod $group {
            type Fixture = super::TransportContractFixture;

            $(
                #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $clause() {
                    $crate::testing::transport::$group::$clause::<Fixture>().await;
                }
            )+
        }
    };
}

#[cfg(test)]
mod tests {
    use crate::testing::clauses::{assert_all_sources, unlisted};

    #[test]
    fn the_macro_lists_every_clause() {
        let missing = unlisted(include_str!("list_of_clauses.rs"), SOURCES);
        assert!(missing.is_empty(), "not listed: {missing:#?}");
    }

    #[test]
    fn the_sources_are_all_files_of_clauses() {
        assert_all_sources(include_str!("mod.rs"), SOURCES);
    }

    const SOURCES: &[(&str, &str)] = &[
        ("coming_in", include_str!("coming_in.rs")),
        ("disconnect", include_str!("disconnect.rs")),
        ("ending", include_str!("ending.rs")),
        ("message", include_str!("message.rs")),
        ("takeover", include_str!("takeover.rs")),
    ];
}
