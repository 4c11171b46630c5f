//! The details of responses that reach the application unchanged: reasons of failures, and contents of messages.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, SendOptions, TransportError};
use http::{Request, Response};
use serde_json::{Value, json};
use skype_p2p::{Credentials, MessageBody, Resend};

use crate::{
    groups::connect_chat,
    standard_chat::conversation,
    world::{LENE, LENE_PASSWORD, TOSH, TOSH_PASSWORD, World},
};

const DIAGNOSTICS: &str = "9001;source=\"pool\";reason=\"A policy forbids it\"";

/// Refuses every invitation.
#[derive(Debug)]
struct Refusing(World);

#[async_trait]
impl HttpTransport for Refusing {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        if !request.uri().path().ends_with("/messagingInvitations") {
            return self.0.send(request, options).await;
        }
        let body = r#"{"code":"Forbidden","subcode":"PolicyViolation","message":"Not allowed"}"#;
        let response = Response::builder()
            .status(403)
            .header("content-type", "application/json")
            .header("x-ms-diagnostics", DIAGNOSTICS)
            .header("x-ms-correlation-id", "0815")
            .body(Bytes::from_static(body.as_bytes()));
        Ok(response.unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_keeps_every_detail_of_the_response() {
    let world = World::new();
    let transport = Arc::new(Refusing(world.clone()));
    let tosh = world.builder().transport(transport).build().unwrap();
    let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
    tosh.sign_in_manager().sign_in(credentials).await.unwrap();
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let reason = tosh_side.chat_service().send_message("Hi Lene").await;
    let reason = reason.unwrap_err();
    let details = reason.details().unwrap();
    assert_eq!(details.host.as_deref(), Some("127.0.0.1"));
    assert_eq!(details.status, Some(403));
    assert_eq!(details.attempts, Some(1));
    assert_eq!(details.code.as_deref(), Some("Forbidden"));
    assert_eq!(details.subcode.as_deref(), Some("PolicyViolation"));
    assert_eq!(details.message.as_deref(), Some("Not allowed"));
    assert_eq!(details.diagnostics.as_deref(), Some(DIAGNOSTICS));
    assert_eq!(details.correlation_id.as_deref(), Some("0815"));
    let operation = details.operation_id.as_deref().unwrap();
    assert!(!operation.is_empty(), "the operationId of the invitation");
}

/// Changes the media type of all incoming messages.
#[derive(Debug)]
struct Multipart(World);

#[async_trait]
impl HttpTransport for Multipart {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let response = self.0.send(request, options).await?;
        Ok(response.map(|body| {
            let body = String::from_utf8(body.to_vec()).unwrap();
            body.replace("data:text/plain", "data:application/x-ink")
                .into()
        }))
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_of_another_type_keeps_its_type_and_its_content() {
    let world = World::new();
    let tosh = world.tosh().await;
    let transport = Arc::new(Multipart(world.clone()));
    let lene = world.builder().transport(transport).build().unwrap();
    let credentials = Credentials::password(LENE, LENE_PASSWORD);
    lene.sign_in_manager().sign_in(credentials).await.unwrap();
    let tosh_side = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let sent = tosh_side.chat_service().send_message("strokes");
    let lene_side = conversation(&lene, 1).await;
    lene_side.chat_service().accept().await.unwrap();
    sent.await.unwrap();
    let messages = lene_side.chat_service().messages();
    messages.size().wait_for(1).await.unwrap();
    let message = messages.get(0).unwrap();
    let body = MessageBody::other("application/x-ink", "strokes");
    assert_eq!(*message.body(), body);
    assert_eq!(message.text(), "strokes");
}

/// Reports that every message of the user failed for Alex, in an event that has the form of the published one.
#[derive(Debug)]
struct PartlyFailing(World);

fn fail_messages(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(fail_messages),
        Value::Object(members) => {
            let is_message = members.get("link").is_some_and(|it| it["rel"] == "message");
            if is_message && members.get("status").is_some_and(|it| it == "Success") {
                members.insert("status".to_owned(), json!("Failure"));
                let alex = json!([{"href": "/alex", "title": "Alex Darrow"}]);
                let message = &mut members["_embedded"]["message"];
                message["_links"]["failedDeliveryParticipant"] = alex;
            }
            members.values_mut().for_each(fail_messages);
        }
        _ => {}
    }
}

#[async_trait]
impl HttpTransport for PartlyFailing {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let is_page = request.uri().path().ends_with("/events");
        let response = self.0.send(request, options).await?;
        Ok(response.map(|body| {
            let page = serde_json::from_slice(&body).ok().filter(|_| is_page);
            page.map_or(body, |mut page: Value| {
                fail_messages(&mut page);
                page.to_string().into()
            })
        }))
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_failed_for_one_receiver_names_the_receiver() {
    let world = World::new();
    let transport = Arc::new(PartlyFailing(world.clone()));
    let tosh = world.builder().transport(transport).build().unwrap();
    let credentials = Credentials::password(TOSH, TOSH_PASSWORD);
    tosh.sign_in_manager().sign_in(credentials).await.unwrap();
    let lene = world.lene().await;
    let (tosh_side, _lene_side) = connect_chat(&tosh, &lene).await;
    let failed = tosh_side.chat_service().send_message("Lunch?").await;
    let reason = failed.unwrap_err();
    let details = reason.details().unwrap();
    assert_eq!(details.failed_participants, ["Alex Darrow"]);
    // The other receivers have the message.
    assert_eq!(reason.resend(), Resend::MayDuplicate);
}
