//! A client of a few requests, each on a connection of its own, that survives the end of its server.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};

use crate::process::{PASSWORD, PATIENCE};

/// The server is gone, or has answered with an error.
#[derive(Debug)]
pub(crate) struct Lost;

/// A user, and the application if there is one.
pub(crate) struct Client {
    address: String,
    pub(crate) token: String,
    application: Value,
    /// The next event page.
    next: String,
}

impl Client {
    /// With a token for the user's password.
    pub(crate) fn sign_in(address: &str, name: &str) -> Result<Self, Lost> {
        let mut client = Self::with_token(address, "");
        let grant = format!("grant_type=password&username={name}&password={PASSWORD}");
        let path = "/WebTicket/oauthtoken";
        let kind = "application/x-www-form-urlencoded";
        let answer = client.exchange("POST", path, &[("Content-Type", kind)], &grant)?;
        client.token = success(&answer)?["access_token"]
            .as_str()
            .ok_or(Lost)?
            .to_owned();
        Ok(client)
    }

    pub(crate) fn with_token(address: &str, token: &str) -> Self {
        Self {
            address: address.to_owned(),
            token: token.to_owned(),
            application: Value::Null,
            next: String::new(),
        }
    }

    /// Whether the token is good.
    pub(crate) fn is_known(&self) -> Result<bool, Lost> {
        let user = "/Autodiscover/AutodiscoverService.svc/root/oauth/user";
        Ok(self.exchange("GET", user, &[], "")?.0 == 200)
    }

    /// Is available for chats from now on, which are archived on demand.
    pub(crate) fn create_application(&mut self, history: bool) -> Result<(), Lost> {
        let applications = "/ucwa/oauth/v1/applications";
        let input = json!({"culture": "en-US", "endpointId": "1", "userAgent": "Test"});
        self.application = self.post(applications, Some(&input))?;
        let next = &self.application["_links"]["events"]["href"];
        self.next = next.as_str().ok_or(Lost)?.to_owned();
        if history {
            let mut communication = self.application["_embedded"]["communication"].clone();
            let href = href(&communication, "self").ok_or(Lost)?;
            let etag = communication["etag"].as_str().ok_or(Lost)?.to_owned();
            communication["conversationHistory"] = json!("Enabled");
            let members = communication.as_object_mut().ok_or(Lost)?;
            members.retain(|name, _| !name.starts_with('_'));
            let etag = format!("\"{etag}\"");
            let headers = [("Content-Type", "application/json"), ("If-Match", &etag)];
            success(&self.exchange("PUT", &href, &headers, &communication.to_string())?)?;
        }
        let available = json!({"supportedModalities": ["Messaging"]});
        let me = &self.application["_embedded"]["me"];
        let href = href(me, "makeMeAvailable").ok_or(Lost)?;
        self.post(&href, Some(&available)).map(drop)
    }

    /// A link of the application's communication.
    pub(crate) fn communication(&self, rel: &str) -> String {
        href(&self.application["_embedded"]["communication"], rel).unwrap()
    }

    /// A link of the application's people.
    pub(crate) fn people(&self, rel: &str) -> String {
        href(&self.application["_embedded"]["people"], rel).unwrap()
    }

    pub(crate) fn invite(&self, to: &str, text: &str) -> Result<(), Lost> {
        let input = json!({
            "importance": "Normal",
            "subject": "Test",
            "to": format!("sip:{to}"),
            "operationId": text,
            "_links": {"message": {"href": format!("data:text/plain,{}", text.replace(' ', "+"))}},
        });
        self.post(&self.communication("startMessaging"), Some(&input))
            .map(drop)
    }

    /// Sends a message.
    pub(crate) fn say(&self, messages: &str, text: &str) -> Result<(), Lost> {
        let headers = [("Content-Type", "text/plain")];
        success(&self.exchange("POST", messages, &headers, text)?).map(drop)
    }

    /// Reads events until there is a resource with such a link, and returns another link of the resource.
    pub(crate) fn link_beside(&mut self, known: &str, wanted: &str) -> Result<String, Lost> {
        loop {
            let page = self.get(&self.next)?;
            let next = &page["_links"]["next"]["href"];
            self.next = next.as_str().ok_or(Lost)?.to_owned();
            if let Some(resource) = linking(&page["sender"], known) {
                return href(resource, wanted).ok_or(Lost);
            }
        }
    }

    pub(crate) fn get(&self, href: &str) -> Result<Value, Lost> {
        success(&self.exchange("GET", href, &[], "")?)
    }

    pub(crate) fn post(&self, href: &str, input: Option<&Value>) -> Result<Value, Lost> {
        let body = input.map(Value::to_string).unwrap_or_default();
        success(&self.exchange("POST", href, &[("Content-Type", "application/json")], &body)?)
    }

    pub(crate) fn delete(&self, href: &str) -> Result<(), Lost> {
        success(&self.exchange("DELETE", href, &[], "")?).map(drop)
    }

    /// The status of a request without a body.
    pub(crate) fn status(&self, method: &str, href: &str) -> u16 {
        self.exchange(method, href, &[], "").unwrap().0
    }

    /// The status and the body of the response to one request. A response that is cut off is none.
    fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<(u16, String), Lost> {
        let (address, token, length) = (&self.address, &self.token, body.len());
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
        request += &format!("Content-Length: {length}\r\nConnection: close\r\n");
        request += "Accept: application/json\r\n";
        if !token.is_empty() {
            request += &format!("Authorization: Bearer {token}\r\n");
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("\r\n{body}");
        let mut answer = String::new();
        let mut stream = TcpStream::connect(address).map_err(|_| Lost)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|_| Lost)?;
        stream.write_all(request.as_bytes()).map_err(|_| Lost)?;
        stream.read_to_string(&mut answer).map_err(|_| Lost)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or(Lost)?;
        let head = head.to_ascii_lowercase();
        let status = head.get(9..12).and_then(|it| it.parse().ok()).ok_or(Lost)?;
        let length = head.split_once("content-length: ").map(|(_, rest)| rest);
        let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
        match length {
            Some(length) if body.len() < length => Err(Lost),
            _ => Ok((status, body.to_owned())),
        }
    }
}

/// The body of a response that is no error; null without one.
fn success((status, body): &(u16, String)) -> Result<Value, Lost> {
    match status {
        200..300 => Ok(serde_json::from_str(body).unwrap_or_default()),
        _ => Err(Lost),
    }
}

fn href(resource: &Value, rel: &str) -> Option<String> {
    let href = resource["_links"][rel]["href"].as_str()?;
    Some(href.to_owned())
}

/// A resource that has a link of this relation, at any depth of a value.
fn linking<'a>(value: &'a Value, rel: &str) -> Option<&'a Value> {
    match value {
        Value::Array(items) => items.iter().find_map(|item| linking(item, rel)),
        Value::Object(_) if href(value, rel).is_some() => Some(value),
        Value::Object(members) => members.values().find_map(|value| linking(value, rel)),
        _ => None,
    }
}
