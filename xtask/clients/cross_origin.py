#!/usr/bin/env python3
"""Pages of other origins than the server's, in Chromium.

    cross_origin.py ROOT_URL USER OTHER ALLOWED_PAGE_URL UNLISTED_PAGE_URL

ROOT_URL is the URL where discovery starts, SKYPE_P2P_PASSWORD the password of both users. The last two are URLs of the page
chat.html: one on an origin that the server allows, and one on an origin that it does not. Two pages of the allowed origin sign in
and chat, one through the cross-domain frame and the other through CORS. A page of the other origin is refused in both ways. Each
result is a line. The program needs Chromium (or CHROMIUM, a path), and only the standard library of Python.
"""

import json
import os
import sys

from devtools import Page, chromium, open_page

ASKS, ANSWERS = "Lunch at 12? 1+1=2", "Ja, gern \u2764"
IN_FRAME = [
    {"do": "sign_in"},
    {"do": "send", "text": ASKS},
    {"do": "see", "event": "messages.added", "new": ANSWERS},
    {"do": "leave"},
    {"do": "sign_out"},
]
THROUGH_CORS = [
    {"do": "sign_in"},
    {"do": "accept"},
    {"do": "see", "event": "messages.added", "new": ASKS},
    {"do": "send", "text": ANSWERS},
    {"do": "see_end"},
    {"do": "sign_out"},
]


def page_of(tools, url):
    page = Page(open_page(tools, url)["webSocketDebuggerUrl"])
    page.until("document.readyState == 'complete' && typeof play == 'function'")
    return page


def call(function, *arguments):
    return f"{function}({', '.join(map(json.dumps, arguments))})"


def refusal(page, script):
    """The error of a script that the browser or the frame refuses. Without an error the result is null."""
    return page.evaluate(f"({script}).then(() => null, (error) => String(error))")


def main():
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    root, user, other, allowed, unlisted = sys.argv[1:]
    password = os.environ["SKYPE_P2P_PASSWORD"]
    with chromium() as tools:
        framed, plain = page_of(tools, allowed), page_of(tools, allowed)
        framed.evaluate(call("useFrame", root))
        plain.evaluate(f"window.played = {call('play', root, other, password, user, THROUGH_CORS)}; 0")
        # The other user is signed in before the invitation.
        plain.until("window.step == 'accept'")
        framed.evaluate(call("play", root, user, password, other, IN_FRAME))
        plain.evaluate("played")
        print("a chat between the frame and CORS")

        refused = refusal(page_of(tools, unlisted), call("play", root, user, password, other, [{"do": "sign_in"}]))
        if refused != "TypeError: Failed to fetch":
            sys.exit(f"CORS from an origin that is not listed: {refused}")
        print("CORS refused")
        refused = refusal(page_of(tools, unlisted), call("useFrame", root))
        if refused != "TypeError: the frame does not answer":
            sys.exit(f"the frame in an origin that is not listed: {refused}")
        print("the frame refused")


if __name__ == "__main__":
    main()
