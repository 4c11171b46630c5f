#!/usr/bin/env python3
"""The user of a scenario, played by a page in Chromium.

    chromium.py ROOT_URL SCENARIO

ROOT_URL is where discovery begins, SCENARIO a scenario.toml, and SKYPE_P2P_PASSWORD holds the password of its user. The page
(chat.js) does the user's steps; then the developer tools of Chromium export what they saw in their network panel, as their
menu does ("Save all as HAR with content"), to standard output. It needs Chromium (or CHROMIUM, a path) and nothing of Python
but its standard library.
"""

import base64
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.parse
import urllib.request

PATIENCE = 120  # seconds

# The exporter of the developer tools' own network panel. Its progress bar is not there.
EXPORT = """(async () => {
  const har = await import('./models/har/har.js');
  const logs = await import('./models/logs/logs.js');
  const requests = logs.NetworkLog.NetworkLog.instance().requests();
  const bar = { canceled: false, isCanceled: () => false, done() {}, createSubProgress: () => bar,
    setTotalWork() {}, setTitle() {}, setWorked() {}, incrementWorked() {} };
  let file = '';
  const stream = { write: async (text) => { file += text; return true; } };
  await har.Writer.Writer.write(stream, requests, { sanitize: false }, bar);
  return file;
})()"""

# The network panel listens, and knows the page.
LISTENS = """import('./core/sdk/sdk.js').then((sdk) =>
  sdk.TargetManager.TargetManager.instance().models(sdk.NetworkManager.NetworkManager).length > 0)"""


class Page:
    """A page of Chromium, told what to do over its WebSocket (RFC 6455)."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        self.input = self.socket.makefile("rb")
        if b" 101 " not in self.input.readline():
            sys.exit("Chromium takes no WebSocket")
        while self.input.readline() != b"\r\n":
            pass
        self.calls = 0

    def send(self, text):
        data, mask = text.encode(), os.urandom(4)
        length = struct.pack(">Q", len(data))
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        self.socket.sendall(b"\x81\xff" + length + mask + masked)

    def receive(self):
        message = b""
        while True:
            head, length = self.input.read(2)
            if length == 126:
                (length,) = struct.unpack(">H", self.input.read(2))
            elif length == 127:
                (length,) = struct.unpack(">Q", self.input.read(8))
            data = self.input.read(length)
            if head & 15 < 8:
                message += data
                if head & 128:
                    return json.loads(message)

    def call(self, method, **parameters):
        self.calls += 1
        self.send(json.dumps({"id": self.calls, "method": method, "params": parameters}))
        while True:
            answer = self.receive()
            if answer.get("id") == self.calls:
                if "error" in answer:
                    sys.exit(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def evaluate(self, script):
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            sys.exit(answer["exceptionDetails"].get("exception", {}).get("description", "a script failed"))
        return answer["result"].get("value")

    def until(self, condition):
        begun = time.monotonic()
        while not self.evaluate(condition):
            if time.monotonic() - begun > PATIENCE:
                sys.exit(f"in vain: {condition}")
            time.sleep(0.1)


def port_of(browser, profile):
    """Where the developer tools listen: Chromium writes it down when they do."""
    written = pathlib.Path(profile, "DevToolsActivePort")
    begun = time.monotonic()
    while not (written.exists() and "\n" in written.read_text()):
        if browser.poll() is not None or time.monotonic() - begun > PATIENCE:
            sys.exit("Chromium does not start")
        time.sleep(0.1)
    return written.read_text().split("\n")[0]


def open_page(tools, url):
    request = urllib.request.Request(f"{tools}/json/new?{url}", method="PUT")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def exported(tools, root, script):
    target = open_page(tools, "about:blank")
    page = Page(target["webSocketDebuggerUrl"])
    socket_of_page = target["webSocketDebuggerUrl"].removeprefix("ws://")
    panel = Page(open_page(tools, f"{tools}/devtools/devtools_app.html?ws={socket_of_page}")["webSocketDebuggerUrl"])
    panel.until("location.pathname.startsWith('/devtools/') && document.readyState == 'complete'")
    panel.until(LISTENS)

    # Any page of the server's gives the script its origin; this is the one meant for it.
    page.call("Page.navigate", url=urllib.parse.urljoin(root, "/Autodiscover/XFrame/XFrame.html"))
    page.until(f"location.href.startsWith({json.dumps(root)}) && document.readyState == 'complete'")
    page.evaluate(script)
    # The panel hears of the last answers a moment later.
    time.sleep(1)
    return panel.evaluate(EXPORT)


def main():
    root, path = sys.argv[1:]
    scenario = tomllib.loads(pathlib.Path(path).read_text())
    user, other = scenario["user"], scenario["other"]
    part = [root, user["address"], os.environ["SKYPE_P2P_PASSWORD"], other["address"], user["steps"]]
    client = pathlib.Path(__file__).with_name("chat.js").read_text()
    script = f"{client}\nplay({', '.join(map(json.dumps, part))})"

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [os.environ.get("CHROMIUM", "chromium"), "--headless=new", "--no-sandbox", "--no-first-run",
                   "--remote-debugging-port=0", "--remote-allow-origins=*", f"--user-data-dir={profile}", "about:blank"]
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            print(exported(f"http://127.0.0.1:{port_of(browser, profile)}", root, script))
        finally:
            browser.terminate()
            browser.wait()


if __name__ == "__main__":
    main()
