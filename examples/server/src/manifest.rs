//! What a backup says of itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, ensure};
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::service::ArchiveSum;
use fieldgate_core::storage::RecordKind;
use serde_json::{Map, Value, json};

/// What a backup says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Manifest {
    /// What the storage was like.
    pub(crate) made_at: Timestamp,
    /// The kind of storage that it was made of.
    pub(crate) source: String,
    /// What is in it.
    pub(crate) sum: ArchiveSum,
}

impl Manifest {
    /// The text form.
    pub(crate) fn to_json(&self) -> String {
        let counts = self.sum.counts.iter();
        let counts: Map<String, Value> = counts
            .map(|(kind, count)| (kind.to_string(), json!(count)))
            .collect();
        json!({
            "format": FORMAT,
            "madeAt": self.made_at.to_string(),
            "madeBy": concat!("fieldgate-server ", env!("CARGO_PKG_VERSION")),
            "source": self.source,
            "records": counts,
            "sha256": self.sum.sha256.to_string(),
        })
        .to_string()
    }

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// Where it is of another format, or damaged.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let json: Value = serde_json::from_str(text).context("its manifest is damaged")?;
        let format = json.get("format").and_then(Value::as_u64);
        ensure!(
            format == Some(FORMAT),
            "its manifest has another format: use the version of Fieldgate that has written it"
        );
        let field = |name: &str| {
            let found = json.get(name).and_then(Value::as_str);
            found.with_context(|| format!("its manifest has no {name}"))
        };
        let mut counts = BTreeMap::new();
        for kind in RecordKind::ALL {
            let count = json.pointer(&format!("/records/{kind}"));
            let count = count.and_then(Value::as_u64);
            counts.insert(
                kind,
                count.with_context(|| format!("its manifest counts no {kind}"))?,
            );
        }
        Ok(Self {
            made_at: field("madeAt")?
                .parse()
                .context("its manifest is damaged")?,
            source: field("source")?.to_owned(),
            sum: ArchiveSum {
                counts,
                sha256: field("sha256")?
                    .parse()
                    .context("its manifest is damaged")?,
            },
        })
    }
}

/// The kinds of records of which there are any, a line each.
pub(crate) fn table(sum: &ArchiveSum) -> String {
    let mut text = String::new();
    for (kind, count) in sum.counts.iter().filter(|(_, count)| **count > 0) {
        let _ = writeln!(text, "  {:16} {count:>12}", kind.as_str());
    }
    text
}

/// Where two sums differ, in words; `None` where they do not.
pub(crate) fn difference(found: &ArchiveSum, expected: &ArchiveSum) -> Option<String> {
    if found == expected {
        return None;
    }
    let differing: Vec<_> = RecordKind::ALL
        .into_iter()
        .map(|kind| (kind, found.counts.get(&kind), expected.counts.get(&kind)))
        .filter(|(_, found, expected)| found != expected)
        .map(|(kind, found, expected)| {
            let number = |count: Option<&u64>| count.copied().unwrap_or(0);
            format!("{kind} {} for {}", number(found), number(expected))
        })
        .collect();
    Some(if differing.is_empty() {
        "the counts agree, but not what the records say".to_owned()
    } else {
        differing.join(", ")
    })
}

const FORMAT: u64 = 1;

#[cfg(test)]
mod tests {
    use fieldgate_core::model::certificate::Sha256Digest;

    use super::*;

    fn manifest() -> Manifest {
        let kinds = RecordKind::ALL.into_iter();
        Manifest {
            made_at: Timestamp::from_unix_millis(1_700_000_000_123).unwrap(),
            source: "sled".to_owned(),
            sum: ArchiveSum {
                counts: kinds.zip(0..).collect(),
                sha256: Sha256Digest::from_bytes([7; 32]),
            },
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let text = manifest().to_json();
        assert_eq!(Manifest::parse(&text).unwrap(), manifest());
        for damaged in [
            "{}".to_owned(),
            text.replace("\"format\":1", "\"format\":2"),
            text.replace("\"token\":", "\"tokens\":"),
        ] {
            assert!(Manifest::parse(&damaged).is_err(), "{damaged}");
        }
    }

    #[test]
    fn a_difference_is_named() {
        let expected = manifest().sum;
        assert_eq!(difference(&expected, &expected), None);
        let mut found = expected.clone();
        found.counts.insert(RecordKind::Device, 2);
        assert_eq!(difference(&found, &expected).unwrap(), "device 2 for 7");
        found = expected.clone();
        found.sha256 = Sha256Digest::from_bytes([8; 32]);
        assert!(difference(&found, &expected).unwrap().contains("agree"));
    }
}
