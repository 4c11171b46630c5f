//! Guests: participants of one conference without an account (`AuthenticationInUCWA`, `joinOnlineMeeting_ref`).

use serde::{Deserialize, Serialize};

use super::Engine;
use super::exchange::Fields;
use super::form::Form;
use super::grant::Denial;
use super::records::DurableRecord;
use super::reply::Refusal;

/// The maximum length of a guest's name (`onlineMeetingInvitation_ref`).
const LONGEST_NAME: usize = 250;

/// A guest of a conference.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Guest {
    /// The URI of the conference.
    conference: String,
    /// The display name that the guest gave when joining. Empty before that.
    name: String,
}

impl Guest {
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Engine {
    /// The address of a guest of the conference that the form names: a new address, or the one of the token that is renewed. The
    /// password of a conference is its ID, as in the published requests. A form without a password is accepted.
    pub(super) fn as_guest(&mut self, form: &Form) -> Result<String, Denial> {
        let uri = form
            .get("ms_rtc_conferenceuri")
            .ok_or(Denial::INVALID_REQUEST)?;
        let id = self.meeting_at(uri).ok_or(Denial::INVALID_GRANT)?;
        let key = id.to_string();
        if form
            .get("password")
            .is_some_and(|password| !password.eq_ignore_ascii_case(&key))
        {
            return Err(Denial::INVALID_GRANT);
        }
        if let Some(token) = form.get("ms_rtc_renew") {
            let renewed = self.bearer(token).filter(|address| {
                self.guests
                    .get(*address)
                    .is_some_and(|guest| guest.conference.eq_ignore_ascii_case(uri))
            });
            return renewed.map(str::to_owned).ok_or(Denial::INVALID_GRANT);
        }
        let address = format!("{}@anonymous.invalid", self.identifiers.guest());
        let guest = Guest {
            conference: uri.to_owned(),
            name: String::new(),
        };
        self.guests.insert(address.clone(), guest);
        Ok(address)
    }

    pub(super) fn is_guest(&self, address: &str) -> bool {
        self.guests.contains_key(address)
    }

    /// Refuses an operation that guests are not allowed to do.
    pub(super) fn refuse_guest(&self, address: &str) -> Result<(), Refusal> {
        match self.is_guest(address) {
            true => Err(Refusal::ANONYMOUS_NOT_ALLOWED),
            false => Ok(()),
        }
    }

    /// Stores the display name of a guest who joins. Fails if the guest's token is for another conference. Does nothing for
    /// users.
    pub(super) fn introduce_guest(
        &mut self,
        address: &str,
        uri: &str,
        fields: &Fields<'_>,
    ) -> Result<(), Refusal> {
        let Some(guest) = self.guests.get_mut(address) else {
            return Ok(());
        };
        if !guest.conference.eq_ignore_ascii_case(uri) {
            return Err(Refusal::ANOTHER_CONFERENCE);
        }
        guest.name = fields.required("anonymousDisplayName", LONGEST_NAME)?;
        self.changed(|| DurableRecord::Guest(address.to_owned()));
        Ok(())
    }
}
