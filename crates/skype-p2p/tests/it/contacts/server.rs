//! A transport to the in-memory server, with a scripted contact list beside it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, SendOptions, TransportError};
use futures_util::future::{Either, select};
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use skype_p2p::Application;
use tokio::sync::Notify;

use crate::world::{ALEX, LENE, TOSH, TOSH_PASSWORD, World};

/// The name of the user's own group at the start.
pub(crate) const TEAM: &str = "Team";
/// The image of Lene's photo.
pub(crate) const PHOTO: &[u8] = b"a photo of Lene";

/// The contact list of one user. It has Lene, who is in no group, and Alex, who is in the group Team.
#[derive(Clone, Debug)]
pub(crate) struct ContactServer {
    world: World,
    state: Arc<Mutex<State>>,
    has_events: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    /// The memberships: the address of a contact, and the ID of a group.
    members: BTreeSet<(String, String)>,
    /// The IDs and names of the user's groups.
    groups: Vec<(String, String)>,
    events: Vec<Value>,
    log: Vec<String>,
    /// The responses to a DELETE of a membership are refusals.
    refuses_removals: bool,
    is_old_revision: bool,
}

impl ContactServer {
    pub(crate) fn new() -> Self {
        let member = |address: &str, group: &str| (address.to_owned(), group.to_owned());
        Self {
            world: World::new(),
            state: Arc::new(Mutex::new(State {
                members: [member(LENE, "other"), member(ALEX, "g1")].into(),
                groups: vec![("g1".to_owned(), TEAM.to_owned())],
                events: Vec::new(),
                log: Vec::new(),
                refuses_removals: false,
                is_old_revision: false,
            })),
            has_events: Arc::default(),
        }
    }

    /// Tosh, signed in.
    pub(crate) async fn tosh(&self) -> Application {
        let builder = self.world.builder().transport(Arc::new(self.clone()));
        let application = builder.build().unwrap();
        let credentials = skype_p2p::Credentials::password(TOSH, TOSH_PASSWORD);
        let manager = application.sign_in_manager();
        manager.sign_in(credentials).await.unwrap();
        application
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Refuses every DELETE of a membership from now on.
    pub(crate) fn refuse_removals(&self) {
        self.state().refuses_removals = true;
    }

    /// Answers as a server of the older revision, which has no changes.
    pub(crate) fn downgrade(&self) {
        self.state().is_old_revision = true;
    }

    /// Takes the requests about the contact list so far: method and path.
    pub(crate) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.state().log)
    }

    /// Another endpoint of the user adds Lene to the group.
    pub(crate) fn add_elsewhere(&self, group: &str) {
        self.state().add(LENE, group);
        self.has_events.notify_one();
    }

    fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let mut state = self.state();
        let path = request.uri().path_and_query().unwrap().as_str();
        state.log.push(format!("{} {path}", request.method()));
        let body = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
        let response = match request.headers().get("if-none-match") {
            Some(etag) if etag == "\"v1\"" => respond(304, "", Bytes::new()),
            _ => state.answer(request.method(), path, &body),
        };
        if !state.events.is_empty() {
            self.has_events.notify_one();
        }
        response
    }

    /// A page with the pending events, and the same next link.
    fn page(&self, poll: &str) -> Response<Bytes> {
        let events = std::mem::take(&mut self.state().events);
        let sender = json!({"rel": "people", "href": "/list/people", "events": events});
        let links = json!({"self": {"href": poll}, "next": {"href": poll}});
        json_response(200, &json!({"_links": links, "sender": [sender]}))
    }
}

impl State {
    fn answer(&mut self, method: &Method, path: &str, body: &Value) -> Response<Bytes> {
        let is_change = *method != Method::GET && !path.contains("subscription");
        if is_change && self.is_old_revision {
            let old = json!({"code": "NotFound", "subcode": "APIVersionNotSupported"});
            return json_response(404, &old);
        }
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        match (method.as_str(), path) {
            ("GET", "/list/contacts") => self.contacts(None),
            ("GET", "/list/groups") => self.all_groups(),
            ("GET", "/list/levels") => json_response(200, &levels()),
            ("GET", "/list/subscription") | ("POST", "/list/subscription/start") => {
                json_response(200, &subscription())
            }
            ("POST", "/list/subscription/stop") => no_content(),
            ("POST", "/list/groups") => {
                let id = format!("g{}", self.groups.len() + 1);
                self.groups.push((id.clone(), text("displayName")));
                self.group_event("added", &id);
                no_content()
            }
            ("POST", "/list/memberships") => {
                let group = body["groupId"].as_str().unwrap_or("other");
                self.add(&text("contactUri"), group);
                json_response(201, &Value::Null)
            }
            ("GET", "/list/photo/lene?size=HR96X96") => {
                respond(200, "image/jpeg", Bytes::from_static(PHOTO))
            }
            ("GET", "/list/phones") => json_response(200, &phones()),
            ("GET", "/list/groups/delegates") => {
                json_response(200, &group("delegatesGroup", "delegates", "My delegates"))
            }
            ("GET", "/list/expand/sales") => {
                let mut sales = group("distributionGroup", "sales", "Sales");
                sales["_embedded"] = json!({"contact": [card(ALEX)],
                    "distributionGroup": [group("distributionGroup", "west", "West")]});
                json_response(200, &sales)
            }
            _ => self.answer_group(method, path, &text("name")),
        }
    }

    fn answer_group(&mut self, method: &Method, path: &str, name: &str) -> Response<Bytes> {
        if let Some(id) = path.strip_prefix("/list/contacts?groupId=") {
            return self.contacts(Some(id));
        }
        if let Some(id) = path.strip_prefix("/list/memberships?groupId=") {
            return self.memberships(id);
        }
        if let Some(member) = path.strip_prefix("/list/memberships/") {
            let (contact, id) = member.split_once('/').unwrap();
            let address = format!("sip:{contact}");
            return self.remove(&address, id);
        }
        let id = path.strip_prefix("/list/groups/").unwrap_or_default();
        let Some(index) = self.groups.iter().position(|(other, _)| other == id) else {
            return json_response(404, &json!({"code": "NotFound"}));
        };
        match method.as_str() {
            "PUT" => {
                self.groups[index].1 = name.to_owned();
                self.group_event("updated", id);
            }
            "DELETE" => {
                self.group_event("deleted", id);
                self.groups.remove(index);
                return no_content();
            }
            _ => {}
        }
        let name = self.groups[index].1.clone();
        json_response(200, &group("group", id, &name))
    }

    fn add(&mut self, address: &str, group: &str) {
        let is_new = !self.members.iter().any(|(other, _)| other == address);
        self.members.insert((address.to_owned(), group.to_owned()));
        if is_new {
            self.contact_event("added", address, ("myContacts", "/list/contacts"));
        }
        let href = format!("/list/groups/{group}");
        self.contact_event("added", address, ("group", &href));
    }

    fn remove(&mut self, address: &str, group: &str) -> Response<Bytes> {
        if self.refuses_removals {
            return json_response(403, &json!({"code": "Forbidden"}));
        }
        self.members.remove(&(address.to_owned(), group.to_owned()));
        let href = format!("/list/groups/{group}");
        self.contact_event("deleted", address, ("group", &href));
        no_content()
    }

    fn contact_event(&mut self, kind: &str, address: &str, within: (&str, &str)) {
        let contact = card(address);
        self.events.push(json!({"type": kind,
            "link": {"rel": "contact", "href": contact["_links"]["self"]["href"]},
            "in": {"rel": within.0, "href": within.1}, "_embedded": {"contact": contact}}));
    }

    fn group_event(&mut self, kind: &str, id: &str) {
        let (_, name) = self.groups.iter().find(|(other, _)| other == id).unwrap();
        let resource = group("group", id, name);
        self.events.push(json!({"type": kind,
            "link": {"rel": "group", "href": format!("/list/groups/{id}")},
            "in": {"rel": "myGroups", "href": "/list/groups"}, "_embedded": {"group": resource}}));
    }

    /// The contacts of a group, or all of them.
    fn contacts(&self, group: Option<&str>) -> Response<Bytes> {
        let members = self.members.iter();
        let members = members.filter(|(_, other)| group.is_none_or(|group| other == group));
        let addresses: BTreeSet<_> = members.map(|(address, _)| address).collect();
        let cards: Vec<_> = addresses.into_iter().map(|it| card(it)).collect();
        json_response(
            200,
            &json!({"rel": "myContacts", "_embedded": {"contact": cards}}),
        )
    }

    fn memberships(&self, group: &str) -> Response<Bytes> {
        let members = self.members.iter().filter(|(_, other)| other == group);
        let memberships: Vec<_> = members
            .map(|(address, _)| {
                let contact = address.trim_start_matches("sip:");
                json!({"rel": "myGroupMembership", "_links": {
                    "self": {"href": format!("/list/memberships/{contact}/{group}")},
                    "contact": card(address)["_links"]["self"],
                    "group": {"href": format!("/list/groups/{group}")}}})
            })
            .collect();
        let memberships = json!({"myGroupMembership": memberships});
        json_response(
            200,
            &json!({"rel": "myGroupMemberships", "_embedded": memberships}),
        )
    }

    fn all_groups(&self) -> Response<Bytes> {
        let own = self.groups.iter();
        let own: Vec<_> = own.map(|(id, name)| group("group", id, name)).collect();
        let mut sales = group("distributionGroup", "sales", "Sales");
        sales["uri"] = json!("sip:sales@contoso.com");
        let groups = json!({"rel": "myGroups",
            "_links": {"delegatesGroup": {"href": "/list/groups/delegates"}},
            "_embedded": {
                "pinnedGroup": group("pinnedGroup", "pinned", "Pinned Contacts"),
                "defaultGroup": group("defaultGroup", "other", "Other Contacts"),
                "group": own, "distributionGroup": [sales]}});
        json_response(200, &groups)
    }
}

#[async_trait]
impl HttpTransport for ContactServer {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let path = request.uri().path().to_owned();
        if path.starts_with("/list/") {
            return Ok(self.answer(&request));
        }
        if path.ends_with("/events") {
            let poll = request.uri().path_and_query().unwrap().to_string();
            let events = self.has_events.clone();
            let parked = self.world.send(request, options);
            return match select(parked, Box::pin(events.notified())).await {
                Either::Left((response, _)) => response,
                Either::Right(_) => Ok(self.page(&poll)),
            };
        }
        let response = self.world.send(request, options).await?;
        Ok(response.map(with_links))
    }
}

/// The application with the links of the contact list, and without batches.
fn with_links(body: Bytes) -> Bytes {
    let Ok(mut resource) = serde_json::from_slice::<Value>(&body) else {
        return body;
    };
    if resource["_embedded"]["people"].is_null() {
        return body;
    }
    resource["_links"].as_object_mut().unwrap().remove("batch");
    let people = &mut resource["_embedded"]["people"]["_links"];
    for (rel, path) in [
        ("myContacts", "contacts"),
        ("myGroups", "groups"),
        ("myGroupMemberships", "memberships"),
        ("myPrivacyRelationships", "levels"),
        ("myContactsAndGroupsSubscription", "subscription"),
    ] {
        people[rel] = json!({"href": format!("/list/{path}")});
    }
    resource["_embedded"]["me"]["_links"]["phones"] = json!({"href": "/list/phones"});
    resource.to_string().into()
}

fn card(address: &str) -> Value {
    let name = match address {
        LENE => "Lene Aaling",
        _ => "Alex Darrow",
    };
    let local = if address == LENE { "lene" } else { "alex" };
    json!({"rel": "contact", "uri": address, "name": name, "_links": {
        "self": {"href": format!("/list/cards/{local}")},
        "contactPhoto": {"href": format!("/list/photo/{local}")}}})
}

fn group(rel: &str, id: &str, name: &str) -> Value {
    json!({"rel": rel, "id": id, "name": name, "etag": "1", "_links": {
        "self": {"href": format!("/list/groups/{id}")},
        "groupContacts": {"href": format!("/list/contacts?groupId={id}")},
        "expandDistributionGroup": {"href": format!("/list/expand/{id}")}}})
}

fn levels() -> Value {
    let blocked = json!({"rel": "myPrivacyRelationship", "relationshipLevel": "Blocked"});
    json!({"rel": "myPrivacyRelationships", "_embedded": {"myPrivacyRelationship": [blocked]}})
}

fn subscription() -> Value {
    json!({"rel": "myContactsAndGroupsSubscription", "_links": {
        "startOrRefreshSubscriptionToContactsAndGroups": {"href": "/list/subscription/start"},
        "stopSubscriptionToContactsAndGroups": {"href": "/list/subscription/stop"}}})
}

fn phones() -> Value {
    let work = json!({"rel": "phone", "type": "Work", "number": " tel:+4512345678 ",
        "includeInContactCard": true});
    json!({"rel": "phones", "_embedded": {"phone": [work]}})
}

fn no_content() -> Response<Bytes> {
    respond(204, "", Bytes::new())
}

fn json_response(status: u16, body: &Value) -> Response<Bytes> {
    respond(status, "application/json", body.to_string().into())
}

fn respond(status: u16, media_type: &str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    let headers = response.headers_mut();
    headers.insert("content-type", media_type.parse().unwrap());
    headers.insert("etag", "\"v1\"".parse().unwrap());
    response
}
