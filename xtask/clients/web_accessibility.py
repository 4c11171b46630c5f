"""The chat page by keyboard only, its accessibility tree, and its layout at the width of a phone."""

from chat_page import ChatPage
from devtools import chromium
from web_servers import LENE, PASSWORD, TOSH, passes, serving

# How the element with the focus is called here: by its ID, its class, its label or its text.
FOCUSED = """(({ activeElement: it }) => it.id || it.getAttribute("aria-label") || it.placeholder
    || it.querySelector("bdi")?.textContent || it.textContent)(document)"""

# The roles of the elements that a user operates.
OPERATED = {"button", "textbox", "searchbox", "combobox", "checkbox", "link", "log"}


def focus_of(page):
    return page.value(FOCUSED)


def tab_to(page, name, shift=False):
    """Presses Tab until the element has the focus. Returns what had it on the way. The focus is always visible."""
    passed = []
    while focus_of(page) != name:
        assert len(passed) < 40, (name, passed)
        passed.append(focus_of(page))
        page.key("Tab", shift)
        style = "getComputedStyle(document.activeElement)"
        assert page.value(f"document.activeElement === document.body || ({style}.outlineStyle !== 'none' && parseFloat({style}.outlineWidth) >= 2)"), (
            f"the focus on {focus_of(page)} is not visible")
    return passed


def type_text(page, text):
    page.page.call("Input.insertText", text=text)


def sign_in_by_keyboard(page, address, name):
    page.until("document.activeElement === $('#address')")
    type_text(page, address)
    page.key("Tab")
    assert focus_of(page) == "password"
    type_text(page, PASSWORD)
    assert tab_to(page, "Sign in") == ["password", "archive"]
    page.key("Space")
    page.sees("#my-name", name)


def tree(page):
    """The accessible elements: role, name and properties."""
    page.page.call("Accessibility.enable")
    nodes = page.page.call("Accessibility.getFullAXTree")["nodes"]
    return [(node["role"]["value"], node.get("name", {}).get("value", ""), {it["name"]: it["value"].get("value") for it in node.get("properties", [])})
            for node in nodes if not node.get("ignored")]


def has_names(page):
    """Each element that a user operates, and each picture, has a name."""
    nameless = [(role, properties) for role, name, properties in tree(page) if role in OPERATED | {"image", "img"} and not name.strip()]
    assert nameless == [], nameless


def has(page, role, name):
    found = {(role, name) for role, name, _ in tree(page)}
    assert (role, name) in found, (role, name, sorted(found))


def chat_by_keyboard(tosh, lene):
    sign_in_by_keyboard(tosh, TOSH, "Tosh Meston")
    sign_in_by_keyboard(lene, LENE, "Lene Aaling")
    tosh.sees("#contacts", "Lene Aaling")
    tosh.sees("#groups", "Team")
    passed = tab_to(tosh, "Lene Aaling")
    fields = [name for name in passed if name in ("sign-out", "my-status", "my-note", "search-text", "Find")]
    assert fields == ["sign-out", "my-status", "my-note", "search-text", "Find"], passed
    tosh.key("Enter")
    assert focus_of(tosh) == "Write a message"
    type_text(tosh, "By keyboard")
    tosh.key("Enter")
    lene.sees("#conversations .invited", "Tosh Meston")
    tab_to(lene, "Tosh Meston")
    lene.key("Enter")
    assert focus_of(lene) == "Accept"
    lene.key("Enter")
    lene.sees(".message .body", "By keyboard")
    lene.until("document.activeElement === $('textarea')")
    passes("keyboard: a sign-in, a message, and an accepted invitation")

    # A list: the conversation, and the contact below it.
    tosh.key("Escape")
    assert focus_of(tosh) == "Lene Aaling" and tosh.value("document.activeElement.matches('#conversations [aria-current=true]')")
    tosh.key("ArrowDown")
    assert tosh.value("document.activeElement.matches('#contacts .choice')")
    tosh.key("ArrowUp")
    assert tosh.value("document.activeElement.matches('#conversations .choice')")
    tosh.key("Enter")
    assert focus_of(tosh) == "Write a message"
    tab_to(tosh, "Messages", shift=True)
    tab_to(tosh, "Add a person", shift=True)
    tosh.key("Enter")
    assert focus_of(tosh) == "Address of the person to add"
    tosh.key("Escape")
    assert focus_of(tosh) == "Add a person" and tosh.value("$('.add').hidden")
    passes("keyboard: arrow keys move in the lists, and Escape leads back")


def is_announced(page, other):
    """The messages are in a live region, so that a screen reader reads a new one."""
    other.send("Do you hear me?")
    page.sees(".message .body", "Do you hear me?")
    [properties] = [properties for role, _, properties in tree(page) if role == "log"]
    assert properties.get("live") == "polite", properties
    for role, name in [("main", "Conversation"), ("heading", "Conversations"), ("heading", "Contacts"), ("log", "Messages"), ("list", "Participants"),
                       ("textbox", "Write a message"), ("button", "Send"), ("combobox", "My status"), ("searchbox", "Find people"), ("image", "Online"),
                       ("image", "delivered")]:
        has(page, role, name)
    statuses = [properties.get("live") for role, _, properties in tree(page) if role == "status"]
    assert statuses and set(statuses) == {"polite"}, statuses
    has_names(page)
    passes("screen reader: names, roles, and live regions for messages and notices")


def fits_a_phone(page):
    """At 360 pixels, nothing that a user operates is cut off: in the lists, and in a conversation."""
    page.size(360, 640, mobile=True)
    beyond = "$$('button, input, select, textarea, .message').filter((it) => it.checkVisibility() && it.getBoundingClientRect().right > 360).map((it) => it.outerHTML)"
    for place in ("textarea", "#search-text"):
        page.until(f"$('{place}').checkVisibility()")
        assert page.value(beyond) == [], page.value(beyond)
        assert page.value("document.documentElement.scrollWidth") <= 360
        page.key("Escape")
    passes("phone: nothing is cut off at 360 pixels")


def keyboard_and_screen_reader(program):
    with serving(program) as root, chromium() as tools:
        tosh, lene = (ChatPage(tools, root + "chat/") for _ in range(2))
        has_names(tosh)
        chat_by_keyboard(tosh, lene)
        is_announced(tosh, lene)
        tosh.click(".title .leave")
        lene.value("$('textarea').focus()")
        fits_a_phone(lene)
        tab_to(lene, "sign-out")
        lene.key("Enter")
        lene.until("document.activeElement === $('#address')")
        lene.has_no_failures()
        tosh.has_no_failures()
    passes("keyboard: a sign-out")
