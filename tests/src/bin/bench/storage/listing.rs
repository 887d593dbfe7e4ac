//! The filtered lists that are measured.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fieldgate_core::model::id::DeviceId;
use serde_json::Value;

use crate::storage::client::Client;
use crate::storage::fleet;
use crate::storage::process::Process;

/// A list of devices by one of its filters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Listing {
    Group,
    Offline,
    Online,
    Profile,
    Site,
    Tag,
    Word,
}

impl Listing {
    pub(crate) const ALL: [Self; 7] = [
        Self::Tag,
        Self::Site,
        Self::Profile,
        Self::Offline,
        Self::Online,
        Self::Group,
        Self::Word,
    ];

    /// The filter, as the table names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Group => "groupId, 1 in 100",
            Self::Offline => "status, 2 in 5",
            Self::Online => "online=false, all",
            Self::Profile => "profile, 1 in 5",
            Self::Site => "siteId, 1 in 100",
            Self::Tag => "tag, 1 in 100",
            Self::Word => "q, 1 in 100",
        }
    }

    /// The filter as a query of the API.
    pub(crate) fn query(self) -> String {
        match self {
            Self::Group => format!("groupId={}", fleet::group().as_uuid()),
            Self::Offline => "status=OFFLINE".to_owned(),
            Self::Online => "online=false".to_owned(),
            Self::Profile => format!("profile={}", fleet::profile(PICKED)),
            Self::Site => format!("siteId={}", fleet::site(PICKED).as_uuid()),
            Self::Tag => format!("tag={}", fleet::rack(PICKED)),
            Self::Word => format!("q={}", WORDS[0]),
        }
    }

    /// The path of a page behind a device, whoever that is.
    pub(crate) fn path(self, process: &Process, after: DeviceId) -> String {
        let list = format!("/api/v1/devices?{}", self.query());
        let first = format!("{list}&limit=1");
        let answer = Client::connect(&process.address).get(&first, &process.key);
        let page: Value = serde_json::from_slice(&answer.body).expect("JSON");
        let cursor = page["nextCursor"].as_str().expect("there is more");
        // Its last octets are the position. To come to one in the middle as clients do takes
        // thousands of pages.
        let mut octets = URL_SAFE_NO_PAD.decode(cursor).expect("it is base64url");
        let position = octets.len() - after.as_bytes().len();
        octets[position..].copy_from_slice(after.as_bytes());
        let cursor = URL_SAFE_NO_PAD.encode(octets);
        format!("{list}&limit={PAGE}&cursor={cursor}")
    }
}

/// How many devices a page has.
pub(crate) const PAGE: usize = 50;

/// Which of the tags, sites and profiles is looked for.
pub(crate) const PICKED: usize = 3;

/// What a word of the names of one device in a hundred begins with, and what comes behind all such
/// words.
pub(crate) const WORDS: [&str; 2] = ["rack17", "rack18"];
