//! The macros that turn each clause into a test of its own.

/// Declares one test for each clause of the contract of
/// [`KeyStore`](crate::ca::key_store::KeyStore).
///
/// It takes the path of a [`KeyStoreFixture`](crate::testing::key_store::KeyStoreFixture),
/// absolute or as it is in scope:
///
/// ```text
/// mod memory {
///     fieldgate_core::key_store_contract!(crate::MemoryKeys);
/// }
/// ```
#[macro_export]
macro_rules! key_store_contract {
    ($fixture:path) => {
        type KeyStoreContractFixture = $fixture;

        $crate::key_store_contract!(@group material:
            what_was_never_created_is_none,
            what_was_created_is_loaded,
            every_octet_is_kept,
            names_are_apart,
            create_never_overwrites,
            of_many_creates_one_wins,
            a_load_sees_all_or_nothing,
            nothing_of_it_shows,
        );
    };
    (@group $group:ident: $($clause:ident),+ $(,)?) => {
        mod $group {
            type Fixture = super::KeyStoreContractFixture;

            $(
                #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $clause() {
                    let fixture =
                        <Fixture as $crate::testing::key_store::KeyStoreFixture>::fresh().await;
                    let store =
                        $crate::testing::key_store::KeyStoreFixture::key_store(&fixture);
                    $crate::testing::key_store::$group::$clause(&store).await;
                }
            )+
        }
    };
}

/// Declares one test for each clause that a key store has to keep whose material outlives its
/// process.
///
/// It takes the path of a
/// [`DurableKeyStoreFixture`](crate::testing::key_store::DurableKeyStoreFixture).
#[macro_export]
macro_rules! durable_key_store_contract {
    ($fixture:path) => {
        type DurableKeyStoreContractFixture = $fixture;

        $crate::durable_key_store_contract!(@group durable:
            it_is_there_after_reopening,
            reopened_it_does_not_overwrite,
            a_create_that_was_cut_off_has_left_nothing,
            what_others_can_read_is_refused,
            what_cannot_be_read_is_not_none,
            what_is_refused_is_not_overwritten,
        );
    };
    (@group $group:ident: $($clause:ident),+ $(,)?) => {
        mod $group {
            type Fixture = super::DurableKeyStoreContractFixture;

            $(
                #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $clause() {
                    let fixture =
                        <Fixture as $crate::testing::key_store::KeyStoreFixture>::fresh().await;
                    $crate::testing::key_store::$group::$clause(fixture).await;
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

    const SOURCES: &[(&str, &str)] = &[
        ("durable", include_str!("durable.rs")),
        ("material", include_str!("material.rs")),
    ];
}
