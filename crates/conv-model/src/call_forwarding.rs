//! The user's phones, and how the user's calls are forwarded.

use std::time::Duration;

use crate::contact_list_request::ContactsRequest;
use crate::me::MePerson;
use crate::model::Step;
use crate::observable::command::CommandFuture;
use crate::request::Outcome;

/// One of the user's phones.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct UserPhone {
    /// The kind of phone, such as work, mobile or home, in the protocol's words.
    pub kind: String,
    /// The number. Empty if there is none.
    pub number: String,
    /// Whether others can see the number.
    pub in_contact_card: bool,
}

impl UserPhone {
    /// A phone of this kind.
    pub fn new(kind: impl Into<String>, number: impl Into<String>, in_contact_card: bool) -> Self {
        Self {
            kind: kind.into(),
            number: number.into(),
            in_contact_card,
        }
    }
}

/// How calls are forwarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallForwardingMode {
    /// Calls are not forwarded.
    #[default]
    None,
    /// Calls are forwarded at once.
    Immediate,
    /// Calls also ring elsewhere.
    SimultaneousRing,
}

/// The target of forwarded calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallForwardingTarget {
    /// No target.
    #[default]
    None,
    /// A contact or a number.
    Contact,
    /// The user's delegates.
    Delegates,
    /// The user's team.
    Team,
    /// Voicemail.
    Voicemail,
}

/// How the user's calls are forwarded. The default forwards none; set the fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CallForwarding {
    /// How calls are forwarded.
    pub mode: CallForwardingMode,
    /// Calls are forwarded in the user's working hours only.
    pub work_hours_only: bool,
    /// The target of calls that are forwarded at once.
    pub immediate: CallForwardingTarget,
    /// The target that rings too.
    pub simultaneous: CallForwardingTarget,
    /// The target of unanswered calls.
    pub unanswered: CallForwardingTarget,
    /// How long an unanswered call rings before it is forwarded.
    pub ring_delay: Option<Duration>,
}

impl MePerson {
    /// Loads the user's phones.
    ///
    /// # Errors
    /// [`NotSupported`](crate::ReasonCode::NotSupported) if the user has no telephony. Otherwise the reason that the protocol
    /// reports.
    pub fn fetch_phones(&self) -> CommandFuture<Vec<UserPhone>> {
        self.0.node.fixed.model.command(|_| {
            Ok(Step::request_then(
                ContactsRequest::FetchPhones,
                |_, result| {
                    Ok(match result? {
                        Outcome::Phones(phones) => phones,
                        _ => Vec::new(),
                    })
                },
            ))
        })
    }

    /// Loads how the user's calls are forwarded.
    ///
    /// # Errors
    /// [`NotSupported`](crate::ReasonCode::NotSupported) if the user has no telephony. Otherwise the reason that the protocol
    /// reports.
    pub fn fetch_call_forwarding(&self) -> CommandFuture<CallForwarding> {
        self.0.node.fixed.model.command(|_| {
            let request = ContactsRequest::FetchCallForwarding;
            Ok(Step::request_then(request, |_, result| {
                Ok(match result? {
                    Outcome::CallForwarding(forwarding) => forwarding,
                    _ => CallForwarding::default(),
                })
            }))
        })
    }
}
