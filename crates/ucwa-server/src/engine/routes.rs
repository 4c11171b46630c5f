//! The table of all resources of the server.
//!
//! A row contains the path of a resource. For each method of the resource, the row contains the documented status of a successful
//! response, the media type of the response if it is neither JSON nor XML, and the handler. The function with the name of the row
//! returns the href of the resource. To add a resource, add a row.
//!
//! The rows are in three groups. A request to the group `open` needs no token. A request to the group `user` needs the token of a
//! user. A request to the group `application` needs the token of the application's user; the paths of these rows are relative to the
//! application. If several rows match the path of a request, the server uses the first one.

use std::fmt::{self, Write as _};

use super::Engine;
use super::group_id::GroupId;
use super::group_presence::SubscriptionId;
use super::identifiers::{ApplicationId, ConversationId, InvitationId, MeetingId};
use super::leading::Measure;
use super::meeting::View;
use super::people::Facet;
use super::privacy::Level;
use super::reply::{Refusal, Reply};
use super::routing::{self, APPLICATIONS, At, Handler, Operation, Row, resources};
use super::telephony::{Forwarding, PhoneKind};

/// The href of a resource of an application. `path` is relative to the application.
fn below(application: ApplicationId, path: fmt::Arguments<'_>) -> String {
    let mut href = String::with_capacity(160);
    // Writing to a string cannot fail.
    let _ = write!(href, "{APPLICATIONS}/{application}{path}");
    href
}

resources! {
    open {
        /// The root resource at the address of the host. Clients take the host from DNS, so no link leads to this path.
        #[allow(dead_code, reason = "no response has this href")]
        domain "" {
            GET 200 => |engine, exchange| Ok(engine.root(exchange));
        }
        root "/Autodiscover/AutodiscoverService.svc/root" {
            GET 200 => |engine, exchange| Ok(engine.root(exchange));
        }
        xframe "/Autodiscover/XFrame/XFrame.html" {
            GET 200 "text/html" => |engine, _| Ok(engine.xframe());
        }
        token "/WebTicket/oauthtoken" {
            POST 200 => |engine, exchange| Ok(engine.token(exchange));
        }
        sign_in_page "/PassiveAuth/PassiveAuth.aspx" {
            GET 200 "text/html" => |engine, _| engine.show_sign_in_page();
            POST 200 "text/html" => |engine, exchange| engine.sign_in_at_page(exchange);
        }
    }
    user {
        user "/Autodiscover/AutodiscoverService.svc/root/oauth/user" {
            GET 200 => |engine, exchange, address| Ok(engine.user(exchange, address));
        }
        user_self "/Autodiscover/AutodiscoverService.svc/root/user" {
            GET 200 => |engine, exchange, address| Ok(engine.user(exchange, address));
        }
        applications "/ucwa/oauth/v1/applications" {
            POST 201 => |engine, exchange, address| engine.create_application(exchange, address);
        }
    }
    application {
        application() "" {
            GET 200 => |engine, at| engine.application_resource(at.application);
            DELETE 204 => |engine, at| {
                engine.end_application(at.application);
                Ok(())
            };
        }
        batch() "/batch" {
            POST 200 "multipart/batching" => |engine, at| engine.batch(at.exchange);
        }
        events() "/events" {
            GET 200 => |engine, at| engine.poll(at.exchange, at.application, at.representation);
        }
        report_my_network() "/reportMyNetwork" {
            POST 204 => |engine, at| engine.report_my_network(at.exchange, at.application);
        }
        policies() "/policies" {
            GET 200 => |engine, at| Ok(engine.policies_resource(at.application));
        }

        me() "/me" {
            GET 200 => |engine, at| engine.me_resource(at.application);
        }
        make_me_available() "/me/makeMeAvailable" {
            POST 204 => |engine, at| engine.make_me_available(at.exchange, at.application);
        }
        report_my_activity() "/me/reportMyActivity" {
            POST 204 => |engine, at| engine.report_my_activity(at.application);
        }
        presence() "/me/presence" {
            GET 200 => |engine, at| engine.my_facet(at.application, Facet::Presence);
            POST 204 => |engine, at| engine.set_presence(at.exchange, at.application);
        }
        note() "/me/note" {
            GET 200 => |engine, at| engine.my_facet(at.application, Facet::Note);
            POST 204 => |engine, at| engine.set_note(at.exchange, at.application);
        }
        location() "/me/location" {
            GET 200 => |engine, at| engine.my_facet(at.application, Facet::Location);
            POST 204 => |engine, at| engine.set_location(at.exchange, at.application);
        }
        phones() "/me/phones" {
            GET 200 => |engine, at| engine.phones_resource(at.application);
        }
        phone(kind: PhoneKind) "/me/phones/{kind}" {
            GET 200 => |engine, at| engine.phone_resource(at.application, kind);
        }
        call_forwarding_settings() "/me/callForwardingSettings" {
            GET 200 => |engine, at| engine.call_forwarding_resource(at.application);
        }
        immediate_forward_settings() "/me/callForwardingSettings/immediateForwardSettings" {
            GET 200 => |engine, at| engine.forwarding_resource(at.application, Forwarding::Immediate);
        }
        simultaneous_ring_settings() "/me/callForwardingSettings/simultaneousRingSettings" {
            GET 200 => |engine, at| engine.forwarding_resource(at.application, Forwarding::Simultaneous);
        }
        unanswered_call_settings() "/me/callForwardingSettings/unansweredCallSettings" {
            GET 200 => |engine, at| engine.forwarding_resource(at.application, Forwarding::Unanswered);
        }
        contact_photo(address: &str) "/photos/{address}" {
            GET 200 "image/jpeg" => |engine, at| engine.photo(at.exchange, at.application, address);
        }

        people() "/people" {
            GET 200 => |engine, at| Ok(engine.people_resource(at.application));
        }
        search() "/people/search" {
            GET 200 => |engine, at| engine.search(at.exchange, at.application);
        }
        subscribed_contacts() "/people/subscribedContacts" {
            GET 200 => |engine, at| engine.subscribed_contacts_resource(at.application);
        }
        presence_subscriptions() "/people/presenceSubscriptions" {
            GET 200 => |engine, at| engine.subscriptions_resource(at.application);
            POST 201 => |engine, at| engine.subscribe(at.exchange, at.application);
        }
        presence_subscription(key: SubscriptionId) "/people/presenceSubscriptions/{key}" {
            GET 200 => |engine, at| engine.subscription(at.application, key);
            POST 201 => |engine, at| engine.extend_subscription(at.exchange, at.application, key);
            DELETE 204 => |engine, at| engine.unsubscribe(at.application, key);
        }
        presence_subscription_memberships(key: SubscriptionId) "/people/presenceSubscriptions/{key}/memberships" {
            GET 200 => |engine, at| engine.memberships_resource(at.application, key);
            POST 201 => |engine, at| engine.add_members(at.exchange, at.application, key);
        }
        presence_subscription_membership(key: SubscriptionId, address: &str) "/people/presenceSubscriptions/{key}/memberships/{address}" {
            GET 200 => |engine, at| engine.membership(at.application, key, address);
            DELETE 204 => |engine, at| engine.remove_member(at.application, key, address);
        }
        my_contacts() "/people/contacts" {
            GET 200 => |engine, at| engine.contacts_resource(at.exchange, at.application);
        }
        my_groups() "/people/groups" {
            GET 200 => |engine, at| engine.my_groups_resource(at.exchange, at.application);
            POST 204 => |engine, at| engine.create_group(at.exchange, at.application);
        }
        pinned_group() "/people/groups/pinnedGroup" {
            GET 200 => |engine, at| engine.group_resource(at.application, GroupId::Pinned);
        }
        default_group() "/people/groups/defaultGroup" {
            GET 200 => |engine, at| engine.group_resource(at.application, GroupId::Default);
        }
        delegates_group() "/people/groups/delegatesGroup" {
            GET 200 => |engine, at| engine.group_resource(at.application, GroupId::Delegates);
        }
        delegators_group() "/people/groups/delegatorsGroup" {
            GET 200 => |engine, at| engine.group_resource(at.application, GroupId::Delegators);
        }
        my_organization_group() "/people/groups/myOrganizationGroup" {
            GET 200 => |engine, at| engine.group_resource(at.application, GroupId::Organization);
        }
        add_to_contact_list() "/people/groups/addToContactList" {
            POST 204 => |engine, at| engine.add_distribution_group(at.exchange, at.application);
        }
        remove_from_contact_list() "/people/groups/removeFromContactList" {
            POST 204 => |engine, at| engine.remove_distribution_group(at.exchange, at.application);
        }
        group(id: GroupId) "/people/groups/{id}" {
            GET 200 => |engine, at| engine.custom_group_resource(at.application, id);
            PUT 200 => |engine, at| engine.rename_group(at.exchange, at.application, id);
            DELETE 204 => |engine, at| engine.delete_group(at.exchange, at.application, id);
        }
        distribution_group(id: GroupId) "/people/distributionGroups/{id}" {
            GET 200 => |engine, at| engine.distribution_group_resource(at.application, id);
        }
        expand_distribution_group(id: GroupId) "/people/distributionGroups/{id}/expandDistributionGroup" {
            GET 200 => |engine, at| engine.expand_distribution_group(at.application, id);
        }
        my_group_memberships() "/people/groupMemberships" {
            GET 200 => |engine, at| engine.my_group_memberships_resource(at.exchange, at.application);
            POST 201 => |engine, at| engine.add_to_group(at.exchange, at.application);
        }
        remove_contact_from_all_groups() "/people/groupMemberships/removeContactFromAllGroups" {
            POST 204 => |engine, at| engine.remove_from_all_groups(at.exchange, at.application);
        }
        my_group_membership(group: GroupId, address: &str) "/people/groupMemberships/{group}/{address}" {
            GET 200 => |engine, at| engine.my_group_membership_resource(at.application, group, address);
            DELETE 204 => |engine, at| engine.remove_from_group(at.exchange, at.application, group, address);
        }
        my_contacts_and_groups_subscription() "/people/contactsAndGroupsSubscription" {
            GET 200 => |engine, at| engine.list_subscription_resource(at.application);
        }
        start_or_refresh_list_subscription() "/people/contactsAndGroupsSubscription/startOrRefresh" {
            POST 201 => |engine, at| engine.subscribe_to_list(at.exchange, at.application);
        }
        stop_list_subscription() "/people/contactsAndGroupsSubscription/stop" {
            POST 204 => |engine, at| engine.unsubscribe_from_list(at.application);
        }
        my_privacy_relationships() "/people/privacyRelationships" {
            GET 200 => |engine, at| engine.privacy_levels_resource(at.application);
        }
        my_privacy_relationship(level: Level) "/people/privacyRelationships/{level}" {
            GET 200 => |engine, at| engine.privacy_level_resource(at.application, level);
        }
        // The template matches every path with one segment below `/people`. The rows of the other resources below `/people` therefore
        // come first.
        contact(address: &str) "/people/{address}" {
            GET 200 => |engine, at| engine.contact_resource(at.application, address);
        }
        contact_presence(address: &str) "/people/{address}/contactPresence" {
            GET 200 => |engine, at| engine.facet_resource(at.application, address, Facet::Presence);
        }
        contact_note(address: &str) "/people/{address}/contactNote" {
            GET 200 => |engine, at| engine.facet_resource(at.application, address, Facet::Note);
        }
        contact_location(address: &str) "/people/{address}/contactLocation" {
            GET 200 => |engine, at| engine.facet_resource(at.application, address, Facet::Location);
        }
        contact_privacy_relationship(address: &str) "/people/{address}/contactPrivacyRelationship" {
            GET 200 => |engine, at| engine.privacy_resource(at.application, address);
            PUT 200 => |engine, at| engine.set_privacy(at.exchange, at.application, address);
        }
        reset_contact_privacy_relationship(address: &str) "/people/{address}/contactPrivacyRelationship/reset" {
            POST 204 => |engine, at| engine.reset_privacy(at.exchange, at.application, address);
        }
        contact_supported_modalities(address: &str) "/people/{address}/contactSupportedModalities" {
            GET 200 => |engine, at| engine.facet_resource(at.application, address, Facet::SupportedModalities);
        }

        online_meetings() "/onlineMeetings" {
            GET 200 => |engine, at| Ok(engine.online_meetings_resource(at.application));
        }

        my_online_meetings() "/onlineMeetings/myOnlineMeetings" {
            GET 200 => |engine, at| engine.my_online_meetings_resource(at.application);
        }
        my_online_meeting(meeting: MeetingId) "/onlineMeetings/myOnlineMeetings/{meeting}" {
            GET 200 => |engine, at| engine.my_online_meeting_resource(at.application, meeting);
        }

        communication() "/communication" {
            GET 200 => |engine, at| engine.communication_resource(at.application);
            PUT 200 => |engine, at| engine.change_communication(at.exchange, at.application);
        }

        missed_items() "/communication/missedItems" {
            GET 200 => |engine, at| engine.missed_items_resource(at.application);
        }
        conversation_logs() "/communication/conversationLogs" {
            GET 200 => |engine, at| engine.conversation_logs_resource(at.exchange, at.application);
        }
        conversation_log(number: usize) "/communication/conversationLogs/{number}" {
            GET 200 => |engine, at| engine.conversation_log_resource(at.application, number);
            DELETE 204 => |engine, at| engine.delete_log(at.application, number);
        }
        mark_as_read(number: usize) "/communication/conversationLogs/{number}/markAsRead" {
            POST 204 => |engine, at| engine.mark_as_read(at.application, number);
        }
        continue_messaging(number: usize) "/communication/conversationLogs/{number}/continueMessaging" {
            POST 201 => |engine, at| engine.continue_messaging(at.exchange, at.application, number);
        }
        conversation_log_recipient(number: usize, address: &str) "/communication/conversationLogs/{number}/conversationLogRecipients/{address}" {
            GET 200 => |engine, at| engine.recipient_resource(at.application, number, address);
        }
        conversation_log_transcripts(number: usize) "/communication/conversationLogs/{number}/conversationLogTranscripts" {
            GET 200 => |engine, at| engine.transcripts_resource(at.exchange, at.application, number);
        }
        conversation_log_transcript(number: usize, place: usize) "/communication/conversationLogs/{number}/conversationLogTranscripts/{place}" {
            GET 200 => |engine, at| engine.transcript_resource(at.application, number, place);
        }
        message_transcript(number: usize, place: usize) "/communication/conversationLogs/{number}/conversationLogTranscripts/{place}/messageTranscript" {
            GET 200 => |engine, at| engine.message_transcript_resource(at.application, number, place);
        }

        conversations() "/communication/conversations" {
            GET 200 => |engine, at| Ok(engine.conversations_resource(at.application));
        }
        conversation(id: ConversationId) "/communication/conversations/{id}" {
            GET 200 => |engine, at| engine.conversation_resource(id);
            DELETE 204 => |engine, at| {
                engine.hang_up(id, true);
                Ok(())
            };
        }
        user_acknowledged(id: ConversationId) "/communication/conversations/{id}/userAcknowledged" {
            POST 204 => |engine, at| engine.acknowledge(id);
        }
        online_meeting(id: ConversationId) "/communication/conversations/{id}/onlineMeeting" {
            GET 200 => |engine, at| engine.online_meeting_resource(id);
        }
        leaders(id: ConversationId) "/communication/conversations/{id}/leaders" {
            GET 200 => |engine, at| engine.view_resource(id, View::Leaders);
        }
        attendees(id: ConversationId) "/communication/conversations/{id}/attendees" {
            GET 200 => |engine, at| engine.view_resource(id, View::Attendees);
        }
        lobby(id: ConversationId) "/communication/conversations/{id}/lobby" {
            GET 200 => |engine, at| engine.view_resource(id, View::Lobby);
        }
        participants(id: ConversationId) "/communication/conversations/{id}/participants" {
            GET 200 => |engine, at| engine.participants_resource(id);
        }
        participant(id: ConversationId, address: &str) "/communication/conversations/{id}/participants/{address}" {
            GET 200 => |engine, at| engine.participant_resource(id, address);
        }
        participant_messaging(id: ConversationId, address: &str) "/communication/conversations/{id}/participants/{address}/messaging" {
            GET 200 => |engine, at| engine.participant_messaging_resource(id, address);
        }
        promote(id: ConversationId, address: &str) "/communication/conversations/{id}/participants/{address}/promote" {
            POST 204 => |engine, at| engine.lead(id, address, Measure::Promote);
        }
        demote(id: ConversationId, address: &str) "/communication/conversations/{id}/participants/{address}/demote" {
            POST 204 => |engine, at| engine.lead(id, address, Measure::Demote);
        }
        admit(id: ConversationId, address: &str) "/communication/conversations/{id}/participants/{address}/admit" {
            POST 204 => |engine, at| engine.lead(id, address, Measure::Admit);
        }
        reject(id: ConversationId, address: &str) "/communication/conversations/{id}/participants/{address}/reject" {
            POST 204 => |engine, at| engine.lead(id, address, Measure::Reject);
        }
        eject(id: ConversationId, address: &str) "/communication/conversations/{id}/participants/{address}/eject" {
            POST 204 => |engine, at| engine.lead(id, address, Measure::Eject);
        }
        messaging(id: ConversationId) "/communication/conversations/{id}/messaging" {
            GET 200 => |engine, at| engine.messaging_resource(id);
        }
        stop_messaging(id: ConversationId) "/communication/conversations/{id}/messaging/terminate" {
            POST 204 => |engine, at| engine.stop_messaging(id);
        }
        messages(id: ConversationId) "/communication/conversations/{id}/messaging/messages" {
            GET 200 => |engine, at| engine.messages_resource(id);
            POST 201 => |engine, at| engine.send_message(at.exchange, id);
        }
        message(id: ConversationId, number: u64) "/communication/conversations/{id}/messaging/messages/{number}" {
            GET 200 => |engine, at| engine.message_resource(id, number);
        }
        set_is_typing(id: ConversationId) "/communication/conversations/{id}/messaging/typing" {
            POST 204 => |engine, at| engine.set_is_typing(id);
        }
        typing_participants(id: ConversationId) "/communication/conversations/{id}/messaging/typingParticipants" {
            GET 200 => |engine, at| engine.typing_participants_resource(id);
        }

        messaging_invitations() "/communication/messagingInvitations" {
            POST 201 => |engine, at| engine.invite(at.exchange, at.application);
        }
        messaging_invitation(id: InvitationId) "/communication/messagingInvitations/{id}" {
            GET 200 => |engine, at| engine.invitation_resource(id);
        }
        accept(id: InvitationId) "/communication/messagingInvitations/{id}/accept" {
            POST 204 => |engine, at| engine.accept(id);
        }
        decline(id: InvitationId) "/communication/messagingInvitations/{id}/decline" {
            POST 204 => |engine, at| engine.decline(at.exchange, id);
        }
        participant_invitations() "/communication/participantInvitations" {
            POST 201 => |engine, at| engine.add_participant(at.exchange, at.application);
        }
        participant_invitation(id: InvitationId) "/communication/participantInvitations/{id}" {
            GET 200 => |engine, at| engine.call_resource(id);
        }
        cancel_participant_invitation(id: InvitationId) "/communication/participantInvitations/{id}/cancel" {
            POST 204 => |engine, at| engine.cancel_call(id);
        }
        online_meeting_invitations() "/communication/onlineMeetingInvitations" {
            POST 201 => |engine, at| engine.begin_meeting(at.exchange, at.application);
        }
        online_meeting_invitation(id: InvitationId) "/communication/onlineMeetingInvitations/{id}" {
            GET 200 => |engine, at| engine.call_resource(id);
        }
        accept_online_meeting_invitation(id: InvitationId) "/communication/onlineMeetingInvitations/{id}/accept" {
            POST 204 => |engine, at| engine.accept_call(id);
        }
        decline_online_meeting_invitation(id: InvitationId) "/communication/onlineMeetingInvitations/{id}/decline" {
            POST 204 => |engine, at| engine.decline_call(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::routing::{Route, normalized};
    use super::*;

    /// The name of the row that serves a path.
    fn row_of(path: &str) -> Option<&'static str> {
        let path = normalized(path)?;
        Route::of(&path).map(|route| route.row.name)
    }

    #[test]
    fn every_row_serves_its_own_path() {
        for row in SERVER {
            assert_eq!(row_of(row.template), Some(row.name));
        }
        for row in APPLICATION {
            let path = row.template.replace(['{', '}'], "");
            let path = format!("{APPLICATIONS}/102{path}");
            assert_eq!(row_of(&path), Some(row.name), "{path}");
        }
    }

    #[test]
    fn a_fixed_segment_takes_precedence_over_an_address() {
        let fixed: Vec<_> = APPLICATION
            .iter()
            .filter(|row| row.template.starts_with("/people/") && row.length == 2)
            .collect();
        assert!(fixed.len() > 5);
        for row in fixed {
            let path = format!("{APPLICATIONS}/102{}", row.template);
            assert_eq!(row_of(&path), Some(row.name), "{path}");
        }
        assert_eq!(
            row_of(&format!("{APPLICATIONS}/102/people/groups@contoso.com")),
            Some("contact")
        );
    }

    #[test]
    fn paths_are_compared_without_case_and_after_percent_decoding() {
        let participant = "participants/LeneA%40contoso.com";
        let path = format!("{APPLICATIONS}/102/Communication/CONVERSATIONS/aa/{participant}");
        assert_eq!(row_of(&path), Some("participant"));
        assert_eq!(row_of("/webticket/OAuthToken"), Some("token"));
    }

    #[test]
    fn an_unknown_path_has_no_row() {
        for path in [
            "/ucwa",
            "/ucwa/oauth/v1/applications/abc",
            "/ucwa/oauth/v1/applications/1/nothing",
            "/ucwa/oauth/v1/applications/1/1/1/1/1/1/1/1/1/1/1/1",
            "/%ff",
        ] {
            assert_eq!(row_of(path), None, "{path}");
        }
    }
}
