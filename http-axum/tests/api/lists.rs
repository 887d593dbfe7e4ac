//! Lists: pages, cursors, filters, spans of time.

use std::collections::BTreeSet;

use fieldgate_core::testing::fixtures;
use serde_json::{Value, json};

use crate::support::{Answer, World, delete, get, post, put};

async fn make(world: &World, key: &str, body: Value) -> String {
    let made = world
        .send(post("/api/v1/devices").key(key).json(&body))
        .await;
    // Ids sort by the time at which they were made.
    world.advance(1);
    made.ok(201)["id"].as_str().unwrap().to_owned()
}

async fn list(world: &World, key: &str, query: &str) -> Answer {
    world
        .send(get(&format!("/api/v1/devices{query}")).key(key))
        .await
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn pages_hold_each_item_once_whatever_comes_and_goes_meanwhile() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let mut made = Vec::new();
    for number in 0..7 {
        made.push(make(&world, &key, json!({"name": format!("device {number}")})).await);
    }
    let first = list(&world, &key, "?limit=3").await.ok(200);
    assert_eq!(ids(&first), made[..3]);
    // The one that the cursor stands on goes, another one comes.
    let path = format!("/api/v1/devices/{}", made[2]);
    world.send(delete(&path).key(&key)).await.ok(204);
    made.push(make(&world, &key, json!({"name": "latecomer"})).await);
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = list(&world, &key, &format!("?limit=3&cursor={cursor}"))
        .await
        .ok(200);
    assert_eq!(ids(&second), made[3..6]);
    let cursor = second["nextCursor"].as_str().unwrap();
    let third = list(&world, &key, &format!("?limit=3&cursor={cursor}"))
        .await
        .ok(200);
    assert_eq!(ids(&third), made[6..]);
    assert_eq!(third["nextCursor"], Value::Null);
    let exact = list(&world, &key, "?limit=7").await.ok(200);
    assert_eq!((ids(&exact).len(), &exact["nextCursor"]), (7, &Value::Null));
}

#[tokio::test]
async fn limits_are_between_1_and_500() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    for number in 0..51 {
        make(&world, &key, json!({"name": format!("device {number}")})).await;
    }
    assert_eq!(ids(&list(&world, &key, "").await.ok(200)).len(), 50);
    assert_eq!(ids(&list(&world, &key, "?limit=1").await.ok(200)).len(), 1);
    assert_eq!(
        ids(&list(&world, &key, "?limit=500").await.ok(200)).len(),
        51
    );
    for limit in ["0", "501", "-1", "1.5", "x", "", "99999999999", "5&limit=5"] {
        let answer = list(&world, &key, &format!("?limit={limit}")).await;
        answer.problem(400, "query_malformed");
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_only() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let (_, other_key) = world.organization("other").await;
    for number in 0..3 {
        let body = json!({"name": format!("device {number}"), "tags": ["a", "b"]});
        make(&world, &key, body.clone()).await;
        make(&world, &other_key, body).await;
    }
    let page = list(&world, &key, "?limit=1&tag=a&tag=b").await.ok(200);
    let cursor = page["nextCursor"].as_str().unwrap();
    let go_on = |filter: &str| format!("?limit=1&cursor={cursor}{filter}");
    list(&world, &key, &go_on("&tag=b&tag=a")).await.ok(200);
    list(
        &world,
        &key,
        &format!("?limit=2&tag=a&cursor={cursor}&tag=b"),
    )
    .await
    .ok(200);
    for filter in ["", "&tag=a", "&tag=a&tag=b&online=false", "&tag=a&tag=a"] {
        let answer = list(&world, &key, &go_on(filter)).await;
        answer.problem(400, "cursor_invalid");
    }
    let answer = list(&world, &other_key, &go_on("&tag=a&tag=b")).await;
    answer.problem(400, "cursor_invalid");
    let sensors = format!("/api/v1/sensors?limit=1&tag=a&tag=b&cursor={cursor}");
    let answer = world.send(get(&sensors).key(&key)).await;
    answer.problem(400, "cursor_invalid");
    for cursor in [
        "",
        "x",
        "AQ",
        "%00",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let answer = list(&world, &key, &format!("?cursor={cursor}")).await;
        answer.problem(400, "cursor_invalid");
    }
}

#[tokio::test]
async fn a_cursor_of_another_devices_list_is_refused() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let device = &acme.ids["deviceId"];
    let path = format!("/api/v1/devices/{device}/health?limit=1");
    let page = world.send(get(&path).key(&acme.key)).await.ok(200);
    let cursor = page["nextCursor"].as_str().unwrap();
    let page = format!("{path}&cursor={cursor}");
    let page = world.send(get(&page).key(&acme.key)).await.ok(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let other = make(&world, &acme.key, json!({"name": "other"})).await;
    let path = format!("/api/v1/devices/{other}/health?limit=1&cursor={cursor}");
    let answer = world.send(get(&path).key(&acme.key)).await;
    answer.problem(400, "cursor_invalid");
}

#[tokio::test]
async fn devices_are_filtered_by_all_that_the_query_says() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    world.advance(1);
    let key = &acme.key;
    let live = acme.ids["deviceId"].clone();
    let cold = make(
        &world,
        key,
        json!({"name": "Cold-store 12", "tags": ["acme", "cold"], "profile": "store@2.1"}),
    );
    let cold = cold.await;
    let inactive = make(&world, key, json!({"name": "old", "tags": ["cold"]})).await;
    let path = format!("/api/v1/devices/{inactive}");
    let body = json!({"name": "old", "tags": ["cold"], "status": "INACTIVE"});
    world.send(put(&path).key(key).json(&body)).await.ok(200);
    let (site, group) = (&acme.ids["siteId"], &acme.ids["groupId"]);
    for (query, expected) in [
        ("".to_owned(), vec![&live, &cold, &inactive]),
        ("?status=ACTIVE".to_owned(), vec![&live]),
        (
            "?status=PENDING&status=INACTIVE".to_owned(),
            vec![&cold, &inactive],
        ),
        ("?online=true".to_owned(), vec![&live]),
        ("?online=false&tag=acme".to_owned(), vec![&cold]),
        ("?tag=acme".to_owned(), vec![&live, &cold]),
        ("?tag=acme&tag=cold".to_owned(), vec![&cold]),
        (format!("?siteId={site}"), vec![&live]),
        (format!("?groupId={group}"), vec![&live, &cold]),
        (format!("?groupId={group}&status=PENDING"), vec![&cold]),
        ("?profile=store@2.1".to_owned(), vec![&cold]),
        ("?q=STORE".to_owned(), vec![&cold]),
        ("?q=ore".to_owned(), vec![]),
        ("?q=".to_owned(), vec![&live, &cold, &inactive]),
    ] {
        let found = ids(&list(&world, key, &query).await.ok(200));
        let expected: Vec<String> = expected.into_iter().cloned().collect();
        assert_eq!(found, expected, "{query}");
    }
    for query in [
        "?status=ASLEEP",
        "?online=1",
        "?tag=",
        "?siteId=x",
        "?groupId=x",
        "?profile=x",
        "?online=true&online=false",
        "?x=1",
    ] {
        list(&world, key, query)
            .await
            .problem(400, "query_malformed");
    }
    let long = "x".repeat(129);
    list(&world, key, &format!("?q={long}"))
        .await
        .problem(400, "query_malformed");
    let many = "tag=a&".repeat(129);
    list(&world, key, &format!("?{many}"))
        .await
        .problem(400, "query_malformed");
}

#[tokio::test]
async fn the_summary_counts() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    make(&world, &acme.key, json!({"name": "new"})).await;
    let summary = world
        .send(get("/api/v1/devices/summary").key(&acme.key))
        .await
        .ok(200);
    assert_eq!(
        (&summary["total"], &summary["online"]),
        (&json!(2), &json!(1))
    );
    let by_status = summary["byStatus"].as_array().unwrap();
    assert_eq!(by_status.len(), 5);
    for entry in by_status {
        let expected = match entry["status"].as_str().unwrap() {
            "ACTIVE" | "PENDING" => 1,
            _ => 0,
        };
        assert_eq!(entry["count"], expected, "{entry}");
    }
    let by_site = summary["bySite"].as_array().unwrap();
    assert!(by_site.contains(&json!({"siteId": acme.ids["siteId"], "count": 1})));
    assert!(by_site.contains(&json!({"siteId": null, "count": 1})));
    let by_profile = summary["byProfile"].as_array().unwrap();
    assert!(by_profile.contains(&json!({"profile": "acme@1.0", "count": 1})));
    assert!(by_profile.contains(&json!({"profile": null, "count": 1})));
}

#[tokio::test]
async fn sensors_and_components_are_filtered() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    // Each list has one that a filter leaves out.
    let body = json!({"deviceId": acme.ids["deviceId"], "key": "bare"});
    let bare = post("/api/v1/components").key(&acme.key).json(&body);
    world.send(bare).await.ok(201);
    let body = json!({"name": "temperature", "tags": ["outside", "north"]});
    let sensor = format!("/api/v1/sensors/{}", acme.ids["sensorId"]);
    let tagged = put(&sensor).key(&acme.key).json(&body);
    world.send(tagged).await.ok(200);
    let count = async |path: &str| {
        let found = world
            .send(get(&format!("/api/v1/{path}")).key(&acme.key))
            .await;
        found.ok(200)["items"].as_array().unwrap().len()
    };
    for (path, expected) in [
        ("sensors?valueType=DOUBLE&valueType=TEXT".to_owned(), 1),
        ("sensors?valueType=TEXT".to_owned(), 0),
        ("sensors?q=temp".to_owned(), 1),
        ("sensors?q=none".to_owned(), 0),
        ("sensors?tag=outside".to_owned(), 1),
        ("sensors?tag=north&tag=outside".to_owned(), 1),
        ("sensors?tag=outside&tag=none".to_owned(), 0),
        // The tag of the device and of the component is not the sensor's.
        ("sensors?tag=acme".to_owned(), 0),
        (format!("sensors?siteId={}", acme.ids["siteId"]), 1),
        (format!("sensors?groupId={}", acme.ids["groupId"]), 1),
        (format!("components?deviceId={}", acme.ids["deviceId"]), 2),
        ("components?tag=acme".to_owned(), 1),
        ("components?tag=acme&tag=none".to_owned(), 0),
        ("components?tag=none".to_owned(), 0),
        ("components?profile=acme-part@1.0".to_owned(), 1),
        ("components?profile=acme-part@1.1".to_owned(), 0),
        ("components?profile=none@1.0".to_owned(), 0),
        ("quarantine?reason=MALFORMED".to_owned(), 1),
        ("quarantine?reason=NOT_JSON".to_owned(), 0),
    ] {
        assert_eq!(count(&path).await, expected, "{path}");
    }
    for path in [
        "sensors?valueType=INT",
        "quarantine?reason=BAD",
        "components?deviceId=x",
    ] {
        let answer = world
            .send(get(&format!("/api/v1/{path}")).key(&acme.key))
            .await;
        answer.problem(400, "query_malformed");
    }
}

#[tokio::test]
async fn tokens_are_listed_by_state() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let states = async |query: &str| {
        let path = format!("{}{query}", crate::support::TOKENS);
        let found = world.send(get(&path).key(&acme.key)).await.ok(200);
        let items = found["items"].as_array().unwrap().iter();
        let states = items.map(|item| item["state"].as_str().unwrap().to_owned());
        states.collect::<BTreeSet<_>>()
    };
    assert_eq!(states("").await, BTreeSet::from(["PENDING".to_owned()]));
    assert_eq!(
        states("?state=USED").await,
        BTreeSet::from(["USED".to_owned()])
    );
    assert_eq!(states("?state=USED&state=PENDING").await.len(), 2);
    assert!(states("?state=REVOKED").await.is_empty());
    world.advance(24 * 3600);
    assert_eq!(
        states("?state=EXPIRED").await,
        BTreeSet::from(["EXPIRED".to_owned()])
    );
    assert!(states("").await.is_empty());
    let answer = format!("{}?state=LOST", crate::support::TOKENS);
    let answer = world.send(get(&answer).key(&acme.key)).await;
    answer.problem(400, "query_malformed");
}

#[tokio::test]
async fn readings_and_health_come_newest_first_in_their_span() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let times = async |path: &str| {
        let found = world
            .send(get(&format!("/api/v1/{path}")).key(&acme.key))
            .await
            .ok(200);
        let items = found["items"].as_array().unwrap().iter();
        let times = items.map(|item| item["timestamp"].as_str().unwrap().to_owned());
        times.collect::<Vec<_>>()
    };
    let at = |secs| fixtures::before(secs).to_string();
    let readings = format!("readings/sensor/{}", acme.ids["sensorId"]);
    assert_eq!(times(&readings).await, [at(1), at(2), at(3)]);
    let range = format!("{readings}?from={}&to={}", at(2), at(1));
    assert_eq!(times(&range).await, [at(2)]);
    assert_eq!(times(&format!("{readings}/window")).await.len(), 3);
    assert_eq!(
        times(&format!("{readings}/window?last=2s")).await,
        [at(1), at(2)]
    );
    let health = format!("devices/{}/health", acme.ids["deviceId"]);
    assert_eq!(times(&health).await, [at(10), at(20)]);
    assert_eq!(times(&format!("{health}?to={}", at(10))).await, [at(20)]);
    assert_eq!(times(&format!("{health}/window?last=15s")).await, [at(10)]);
    world.advance(24 * 3600);
    assert!(times(&format!("{health}/window")).await.is_empty());
    assert!(
        times(&format!("{readings}/window?last=1h"))
            .await
            .is_empty()
    );
    for query in [
        "?from=yesterday",
        "?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
    ] {
        let answer = world
            .send(get(&format!("/api/v1/{health}{query}")).key(&acme.key))
            .await;
        answer.problem(400, "query_malformed");
    }
    let wrong = format!("/api/v1/{health}/window?last=1y");
    let answer = world.send(get(&wrong).key(&acme.key)).await;
    answer.problem(400, "query_malformed");
}

#[tokio::test]
async fn health_is_summed_up() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let health = format!("/api/v1/devices/{}/health", acme.ids["deviceId"]);
    let latest = world
        .send(get(&format!("{health}/latest")).key(&acme.key))
        .await
        .ok(200);
    assert_eq!(latest["uptimeSeconds"], 990);
    assert_eq!(latest["connectionType"], "WIFI");
    let summary = world
        .send(get(&format!("{health}/summary")).key(&acme.key))
        .await
        .ok(200);
    assert_eq!(
        (&summary["reports"], &summary["reboots"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(summary["loss"], 0.0);
    assert_eq!(
        summary["uptimeSeconds"],
        json!({"min": 980.0, "max": 990.0, "avg": 985.0})
    );
    for (figure, least) in [("readingsSent", 70.0), ("readingsDropped", 1.0)] {
        assert_eq!(summary[figure]["min"], least, "{summary}");
    }
    assert_eq!(summary["to"], fixtures::noon().to_string());
    let none = format!("{health}/summary?last=1s");
    let none = world.send(get(&none).key(&acme.key)).await.ok(200);
    assert_eq!((&none["reports"], &none["loss"]), (&json!(0), &Value::Null));
    assert!(none.get("uptimeSeconds").is_none());
    let both = format!("{health}/summary?last=1h&from=2026-01-01T00:00:00Z");
    let both = world.send(get(&both).key(&acme.key)).await;
    both.problem(400, "query_malformed");
    let silent = make(&world, &acme.key, json!({"name": "silent"})).await;
    let silent = format!("/api/v1/devices/{silent}/health/latest");
    let problem = world
        .send(get(&silent).key(&acme.key))
        .await
        .problem(404, "not_found");
    assert!(problem["detail"].as_str().unwrap().contains("not reported"));
}
