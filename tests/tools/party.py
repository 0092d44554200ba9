"""A partner that is not ours: a host with DID documents, keys, credential services and status lists, which tells and
answers whatever a test wants. Signatures are openssl's."""
import base64
import gzip
import http.server
import json
import os
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse
import uuid

DCP = "https://w3id.org/dspace-dcp/v1.0/dcp.jsonld"
DSP = "https://w3id.org/dspace/2025/1/context.jsonld"
SCOPE = "org.eclipse.dspace.dcp.vc.type:"


def b64(b):
    return base64.urlsafe_b64encode(b).rstrip(b"=").decode()


def unb64(s):
    return base64.urlsafe_b64decode(s + "=" * (-len(s) % 4))


def compact(j):
    return json.dumps(j, separators=(",", ":")).encode()


def claims_of(jwt):
    return json.loads(unb64(jwt.split(".")[1]))


def openssl(*args, stdin=None):
    p = subprocess.run(["openssl", *args], capture_output=True, input=stdin)
    assert p.returncode == 0, (args, p.stderr)
    return p.stdout


class Key:
    """Ed25519 or P-256, in a file of the folder."""

    def __init__(self, folder, kind="ed25519"):
        self.kind = kind
        self.file = os.path.join(folder, uuid.uuid4().hex + ".pem")
        if kind == "ed25519":
            openssl("genpkey", "-algorithm", "ed25519", "-out", self.file)
        else:
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.file)
        der = openssl("pkey", "-in", self.file, "-pubout", "-outform", "DER")
        self.pub = der[-32:] if kind == "ed25519" else der[-64:]
        self.alg = "EdDSA" if kind == "ed25519" else "ES256"

    def jwk(self):
        if self.kind == "ed25519":
            return {"kty": "OKP", "crv": "Ed25519", "x": b64(self.pub)}
        return {"kty": "EC", "crv": "P-256", "x": b64(self.pub[:32]), "y": b64(self.pub[32:])}

    def sign(self, octets):
        with tempfile.NamedTemporaryFile() as f:
            f.write(octets)
            f.flush()
            if self.kind == "ed25519":
                return openssl("pkeyutl", "-sign", "-inkey", self.file, "-rawin", "-in", f.name)
            return raw_of_der(openssl("dgst", "-sha256", "-sign", self.file, f.name))

    def jwt(self, claims, kid=None, body=None, **header):
        """A header member of None is left out. body: octets in place of the claims."""
        h = {"alg": self.alg, "typ": "JWT", "kid": kid, **header}
        h = {k: v for k, v in h.items() if v is not None}
        text = b64(compact(h)) + "." + b64(compact(claims) if body is None else body)
        return text + "." + b64(self.sign(text.encode()))


def raw_of_der(der):
    """SEQUENCE of two INTEGERs to 32 and 32 octets."""
    out, at = b"", 2
    for _ in range(2):
        n = der[at + 1]
        out += int.from_bytes(der[at + 2:at + 2 + n], "big").to_bytes(32, "big")
        at += 2 + n
    return out


B58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def did_key(key):
    if key.kind == "ed25519":
        octets = b"\xed\x01" + key.pub
    else:
        octets = b"\x80\x24" + bytes([2 + (key.pub[-1] & 1)]) + key.pub[:32]
    n, out = int.from_bytes(octets, "big"), ""
    while n:
        n, d = divmod(n, 58)
        out = B58[d] + out
    return "did:key:z" + out


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        host = self.server.host
        n = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(n) if n else b""
        path = urllib.parse.urlsplit(self.path).path
        host.seen.append((self.command, path, self.headers, body))
        page = host.pages.get(path)
        got = page(self.command, self.headers, body) if callable(page) else page
        if got is None:
            got = (404, {}, b"")
        status, headers, out = got
        self.send_response(status)
        for k, v in headers.items():
            if k != "Content-Type" or not host.silent:
                self.send_header(k, v)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *a):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *a):
        pass


def certificate(ca, folder, name, client=False):
    """(certificate, key) of the demonstration authority in the folder ca."""
    base = os.path.join(folder, name)
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", base + "-key.pem",
            "-subj", "/CN=" + name, "-out", base + ".csr")
    with open(base + ".ext", "w", encoding="utf-8") as f:
        f.write("subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=" + ("clientAuth" if client else "serverAuth") + "\n")
    openssl("x509", "-req", "-in", base + ".csr", "-CA", os.path.join(ca, "ca.pem"), "-CAkey", os.path.join(ca, "ca-key.pem"),
            "-set_serial", str(uuid.uuid4().int >> 64), "-days", "30", "-extfile", base + ".ext", "-out", base + ".pem")
    return base + ".pem", base + "-key.pem"


class Host:
    """An HTTPS server on 127.0.0.1 whose pages tests set: path -> (status, headers, octets) or a function of
    (method, headers, body) that gives one."""

    def __init__(self, ca, demand=False):
        self.folder = tempfile.mkdtemp(prefix="kanhe-party.")
        self.pages, self.seen = {}, []
        self.silent = False  # whether it gives no media types
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.host = self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(ca, self.folder, "host"))
        if demand:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(os.path.join(ca, "ca.pem"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.url = f"https://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def page(self, path, body, status=200, kind="application/json", **headers):
        out = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else compact(body)
        self.pages[path] = (status, {"Content-Type": kind, **{k.replace("_", "-"): v for k, v in headers.items()}}, out)

    def asked(self, path):
        return sum(1 for s in self.seen if s[1] == path)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Party:
    """A subject with a did:web on a host, one key, and a credential service."""

    def __init__(self, host, name, kind="ed25519"):
        self.host, self.name = host, name
        self.key = Key(host.folder, kind)
        self.did = f"did:web:127.0.0.1%3A{host.port}:{name}"
        self.kid = self.did + "#k1"
        self.base = f"{host.url}/{name}"
        self.held = []  # what it presents
        self.write()
        host.pages[f"/{name}/cs/presentations/query"] = self.query

    def document(self, **over):
        doc = {"@context": ["https://www.w3.org/ns/did/v1"], "id": self.did,
               "verificationMethod": [{"id": self.kid, "type": "JsonWebKey2020", "controller": self.did,
                                       "publicKeyJwk": self.key.jwk()}],
               "authentication": [self.kid], "assertionMethod": [self.kid], "capabilityInvocation": [self.kid],
               "service": [{"id": self.did + "#cs", "type": "CredentialService", "serviceEndpoint": self.base + "/cs"},
                           {"id": self.did + "#is", "type": "IssuerService", "serviceEndpoint": self.base + "/issuer"},
                           {"id": self.did + "#dsp", "type": "DataService", "serviceEndpoint": self.base + "/dsp/2025-1"}]}
        return {**doc, **over}

    def write(self, **over):
        self.host.page(f"/{self.name}/did.json", self.document(**over), kind="application/did+json")

    # ---- tokens

    def claims(self, aud, /, **over):
        now = int(time.time())
        c = {"iss": self.did, "sub": self.did, "aud": aud, "jti": uuid.uuid4().hex, "iat": now, "exp": now + 120,
             "token": "access-" + uuid.uuid4().hex, **over}
        return {k: v for k, v in c.items() if v is not None}

    def token(self, aud, /, header=None, **over):
        return self.key.jwt(self.claims(aud, **over), **{"kid": self.kid, **(header or {})})

    # ---- as an issuer

    def credential(self, subject, kind="MembershipCredential", claims=None, status=None, v2=False, issuer=None, schema=None, vc_over=None, **over):
        now = int(time.time())
        subject_member = {"id": subject, **(claims or {})}
        kinds = [kind] if isinstance(kind, str) else list(kind)
        vc = {"id": "urn:uuid:" + str(uuid.uuid4()), "type": ["VerifiableCredential", *kinds], "issuer": issuer or self.did,
              "credentialSubject": subject_member}
        if status:
            vc["credentialStatus"] = status
        if schema:
            vc["credentialSchema"] = schema
        if v2:
            vc["@context"] = ["https://www.w3.org/ns/credentials/v2"]
            vc["validFrom"] = stamp(now - 60)
            vc["validUntil"] = stamp(now + 3600)
            vc.update(vc_over or {})
            c = {**vc, "iss": issuer or self.did, "sub": subject, **over}
        else:
            vc["@context"] = ["https://www.w3.org/2018/credentials/v1"]
            vc["issuanceDate"] = stamp(now - 60)
            vc = {k: v for k, v in {**vc, **(vc_over or {})}.items() if v is not None}
            c = {"iss": issuer or self.did, "sub": subject, "jti": vc["id"], "nbf": now - 60, "exp": now + 3600, "vc": vc, **over}
        return self.key.jwt({k: v for k, v in c.items() if v is not None}, kid=self.kid)

    def status_entry(self, index, purpose="revocation", bitstring=False, page="list"):
        return {"id": f"{self.base}/{page}#{index}", "type": "BitstringStatusListEntry" if bitstring else "StatusList2021Entry",
                "statusPurpose": purpose, "statusListIndex": str(index), "statusListCredential": f"{self.base}/{page}"}

    def status_list(self, bits=(), purpose="revocation", bitstring=False, page="list", octets=16384, encoded=None, key=None, vc_over=None, subject=None, **over):
        """Publishes the list with these bits set. vc_over, subject: members of the credential and of its subject; None: without."""
        field = bytearray(octets)
        for i in bits:
            field[i // 8] |= 0x80 >> (i % 8)
        text = encoded if encoded is not None else ("u" if bitstring else "") + b64(gzip.compress(bytes(field)))
        url, now = f"{self.base}/{page}", int(time.time())
        vc = {"@context": ["https://www.w3.org/2018/credentials/v1"], "id": url, "issuer": self.did, "issuanceDate": stamp(now - 60),
              "type": ["VerifiableCredential", "BitstringStatusListCredential" if bitstring else "StatusList2021Credential"],
              "credentialSubject": {"id": url + "#list", "type": "BitstringStatusList" if bitstring else "StatusList2021",
                                    "statusPurpose": purpose, "encodedList": text}}
        vc["credentialSubject"].update(subject or {})
        vc["credentialSubject"] = {k: v for k, v in vc["credentialSubject"].items() if v is not None}
        vc = {k: v for k, v in {**vc, **(vc_over or {})}.items() if v is not None}
        c = {"iss": self.did, "sub": url + "#list", "nbf": now - 60, "exp": now + 3600, "vc": vc, **over}
        self.host.page(f"/{self.name}/{page}", (key or self.key).jwt(c, kid=self.kid), kind="application/jwt")

    # ---- as a holder

    def presentation(self, aud, /, credentials=None, key=None, kid=None, **over):
        now = int(time.time())
        vp = {"@context": ["https://www.w3.org/2018/credentials/v1"], "type": ["VerifiablePresentation"], "holder": self.did,
              "verifiableCredential": self.held if credentials is None else credentials}
        c = {"iss": self.did, "sub": self.did, "aud": aud, "jti": uuid.uuid4().hex, "iat": now, "nbf": now, "exp": now + 120, "vp": vp, **over}
        return (key or self.key).jwt({k: v for k, v in c.items() if v is not None}, kid=kid or self.kid)

    def query(self, method, headers, body):
        """The credential service: presents what it holds to whoever asks."""
        aud = claims_of(headers["Authorization"][7:])["iss"]
        return self.answer([self.presentation(aud)])

    def answer(self, presentations):
        return 200, {"Content-Type": "application/json"}, compact(
            {"@context": [DCP], "type": "PresentationResponseMessage", "presentation": presentations})

    def presents(self, make):
        """make(audience): the presentations, or octets of a whole answer."""
        def page(method, headers, body):
            got = make(claims_of(headers["Authorization"][7:])["iss"])
            return (200, {"Content-Type": "application/json"}, got) if isinstance(got, bytes) else self.answer(got)
        self.host.pages[f"/{self.name}/cs/presentations/query"] = page


def stamp(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
