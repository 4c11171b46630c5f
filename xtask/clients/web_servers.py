"""The servers of the tests in web_pages.py: `serve --web`, the web server of another site, and a server that allows no CORS."""

import base64
import contextlib
import http.client
import http.server
import json
import pathlib
import socket
import subprocess
import tempfile
import threading
import time

TOSH, LENE, ALEX = "toshm@contoso.com", "lenea@contoso.com", "alexd@contoso.com"
PASSWORD = "open-sesame"

HERE = pathlib.Path(__file__).parent
OWN_SCRIPT, SDK_SCRIPT = "/skype-p2p.js", "//swx.cdn.skype.com/shared/v/1.2.15/SkypeBootstrap.min.js"

# A picture of one pixel.
PHOTO = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def passes(what):
    print(what, flush=True)


def environment():
    passwords = {"SKYPE_P2P_PASSWORD": PASSWORD, "SKYPE_P2P_TO_PASSWORD": PASSWORD}
    return {**passwords, "XDG_CONFIG_HOME": "/nowhere", "PATH": "/usr/bin:/bin"}


@contextlib.contextmanager
def running(*command):
    """A process, and its first line of output."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True,
                               env=environment())
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def serving(program, *arguments, origins=(), policies=""):
    """`serve --web` with the users of web_users.toml, for pages of these origins too. Gives the root URL."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "photo.png").write_bytes(PHOTO)
        config = folder / "serve.toml"
        config.write_text(f"allowed_origins = {json.dumps(list(origins))}\n[policies]\n{policies}\n{(HERE / 'web_users.toml').read_text()}")
        with running(program, "serve", "--web", "--config", str(config), *arguments) as root:
            yield root


def echo(program, root, *arguments):
    """The other side: accepts each invitation and answers each message. It is signed in when it has written a line."""
    return running(program, "listen", "--root", root, "--user", LENE, "--accept", "all", "--echo", *arguments)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def answering(handler):
    """A web server. Gives its origin."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


class Site:
    """A web server of another origin, with sdk_page.html at every path."""

    def __init__(self, origin, requested):
        self.origin = origin
        # The paths of the requests.
        self.requested = requested
        # The address of the script, which the server knows when it has been started.
        self.script = ""


@contextlib.contextmanager
def website():
    """Another site."""
    site = Site("", [])
    snippets = (HERE / "snippets.js").read_text().split("\n", 1)[1].split("\n// ---\n")
    page = (HERE / "sdk_page.html").read_text().replace("SNIPPETS", json.dumps(snippets)).replace("OTHER", LENE)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            site.requested.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page.replace("SCRIPT", site.script).encode())

        def log_message(self, *_):
            pass

    with answering(Handler) as site.origin:
        yield site


@contextlib.contextmanager
def forwarding(port, allows_cors=True, delay=0):
    """A server in front of the one at a port. It delays each response by so many seconds. If it does not allow CORS, as an old deployment,
    it refuses preflights and permits no page of another origin to read a response. Gives its origin."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle(self):
            # A page that closes aborts its requests.
            with contextlib.suppress(OSError, http.client.HTTPException):
                super().handle()

        def forward(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            time.sleep(delay)
            if self.command == "OPTIONS" and not allows_cors:
                return self.answer(405, [], b"")
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request(self.command, self.path, body, dict(self.headers))
            response = connection.getresponse()
            return self.answer(response.status, response.getheaders(), response.read())

        def answer(self, status, headers, content):
            self.send_response_only(status)
            for name, value in headers:
                is_dropped = not allows_cors and name.lower().startswith("access-control-")
                if not is_dropped and name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = forward

        def log_message(self, *_):
            pass

    with answering(Handler) as origin:
        yield origin
