//! What the device endpoint has counted, for Prometheus.

use fieldgate_transport_mqtt::Stats;

use crate::ops::{metric, sample};

/// Appends what the endpoint has counted.
pub(crate) fn write(text: &mut String, stats: &Stats) {
    for family in families(stats) {
        let suffix = if family.kind == "counter" {
            "_total"
        } else {
            ""
        };
        let name = format!("fieldgate_mqtt_{}{suffix}", family.name);
        metric(text, &name, family.kind, family.help);
        for (labels, value) in family.values {
            sample(text, &format!("{name}{labels}"), value);
        }
    }
    let name = "fieldgate_mqtt_store_seconds";
    let help = "How long messages took from their arrival until their effect was durable.";
    metric(text, name, "summary", help);
    let micros = stats.store_micros;
    let seconds = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    sample(text, &format!("{name}_sum"), seconds);
    sample(text, &format!("{name}_count"), stats.publishes_stored);
}

/// A metric with its values by their labels.
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    values: Vec<(String, u64)>,
}

fn families(stats: &Stats) -> Vec<Family> {
    let mut families = vec![
        single(
            "sessions",
            "gauge",
            "Sessions that there are now.",
            stats.sessions_live,
        ),
        single(
            "sessions_closing",
            "gauge",
            "Sessions whose end waits to be noted.",
            stats.sessions_closing,
        ),
        single(
            "sessions_opened",
            "counter",
            "Sessions that were opened.",
            stats.sessions_opened,
        ),
        single(
            "subscribes_denied",
            "counter",
            "Subscriptions to foreign topics.",
            stats.subscribes_denied,
        ),
        single(
            "takeovers_delayed",
            "counter",
            "Takeovers that had to wait.",
            stats.takeovers_delayed,
        ),
        single(
            "replies_dropped",
            "counter",
            "Messages too large for their device.",
            stats.replies_dropped,
        ),
        single(
            "responses_ignored",
            "counter",
            "Answers to no command.",
            stats.responses_ignored,
        ),
    ];
    families.extend(connections(stats));
    families.extend(sessions(stats));
    families
}

fn connections(stats: &Stats) -> [Family; 2] {
    let connections = [
        ("accepted", stats.connections_accepted),
        ("accept_failed", stats.accepts_failed),
        ("evicted", stats.connections_evicted),
        ("refused", stats.connections_refused),
        ("handshake_failed", stats.handshakes_failed),
        ("connect_missing", stats.connects_missing),
    ];
    let refusals = [
        ("client_id", stats.refused_client_id),
        ("not_authorized", stats.refused_not_authorized),
        ("protocol", stats.refused_protocol),
        ("unavailable", stats.refused_unavailable),
        ("will", stats.refused_will),
    ];
    [
        labelled(
            "connections",
            "Connections, by what became of them.",
            "result",
            &connections,
        ),
        labelled(
            "connects_refused",
            "Refused CONNECTs, by reason.",
            "reason",
            &refusals,
        ),
    ]
}

fn sessions(stats: &Stats) -> [Family; 2] {
    let ends = [
        ("keep_alive", stats.keep_alive_timeouts),
        ("kicked", stats.kicks),
        ("protocol", stats.protocol_errors),
        ("slow_reader", stats.slow_readers),
        ("taken_over", stats.takeovers),
    ];
    let messages = [
        ("denied", stats.publishes_denied),
        ("failed", stats.publishes_failed),
        ("quarantined", stats.payloads_quarantined),
        ("received", stats.publishes),
        ("stored", stats.publishes_stored),
    ];
    [
        labelled(
            "sessions_ended",
            "Sessions that the server ended, by reason.",
            "reason",
            &ends,
        ),
        labelled(
            "publishes",
            "Messages, by what became of them.",
            "result",
            &messages,
        ),
    ]
}

fn single(name: &'static str, kind: &'static str, help: &'static str, value: u64) -> Family {
    Family {
        name,
        kind,
        help,
        values: vec![(String::new(), value)],
    }
}

fn labelled(name: &'static str, help: &'static str, label: &str, values: &[(&str, u64)]) -> Family {
    let labels = |(value, count): &(&str, u64)| (format!("{{{label}=\"{value}\"}}"), *count);
    Family {
        name,
        kind: "counter",
        help,
        values: values.iter().map(labels).collect(),
    }
}
