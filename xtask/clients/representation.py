"""The two representations of UCWA, JSON and XML, as resources of one kind.

From Microsoft's pages PayloadFormat, WebLinks, EventsInUCWA and EventChannelDetails. Properties, links and attributes that the pages
do not name are kept.
"""

import base64
import json
import urllib.parse
import xml.etree.ElementTree as ElementTree

NAMESPACE = "http://schemas.microsoft.com/rtc/2012/03/ucwa"
EVENT_TYPES = ("started", "updated", "completed", "added", "deleted")


class Resource:
    """Properties, links and embedded resources. A rel has a list of links, and a list of embedded resources."""

    def __init__(self, rel, href):
        self.rel, self.href = rel, href
        self.properties, self.links, self.embedded = {}, {}, {}

    def link(self, rel):
        """The href of the first link with this rel. None means that the server does not offer it now."""
        return next(iter(self.links.get(rel, [])), None)

    def resource(self, rel):
        return next(iter(self.embedded.get(rel, [])), None)

    def text(self, name):
        value = self.properties.get(name)
        return None if value is None else str(value)


class Event:
    """An event of the event channel."""

    def __init__(self, kind, rel, href, *, within=(None, None), status=None, reason=None, resource=None):
        self.kind, self.rel, self.href, self.status, self.reason, self.resource = kind, rel, href, status, reason, resource
        self.within_rel, self.within_href = within

    def __str__(self):
        within = f"in {self.within_rel}" if self.within_rel else None
        return " ".join(filter(None, [self.rel, self.kind, within, self.status, self.reason]))


class EventPage:
    """A response of the event channel. `follow` is the href of the next request."""

    def __init__(self, follow, events):
        self.follow, self.events = follow, events


def text_of(data_uri):
    """The text of a data URI. Without base64, it is encoded as in a form."""
    head, data = data_uri.removeprefix("data:").split(",", 1)
    if head.endswith(";base64"):
        return base64.b64decode(data).decode()
    return urllib.parse.unquote_plus(data)


def data_uri_of(text):
    return "data:text/plain;base64," + base64.b64encode(text.encode()).decode()


def as_list(value):
    return value if isinstance(value, list) else [value]


def follow_of(links):
    href = next((links[rel] for rel in ("resync", "resume", "next") if rel in links), None)
    if href is None:
        raise ValueError("an event page without a link to the next one")
    return href


class Json:
    type = "application/json"

    def encode(self, properties, links):
        body = dict(properties)
        if links:
            body["_links"] = {rel: {"href": href} for rel, href in links.items()}
        return json.dumps(body).encode()

    def resource(self, body):
        return self._resource(json.loads(body), None)

    def _resource(self, value, rel):
        links = {rel: [link["href"] for link in as_list(links)] for rel, links in value.get("_links", {}).items()}
        resource = Resource(value.get("rel", rel), links.pop("self", [None])[0])
        resource.links = links
        resource.embedded = {
            rel: [self._resource(item, rel) for item in as_list(items)] for rel, items in value.get("_embedded", {}).items()
        }
        resource.properties = {name: item for name, item in value.items() if name not in ("_links", "_embedded")}
        return resource

    def event_page(self, body):
        page = json.loads(body)
        events = [self._event(event) for sender in page.get("sender", []) for event in sender["events"]]
        return EventPage(follow_of({rel: link["href"] for rel, link in page["_links"].items()}), events)

    def _event(self, event):
        link, within = event["link"], event.get("in", {})
        embedded = event.get("_embedded", {}).get(link["rel"])
        return Event(
            event["type"],
            link["rel"],
            link["href"],
            within=(within.get("rel"), within.get("href")),
            status=event.get("status"),
            reason=event.get("reason", {}).get("subcode"),
            resource=self._resource(embedded, link["rel"]) if embedded else None,
        )

    def error(self, body):
        error = json.loads(body)
        return error.get("code"), error.get("subcode")


def qualified(name):
    return "{" + NAMESPACE + "}" + name


def local(element):
    return element.tag.removeprefix(qualified(""))


class Xml:
    type = "application/xml"

    def encode(self, properties, links):
        body = ElementTree.Element("input", xmlns=NAMESPACE)
        for rel, href in links.items():
            ElementTree.SubElement(body, "link", rel=rel, href=href)
        for name, value in properties.items():
            if isinstance(value, list):
                entries = ElementTree.SubElement(body, "propertyList", name=name)
                for item in value:
                    ElementTree.SubElement(entries, "item").text = str(item)
            else:
                ElementTree.SubElement(body, "property", name=name).text = str(value)
        return ElementTree.tostring(body, encoding="utf-8", xml_declaration=True)

    def resource(self, body):
        return self._resource(ElementTree.fromstring(body))

    def _resource(self, element):
        resource = Resource(element.get("rel"), element.get("href"))
        for child in element:
            kind, rel, name = local(child), child.get("rel"), child.get("name")
            if kind == "link":
                resource.links.setdefault(rel, []).append(child.get("href"))
            elif kind == "resource":
                resource.embedded.setdefault(rel, []).append(self._resource(child))
            elif kind == "property":
                resource.properties[name] = child.text or ""
            elif kind == "propertyList":
                resource.properties[name] = [item.text or "" for item in child]
        return resource

    def event_page(self, body):
        page = ElementTree.fromstring(body)
        links = {child.get("rel"): child.get("href") for child in page if local(child) == "link"}
        senders = [child for child in page if local(child) == "sender"]
        events = [self._event(event) for sender in senders for event in sender if local(event) in EVENT_TYPES]
        return EventPage(follow_of(links), events)

    def _event(self, event):
        parts = {local(child): child for child in event}
        within, embedded, reason = (parts.get(name) for name in ("in", "resource", "reason"))
        return Event(
            local(event),
            event.get("rel"),
            event.get("href"),
            within=(None, None) if within is None else (within.get("rel"), within.get("href")),
            status=event.get("status"),
            reason=None if reason is None else reason.findtext(qualified("subcode")),
            resource=None if embedded is None else self._resource(embedded),
        )

    def error(self, body):
        error = ElementTree.fromstring(body)
        return tuple(error.findtext(qualified(name)) for name in ("code", "subcode"))


REPRESENTATIONS = {"json": Json(), "xml": Xml()}
