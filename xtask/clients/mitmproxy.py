#!/usr/bin/env python3
"""The user of a scenario, played by a script in Node.js behind mitmproxy.

    mitmproxy.py ROOT_URL SCENARIO

ROOT_URL is the URL where discovery starts, SCENARIO a scenario.toml, and SKYPE_P2P_PASSWORD holds the password of the user.
mitmdump is a reverse proxy before the server. The script (chat.js) does the steps of the user and sends its requests to the
proxy, which writes them to standard output as a HAR file. Needs mitmdump (or MITMDUMP, a path) and Node.js 20 (or NODE, a
path), and nothing of Python but its standard library.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.parse

PATIENCE = 120  # seconds


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for(port, proxy):
    begun = time.monotonic()
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if proxy.poll() is not None or time.monotonic() - begun > PATIENCE:
                sys.exit("mitmdump does not start")
            time.sleep(0.1)


def main():
    root, path = sys.argv[1:]
    scenario = tomllib.loads(pathlib.Path(path).read_text())
    user, other = scenario["user"], scenario["other"]
    port = free_port()
    proxied = f"http://127.0.0.1:{port}/"
    part = [proxied, user["address"], os.environ["SKYPE_P2P_PASSWORD"], other["address"], user["steps"]]
    client = pathlib.Path(__file__).with_name("chat.js").read_text()
    script = f"{client}\nawait play({', '.join(map(json.dumps, part))})"

    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "traffic.har")
        server = urllib.parse.urlsplit(root)
        # The links of the server point to the host that the client named, which is the proxy.
        command = [os.environ.get("MITMDUMP", "mitmdump"), "--quiet", "--mode", f"reverse:http://{server.netloc}",
                   "--listen-host", "127.0.0.1", "--listen-port", str(port), "--set", "keep_host_header=true",
                   "--set", f"confdir={folder}", "--set", f"hardump={file}"]
        proxy = subprocess.Popen(command, stdout=sys.stderr)
        try:
            wait_for(port, proxy)
            node = [os.environ.get("NODE", "node"), "--input-type=module"]
            subprocess.run(node, input=script, text=True, stdout=sys.stderr, check=True, timeout=PATIENCE)
        finally:
            # mitmdump writes the file when it ends.
            proxy.send_signal(signal.SIGINT)
            proxy.wait()
        print(file.read_text())


if __name__ == "__main__":
    main()
