//! A device reaches its own topics only, each in its own direction.

use fieldgate_core::transport::topic::DeviceTopic;

use crate::support::packet::{PUBACK, SUBACK, UNSUBACK, publish, subscribe, unsubscribe};
use crate::support::server::Server;
use crate::support::topics::payload;

/// Two organizations with two devices each; the first device is the one that tries.
struct World {
    server: Server,
    devices: Vec<crate::support::pki::TestDevice>,
}

impl World {
    async fn new() -> Self {
        let server = Server::start().await;
        let (first, other) = (server.device(), server.device());
        let clock = &*server.clock;
        let second = server.pki.device_of(first.organization, clock);
        let last = server.pki.device_of(other.organization, clock);
        let devices = vec![first, second, other, last];
        Self { server, devices }
    }

    /// Every topic of every device, with whether the first device may publish to it, and
    /// subscribe to it.
    fn topics(&self) -> Vec<(String, DeviceTopic, bool, bool)> {
        let mut topics = Vec::new();
        for (number, device) in self.devices.iter().enumerate() {
            for topic in DeviceTopic::ALL {
                let is_own = number == 0;
                let name = device.topic(topic);
                topics.push((
                    name,
                    topic,
                    is_own && topic.is_up(),
                    is_own && !topic.is_up(),
                ));
            }
        }
        let (first, second) = (&self.devices[0], &self.devices[1]);
        let crossed = DeviceTopic::Readings.name(self.devices[2].organization, first.id);
        topics.push((crossed, DeviceTopic::Readings, false, false));
        for name in [
            format!("{}/", first.readings()),
            format!("/{}", first.readings()),
            first.readings().to_uppercase(),
            format!("v1/readings/{}/{}", first.organization, second.id),
            format!("v1/gateways/{}/{}", first.organization, first.id),
            format!("v1/gateways/{}/{}/", first.organization, first.id),
            "$SYS/broker/version".to_owned(),
            "a".to_owned(),
        ] {
            topics.push((name, DeviceTopic::Readings, false, false));
        }
        topics
    }
}

#[tokio::test]
async fn publishes_do_not_cross() {
    let world = World::new().await;
    let device = &world.devices[0];
    let (mut allowed, mut denied) = (0, 0);
    for level in [4, 5] {
        for (name, topic, may_publish, _) in world.topics() {
            for retain in [0, 1] {
                let mut client = world.server.connect(device, level).await;
                let packet = publish(level, 0b0010 | retain, name.as_bytes(), 1, payload(topic));
                client.send(&packet).await;
                if may_publish {
                    assert_eq!(client.packet().await.kind(), PUBACK, "{name}");
                    allowed += 1;
                } else {
                    client.ended_with(0x87).await;
                    denied += 1;
                }
            }
        }
    }
    assert_eq!(allowed, 2 * 2 * 7);
    let stats = world.server.endpoint.stats();
    assert_eq!(stats.publishes_denied, denied);
    // Renewal and answers to commands do not reach the core.
    assert_eq!(world.server.inbox.messages().len(), 2 * 2 * 5);
}

#[tokio::test]
async fn subscriptions_do_not_cross() {
    let world = World::new().await;
    let device = &world.devices[0];
    let mut filters: Vec<_> = world
        .topics()
        .into_iter()
        .map(|(name, _, _, may_subscribe)| (name, may_subscribe))
        .collect();
    let own = format!("v1/gateways/{}/{}", device.organization, device.id);
    for filter in [
        "#".to_owned(),
        "+".to_owned(),
        "v1/#".to_owned(),
        format!("{own}/#"),
        format!("{own}/+"),
        format!("{own}/+/result"),
        format!("$share/g/{own}/commands"),
        format!("v1/gateways/{}/+/commands", device.organization),
        "a/#/b".to_owned(),
    ] {
        filters.push((filter, false));
    }
    for (level, refused) in [(4, 0x80), (5, 0x87)] {
        let mut client = world.server.connect(device, level).await;
        let mut denied = 0;
        for (filter, may_subscribe) in &filters {
            client.send(&subscribe(level, 3, &[(filter, 1)])).await;
            let answer = client.packet().await;
            assert_eq!((answer.kind(), answer.packet_id()), (SUBACK, 3));
            let granted = *answer.body.last().unwrap();
            let expected = if *may_subscribe { 1 } else { refused };
            assert_eq!(granted, expected, "{filter}");
            denied += u64::from(!may_subscribe);
        }
        let stats = world.server.endpoint.stats();
        assert_eq!(stats.subscribes_denied % denied, 0);
    }
}

#[tokio::test]
async fn each_filter_of_a_subscription_has_its_own_answer() {
    let server = Server::start().await;
    let device = server.device();
    let commands = device.topic(DeviceTopic::Commands);
    let config = device.topic(DeviceTopic::ConfigDesired);
    let filters = [(&*commands, 0), ("#", 1), (&*config, 2)];
    for (level, expected) in [(4, [0, 0x80, 1]), (5, [0, 0x87, 1])] {
        let mut client = server.connect(&device, level).await;
        client.send(&subscribe(level, 9, &filters)).await;
        let answer = client.packet().await;
        let codes = &answer.body[answer.body.len() - 3..];
        assert_eq!(codes, expected, "at most QoS 1 is granted");
        client
            .send(&unsubscribe(level, 10, &[&commands, "#", &config]))
            .await;
        let answer = client.packet().await;
        assert_eq!((answer.kind(), answer.packet_id()), (UNSUBACK, 10));
        if level == 5 {
            assert_eq!(answer.body[3..], [0, 0x11, 0]);
        }
    }
}
