#!/usr/bin/env python3
"""The published outgoing chat (SendAnIM) with a UCWA server, by a client that only follows links.

    send_an_im.py ROOT_URL CALLER:PASSWORD CALLEE:PASSWORD

CALLER and CALLEE are sign-in names such as toshm@contoso.com. The script signs both in. The caller invites the callee, who
accepts and answers. The script compares the statuses, Location, the order of events and the form of hrefs with the published
chat. It prints `ok` and exits with 0, or prints the difference and exits with 1. It needs only the standard library of Python.
"""

import http.client
import json
import queue
import re
import sys
import threading
import urllib.parse
import uuid

PATIENCE = 20  # seconds


class Different(Exception):
    """The server differs from the published chat."""


def check(condition, what):
    if not condition:
        raise Different(what)


def expect(found, wanted, what):
    check(found == wanted, f"{what}: expected {wanted!r}, found {found!r}")


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        kind = self.headers.get("Content-Type", "")
        check(kind.startswith("application/json"), f"content type {kind!r}")
        return json.loads(self.body.decode("utf-8-sig"))


def send(method, url, headers=None, body=None, patience=PATIENCE):
    """One request on a new connection."""
    parts = urllib.parse.urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=patience)
    target = parts.path + ("?" + parts.query if parts.query else "")
    headers = {"Accept": "application/json", **(headers or {})}
    if method == "POST" and body is None:
        headers["Content-Length"] = "0"
    try:
        connection.request(method, target, body=body, headers=headers)
        response = connection.getresponse()
        return Response(response.status, response.headers, response.read())
    finally:
        connection.close()


def href(resource, rel):
    links = resource.get("_links", {})
    check(rel in links, f"{resource.get('rel', 'the resource')} has no link {rel!r}, only {sorted(links)}")
    return links[rel]["href"]


class Client:
    """A user's application. A thread receives its events."""

    def __init__(self, root, name, password):
        self.name = name
        self.events = queue.Queue()
        self.trouble = None
        self.stopping = False
        self.token = None

        found = send("GET", root)
        expect(found.status, 200, "GET root")
        user = href(found.json(), "user")
        check(user.startswith("http"), "the user link is absolute")

        asked = send("GET", user)
        expect(asked.status, 401, "GET user without a token")
        challenges = ", ".join(asked.headers.get_all("WWW-Authenticate") or [])
        match = re.search(r'MsRtcOAuth href="?([^",]+)"?,\s*grant_type="([^"]+)"', challenges)
        check(match, f"no MsRtcOAuth challenge in {challenges!r}")
        check("password" in match.group(2).split(","), "the password grant is offered")

        form = urllib.parse.urlencode({"grant_type": "password", "username": name, "password": password})
        granted = send(
            "POST", match.group(1), {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}, form.encode()
        )
        expect(granted.status, 200, "POST oauthtoken")
        token = granted.json()
        check(token["access_token"].startswith("cwt="), "the token begins with cwt=")
        expect(token["token_type"], "Bearer", "token_type")
        self.token = token["access_token"]

        applications = href(self.get(user), "applications")
        self.host = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(applications))
        created = self.post(
            applications, {"UserAgent": "UCWA Samples", "EndpointId": str(uuid.uuid4()), "Culture": "en-US"}
        )
        expect(created.status, 201, "POST applications")
        self.application = created.json()
        self.home = href(self.application, "self")
        check(re.fullmatch(r"/ucwa/oauth/v1/applications/\d+", self.home), f"the application's href {self.home!r}")
        for rel in ("policies", "batch", "events"):
            check(href(self.application, rel).startswith(self.home + "/"), f"the link {rel}")
        check(href(self.application, "events").endswith("events?ack=1"), "the first events link")

        me = self.application["_embedded"]["me"]
        made = self.post(href(me, "makeMeAvailable"), {"SupportedModalities": ["Messaging"]})
        expect(made.status, 204, "POST makeMeAvailable")
        me = self.get(self.home)["_embedded"]["me"]
        check("makeMeAvailable" not in me["_links"], "makeMeAvailable is gone after its use")
        href(me, "reportMyActivity")

        threading.Thread(target=self.listen, daemon=True).start()

    def headers(self):
        return {"Authorization": "Bearer " + self.token} if self.token else {}

    def absolute(self, link):
        return link if link.startswith("http") else self.host + link

    def get(self, link):
        response = send("GET", self.absolute(link), self.headers())
        expect(response.status, 200, f"GET {link}")
        return response.json()

    def post(self, link, body=None):
        headers = self.headers()
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body).encode()
        return send("POST", self.absolute(link), headers, body)

    def say(self, link, text, parameter):
        """POST sendMessage: the operation ID is in the query, the text is the body."""
        link = f"{link}{'&' if '?' in link else '?'}{parameter}={uuid.uuid4()}"
        headers = {"Content-Type": "text/plain", **self.headers()}
        return send("POST", self.absolute(link), headers, text.encode())

    def listen(self):
        """Receives the event pages. The request for the next page acknowledges a page."""
        try:
            link = href(self.application, "events")
            while True:
                response = send("GET", self.absolute(link), self.headers(), patience=300)
                if self.stopping:
                    return
                expect(response.status, 200, f"GET {link}")
                page = response.json()
                expect(href(page, "self"), link, "the page's own link")
                link = href(page, "next")
                check(re.fullmatch(re.escape(self.home) + r"/events\?ack=\d+", link), f"the next link {link!r}")
                for sender in page.get("sender", []):
                    for event in sender["events"]:
                        self.events.put((sender, event))
        except Exception as error:  # the main thread reports it
            self.trouble = error
            self.events.put(None)

    def next_event(self):
        try:
            found = self.events.get(timeout=PATIENCE)
        except queue.Empty:
            raise Different(f"{self.name}: no event for {PATIENCE} s") from None
        if found is None:
            raise self.trouble
        return found

    def expect_events(self, wanted):
        """The next events, which must be these, in this order: sender, link, type, and the rel of `in`."""
        events = []
        for line in wanted:
            sender, event = self.next_event()
            found = [sender["rel"], event["link"]["rel"], event["type"]]
            if "in" in event:
                found += ["in", event["in"]["rel"]]
            if "status" in event:
                found.append(event["status"])
            expect(" ".join(found), line, f"{self.name}: event")
            check(sender["href"].startswith(self.home), "the sender's href")
            events.append(event)
        return events

    def sign_out(self):
        self.stopping = True
        response = send("DELETE", self.absolute(self.home), self.headers())
        expect(response.status, 204, "DELETE application")
        response = send("GET", self.absolute(self.home), self.headers())
        expect(response.status, 404, "GET an application that is gone")
        expect(response.json().get("subcode"), "ApplicationNotFound", "subcode")


def embedded(event):
    resource = event["_embedded"][event["link"]["rel"]]
    expect(href(resource, "self"), event["link"]["href"], "the embedded resource's own link")
    return resource


def text_of(message):
    link = href(message, "plainMessage")
    check(link.startswith("data:text/plain;charset=utf-8,"), f"data URI {link[:40]!r}")
    text = urllib.parse.unquote_plus(link.split(",", 1)[1])
    return text[:-2] if text.endswith("\r\n") else text


AVAILABLE = [
    "me me updated",
    "me presence added",
    "me note added",
    "me location added",
    "communication communication updated",
]
ENDED = [
    "conversation messaging updated",
    "conversation participantMessaging deleted in participant",
    "conversation participantMessaging deleted in localParticipant",
    "conversation participant deleted",
    "conversation localParticipant deleted",
    "communication conversation updated",
    "communication conversation deleted",
]


def play(root, caller, callee):
    tosh, lene = Client(root, *caller), Client(root, *callee)
    for client in (tosh, lene):
        client.expect_events(AVAILABLE)

    # The invitation.
    operation = str(uuid.uuid4())
    communication = tosh.application["_embedded"]["communication"]
    invited = tosh.post(
        href(communication, "startMessaging"),
        {
            "importance": "Normal",
            "sessionContext": str(uuid.uuid4()),
            "subject": "Task Sample",
            "telemetryId": None,
            "to": "sip:" + callee[0],
            "operationId": operation,
        },
    )
    expect(invited.status, 201, "POST startMessaging")
    expect(invited.body, b"", "the body of a 201")
    location = invited.headers["Location"]
    shape = re.escape(tosh.home) + r"/communication/messagingInvitations/[0-9a-f]{32}"
    check(location and re.fullmatch(shape, location), f"Location {location!r}")

    # What began.
    started, added, local, messaging = tosh.expect_events(
        [
            "communication messagingInvitation started",
            "communication conversation added",
            "conversation localParticipant added",
            "conversation messaging updated",
        ]
    )
    expect(started["link"]["href"], location, "the invitation's href")
    invitation = embedded(started)
    for name, value in {
        "direction": "Outgoing",
        "importance": "Normal",
        "state": "Connecting",
        "operationId": operation,
        "subject": "Task Sample",
        "rel": "messagingInvitation",
    }.items():
        expect(invitation.get(name), value, f"the invitation's {name}")
    conversation = href(invitation, "conversation")
    expect(href(invitation, "messaging"), conversation + "/messaging", "the messaging link")
    expect(href(invitation, "cancel"), conversation + "/messaging/terminate", "the cancel link")
    expect(href(invitation, "from"), f"{conversation}/participants/{caller[0]}", "the from link")
    check(invitation["_links"]["from"].get("title"), "the from link has a title")
    expect(href(invitation, "to"), f"{tosh.home}/people/{callee[0]}", "the to link")
    added = embedded(added)
    expect(href(added, "self"), conversation, "the conversation")
    expect(added["state"], "Connecting", "the conversation's state")
    expect(added["activeModalities"], [], "the conversation's modalities")
    expect(added["threadId"], invitation["threadId"], "the conversation's thread")
    expect(embedded(local)["uri"], "sip:" + caller[0], "the local participant")
    expect(embedded(local)["rel"], "participant", "the local participant's rel")
    expect(embedded(messaging)["state"], "Connecting", "messaging's state")
    check("sendMessage" not in embedded(messaging)["_links"], "nothing to send before the answer")

    # The callee accepts.
    ringing, _, _ = lene.expect_events(
        [
            "communication messagingInvitation started",
            "communication conversation added",
            "conversation localParticipant added",
        ]
    )
    incoming = embedded(ringing)
    expect(incoming["direction"], "Incoming", "direction at the callee")
    expect(incoming["_embedded"]["from"]["uri"], "sip:" + caller[0], "who invites")
    href(incoming, "decline")
    expect(lene.post(href(incoming, "accept")).status, 204, "POST accept")

    # What came of it.
    updated, participant, remote, own, messaging, completed = tosh.expect_events(
        [
            "communication conversation updated",
            "conversation participant added",
            "conversation participantMessaging added in participant",
            "conversation participantMessaging added in localParticipant",
            "conversation messaging updated",
            "communication messagingInvitation completed Success",
        ]
    )
    connected = embedded(updated)
    expect(connected["state"], "Connected", "the conversation's state")
    expect(connected["activeModalities"], ["Messaging"], "the conversation's modalities")
    for rel in ("localParticipant", "addParticipant"):
        href(connected, rel)
    expect(participant["link"]["href"], f"{conversation}/participants/{callee[0]}", "the participant")
    expect(participant["link"].get("title"), "", "the participant's title")
    check("_embedded" not in participant, "the participant is a link only")
    expect(remote["link"]["href"], participant["link"]["href"] + "/messaging", "the participant's messaging")
    expect(embedded(own)["rel"], "participantMessaging", "the local participant's messaging")
    messaging = embedded(messaging)
    expect(messaging["state"], "Connected", "messaging's state")
    expect(messaging["negotiatedMessageFormats"], ["Plain"], "the negotiated formats")
    for rel in ("conversation", "stopMessaging", "sendMessage", "setIsTyping", "typingParticipants"):
        href(messaging, rel)
    invitation = embedded(completed)
    expect(invitation["state"], "Connected", "the invitation's state")
    check("cancel" not in invitation["_links"], "nothing to cancel any more")
    accepted = invitation["_embedded"]["acceptedByParticipant"]
    check(isinstance(accepted, list), "acceptedByParticipant is an array")
    expect(accepted[0]["uri"], "sip:" + callee[0], "who accepted")
    expect(accepted[0]["name"], "", "the name of who accepted")

    got = tosh.get(conversation)
    expect(got["state"], "Connected", "GET conversation: state")
    expect(got["rel"], "conversation", "GET conversation: rel")
    got = tosh.get(participant["link"]["href"])
    expect(got["uri"], "sip:" + callee[0], "GET participant: uri")

    events = [lene.next_event()[1]]
    while events[-1]["link"]["rel"] != "messagingInvitation" or events[-1]["type"] != "completed":
        events.append(lene.next_event()[1])
    expect(events[-1]["status"], "Success", "the invitation at the callee")
    answering = next(embedded(event) for event in events if event["link"]["rel"] == "messaging")

    # A message, and the verdict on it.
    sent = tosh.say(href(messaging, "sendMessage"), "What's up? 1+1=2", "OperationContext")
    expect(sent.status, 201, "POST sendMessage")
    location = sent.headers["Location"]
    check(re.fullmatch(re.escape(conversation) + r"/messaging/messages/\d+", location or ""), f"Location {location!r}")
    (delivered,) = tosh.expect_events(["conversation message completed Success"])
    expect(delivered["link"]["href"], location, "the message's href")
    message = embedded(delivered)
    expect(message["direction"], "Outgoing", "direction")
    check(re.fullmatch(r"/Date\(\d+\)/", message["timeStamp"]), f"timeStamp {message['timeStamp']!r}")
    expect(href(message, "messaging"), conversation + "/messaging", "the message's messaging")
    (received,) = lene.expect_events(["conversation message completed Success"])
    message = embedded(received)
    expect(message["direction"], "Incoming", "direction")
    expect(text_of(message), "What's up? 1+1=2", "the text")
    expect(message["_links"]["participant"]["href"].rsplit("/", 1)[1], caller[0], "who wrote it")

    # The answer.
    sent = lene.say(href(answering, "sendMessage"), "Nicht viel, und Dir? \u2764", "operationId")
    expect(sent.status, 201, "POST sendMessage by the callee")
    (received,) = tosh.expect_events(["conversation message completed Success"])
    expect(text_of(embedded(received)), "Nicht viel, und Dir? \u2764", "the answer")
    lene.expect_events(["conversation message completed Success"])

    # The end.
    expect(tosh.post(href(messaging, "stopMessaging")).status, 204, "POST stopMessaging")
    for client in (tosh, lene):
        client.expect_events(ENDED)
    expect(tosh.post(href(messaging, "stopMessaging")).status, 404, "POST stopMessaging again")
    for client in (tosh, lene):
        client.sign_out()


def main():
    usable = len(sys.argv) == 4 and all(":" in user for user in sys.argv[2:])
    if not usable or not sys.argv[1].startswith(("http://", "https://")):
        sys.stderr.write(__doc__)
        return 2
    try:
        play(sys.argv[1], *(user.split(":", 1) for user in sys.argv[2:]))
    except Different as difference:
        print(f"different: {difference}")
        return 1
    except Exception as error:  # a resource of another shape, a connection that broke
        print(f"different: {type(error).__name__}: {error}")
        return 1
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
