//! A server with a store: what it answered is stored, and it answers 503 if it is not.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard};

use http::StatusCode;
use ucwa_server::{
    Fault, HttpConfig, RecordChanges, RecordId, RecordValue, Server, ServerConfig, StateStore, User,
};

use crate::harness::{PASSWORD, TOSH, USER, decode};
use crate::shell::Wire;

/// A store in memory, and what happens at the next transactions.
#[derive(Clone, Default)]
struct Store(Arc<Mutex<Stored>>);

#[derive(Default)]
struct Stored {
    records: BTreeMap<RecordId, RecordValue>,
    full: bool,
    panics: bool,
}

impl Store {
    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().unwrap()
    }

    async fn serve(&self) -> io::Result<Server> {
        let config = ServerConfig::new([User::new(TOSH, "Tosh Meston", PASSWORD).unwrap()]);
        let address = (Ipv4Addr::LOCALHOST, 0);
        Server::bind_with_store(address, config, HttpConfig::default(), self.clone()).await
    }
}

impl StateStore for Store {
    fn load(&mut self) -> io::Result<Vec<(RecordId, RecordValue)>> {
        Ok(self.stored().records.clone().into_iter().collect())
    }

    fn commit(&mut self, changes: &RecordChanges) -> io::Result<()> {
        let mut stored = self.0.lock().unwrap();
        assert!(!stored.panics, "as the test wants it");
        if stored.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        for (id, value) in changes.clone() {
            match value {
                Some(value) => drop(stored.records.insert(id, value)),
                None => drop(stored.records.remove(&id)),
            }
        }
        Ok(())
    }
}

/// Asks for a token, and keeps it if there is one.
async fn sign_in(wire: &mut Wire) -> StatusCode {
    let grant = format!("grant_type=password&username={TOSH}&password=pass%40word1");
    let kind = "application/x-www-form-urlencoded;charset=UTF-8";
    let response = wire.post("/WebTicket/oauthtoken", kind, &grant).await;
    if response.status() == StatusCode::OK {
        decode(&response)
            .text("access_token")
            .unwrap()
            .clone_into(&mut wire.token);
    }
    response.status()
}

#[tokio::test]
async fn a_token_that_was_answered_is_good_at_the_next_server() {
    let store = Store::default();
    let server = store.serve().await.unwrap();
    let mut wire = Wire::connect(&server).await;
    assert_eq!(sign_in(&mut wire).await, StatusCode::OK);
    let token = wire.token;
    assert_eq!(store.stored().records.len(), 1);

    // The first server is still there: it ends as if it were killed.
    let next = store.serve().await.unwrap();
    let mut wire = Wire::connect(&next).await;
    wire.token = token;
    assert_eq!(wire.get(USER).await.status(), StatusCode::OK);
    // The next token is not the same again.
    let before = wire.token.clone();
    sign_in(&mut wire).await;
    assert_ne!(wire.token, before);
    assert_eq!(store.stored().records.len(), 2);
}

#[tokio::test]
async fn while_changes_cannot_be_stored_responses_are_503() {
    let store = Store::default();
    let server = store.serve().await.unwrap();
    let mut wire = Wire::connect(&server).await;
    store.stored().full = true;
    // Nothing has changed yet.
    assert_eq!(wire.get("/").await.status(), StatusCode::OK);
    assert_eq!(server.status().await.store_failure, None);

    assert_eq!(sign_in(&mut wire).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        wire.get("/").await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert!(server.inject(Fault::ExpireTokens).await.is_err());
    let failure = server.status().await.store_failure.unwrap();
    assert!(failure.contains("storage"), "{failure}");

    store.stored().full = false;
    assert_eq!(sign_in(&mut wire).await, StatusCode::OK);
    assert_eq!(wire.get(USER).await.status(), StatusCode::OK);
    assert_eq!(server.status().await.store_failure, None);
    assert_eq!(store.stored().records.len(), 1, "the first one is expired");
}

#[tokio::test]
async fn a_store_that_panics_ends_the_server() {
    let store = Store::default();
    let server = store.serve().await.unwrap();
    let mut wire = Wire::connect(&server).await;
    store.stored().panics = true;
    assert_eq!(sign_in(&mut wire).await, StatusCode::SERVICE_UNAVAILABLE);
    server.failed().await;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_an_error_at_the_start() {
    let store = Store::default();
    let id = RecordId {
        kind: "token".to_owned(),
        key: "x".to_owned(),
    };
    let value = RecordValue("{}".to_owned());
    store.stored().records.insert(id, value);
    let error = store.serve().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(error.to_string().contains("\"token\""), "{error}");
}

#[tokio::test]
async fn a_shutdown_releases_the_store() {
    let store = Store::default();
    let server = store.serve().await.unwrap();
    let mut wire = Wire::connect(&server).await;
    sign_in(&mut wire).await;
    assert_eq!(Arc::strong_count(&store.0), 2);
    server.shutdown().await;
    assert_eq!(Arc::strong_count(&store.0), 1);
}
