#!/usr/bin/env python3
"""The user of a scenario, played by a page in Firefox.

    firefox.py ROOT_URL SCENARIO

ROOT_URL is the URL where discovery starts, SCENARIO a scenario.toml, and SKYPE_P2P_PASSWORD holds the password of the user. The
page (chat.js) does the steps of the user. Then the network monitor of the developer tools exports what it saw, as its menu does
("Save All As HAR"), to standard output. Needs Firefox (firefox-esr, or FIREFOX, a path), and nothing of Python but its standard
library.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.parse

PATIENCE = 120  # seconds

PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.auto": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "devtools.netmonitor.persistlog": True,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}

# Opens the network monitor for the tab.
OPEN = """
const [done] = arguments;
const { require } = ChromeUtils.importESModule("resource://devtools/shared/loader/Loader.sys.mjs");
const { gDevTools } = require("devtools/client/framework/devtools");
const tab = Services.wm.getMostRecentWindow("navigator:browser").gBrowser.selectedTab;
gDevTools.showToolboxForTab(tab, { toolId: "netmonitor" }).then(() => done(null), (error) => done(String(error)));
"""

EXPORT = """
const [done] = arguments;
const { require } = ChromeUtils.importESModule("resource://devtools/shared/loader/Loader.sys.mjs");
const { gDevTools } = require("devtools/client/framework/devtools");
const tab = Services.wm.getMostRecentWindow("navigator:browser").gBrowser.selectedTab;
gDevTools.getToolboxForTab(tab).getHARFromNetMonitor().then(
  (har) => done({ har: { log: har.log ?? har } }), (error) => done({ error: String(error) }));
"""


# Runs a script in the page itself. In the sandbox of the remote control fetch() hides the challenge of a response.
PLAY = """
const [text, done] = arguments;
window.addEventListener("played", (event) => done(event.detail), { once: true });
const script = document.createElement("script");
script.textContent = text;
document.documentElement.append(script);
"""


class Marionette:
    """The remote control of Firefox: JSON with its length before it."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.input = self.socket.makefile("rb")
        self.receive()
        self.calls = 0

    def receive(self):
        length = b""
        while not length.endswith(b":"):
            length += self.input.read(1)
        return json.loads(self.input.read(int(length[:-1])))

    def call(self, command, **parameters):
        self.calls += 1
        text = json.dumps([0, self.calls, command, parameters]).encode()
        self.socket.sendall(str(len(text)).encode() + b":" + text)
        _, _, error, result = self.receive()
        if error:
            sys.exit(f"{command}: {error['message']}")
        return result

    def run(self, context, script, *arguments):
        self.call("Marionette:SetContext", value=context)
        result = self.call("WebDriver:ExecuteAsyncScript", script=script, args=list(arguments), sandbox="default")
        return result["value"]


def port_of(browser, profile):
    """The port of the remote control. Firefox writes it into the preferences of the profile."""
    written = pathlib.Path(profile, "MarionetteActivePort")
    begun = time.monotonic()
    while not (written.exists() and written.read_text().strip()):
        if browser.poll() is not None or time.monotonic() - begun > PATIENCE:
            sys.exit("Firefox does not start")
        time.sleep(0.1)
    return int(written.read_text())


def exported(marionette, root, script):
    timeouts = {"script": PATIENCE * 1000, "pageLoad": PATIENCE * 1000}
    marionette.call("WebDriver:NewSession", capabilities={"alwaysMatch": {"timeouts": timeouts}})
    failed = marionette.run("chrome", OPEN)
    if failed:
        sys.exit(failed)
    marionette.call("Marionette:SetContext", value="content")
    # Any page of the server gives the script its origin; this is the one meant for it.
    marionette.call("WebDriver:Navigate", url=urllib.parse.urljoin(root, "/Autodiscover/XFrame/XFrame.html"))
    failed = marionette.run("content", PLAY, script)
    if failed:
        sys.exit(failed)
    # The network monitor gets the last responses a moment later.
    time.sleep(1)
    export = marionette.run("chrome", EXPORT)
    if "error" in export:
        sys.exit(export["error"])
    return json.dumps(export["har"])


def main():
    root, path = sys.argv[1:]
    scenario = tomllib.loads(pathlib.Path(path).read_text())
    user, other = scenario["user"], scenario["other"]
    part = [root, user["address"], os.environ["SKYPE_P2P_PASSWORD"], other["address"], user["steps"]]
    client = pathlib.Path(__file__).with_name("chat.js").read_text()
    call = f"play({', '.join(map(json.dumps, part))})"
    done = "(detail) => window.dispatchEvent(new CustomEvent('played', { detail }))"
    script = f"{client}\n{call}.then(() => null, String).then({done});"

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
        lines.append('user_pref("marionette.port", 0);')
        pathlib.Path(profile, "user.js").write_text("\n".join(lines))
        command = [os.environ.get("FIREFOX", "firefox-esr"), "--headless", "--marionette", "--remote-allow-system-access",
                   "--no-remote", "--profile", profile, "about:blank"]
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            print(exported(Marionette(port_of(browser, profile)), root, script))
        finally:
            browser.terminate()
            browser.wait()


if __name__ == "__main__":
    main()
