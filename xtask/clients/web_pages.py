#!/usr/bin/env python3
"""The package for web pages and the chat page, in Chromium.

    web_pages.py PROGRAM [SCREENSHOTS]

PROGRAM is `skype-p2p`, built with the feature `web`. SCREENSHOTS is a folder for pictures of the chat page. Each step that has
succeeded prints a line. The script needs Chromium (or CHROMIUM, a path), and only the standard library of Python.
"""

import contextlib
import http.server
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

from chat_page import ChatPage
from devtools import Page, chromium, open_page

TOSH, LENE, ALEX = "toshm@contoso.com", "lenea@contoso.com", "alexd@contoso.com"
PASSWORD = "open-sesame"

HERE = pathlib.Path(__file__).parent
OWN_SCRIPT, SDK_SCRIPT = "/skype-p2p.js", "//swx.cdn.skype.com/shared/v/1.2.15/SkypeBootstrap.min.js"


@contextlib.contextmanager
def running(*command):
    """A process, and its first line of output."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True,
                               env={"SKYPE_P2P_PASSWORD": PASSWORD, "XDG_CONFIG_HOME": "/nowhere", "PATH": "/usr/bin:/bin"})
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def serving(program, *arguments, origins=()):
    """`serve --web` with the users of web_users.toml, for pages of these origins too. Gives the root URL."""
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder, "serve.toml")
        config.write_text(f"allowed_origins = {json.dumps(list(origins))}\n" + (HERE / "web_users.toml").read_text())
        with running(program, "serve", "--web", "--config", str(config), *arguments) as root:
            yield root


@contextlib.contextmanager
def website():
    """A web server of another origin, with sdk_page.html. Gives its origin, and a dictionary for the address of the script."""
    script = {}
    snippets = (HERE / "snippets.js").read_text().split("\n", 1)[1].split("\n// ---\n")
    page = (HERE / "sdk_page.html").read_text().replace("SNIPPETS", json.dumps(snippets)).replace("OTHER", LENE)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = page.replace("SCRIPT", script["src"]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", script
    finally:
        server.shutdown()


def sdk_page(tools, url):
    page = Page(open_page(tools, url)["webSocketDebuggerUrl"])
    page.until("document.readyState === 'complete' && typeof play === 'function'")
    return page


def call(function, *arguments):
    return f"{function}({', '.join(map(json.dumps, arguments))})"


def refusal(page, script):
    """The error of a script. Without an error the result is null."""
    return page.evaluate(f"({script}).then(() => null, (error) => String(error.message))")


def passes(what):
    print(what, flush=True)


def account(**options):
    return {"username": TOSH, "password": PASSWORD, **options}


def echo(program, root, *arguments):
    """The other side: accepts each invitation and answers each message. It is signed in when it has written a line."""
    return running(program, "listen", "--root", root, "--user", LENE, "--accept", "all", "--echo", *arguments)


def the_snippets_chat(tools, url, **options):
    seen = sdk_page(tools, url).evaluate(call("play", account(**options)))
    for line in ("Outgoing: Hi Lene, have you got a minute?", "Incoming: Echo: Hi Lene, have you got a minute?", "conversation Connected", "conversation Disconnected"):
        assert line in seen, (line, seen)


def snippets_and_origins(program):
    """Proofs 1, 3, 4 and 6: the page of another site."""
    with website() as (site, script), website() as (foreign, foreign_script):
        with serving(program, origins=[site]) as root, chromium() as tools, echo(program, root):
            script["src"] = foreign_script["src"] = root.rstrip("/") + OWN_SCRIPT
            the_snippets_chat(tools, site)
            passes("1: the snippets of the document chat, by CORS from another origin")
            the_snippets_chat(tools, site, cors=False)
            passes("3: the snippets chat through the cross-domain frame")
            for cors in (True, False):
                refused = refusal(sdk_page(tools, foreign), call("signIn", account(cors=cors)))
                assert refused, f"a page of another origin has signed in (cors: {cors})"
            passes("3: a page of an origin that is not allowed is refused")

            page = sdk_page(tools, site)
            page.evaluate(call("signIn", account()))
            pending = page.evaluate("pollsInListeners()")
            assert len(pending) >= 3 and all(count == 1 for count in pending), pending
            passes("6: a poll is on the wire whenever a listener is called")
            broken = page.evaluate("brokenRules()")
            assert broken == [], broken
            passes("4: listeners, identity, disabled commands and promises behave as in the SDK")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def script_of_the_cdn(program):
    """Proof 3: a page loads the script by the name of Microsoft's server, over https. The server has another name."""
    port, name = free_port(), "lync.contoso.com"
    rules = ",".join(f"MAP {host}:443 127.0.0.1:{port}" for host in (name, "swx.cdn.skype.com"))
    with website() as (site, script), tempfile.TemporaryDirectory() as folder:
        script["src"] = "https:" + SDK_SCRIPT
        tls = ("--tls", "self-signed", "--tls-root", str(pathlib.Path(folder, "root.pem")))
        with serving(program, "--listen", f"127.0.0.1:{port}", "--origin", f"https://{name}", *tls, origins=[site]):
            with chromium(f"--host-resolver-rules={rules}", "--ignore-certificate-errors") as tools:
                lene = ChatPage(tools, f"https://{name}/chat/")
                lene.signed_in(LENE, PASSWORD, "Lene Aaling")
                page = sdk_page(tools, site)
                page.evaluate(f"window.played = {call('play', account())}; 0")
                lene.click("#conversations .invited")
                lene.click(".accept")
                lene.send("By the name of the CDN")
                assert "Incoming: By the name of the CDN" in page.evaluate("window.played")
    passes("3: a page loads the script by the name of Microsoft's server, over https")


TYPES = """import type { Application, Conversation, Disposable } from "./index";
declare const content: { querySelector(selector: string): HTMLInputElement };
declare const application: Application;
declare const listeners: Disposable[];
let conversation: Conversation;
"""


def declarations():
    """Proof 5: the declarations of the package, with the snippets in TypeScript."""
    if shutil.which("npm") is None:
        return passes("5: skipped: npm is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", name, "typescript@5"]
        if subprocess.run(install, capture_output=True, timeout=300).returncode != 0:
            return passes("5: skipped: TypeScript cannot be installed")
        shutil.copy(HERE.parent.parent / "crates/skype-p2p-web/js/index.d.ts", folder)
        snippets = TYPES + (HERE / "snippets.js").read_text()

        def errors(source):
            (folder / "page.ts").write_text(source)
            compiler = [folder / "node_modules/.bin/tsc", "--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,dom", folder / "page.ts"]
            return subprocess.run(compiler, capture_output=True, text=True).stdout

        assert errors(snippets) == "", errors(snippets)
        assert "TS2345" in errors(snippets.replace("message.value", "42")), "a message that is a number compiles"
    return passes("5: the declarations compile with the snippets")


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
        "<img src=x onerror=\"window.hacked = 1\">picture",
        "<a href=\"javascript:window.hacked = 2\">link</a>",
        "<script>window.hacked = 3</script>script",
        "<svg onload=\"window.hacked = 4\"></svg>drawing",
        "<iframe src=\"javascript:parent.hacked = 5\"></iframe>frame",
        "<p style=\"position:fixed;inset:0\">cover</p>",
        "<a href=\"https://evil.example/\">https://bank.example/</a>",
        "\u202egpj.exe",
    ]
    with website() as (site, script), serving(program, origins=[site]) as root, chromium() as tools:
        script["src"] = root.rstrip("/") + OWN_SCRIPT
        lene = ChatPage(tools, root + "chat/")
        lene.signed_in(LENE, PASSWORD, "Lene Aaling")
        sender = sdk_page(tools, site)
        sender.evaluate(call("signIn", account()))
        sender.evaluate(f"window.sent = {call('sendHostile', 'sip:' + LENE, texts)}; 0")
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
        # The browser names the attributes that the policy of the page refuses, also where the package reads HTML only to clean it.
        failures = set(lene.value("window.failures"))
        assert failures <= {"refused: script-src-attr inline", "refused: style-src-attr inline"}, failures
        passes("7: hostile messages do nothing in the chat page")


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


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    program, screenshots = sys.argv[1], sys.argv[2:]
    snippets_and_origins(program)
    script_of_the_cdn(program)
    chat_pages(program, screenshots[0] if screenshots else None)
    the_demo(program)
    the_archive(program)
    declarations()
    hostile_messages(program)


if __name__ == "__main__":
    main()
