"""A plain partner: a data space participant of the Dataspace Protocol in a few lines that signs nothing but its tokens
(and those with openssl, so that no key code of ours is on both sides)."""
import base64
import json
import os
import queue
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from node import free_port

CONTEXT = "https://w3id.org/dspace/2025/1/context.jsonld"
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def b64(b):
    return base64.urlsafe_b64encode(b).rstrip(b"=").decode()


def base58(b):
    n, out = int.from_bytes(b, "big"), ""
    while n:
        n, r = divmod(n, 58)
        out = ALPHABET[r] + out
    return "1" * (len(b) - len(b.lstrip(b"\0"))) + out


def openssl(*args, stdin=None):
    return subprocess.run(["openssl", *args], check=True, capture_output=True, input=stdin).stdout


class Partner:
    """Its DID document is served over TLS with a certificate of the CA in folder `ca` (as `kanhe init --ca` makes it),
    its protocol over plain HTTP. What comes in is put into `inbox` as (path, message); `answers` may hold functions."""

    def __init__(self, top, ca, name="plain"):
        self.top, self.name = top, name
        self.port, self.tls_port = free_port(), free_port()
        self.did = f"did:web:127.0.0.1%3A{self.tls_port}:{name}"
        self.base = f"http://127.0.0.1:{self.port}/dsp/2025-1"
        self.speaks = "2025-1"  # where it calls us
        self.inbox = queue.Queue()
        self.answers = {}  # path prefix → function(handler, body) → (status, JSON)
        self.key = self.file("key.pem")
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.key)
        self.public = openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")[-32:]
        self.multibase = "z" + base58(b"\xed\x01" + self.public)
        self.certificate(ca)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file("tls.pem"), self.file("tls-key.pem"))
        self.servers = []
        for port, tls in ((self.tls_port, context), (self.port, None)):
            server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (Handler,), {"partner": self}))
            server.daemon_threads = True
            server.handle_error = lambda *args: None  # who asked has gone
            if tls:
                server.socket = tls.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.servers.append(server)

    def file(self, name):
        return os.path.join(self.top, f"{self.name}-{name}")

    def certificate(self, ca):
        with open(self.file("ext"), "w", encoding="utf-8") as f:
            f.write("subjectAltName=IP:127.0.0.1\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={self.name}",
                "-keyout", self.file("tls-key.pem"), "-out", self.file("csr"))
        openssl("x509", "-req", "-in", self.file("csr"), "-CA", os.path.join(ca, "ca.pem"), "-CAkey", os.path.join(ca, "ca-key.pem"),
                "-CAserial", self.file("serial"), "-CAcreateserial", "-days", "2", "-extfile", self.file("ext"), "-out", self.file("tls.pem"))

    def document(self):
        key = f"{self.did}#k1"
        return {"@context": ["https://www.w3.org/ns/did/v1"], "id": self.did,
                "verificationMethod": [{"id": key, "type": "JsonWebKey2020", "controller": self.did,
                                        "publicKeyJwk": {"kty": "OKP", "crv": "Ed25519", "x": b64(self.public)}}],
                "authentication": [key], "assertionMethod": [key], "capabilityInvocation": [key],
                "service": [{"id": f"{self.did}#dsp", "type": "DataService", "serviceEndpoint": self.base}]}

    def token(self, audience, **more):
        now = int(time.time())
        claims = {"iss": self.did, "sub": self.did, "aud": audience, "jti": str(uuid.uuid4()), "iat": now, "exp": now + 120, **more}
        text = ".".join(b64(json.dumps(x).encode()) for x in ({"alg": "EdDSA", "typ": "JWT", "kid": f"{self.did}#k1"}, claims))
        path = self.file(f"signing-{uuid.uuid4()}")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        signature = openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.key, "-in", path)
        os.unlink(path)
        return f"{text}.{b64(signature)}"

    def message(self, kind, **members):
        return {"@context": [CONTEXT], "@id": f"urn:uuid:{uuid.uuid4()}", "@type": kind, **members}

    def call(self, node, participant, path, message=None, token=True, certificate=False, raw=None):
        """(status, JSON or octets) of a request to one of the node's participants; message None: GET."""
        did = f"did:web:127.0.0.1%3A{node.port}:p:{participant}"
        context = ssl.create_default_context(cafile=os.path.join(node.folder, "tls", "ca.pem"))
        if certificate:
            context.load_cert_chain(self.file("tls.pem"), self.file("tls-key.pem"))
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = "Bearer " + (token if isinstance(token, str) else self.token(did))
        body = raw if raw is not None else json.dumps(message).encode() if message is not None else None
        q = urllib.request.Request(f"{node.url}/p/{participant}/dsp/{self.speaks}{path}", data=body, headers=headers,
                                   method="POST" if body is not None else "GET")
        try:
            with urllib.request.urlopen(q, context=context, timeout=120) as r:
                status, got = r.status, r.read()
        except urllib.error.HTTPError as e:
            status, got = e.code, e.read()
        try:
            return status, json.loads(got) if got else None
        except ValueError:
            return status, got

    def take(self, end, seconds=60):
        """The next message whose path ends so."""
        path, body = self.inbox.get(timeout=seconds)
        assert path.endswith(end), (path, end, body)
        return body

    def close(self):
        for s in self.servers:
            s.shutdown()
            s.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # one segment an answer: two would wait for an acknowledgement in between
    partner = None

    def log_message(self, *args):
        pass

    def reply(self, status, body, headers=None):
        out = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(out)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(out)

    def custom(self, body):
        for prefix, answer in self.partner.answers.items():
            if self.path.startswith(prefix):
                got = answer(self, body)
                if got is not None:
                    self.reply(*got)
                return True
        return False

    def do_GET(self):
        if self.path == f"/{self.partner.name}/did.json":
            self.reply(200, self.partner.document())
        elif not self.custom(None):
            self.reply(404, {})

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(raw) if self.headers.get("Content-Type") == "application/json" else raw
        if not self.custom(body):
            self.partner.inbox.put((urllib.parse.unquote(self.path), body))
            self.reply(200, None)
