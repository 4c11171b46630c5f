"""Pages of other sites, which load the script of the package: proofs 1, 3, 4 and 6 of web_pages.py, and the ways to sign in."""

import json
import pathlib
import tempfile
import urllib.parse
import urllib.request

from chat_page import ChatPage
from devtools import Page, chromium, open_page
from web_servers import LENE, OWN_SCRIPT, PASSWORD, SDK_SCRIPT, TOSH, echo, forwarding, free_port, passes, serving, website


def sdk_page(tools, url):
    page = Page(open_page(tools, url)["webSocketDebuggerUrl"])
    page.until("document.readyState === 'complete' && typeof play === 'function'")
    return page


def call(function, *arguments):
    return f"{function}({', '.join(map(json.dumps, arguments))})"


def refusal(page, script):
    """The error of a script. Without an error the result is null."""
    return page.evaluate(f"({script}).then(() => null, (error) => String(error.message))")


def account(**options):
    return {"username": TOSH, "password": PASSWORD, **options}


def the_snippets_chat(tools, url, **options):
    seen = sdk_page(tools, url).evaluate(call("play", account(**options)))
    for line in ("Outgoing: Hi Lene, have you got a minute?", "Incoming: Echo: Hi Lene, have you got a minute?", "conversation Connected", "conversation Disconnected"):
        assert line in seen, (line, seen)


def snippets_and_origins(program):
    """Proofs 1, 3, 4 and 6: the page of another site."""
    with website() as site, website() as foreign:
        with serving(program, origins=[site.origin]) as root, chromium() as tools, echo(program, root):
            site.script = foreign.script = root.rstrip("/") + OWN_SCRIPT
            the_snippets_chat(tools, site.origin)
            passes("1: the snippets of the document chat, by CORS from another origin")
            the_snippets_chat(tools, site.origin, cors=False)
            passes("3: the snippets chat through the cross-domain frame")
            for cors in (True, False):
                refused = refusal(sdk_page(tools, foreign.origin), call("signIn", account(cors=cors)))
                assert refused, f"a page of another origin has signed in (cors: {cors})"
            passes("3: a page of an origin that is not allowed is refused")

            page = sdk_page(tools, site.origin)
            page.evaluate(call("signIn", account()))
            pending = page.evaluate("pollsInListeners()")
            assert len(pending) >= 3 and all(count == 1 for count in pending), pending
            passes("6: a poll is on the wire whenever a listener is called")
            broken = page.evaluate("brokenRules()")
            assert broken == [], broken
            passes("4: listeners, identity, disabled commands and promises behave as in the SDK")


def a_server_without_cors(program):
    """Proof 3: the server lists the origin for its frame, and knows nothing of CORS."""
    port = free_port()
    with website() as site, forwarding(port, allows_cors=False) as origin:
        arguments = ("--listen", f"127.0.0.1:{port}", "--origin", origin)
        with serving(program, *arguments, origins=[site.origin]) as root, chromium() as tools, echo(program, root):
            site.script = origin + OWN_SCRIPT
            refused = refusal(sdk_page(tools, site.origin), call("signIn", account()))
            assert refused, "a page has signed in by CORS at a server that does not allow it"
            the_snippets_chat(tools, site.origin, cors=False)
    passes("3: the snippets chat through the frame of a server that allows no CORS")


def script_of_the_cdn(program):
    """Proof 3: a page loads the script by the name of Microsoft's server, over https. The server has another name."""
    port, name = free_port(), "lync.contoso.com"
    rules = ",".join(f"MAP {host}:443 127.0.0.1:{port}" for host in (name, "swx.cdn.skype.com"))
    with website() as site, tempfile.TemporaryDirectory() as folder:
        site.script = "https:" + SDK_SCRIPT
        tls = ("--tls", "self-signed", "--tls-root", str(pathlib.Path(folder, "root.pem")))
        with serving(program, "--listen", f"127.0.0.1:{port}", "--origin", f"https://{name}", *tls, origins=[site.origin]):
            with chromium(f"--host-resolver-rules={rules}", "--ignore-certificate-errors") as tools:
                lene = ChatPage(tools, f"https://{name}/chat/")
                lene.signed_in(LENE, PASSWORD, "Lene Aaling")
                page = sdk_page(tools, site.origin)
                page.evaluate(f"window.played = {call('play', account())}; 0")
                lene.click("#conversations .invited")
                lene.click(".accept")
                lene.send("By the name of the CDN")
                assert "Incoming: By the name of the CDN" in page.evaluate("window.played")
    passes("3: a page loads the script by the name of Microsoft's server, over https")


def token_of(root, user):
    """A token of the server, as another program of the company has it."""
    form = urllib.parse.urlencode({"grant_type": "password", "username": user, "password": PASSWORD})
    with urllib.request.urlopen(root.rstrip("/") + "/WebTicket/oauthtoken", form.encode()) as answer:
        return json.load(answer)["access_token"]


def ways_to_sign_in(program):
    """The options of the SDK besides a password: tokens, the Windows account, and a guest of a meeting."""
    with website() as site, chromium() as tools:
        with serving(program, origins=[site.origin]) as root:
            site.script = root.rstrip("/") + OWN_SCRIPT
            token = token_of(root, TOSH)
            page = sdk_page(tools, site.origin)
            for given in (token, f"Bearer {token}"):
                page.evaluate(call("signIn", {"username": TOSH, "token": given}))
                assert page.evaluate("myName()") == "Tosh Meston"
                page.evaluate("application.signInManager.signOut()")
            hosts = page.evaluate(call("signInWithTokens", TOSH, token))
            assert set(hosts) == {"https://127.0.0.1"}, hosts
            passes("sign-in: by a token, and by a function that returns tokens")
            refused = refusal(sdk_page(tools, site.origin), call("signIn", {"username": TOSH, "token": "expired"}))
            assert refused, "a wrong token has signed in"
            refused = refusal(sdk_page(tools, site.origin), call("signIn", {"username": TOSH}))
            assert refused, "a page without a Windows account has signed in"
            passes("sign-in: a wrong token and a missing Windows account are refused")

            host, guest = sdk_page(tools, site.origin), sdk_page(tools, site.origin)
            host.evaluate(call("signIn", account()))
            meeting = host.evaluate("meet()")
            guest.evaluate(call("signIn", {"meeting": meeting, "name": "Guest of Tosh"}))
            guest.evaluate(call("join", meeting, "Hello from outside"))
            host.until("heard.includes('Guest of Tosh: Hello from outside')")
            passes("sign-in: a guest of a meeting writes to it")
        with serving(program, origins=[site.origin], policies=f'windows_user = "{TOSH}"') as root:
            site.script = root.rstrip("/") + OWN_SCRIPT
            page = sdk_page(tools, site.origin)
            page.evaluate(call("signIn", {"username": TOSH}))
            assert page.evaluate("myName()") == "Tosh Meston"
            passes("sign-in: by the Windows account")
