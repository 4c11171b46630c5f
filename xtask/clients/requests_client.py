#!/usr/bin/env python3
"""A client that was written from Microsoft's published pages only. It follows links, and builds no path.

    requests_client.py ROOT_URL json|xml USER OTHER THIRD

ROOT_URL is the URL where discovery starts, SKYPE_P2P_PASSWORD the password of the three users. Each step prints a line: `NAME: done`, or
`NAME: not offered` if the server has no link for the step. The step contact_list also prints `group NAME: MEMBERS` for each group that
USER created earlier. The client stops at the first step that fails. It needs the library `requests` (python3-requests in Debian), and
takes the root certificate from REQUESTS_CA_BUNDLE.
"""

import os
import sys
import uuid

from representation import REPRESENTATIONS, data_uri_of, text_of
from signed_in_user import Failed, NotOffered, SignedInUser

# The writes of contacts and groups need the second revision of their resources (Versioning).
REVISION_2 = {"X-MS-RequiresMinResourceVersion": "2"}

FIRST = "Wie wär's mit Mittagessen? 1+1=2 & <3"
REPLY = "Ja, gern \u2764"
TIME = "Um 12?"
TO_ALL = "Alex kommt mit"
OF_THIRD = "Hallo zusammen"


def check(condition, otherwise):
    if not condition:
        raise Failed(otherwise)


def is_of(kind, rel, within=None, href=None, within_href=None):
    """Whether an event is of this type and rel, of the resource with this href, and in a resource with this rel and this href."""
    return lambda event: (
        (event.kind, event.rel) == (kind, rel)
        and within in (None, event.within_rel)
        and href in (None, event.href)
        and within_href in (None, event.within_href)
    )


class Story:
    def __init__(self, root, representation, password, addresses):
        self.root, self.representation, self.password = root, REPRESENTATIONS[representation], password
        self.addresses = ["sip:" + address.removeprefix("sip:") for address in addresses]
        # The href of the conversation as each user sees it, and the thread that its log has.
        self.conversations, self.thread = {}, str(uuid.uuid4())

    def sign_in(self):
        """CreateAnApplication"""
        self.users = [SignedInUser(self.root, address, self.password, self.representation) for address in self.addresses]
        self.user, self.other, self.third = self.users
        for user in self.users:
            user.event(0, "its own presence", is_of("added", "presence"))

    # Contacts and groups

    def uris(self, contacts):
        """The addresses of a list of contacts, which are embedded or links."""
        embedded = contacts.embedded.get("contact", [])
        linked = [] if embedded else [self.user.get(href) for href in contacts.links.get("contact", [])]
        return [contact.text("uri").lower() for contact in embedded + linked]

    def own_groups(self, groups):
        """The groups that the user created, from the list of groups."""
        embedded = groups.embedded.get("group", [])
        return embedded or [self.user.get(href) for href in groups.links.get("group", [])]

    def memberships(self, href, address, **query):
        """The memberships of a contact: in all groups, or in one group."""
        found = self.user.get(href, **query)
        embedded = found.embedded.get("myGroupMembership", [])
        linked = [] if embedded else [self.user.get(link) for link in found.links.get("myGroupMembership", [])]
        return [one for one in embedded + linked if self.user.get(one.link("contact")).text("uri").lower() == address]

    def remove_from_all(self, memberships, address):
        for membership in self.memberships(memberships, address):
            self.user.delete(membership.href, headers=REVISION_2)

    def contact_list(self):
        """people, myContacts, myGroups2, group2, groupContacts

        Prints a line for each group of the user. The members of a group are contacts, and each is one member of the group.
        """
        user, people = self.user, self.user.part("people")
        contacts = self.uris(user.get(user.offered(people, "myContacts")))
        memberships = user.offered(people, "myGroupMemberships")
        for group in self.own_groups(user.get(user.offered(people, "myGroups"))):
            name, members = group.text("name"), self.members(group)
            check(set(members) <= set(contacts), f"the members of {name} are not all contacts: {members}, {contacts}")
            for member in members:
                found = self.memberships(memberships, member, groupId=group.text("id"))
                check(len(found) == 1, f"{member} has {len(found)} memberships in {name}")
            print(f"group {name}: {' '.join(members)}", flush=True)

    def contacts(self):
        """myContacts, myContactsAndGroupsSubscription, myGroupMemberships2, myGroupMembership2"""
        user, people, other = self.user, self.user.part("people"), self.addresses[1]
        contacts, memberships = user.offered(people, "myContacts"), user.offered(people, "myGroupMemberships")
        subscription = user.get(user.offered(people, "myContactsAndGroupsSubscription"))
        start = user.offered(subscription, "startOrRefreshSubscriptionToContactsAndGroups")
        user.post(start, {"duration": 30}, statuses=(201,))
        check(other not in self.uris(user.get(contacts)), "the contact is in the list before it is added")

        since = user.now()
        user.post(memberships, {"contactUri": other}, headers=REVISION_2, statuses=(201,))
        user.event(since, "the new contact", is_of("added", "contact", "myContacts"))
        check(other in self.uris(user.get(contacts)), "the new contact is not in the list")
        check(self.memberships(memberships, other), "the new contact is in no group")

        since = user.now()
        self.remove_from_all(memberships, other)
        user.event(since, "the end of the contact", is_of("deleted", "contact", "myContacts"))
        check(other not in self.uris(user.get(contacts)), "the contact that was removed is in the list")

    def create_group(self, groups, name):
        since = self.user.now()
        self.user.post(groups, {"displayName": name}, headers=REVISION_2, statuses=(204,))
        href = self.user.event(since, f"the new group {name}", is_of("added", "group", "myGroups")).href
        group = self.user.get(href)
        check(group.text("name") == name, f"the new group is called {group.text('name')}")
        return group

    def add_to_group(self, memberships, address, group):
        since = self.user.now()
        member = {"contactUri": address, "groupId": group.text("id")}
        self.user.post(memberships, member, headers=REVISION_2, statuses=(201,))
        self.user.event(since, "the new member", is_of("added", "contact", "group", within_href=group.href))

    def remove_from_group(self, memberships, address, group):
        since = self.user.now()
        (membership,) = self.memberships(memberships, address, groupId=group.text("id"))
        self.user.delete(membership.href, headers=REVISION_2)
        self.user.event(since, "the end of the membership", is_of("deleted", "contact", "group", within_href=group.href))

    def members(self, group):
        return self.uris(self.user.get(self.user.offered(group, "groupContacts")))

    def groups(self):
        """myGroups2, group2, groupContacts, myGroupMemberships2, myGroupMembership2"""
        user, people, other = self.user, self.user.part("people"), self.addresses[1]
        groups, memberships = user.offered(people, "myGroups"), user.offered(people, "myGroupMemberships")
        lunch, evening = self.create_group(groups, "Lunch"), self.create_group(groups, "Evening")
        self.add_to_group(memberships, other, lunch)
        check(self.members(lunch) == [other], "the group has other members")

        # A contact is moved by a new membership, and the removal of the old one.
        self.add_to_group(memberships, other, evening)
        self.remove_from_group(memberships, other, lunch)
        check((self.members(lunch), self.members(evening)) == ([], [other]), "the contact was not moved")

        since = user.now()
        user.change(user.get(evening.href), headers=REVISION_2, name="Dinner")
        user.event(since, "the new name of the group", is_of("updated", "group", href=evening.href))
        name = user.get(evening.href).text("name")
        check(name == "Dinner", f"the renamed group is called {name}")

        self.remove_from_group(memberships, other, evening)
        for group in (lunch, evening):
            since = user.now()
            user.delete(group.href, headers=REVISION_2)
            user.event(since, "the end of the group", is_of("deleted", "group", "myGroups", href=group.href))
            user.expect(user.send("GET", group.href), 404)
        self.remove_from_all(memberships, other)

    # People

    def presence(self):
        """SubscribeToThePresenceOfSelectedContacts, presence, note"""
        user, other = self.user, self.other
        since = user.now()
        subscribe = user.offered(user.part("people"), "presenceSubscriptions")
        response = user.post(subscribe, {"duration": 10, "uris": [other.address]}, statuses=(201,))
        subscription = self.representation.resource(response.content)
        href = user.event(since, "the other's presence", is_of("updated", "contactPresence", "contact")).href
        for status in ("Busy", "Online"):
            other.post(other.offered(other.part("me"), "presence"), {"availability": status}, statuses=(204,))
            user.until(f"the other's status {status}", href, lambda read, status=status: read.text("availability") == status)
        note = user.event(since, "the other's note", is_of("updated", "contactNote", "contact")).href
        other.post(other.offered(other.part("me"), "note"), {"message": "At lunch & back at 1"}, statuses=(204,))
        user.until("the other's note", note, lambda read: read.text("message") == "At lunch & back at 1")
        user.delete(subscription.href)

    def search(self):
        """search"""
        user = self.user
        name = self.other.part("me").text("name")
        search = user.offered(user.part("people"), "search")
        names = [contact.text("name") for contact in user.get(search, query=name.split()[0], limit=10).embedded.get("contact", [])]
        check(name in names, f"the search for {name} found {names}")
        none = user.get(search, query="no such person", limit=10)
        check(not none.embedded.get("contact"), "the search for no person found one")

    # Chat

    def messaging(self, user):
        return user.get(user.offered(user.get(self.conversations[user]), "messaging"))

    def say(self, sender, text, hearers):
        """Sends a message. It is delivered, and each hearer gets it from its sender."""
        places = {user: user.now() for user in [sender, *hearers]}
        href = sender.offered(self.messaging(sender), "sendMessage")
        query, headers = {"operationId": str(uuid.uuid4())}, {"Content-Type": "text/plain; charset=utf-8"}
        sent = sender.expect(sender.send("POST", href, query=query, body=text.encode(), headers=headers), 201)
        location = sent.headers["Location"]
        delivered = sender.event(places[sender], "the delivery", is_of("completed", "message", href=location))
        check(delivered.status == "Success", f"the delivery was {delivered}")
        for hearer in hearers:
            self.hear(hearer, places[hearer], text, sender)

    def hear(self, hearer, since, text, sender):
        def is_incoming(event):
            return event.rel == "message" and event.resource and event.resource.text("direction") == "Incoming"

        message = hearer.event(since, "a message", is_incoming).resource
        heard = text_of(message.link("plainMessage")).removesuffix("\r\n")
        check(heard == text, f"{hearer.address} got the text {heard!r}")
        uri = hearer.get(message.link("participant")).text("uri")
        check(uri == sender.address, f"{hearer.address} got the text from {uri}")

    def chat(self):
        """SendAnIM, ReceiveAnIM, communication"""
        user, other = self.user, self.other
        user.change(user.part("communication"), conversationHistory="Enabled")
        communication = user.part("communication")
        check(communication.text("conversationHistory") == "Enabled", "the history is not enabled")
        places = user.now(), other.now()
        operation = str(uuid.uuid4())
        invited = user.post(
            user.offered(communication, "startMessaging"),
            {"operationId": operation, "to": other.address, "importance": "Normal", "subject": "Lunch", "threadId": self.thread},
            {"message": data_uri_of(FIRST)},
            statuses=(201,),
        )
        ringing = other.event(places[1], "the invitation", is_of("started", "messagingInvitation")).resource
        check(ringing.text("direction") == "Incoming", "the invitation is not an incoming one")
        check(text_of(ringing.link("message")) == FIRST, "the invitation has another text")
        other.post(other.offered(ringing, "accept"), statuses=(204,))
        location = invited.headers["Location"]
        answer = user.event(places[0], "the answer", is_of("completed", "messagingInvitation", href=location))
        check(answer.status == "Success", f"the invitation ended as {answer}")
        check(answer.resource.text("operationId") == operation, "the invitation has another operationId")
        for who, invitation in ((user, answer.resource), (other, ringing)):
            self.conversations[who] = invitation.link("conversation")
            who.until("the chat", self.conversations[who], lambda read: read.text("state") == "Connected")
            who.until("the messaging", invitation.link("messaging"), lambda read: read.link("sendMessage"))
        self.hear(other, places[1], FIRST, user)
        self.say(other, REPLY, [user])
        self.say(user, TIME, [other])

    def typing(self):
        """setIsTyping, typingParticipants"""
        for typist, reader in ((self.user, self.other), (self.other, self.user)):
            since = reader.now()
            typist.post(typist.offered(self.messaging(typist), "setIsTyping"), statuses=(204,))
            event = reader.event(since, "the typing", is_of("added", "participant", "typingParticipants"))
            check(reader.get(event.href).text("uri") == typist.address, "another participant is typing")

    def join_chat(self, user):
        """In a conference, each participant asks for the chat of the conference (addMessaging)."""
        conversation = user.until("the conference", self.conversations[user], lambda read: read.text("state") == "Conferenced")
        href = user.offered(conversation, "messaging")
        messaging = user.until("the messaging", href, lambda read: read.link("sendMessage") or read.link("addMessaging"))
        if not messaging.link("sendMessage"):
            user.post(messaging.link("addMessaging"), {"operationId": str(uuid.uuid4())}, statuses=(201,))
            user.until("the chat of the conference", href, lambda read: read.link("sendMessage"))

    def third_participant(self):
        """addParticipant, onlineMeetingInvitation, addMessaging"""
        user, other, third = self.users
        places = user.now(), third.now()
        add = user.offered(user.get(self.conversations[user]), "addParticipant")
        added = user.post(add, {"operationId": str(uuid.uuid4()), "to": third.address}, statuses=(201,))
        ringing = third.event(places[1], "the invitation", is_of("started", "onlineMeetingInvitation")).resource
        check(ringing.resource("from").text("uri") == user.address, "another user invites")
        third.post(third.offered(ringing, "accept"), statuses=(204,))
        location = added.headers["Location"]
        answer = user.event(places[0], "the answer", is_of("completed", "participantInvitation", href=location))
        check(answer.status == "Success", f"the invitation ended as {answer}")
        self.conversations[third] = ringing.link("conversation")
        for who in self.users:
            self.join_chat(who)
        for who in self.users:
            who.until("three participants", self.conversations[who], lambda read: read.text("participantCount") == "3")
        self.say(user, TO_ALL, [other, third])
        self.say(third, OF_THIRD, [user, other])

    def leave(self):
        """conversation, EventsInUCWA"""

        def has_left(event):
            return is_of("deleted", "participant")(event) and event.within_rel is None

        user, other, third = self.users
        for leaver, stayers in ((third, [user, other]), (user, [other]), (other, [])):
            places = {who: who.now() for who in self.users}
            href = self.conversations[leaver]
            leaver.delete(href)
            leaver.event(places[leaver], "the end of the conversation", is_of("deleted", "conversation", href=href))
            leaver.expect(leaver.send("GET", href), 404)
            for stayer in stayers:
                stayer.event(places[stayer], "the participant who left", has_left)

    def history(self):
        """conversationLogs, conversationLog, conversationLogTranscripts"""
        user, texts = self.user, []
        logs = user.offered(user.part("communication"), "conversationLogs")
        read = user.until("the log", logs, lambda read: read.link("conversationLog"))
        for log in map(user.get, read.links["conversationLog"]):
            if log.text("threadId") != self.thread:
                continue
            transcripts = log.link("conversationLogTranscripts")
            while transcripts:
                page = user.get(transcripts)
                for transcript in page.embedded.get("conversationLogTranscript", []):
                    message = transcript.resource("messageTranscript")
                    texts.append(text_of(message.link("plainMessage")).removesuffix("\r\n"))
                transcripts = page.link("nextConversationLogTranscripts")
        check(sorted(texts) == sorted([FIRST, REPLY, TIME, TO_ALL, OF_THIRD]), f"the archive has the texts {texts}")

    def sign_out(self):
        """application"""
        for user in self.users:
            user.sign_out()


STEPS = (
    "sign_in contact_list contacts groups presence search chat typing third_participant leave history sign_out".split()
)


def main():
    if len(sys.argv) != 6 or sys.argv[2] not in REPRESENTATIONS:
        sys.exit(__doc__)
    root, representation, *addresses = sys.argv[1:]
    story = Story(root, representation, os.environ["SKYPE_P2P_PASSWORD"], addresses)
    for step in STEPS:
        try:
            getattr(story, step)()
            print(f"{step}: done", flush=True)
        except NotOffered as reason:
            print(f"{step}: not offered: {reason}", flush=True)
        except Failed as reason:
            sys.exit(f"{step}: {reason}")


if __name__ == "__main__":
    main()
