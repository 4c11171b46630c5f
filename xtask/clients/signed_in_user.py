"""A user of a UCWA server, signed in with the library `requests`: the requests, the token and the event channel.

From Microsoft's pages RootURL, AuthenticationInUCWA, CreateAnApplication, HTTP, EventChannelDetails and EventsInUCWA. Each URL is a link
of a response, except for the root.
"""

import re
import threading
import time
import urllib.parse
import uuid

import requests

PATIENCE = 30  # seconds for a response, or for an event
POLL = 300  # seconds for an event page; the server's default is 180


class Failed(Exception):
    """A step went otherwise than the pages say."""


class NotOffered(Exception):
    """The server has no link for the step."""


class SignedInUser:
    def __init__(self, root, address, password, representation):
        self.address, self.representation = address, representation
        self.base, self.token, self.trouble, self.closing = root, None, None, False
        self.connection, self.events, self.news = requests.Session(), [], threading.Condition()
        self.sign_in(root, password)
        self.listener = threading.Thread(target=self.listen, args=(self.application.link("events"),), daemon=True)
        self.listener.start()

    # Requests

    def send(self, method, href, connection=None, *, headers=None, body=None, query=None, patience=PATIENCE):
        headers = {"Accept": self.representation.type, **(headers or {})}
        if self.token:
            headers["Authorization"] = self.token
        url = urllib.parse.urljoin(self.base, href)
        connection = connection or self.connection
        # A redirect is not followed: the token is for this host.
        return connection.request(
            method, url, headers=headers, data=body, params=query, timeout=(PATIENCE, patience), allow_redirects=False
        )

    def expect(self, response, *statuses):
        if response.status_code not in statuses:
            try:
                reason = self.representation.error(response.content)
            except Exception:  # a response without an error of UCWA
                reason = ()
            path = urllib.parse.urlsplit(response.url).path
            raise Failed(f"{self.address}: {response.request.method} {path}: {response.status_code} {reason}")
        return response

    def get(self, href, **query):
        response = self.expect(self.send("GET", href, query=query), 200)
        content_type = response.headers.get("Content-Type", "")
        if not content_type.startswith(self.representation.type):
            raise Failed(f"GET {href}: {content_type} instead of {self.representation.type}")
        return self.representation.resource(response.content)

    def write(self, method, href, properties=None, links=None, *, headers=None, statuses):
        """A request with an input, or without one."""
        headers, body = dict(headers or {}), None
        if properties is not None:
            headers["Content-Type"] = self.representation.type
            body = self.representation.encode(properties, links or {})
        return self.expect(self.send(method, href, headers=headers, body=body), *statuses)

    def post(self, href, properties=None, links=None, **options):
        return self.write("POST", href, properties, links, **options)

    def delete(self, href, **options):
        return self.write("DELETE", href, statuses=(204,), **options)

    def change(self, resource, headers=None, **changes):
        """PUT: the whole resource with its etag and its property for PUT requests (PayloadFormat)."""
        headers = {"If-Match": f'"{resource.text("etag")}"', **(headers or {})}
        return self.write("PUT", resource.href, {**resource.properties, **changes}, headers=headers, statuses=(200, 204))

    def offered(self, resource, rel):
        href = resource.link(rel)
        if href is None:
            raise NotOffered(f"{resource.rel} has no link {rel}")
        return href

    # Sign-in

    def sign_in(self, root, password):
        user = self.offered(self.get(root), "user")
        challenged = self.expect(self.send("GET", user), 401)
        challenge = re.search(r'MsRtcOAuth\s+href="?([^",\s]+)', challenged.headers.get("WWW-Authenticate", ""))
        if not challenge:
            raise Failed("the 401 has no challenge MsRtcOAuth")
        form = {"grant_type": "password", "username": self.address.removeprefix("sip:"), "password": password}
        ticket = self.expect(self.send("POST", challenge[1], body=form), 200).json()
        self.token = f"{ticket['token_type']} {ticket['access_token']}"
        applications = self.offered(self.get(user), "applications")
        # From here on a relative href is of the host of this link (Hypermedia).
        self.base = urllib.parse.urljoin(self.base, applications)
        identity = {"userAgent": "A client in Python", "endpointId": str(uuid.uuid4()), "culture": "en-US"}
        created = self.representation.resource(self.post(applications, identity, statuses=(201,)).content)
        self.post(
            self.offered(created.resource("me"), "makeMeAvailable"),
            {"signInAs": "Online", "supportedMessageFormats": ["Plain"], "supportedModalities": ["Messaging"]},
            statuses=(204,),
        )
        self.application = self.get(created.href)
        if self.application.resource("me").link("makeMeAvailable"):
            raise Failed("makeMeAvailable is still offered")

    def part(self, rel):
        """A resource that is embedded in the application: me, people or communication."""
        return self.get(self.application.resource(rel).href)

    def sign_out(self):
        self.closing = True
        self.delete(self.application.href)
        self.expect(self.send("GET", self.application.href), 404)
        self.listener.join(PATIENCE)

    # Events

    def listen(self, href):
        """One request for events at a time. The next one acknowledges the page."""
        try:
            with requests.Session() as connection:
                while not self.closing:
                    response = self.send("GET", href, connection, patience=POLL)
                    if self.closing:
                        return
                    page = self.representation.event_page(self.expect(response, 200).content)
                    href = page.follow
                    with self.news:
                        self.events += page.events
                        self.news.notify_all()
        except Exception as trouble:  # the waiting step reports it
            with self.news:
                self.trouble = None if self.closing else trouble
                self.news.notify_all()

    def now(self):
        """The number of events so far: where the events of the next request begin."""
        return len(self.events)

    def wait_beyond(self, place, deadline, purpose):
        with self.news:
            remaining = max(0, deadline - time.monotonic())
            if not self.news.wait_for(lambda: len(self.events) > place or self.trouble, remaining) or self.trouble:
                seen = "; ".join(map(str, self.events[-20:]))
                raise Failed(f"{self.address} waits for {purpose}: {self.trouble or 'no event'}; the last events: {seen}")

    def event(self, since, purpose, matches):
        """The first event from this place on that matches."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for event in self.events[since:]:
                since += 1
                if matches(event):
                    return event
            self.wait_beyond(since, deadline, purpose)

    def until(self, purpose, href, condition):
        """Reads a resource, and again after each event, until the condition is true."""
        deadline = time.monotonic() + PATIENCE
        while True:
            place = self.now()
            resource = self.get(href)
            if condition(resource):
                return resource
            self.wait_beyond(place, deadline, purpose)
