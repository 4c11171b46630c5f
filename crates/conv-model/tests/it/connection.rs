//! The state of the connection to the server.

use conv_model::{ConnectionState, Fact, Reason, ReasonCode, SignInState};

use crate::support::{TestModel, Timeline, at};

fn sign_in(state: SignInState, reason: Option<Reason>) -> Fact {
    Fact::sign_in(state, reason)
}

fn lost() -> Reason {
    Reason::new(ReasonCode::ConnectionLost)
}

fn connection(state: ConnectionState, reason: Option<Reason>) -> Fact {
    Fact::connection(state, reason)
}

#[test]
fn the_connection_follows_the_sign_in_and_the_facts() {
    let model = TestModel::signed_out();
    let timeline = Timeline::default();
    let property = model.application.connection();
    let log = timeline.clone();
    property
        .changed(move |change| {
            let code = change.reason.as_ref().map(Reason::code);
            log.push(format!("{:?} {code:?}", change.new));
        })
        .detach();
    assert_eq!(timeline.take(), ["Disconnected None"]);

    model.commit([sign_in(SignInState::SigningIn, None)]);
    assert_eq!(timeline.take(), [""; 0]);
    model.commit([sign_in(SignInState::SignedIn, None)]);
    assert_eq!(timeline.take(), ["Connected None"]);

    let since = at(7);
    let reconnecting = ConnectionState::reconnecting(since);
    model.commit([connection(reconnecting, Some(lost()))]);
    assert_eq!(property.get(), reconnecting);
    assert_eq!(property.reason(), Some(lost()));
    // A repeated sign-in fact does not say that the connection works.
    model.commit([sign_in(SignInState::SignedIn, None)]);
    assert_eq!(property.get(), reconnecting);
    model.commit([connection(ConnectionState::Connected, None)]);
    assert_eq!(property.reason(), None);
    let lines = timeline.take();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("Reconnecting"), "{lines:?}");
    assert_eq!(lines[1], "Connected None");

    model.commit([sign_in(SignInState::SignedOut, Some(lost()))]);
    assert_eq!(timeline.take(), ["Disconnected Some(ConnectionLost)"]);
}

#[test]
fn a_user_who_is_not_signed_in_is_disconnected() {
    let model = TestModel::signed_out();
    model.commit([connection(ConnectionState::Connected, None)]);
    assert_eq!(
        model.application.connection().get(),
        ConnectionState::Disconnected
    );
    let model = TestModel::new();
    drop(model.writer);
    let connection = model.application.connection();
    assert_eq!(connection.get(), ConnectionState::Disconnected);
    assert_eq!(*connection.reason().unwrap().code(), ReasonCode::SignedOut);
}
