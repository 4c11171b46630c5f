"""A server that asks for Windows authentication, by pyspnego's acceptor.

Arguments: the scheme (NTLM or Negotiate), then, for TLS, a PEM file with certificate and key, and `bound` or `misbound`: whether
the acceptor expects the binding to that certificate or to another one. The first line printed is the port.
"""

import base64
import hashlib
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import spnego
from spnego.channel_bindings import GssChannelBindings

scheme, *tls = sys.argv[1:]
binding = None
if tls:
    pem, kind = tls
    with open(pem, encoding="ascii") as file:
        text = file.read()
    end = "-----END CERTIFICATE-----"
    certificate = ssl.PEM_cert_to_DER_cert(text[: text.index(end) + len(end)])
    if kind == "misbound":
        certificate += b"of another server"
    digest = hashlib.sha256(certificate).digest()
    binding = GssChannelBindings(application_data=b"tls-server-end-point:" + digest)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    context = None

    def log_message(self, *args):
        pass

    def answer(self, status, body, challenge=None):
        self.send_response(status)
        if challenge is not None:
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/open":
            return self.answer(200, b"no questions asked")
        given, _, token = self.headers.get("Authorization", "").partition(" ")
        if given != scheme or not token:
            return self.answer(401, b"who are you?", scheme)
        token = base64.b64decode(token)
        if token.startswith(b"NTLMSSP") != (scheme == "NTLM"):
            return self.answer(401, b"not in its wrapping", scheme)
        if self.context is None:
            self.context = spnego.server(
                protocol=scheme.lower(), channel_bindings=binding
            )
        try:
            token = self.context.step(token)
        except spnego.exceptions.SpnegoError:
            return self.answer(401, b"not you", scheme)
        if not self.context.complete:
            token = base64.b64encode(token).decode()
            return self.answer(401, b"go on", f"{scheme} {token}")
        who = self.context.client_principal.encode()
        self.answer(200, who + b" says " + body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
if tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
