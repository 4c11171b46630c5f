//! TLS between the store and the database.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use skype_p2p_fleet::{PostgresConfig, PostgresStore, StoreError};

use crate::harness::cluster::Cluster;

/// The root, a certificate for 127.0.0.1, and its key, in PEM.
fn certificate() -> [String; 3] {
    let mut root = CertificateParams::new([]).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let leaf = params.signed_by(&key, &root).unwrap();
    [root.pem(), leaf.pem(), key.serialize_pem()]
}

#[tokio::test]
async fn the_certificate_of_the_database_must_be_trusted() {
    let Some(cluster) = Cluster::start("off") else {
        return;
    };
    let database = cluster.create_database().await;
    let client = cluster.connect(&database, "fleet").await;
    let url = cluster.url(&database, "fleet") + "?sslmode=require";
    let config = PostgresConfig::new(&url).unwrap();
    let [root, leaf, key] = certificate();
    let trusting = config.clone().with_authorities(root);
    // The server does not offer TLS yet.
    let failure = PostgresStore::migrate(&trusting).await.unwrap_err();
    assert!(matches!(failure, StoreError::Unavailable(_)));
    for (file, pem) in [("server.crt", leaf), ("server.key", key)] {
        let encoded = STANDARD.encode(pem);
        let write =
            format!("copy (select) to program 'umask 077; echo {encoded} | base64 -d > {file}'");
        client.batch_execute(&write).await.unwrap();
    }
    client
        .batch_execute("alter system set ssl = on")
        .await
        .unwrap();
    client
        .execute("select pg_reload_conf()", &[])
        .await
        .unwrap();
    // The server reads its configuration later.
    while client
        .query_one("show ssl", &[])
        .await
        .unwrap()
        .get::<_, &str>(0)
        != "on"
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    PostgresStore::migrate(&trusting).await.unwrap();
    let _store = PostgresStore::connect(&trusting).await.unwrap();
    let encrypted = "select count(*) from pg_stat_ssl where ssl";
    let row = client.query_one(encrypted, &[]).await.unwrap();
    assert!(row.get::<_, i64>(0) > 0);
    let failure = PostgresStore::connect(&config).await.unwrap_err();
    assert!(matches!(failure, StoreError::Unavailable(_)));
}
