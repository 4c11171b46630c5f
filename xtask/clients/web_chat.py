"""Pages of ours that chat with each other: proofs 2, 6, 7 and 8 of web_pages.py."""

import pathlib

from chat_page import ChatPage
from devtools import Page, chromium, open_page
from web_origins import account, call, sdk_page
from web_servers import ALEX, LENE, OWN_SCRIPT, PASSWORD, TOSH, echo, passes, running, serving, website


def two_pages_chat(tosh, lene, screenshots):
    tosh.sign_in(TOSH, "wrong")
    tosh.sees("#sign-in-error", "You are not signed in")
    tosh.signed_in(TOSH, PASSWORD, "Tosh Meston")
    lene.signed_in(LENE, PASSWORD, "Lene Aaling")
    passes("2: a wrong password is refused, and the right one signs in")

    tosh.sees("#contacts", "Lene Aaling")
    tosh.sees("#groups summary", "Team")
    tosh.until("$('#contacts .presence[data-status=Online]')")
    tosh.click("#contacts button", "Lene Aaling")
    tosh.send("Hi Lene, have you got a minute?")
    lene.sees("#conversations .invited", "Tosh Meston")
    lene.click("#conversations button", "Tosh Meston")
    lene.click(".reject")
    tosh.sees(".message[data-status=Failed] .mark", "not delivered")
    passes("2: an invitation is declined")

    tosh.send("It is about lunch.")
    lene.click("#conversations .invited")
    lene.click(".accept")
    lene.sees(".message .body", "It is about lunch.")
    tosh.until("named('.message[data-status=Succeeded] .body', 'It is about lunch.')")
    lene.send("Sure. Where?")
    tosh.sees(".message .body", "Sure. Where?")
    lene.until("named('.message[data-status=Succeeded] .body', 'Sure')")
    lene.fill(".composer textarea", "I am thi")
    tosh.sees(".typing", "Lene Aaling is typing")
    if screenshots:
        pictures(tosh, lene, pathlib.Path(screenshots))
    passes("2: an invitation is accepted, and messages go both ways")


def presence_and_search(tosh, lene):
    lene.value("($('#my-status').value = 'DoNotDisturb', $('#my-status').onchange())")
    tosh.until("$('#contacts .presence[data-status=DoNotDisturb]')")
    lene.fill("#my-note", "In Oslo until Friday")
    lene.value("$('#my-note').blur()")
    tosh.sees("#contacts .last", "In Oslo until Friday")
    lene.fill("#search-text", "Alex")
    lene.key("Enter")
    lene.sees("#results", "Alex Darrow")
    lene.click("#results .quiet")
    lene.sees("#contacts", "Alex Darrow")
    passes("2: presence, a note, the search and a new contact are shown")


def a_group(tosh, lene, alex):
    alex.signed_in(ALEX, PASSWORD, "Alex Darrow")
    tosh.click(".add-person")
    tosh.fill(".add input", ALEX)
    tosh.key("Enter")
    alex.click("#conversations .invited")
    alex.click(".accept")
    for page in (tosh, lene):
        page.sees(".participants", "Alex Darrow")
    alex.send("Hello both")
    for page in (tosh, lene):
        page.sees(".message .body", "Hello both")
    alex.click(".leave")
    for page in (tosh, lene):
        page.sees(".event", "Alex Darrow has left")
        page.sees_no(".participants", "Alex Darrow")
    passes("2: a conversation becomes a group, and somebody leaves it")


def a_reload(tosh, lene):
    tosh.page.call("Page.reload")
    tosh.until("document.readyState === 'complete' && $('#my-name')")
    tosh.sees("#my-name", "Tosh Meston")
    tosh.sees("#conversations", "Lene Aaling")
    tosh.click("#conversations button", "")
    tosh.send("I am back")
    lene.sees(".message .body", "I am back")
    passes("6: a reload continues the application")


def the_end(tosh, lene):
    for page in (tosh, lene):
        page.click("#sign-out")
        page.until("!$('#sign-in').hidden")
        page.has_no_failures()
    passes("2: both sign out, and no page has failed")


def pictures(tosh, lene, folder):
    """Screenshots in both themes and at the width of a phone."""
    for theme in ("light", "dark"):
        tosh.theme(theme)
        tosh.screenshot(folder / f"chat-page-{theme}.png")
        tosh.size(390, 780, mobile=True)
        tosh.screenshot(folder / f"chat-page-phone-{theme}.png")
        tosh.size(1100, 760)


def chat_pages(program, screenshots):
    """Proofs 2, 6 and 8: pages of ours chat with each other."""
    with serving(program) as root, chromium() as tools:
        tosh, lene, alex = (ChatPage(tools, root + "chat/") for _ in range(3))
        two_pages_chat(tosh, lene, screenshots)
        presence_and_search(tosh, lene)
        a_group(tosh, lene, alex)
        a_reload(tosh, lene)
        the_end(tosh, lene)


def the_demo(program):
    """`demo --web`: two users side by side."""
    with running(program, "demo", "--web") as url, chromium() as tools:
        page = Page(open_page(tools, url)["webSocketDebuggerUrl"])
        for index, name in enumerate(("Tosh Meston", "Lene Aaling")):
            page.until(f"frames[{index}]?.document.querySelector('#my-name')?.textContent === '{name}'")
    passes("2: the demonstration signs both users in")


def the_archive(program):
    """A user who has the server keep the conversations sees them after the next sign-in."""
    with serving(program) as root, chromium() as tools, echo(program, root):
        tosh = ChatPage(tools, root + "chat/")
        tosh.value("$('#archive').checked = true")
        tosh.signed_in(TOSH, PASSWORD, "Tosh Meston")
        tosh.until("document.body.matches('.archive')")
        tosh.click("#contacts button", "Lene Aaling")
        tosh.send("To be kept")
        tosh.sees(".message .body", "Echo: To be kept")
        tosh.click(".leave")
        tosh.until("$('.leave').hidden")
        tosh.click("#sign-out")
        tosh.until("!$('#sign-in').hidden")
        tosh.signed_in(TOSH, PASSWORD, "Tosh Meston")
        tosh.click("#more-conversations")
        tosh.click("#conversations li button")
        tosh.click(".earlier")
        tosh.sees(".message .body", "To be kept")
        tosh.has_no_failures()
    passes("2: an archived conversation is shown")


def hostile_messages(program):
    """Proof 7: messages that would run or load something."""
    texts = [
        "<img src='SITE/tracker' onerror=\"window.hacked = 1\">picture",
        "<a href=\"javascript:window.hacked = 2\">link</a>",
        "<script>window.hacked = 3</script>script",
        "<svg onload=\"window.hacked = 4\"></svg>drawing",
        "<iframe src=\"javascript:parent.hacked = 5\"></iframe>frame",
        "<p style=\"position:fixed;inset:0\">cover</p>",
        "<a href=\"https://evil.example/\">https://bank.example/</a>",
        "\u202egpj.exe",
    ]
    with website() as site, serving(program, origins=[site.origin]) as root, chromium() as tools:
        site.script = root.rstrip("/") + OWN_SCRIPT
        lene = ChatPage(tools, root + "chat/")
        lene.signed_in(LENE, PASSWORD, "Lene Aaling")
        sender = sdk_page(tools, site.origin)
        sender.evaluate(call("signIn", account()))
        sender.evaluate(f"window.sent = {call('sendHostile', 'sip:' + LENE, [text.replace('SITE', site.origin) for text in texts])}; 0")
        lene.click("#conversations .invited")
        lene.click(".accept")
        sender.evaluate("window.sent")
        lene.until(f"$$('.message').length === {len(texts)}")
        lene.value("$$('.message a').forEach((link) => { link.target = ''; if (!link.href.startsWith('http')) link.click(); })")
        assert lene.value("window.hacked") is None
        assert lene.value("$$('.message :is(img, script, svg, iframe, [style], [onerror], [onload])').length") == 0
        assert lene.value("$$('.message a[href^=javascript]').length") == 0
        lene.sees(".message .body", "(evil.example)")
        assert lene.value("getComputedStyle($$('.message .body').at(-1)).unicodeBidi") in ("isolate", "plaintext", "isolate-override")
        lene.has_no_failures()
        assert "/tracker" not in site.requested
        passes("7: hostile messages do nothing in the chat page")


def photos(program):
    """A photo of the server is shown, and the page of another site gets it."""
    with website() as site, serving(program, origins=[site.origin]) as root, chromium() as tools:
        site.script = root.rstrip("/") + OWN_SCRIPT
        lene = ChatPage(tools, root + "chat/")
        lene.signed_in(LENE, PASSWORD, "Lene Aaling")
        lene.fill("#search-text", TOSH)
        lene.key("Enter")
        lene.click("#results .choice", "Tosh Meston")
        lene.until("$('.participants img')?.naturalWidth === 1")
        assert lene.value("$('.participants img').src").startswith("data:image/png;base64,")
        lene.has_no_failures()
        page = sdk_page(tools, site.origin)
        page.evaluate(call("signIn", account(username=LENE)))
        assert page.evaluate(call("photoOf", "sip:" + TOSH)) == lene.value("$('.participants img').src")
        assert page.evaluate(call("photoOf", "sip:" + ALEX)) is None
    passes("2: photos are shown")
