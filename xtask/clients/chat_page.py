"""The chat page of `skype-p2p serve --web` in Chromium: what a test does to it, and what it sees."""

import base64
import json
import pathlib

from devtools import Page, open_page

# What a test sees of a page: the values that its scripts return.
HELPERS = """
const $ = (selector) => document.querySelector(selector);
const $$ = (selector) => [...document.querySelectorAll(selector)];
const named = (selector, text) => $$(selector).find((element) => element.textContent.includes(text));
"""

# The number and the text of each key.
KEYS = {"Enter": (13, "\r"), "Tab": (9, ""), "Escape": (27, ""), "Space": (32, " "), "ArrowUp": (38, ""), "ArrowDown": (40, "")}


class ChatPage:
    """A page of one user."""

    def __init__(self, tools, url, width=1100, height=760):
        self.page = Page(open_page(tools, "about:blank")["webSocketDebuggerUrl"])
        self.size(width, height)
        self.page.call("Page.enable")
        # Errors of the page, which every test expects to be none.
        self.page.call("Page.addScriptToEvaluateOnNewDocument", source="""
            window.failures = [];
            addEventListener("error", (event) => failures.push(String(event.error ?? event.message)));
            addEventListener("unhandledrejection", (event) => failures.push(`unhandled: ${event.reason}`));
            addEventListener("securitypolicyviolation", (event) => failures.push(`refused: ${event.violatedDirective} ${event.blockedURI}`));""")
        self.page.call("Page.navigate", url=url)
        self.until("$('#sign-in') && !$('#sign-in').hidden")

    def size(self, width, height, mobile=False):
        self.page.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def theme(self, name):
        self.page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def value(self, expression):
        return self.page.evaluate(f"(() => {{ {HELPERS} return {expression}; }})() ?? null")

    def until(self, condition):
        self.page.until(f"(() => {{ {HELPERS} return Boolean({condition}); }})()")

    def click(self, selector, text=""):
        """Clicks the element when it is there."""
        found = f"named({json.dumps(selector)}, {json.dumps(text)})"
        self.until(f"{found} && !{found}.hidden && !{found}.disabled")
        self.value(f"{found}.click()")

    def fill(self, selector, text):
        """Types into a field, as a person does: with the events of the browser."""
        self.until(f"$({json.dumps(selector)})")
        self.value(f"($({json.dumps(selector)}).focus(), $({json.dumps(selector)}).select?.())")
        self.page.call("Input.insertText", text=text)

    def key(self, name, shift=False):
        """Presses a key, as a person does."""
        number, text = KEYS[name]
        key = {"key": " " if name == "Space" else name, "code": name, "windowsVirtualKeyCode": number, "modifiers": 8 * shift}
        self.page.call("Input.dispatchKeyEvent", type="keyDown", text=text, **key)
        self.page.call("Input.dispatchKeyEvent", type="keyUp", **key)

    def sign_in(self, address, password):
        self.fill("#address", address)
        self.fill("#password", password)
        self.key("Enter")

    def signed_in(self, address, password, name):
        self.sign_in(address, password)
        self.until("!$('#chat').hidden")
        self.sees("#my-name", name)

    def sees(self, selector, text):
        self.until(f"named({json.dumps(selector)}, {json.dumps(text)})")

    def sees_no(self, selector, text):
        self.until(f"!named({json.dumps(selector)}, {json.dumps(text)})")

    def send(self, text):
        self.fill(".composer textarea", text)
        self.key("Enter")

    def screenshot(self, file):
        # A page in the background is not drawn.
        self.page.call("Page.bringToFront")
        picture = self.page.call("Page.captureScreenshot", format="png")
        pathlib.Path(file).write_bytes(base64.b64decode(picture["data"]))

    def has_no_failures(self):
        failures = self.page.evaluate("window.failures")
        assert failures == [], failures
