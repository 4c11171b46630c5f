"""Pages of a headless Chromium, driven by its developer tools. Needs nothing of Python but its standard library."""

import base64
import contextlib
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

PATIENCE = 120  # seconds


class Page:
    """A page of Chromium, driven through its WebSocket (RFC 6455)."""

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
            sys.exit("Chromium refuses the WebSocket")
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
                sys.exit(f"not true after {PATIENCE} s: {condition}")
            time.sleep(0.1)


def port_of(browser, profile):
    """The port of the developer tools. Chromium writes it to a file when they listen."""
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


@contextlib.contextmanager
def chromium(*arguments):
    """Chromium (or CHROMIUM, a path) with a new profile and further arguments. Gives the URL of its developer tools."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [os.environ.get("CHROMIUM", "chromium"), "--headless=new", "--no-sandbox", "--no-first-run",
                   "--remote-debugging-port=0", "--remote-allow-origins=*", f"--user-data-dir={profile}", *arguments, "about:blank"]
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield f"http://127.0.0.1:{port_of(browser, profile)}"
        finally:
            browser.terminate()
            browser.wait()
