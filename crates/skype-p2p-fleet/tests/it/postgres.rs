//! The store on PostgreSQL: its schema, its functions for other languages, and rule 10.

use skype_p2p_fleet::{
    Content, MessageState, NewMessage, PostgresConfig, PostgresStore, StoreError,
};
use tokio_postgres::Client;

use crate::harness::{PEER, World, cluster::Cluster, posting, receiving};

const BOT: &str = "sip:bot@contoso.com";

#[tokio::test]
async fn rule_10_after_an_outage_of_the_database_everything_acknowledged_is_there_and_every_worker_goes_on()
 {
    let Some(cluster) = Cluster::start("on") else {
        return;
    };
    let database = cluster.create_database().await;
    let mut world = World::on(&cluster, &database).await;
    let store = world.store.clone();
    let (owner, other) = (world.worker().await, world.worker().await);
    let lease = world.ready(owner, BOT).await;
    world.enqueue(BOT, "1", PEER).await;
    let operation = world.next(owner).await.remove(0).operation;
    world.pass(10, &[owner, other]).await;
    let mut batch = receiving(lease, 1, &["/a"]);
    batch.posting.push(operation.clone());
    world.commit(batch.clone()).await.unwrap();
    cluster.kill();
    let message = || NewMessage::new(BOT, "2", PEER, Content::plain("2"));
    for failure in [
        store.heartbeat(owner).await.map(drop),
        store.sweep(other).await.map(drop),
        store.claim(other, 1).await.map(drop),
        store
            .commit(&[posting(lease, 2, &operation)])
            .await
            .map(drop),
        store.enqueue(&[message()]).await.map(drop),
    ] {
        assert!(
            matches!(failure, Err(StoreError::Unavailable(_))),
            "{failure:?}"
        );
    }
    cluster.restart();
    // The same stores connect again. The outage lasted longer than the lease time.
    world.reconnect_clock(&cluster, &database).await;
    world.advance(30.0).await;
    assert_eq!(world.sweep_after(4, other).await, []);
    assert!(store.claim(other, 1).await.unwrap().is_empty());
    store.heartbeat(owner).await.unwrap();
    assert_eq!(world.sweep_after(2, other).await, []);
    assert_eq!(store.leases(owner).await.unwrap(), [lease]);
    // The batch whose answer could have been lost.
    assert_eq!(world.commit(batch).await, Ok(()));
    assert_eq!(world.state(BOT, "1").await, MessageState::Posting);
    let inbox = store.read_inbox("answers", 10).await.unwrap();
    assert_eq!(inbox.len(), 1);
    assert_eq!(store.deliveries(BOT, &["2"]).await.unwrap(), [None]);
}

#[tokio::test]
async fn migrations_are_applied_once_although_processes_start_at_the_same_time() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let database = cluster.create_database().await;
    let config = cluster.config(&database);
    let failure = PostgresStore::connect(&config).await.unwrap_err();
    assert!(matches!(failure, StoreError::NotMigrated { found: 0, .. }));
    let migrations = (0..4).map(|_| {
        let config = config.clone();
        tokio::spawn(async move { PostgresStore::migrate(&config).await.unwrap() })
    });
    let migrations: Vec<_> = migrations.collect();
    let mut applied = 0;
    for migration in migrations {
        applied += migration.await.unwrap();
    }
    let client = cluster.connect(&database, "fleet").await;
    let version = "select max(version), count(*) from fleet.migration";
    let row = client.query_one(version, &[]).await.unwrap();
    let (version, count): (i32, i64) = (row.get(0), row.get(1));
    assert_eq!((applied as i64, i64::from(version)), (count, count));
    assert_eq!(PostgresStore::migrate(&config).await.unwrap(), 0);
    PostgresStore::connect(&config).await.unwrap();
    client
        .batch_execute("delete from fleet.migration where version > 1")
        .await
        .unwrap();
    let failure = PostgresStore::connect(&config).await.unwrap_err();
    assert!(matches!(failure, StoreError::NotMigrated { found: 1, .. }));
    // A migration that fails leaves nothing behind.
    client
        .batch_execute("drop function fleet.sweep")
        .await
        .unwrap();
    PostgresStore::migrate(&config).await.unwrap_err();
    let sweep = "select to_regproc('fleet.sweep') is null";
    let row = client.query_one(sweep, &[]).await.unwrap();
    assert!(row.get::<_, bool>(0));
}

#[tokio::test]
async fn rule_06_a_page_that_commits_after_a_later_one_was_acknowledged_is_not_skipped() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let database = cluster.create_database().await;
    let world = World::on(cluster, &database).await;
    let worker = world.worker().await;
    let slow = world.ready(worker, BOT).await;
    let fast = world.ready(worker, "sip:fast@contoso.com").await;
    let mut client = cluster.connect(&database, "fleet").await;
    let page = client.transaction().await.unwrap();
    let insert =
        "insert into fleet.inbox (identity, href, href_hash, sender, media_type, body, written_at)
        values ($1, '/slow', '', '', '', '', clock_timestamp())";
    page.execute(insert, &[&slow.identity.0]).await.unwrap();
    world.commit(receiving(fast, 1, &["/fast"])).await.unwrap();
    for href in ["/fast", "/slow"] {
        let messages = world.store.read_inbox("answers", 10).await.unwrap();
        assert_eq!(messages.len(), 1, "{href}");
        assert_eq!(messages[0].message.href, href);
        let position = messages[0].position;
        world.store.acknowledge("answers", position).await.unwrap();
        if href == "/fast" {
            page.batch_execute("commit").await.unwrap();
        }
    }
}

/// The texts of the columns of the only row.
async fn row(client: &Client, sql: &str) -> Vec<Option<String>> {
    let rows = client.query(sql, &[]).await.unwrap();
    assert_eq!(rows.len(), 1, "{sql}");
    (0..rows[0].len())
        .map(|column| rows[0].get(column))
        .collect()
}

fn texts(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|it| Some((*it).to_owned())).collect()
}

#[tokio::test]
async fn a_program_in_any_language_needs_the_four_functions_only() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let database = cluster.create_database().await;
    let world = World::on(cluster, &database).await;
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    let operator = cluster.connect(&database, "fleet").await;
    let role =
        format!("create role app_{database} login; grant usage on schema fleet to app_{database}");
    operator.batch_execute(&role).await.unwrap();
    let app = cluster.connect(&database, &format!("app_{database}")).await;

    let enqueue = "select outcome, state from fleet.enqueue('sip:bot@contoso.com', 'order-7', 'sip:lenea@contoso.com', 'Shipped',
        time_to_live => '10 minutes')";
    assert_eq!(row(&app, enqueue).await, texts(&["queued", "queued"]));
    let next = world.next(worker).await.remove(0);
    assert_eq!(next.content, Content::plain("Shipped"));
    assert_eq!(row(&app, enqueue).await, texts(&["duplicate", "queued"]));
    let other = "select outcome, state from fleet.enqueue('sip:bot@contoso.com', 'order-7', 'sip:lenea@contoso.com', '<b>Shipped</b>',
        'text/html')";
    assert_eq!(row(&app, other).await, texts(&["key in use", "queued"]));
    let delivery = "select state, operation from fleet.delivery('sip:bot@contoso.com', 'order-7')";
    let expected = texts(&["queued", next.operation.as_str()]);
    assert_eq!(row(&app, delivery).await, expected);

    world.commit(receiving(lease, 1, &["/a"])).await.unwrap();
    let read = "select identity, sender, media_type, body, position::text from fleet.read_inbox('answers')";
    let message = row(&app, read).await;
    assert_eq!(message[..4], texts(&[BOT, PEER, "text/plain", "/a"]));
    let position = message[4].as_deref().unwrap();
    let acknowledge = format!("select fleet.acknowledge('answers', {position})");
    app.execute(&acknowledge, &[]).await.unwrap();
    assert!(app.query(read, &[]).await.unwrap().is_empty());

    let unknown =
        "select * from fleet.enqueue('sip:nobody@contoso.com', '1', 'sip:lenea@contoso.com', '')";
    for (sql, code) in [
        (unknown, "FL003"),
        ("select fleet.acknowledge('nobody', 1)", "FL005"),
        // Everything else is refused.
        ("select * from fleet.outbox", "42501"),
        ("select * from fleet.credential", "42501"),
        ("select fleet.resume('sip:bot@contoso.com')", "42501"),
        ("update fleet.identity set owner = null", "42501"),
    ] {
        let failure = app.execute(sql, &[]).await.unwrap_err();
        assert_eq!(failure.code().map(|it| it.code()), Some(code), "{sql}");
    }
}

#[tokio::test]
async fn an_error_does_not_contain_the_text_of_a_message() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let database = cluster.create_database().await;
    let world = World::on(cluster, &database).await;
    world.identity(BOT).await;
    let operator = cluster.connect(&database, "fleet").await;
    let constraint = "alter table fleet.outbox add constraint short check (length(body) < 5)";
    operator.batch_execute(constraint).await.unwrap();
    let message = NewMessage::new(BOT, "1", PEER, Content::plain("confidential"));
    let failure = world.store.enqueue(&[message]).await.unwrap_err();
    let shown = format!("{failure:?} {failure}");
    assert!(!shown.contains("confidential"), "{shown}");
}

#[test]
fn tls_is_required_unless_the_database_is_on_this_machine() {
    let mode = |url: &str| format!("{:?}", PostgresConfig::new(url).unwrap());
    for url in [
        "postgresql://fleet@db.contoso.com/fleet",
        "host=127.0.0.1,db.contoso.com user=fleet",
        "postgresql://fleet@192.0.2.1/fleet",
    ] {
        assert!(mode(url).contains("tls: Require"), "{url}");
    }
    for url in [
        "postgresql://fleet@localhost/fleet",
        "host=::1 user=fleet",
        "host=/run/postgresql user=fleet",
    ] {
        assert!(mode(url).contains("tls: Prefer"), "{url}");
    }
    let shown = mode("postgresql://fleet:secret@db.contoso.com/fleet");
    assert!(!shown.contains("secret"));
    let failure = PostgresConfig::new("postgresql://fleet:secret@[/").unwrap_err();
    assert!(!format!("{failure:?} {failure}").contains("secret"));
}
