"""An Eclipse EDC connector (control plane, iam-mock, everything in memory) as a process, and what it needs beside it:
a web server with its DID document, and a data plane that speaks EDC's data plane signaling.

The connector is the published one: configured, not changed. iam-mock believes whoever names himself; kanhed lets it
in only where `space.iam_mock` names its DID."""
import base64
import http.client as http_client
import json
import os
import secrets
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

EDC_NS = "https://w3id.org/edc/v0.0.1/ns/"
VOCAB = {"@vocab": EDC_NS}
# version → EDC's name of the protocol, its path below the connector's, the context in which an offer is copied
VERSIONS = {
    "2025-1": ("dataspace-protocol-http:2025-1", "/2025-1", "http://www.w3.org/ns/odrl.jsonld"),
    "2024-1": ("dataspace-protocol-http:2024/1", "/2024/1", "https://w3id.org/dspace/2024/1/context.json")}
START_SECONDS = 300  # of a loaded machine with one core


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Broken(Exception):
    """The connector said no."""


def http(url, body=None, method=None, headers=None, context=None, patience=60):
    """(status, octets)."""
    u = urllib.parse.urlsplit(url)
    if u.scheme == "https":
        c = http_client.HTTPSConnection(u.hostname, u.port, timeout=patience, context=context)
    else:
        c = http_client.HTTPConnection(u.hostname, u.port, timeout=patience)
    try:
        c.request(method or ("POST" if body is not None else "GET"), u.path + (f"?{u.query}" if u.query else ""),
                  body=body, headers=headers or {})
        r = c.getresponse()
        return r.status, r.read()
    finally:
        c.close()


class Beside:
    """Serves the connector's DID document over TLS, and plays its data plane over plain HTTP."""

    def __init__(self, certificate, key, folder):
        self.data = {}      # path below /data → octets; None: they begin, and do not end
        self.over = threading.Event()
        self.flows = []     # data flow messages received
        self.tokens = set()
        self.reads = []     # (path, allowed)
        self.sunk = {}      # path → octets pushed there
        self.tls_port, self.port = free_port(), free_port()
        self.did = f"did:web:127.0.0.1%3A{self.tls_port}:edc"
        self.url = f"http://127.0.0.1:{self.port}"
        self.document = None
        self.x = self.public_key(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.servers = []
        for port, tls in ((self.tls_port, context), (self.port, None)):
            server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (Handler,), {"beside": self}))
            server.daemon_threads = True
            if tls:
                server.socket = tls.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.servers.append(server)

    @staticmethod
    def public_key(folder):
        """A fresh Ed25519 key: DID documents have one, though iam-mock signs nothing with it."""
        key = os.path.join(folder, "edc-key.pem")
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
        der = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        return base64.urlsafe_b64encode(der[-32:]).decode().rstrip("=")

    def describe(self, dsp):
        key = f"{self.did}#key-1"
        self.document = {
            "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"], "id": self.did,
            "verificationMethod": [{"id": key, "type": "JsonWebKey2020", "controller": self.did,
                                    "publicKeyJwk": {"kty": "OKP", "crv": "Ed25519", "x": self.x}}],
            "authentication": [key], "assertionMethod": [key],
            "service": [{"id": f"{self.did}#dsp", "type": "DataService", "serviceEndpoint": dsp}]}

    def flow(self, message):
        """EDC's control plane starts a flow: the answer says where the data is and with which token."""
        self.flows.append(message)
        if message.get("flowType") == "PUSH":  # none is made: the test looks at what was asked for
            return {"@context": VOCAB, "@type": "DataFlowResponseMessage"}
        source = find(message, "sourceDataAddress")
        token = secrets.token_urlsafe(24)
        self.tokens.add(token)
        properties = {"endpoint": find(source, "baseUrl"), "authorization": token, "authType": "bearer"}
        return {"@context": {**VOCAB, "dspace": "https://w3id.org/dspace/v0.8/"}, "@type": "DataFlowResponseMessage", "dataAddress": {
            "@type": "dspace:DataAddress", "dspace:endpointType": "https://w3id.org/idsa/v4.1/HTTP",
            "dspace:endpoint": properties["endpoint"], "dspace:endpointProperties": [
                {"@type": "dspace:EndpointProperty", "dspace:name": k, "dspace:value": v} for k, v in properties.items()]}}

    def close(self):
        self.over.set()
        for s in self.servers:
            s.shutdown()
            s.server_close()


def local(name):
    return str(name).rsplit("/", 1)[-1].rsplit(":", 1)[-1]


def find(address, name):
    """A property of a data address, whichever way its JSON-LD was compacted."""
    rows = [address] if isinstance(address, dict) else address if isinstance(address, list) else []
    for row in rows:
        plain = {local(k): v for k, v in row.items()}
        if name in plain:
            return plain[name]
        if local(plain.get("name")) == name:
            return plain.get("value")
        for v in row.values():
            got = find(v, name)
            if got is not None:
                return got
    return None


def negotiation_ask(address, did, dataset, offer, version="2025-1"):
    protocol, _, context = VERSIONS[version]
    odrl = "odrl:" if version == "2024-1" else ""  # the catalog as it came: only 2025-1's names go without
    policy = {odrl + k.removeprefix("odrl:") if k[0] != "@" else k: v for k, v in offer.items()}
    policy |= {"@context": context, "@type": odrl + "Offer", odrl + "assigner": did, odrl + "target": dataset}
    return {"@context": VOCAB, "@type": "ContractRequest", "counterPartyAddress": address, "protocol": protocol, "policy": policy}


def transfer_ask(address, did, dataset, agreement, version="2025-1", sink=None):
    """sink: where the provider pushes to, instead of being pulled from."""
    ask = {"@context": VOCAB, "@type": "TransferRequest", "counterPartyAddress": address, "connectorId": did,
           "contractId": agreement, "assetId": dataset, "protocol": VERSIONS[version][0], "transferType": "HttpData-PULL"}
    if sink:
        ask |= {"transferType": "HttpData-PUSH", "dataDestination": {"type": "HttpData", "baseUrl": sink}}
    return ask


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body, kind="application/json"):
        body = json.dumps(body).encode() if kind == "application/json" else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(b"begun")
        self.wfile.flush()
        self.beside.over.wait()

    def do_GET(self):
        b = self.beside
        if self.path == "/edc/did.json" and b.document:
            return self.answer(200, b.document)
        if self.path.startswith("/data/"):
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            b.reads.append((self.path, token in b.tokens))
            if token not in b.tokens:
                return self.answer(403, {"detail": "this token opens nothing"})
            if b.data.get(self.path[6:], b"") is None:
                return self.begin()
            if self.path[6:] in b.data:
                return self.answer(200, b.data[self.path[6:]], "text/csv")
        if self.path.startswith("/dps/"):  # EDC looks whether its data plane is there
            return self.answer(200, {})
        return self.answer(404, {"detail": "nothing here"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.rstrip("/") == "/dps/v1/dataflows":
            return self.answer(200, self.beside.flow(json.loads(body)))
        if self.path.startswith("/sink/"):
            self.beside.sunk[self.path] = body
        return self.answer(200, {})


class Connector:
    """The process. Ports of its own; stopped by its id."""
    classpath = ("lib/*",)  # below the folder
    arguments = ()
    settings = {}
    version = "2025-1"  # in which it asks

    def __init__(self, folder, beside):
        self.beside, self.folder = beside, folder
        self.ports = {name: free_port() for name in ("", "management", "protocol", "control", "version")}
        self.management = f"http://127.0.0.1:{self.ports['management']}/management/v3"
        self.control = f"http://127.0.0.1:{self.ports['control']}/control/v1"
        self.dsp = f"http://127.0.0.1:{self.ports['protocol']}/protocol"
        self.base = self.dsp + VERSIONS[self.version][1]
        beside.describe(self.base)

    def start(self, trusted):
        """trusted: the certificate of whom it believes TLS. Itself."""
        folder = self.folder
        with open(os.path.join(folder, "edc.properties"), "w") as f:
            f.write(self.properties())
        store = os.path.join(folder, "trusted.p12")
        if os.path.exists(store):
            os.unlink(store)
        subprocess.run(["keytool", "-importcert", "-noprompt", "-alias", "kanhe", "-file", trusted, "-keystore", store,
                        "-storetype", "PKCS12", "-storepass", "kanhe-test"], check=True, capture_output=True)
        self.log = open(os.path.join(folder, "edc.log"), "w")
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            ["java", f"-Dedc.fs.config={folder}/edc.properties", f"-Djavax.net.ssl.trustStore={store}",
             "-Djavax.net.ssl.trustStorePassword=kanhe-test", "-cp", ":".join(os.path.join(folder, c) for c in self.classpath),
             "org.eclipse.edc.boot.system.runtime.BaseRuntime", *self.arguments], stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        return self

    def properties(self):
        rows = {"edc.participant.id": self.beside.did, "edc.hostname": "127.0.0.1", "edc.dsp.callback.address": self.dsp}
        for name, port in self.ports.items():
            at = f"web.http.{name}." if name else "web.http."
            rows[at + "port"], rows[at + "path"] = port, f"/{name or 'api'}"
        return "".join(f"{k}={v}\n" for k, v in {**rows, **self.settings}.items())

    def ready(self):
        """Waits until it says so; seconds since it was started."""
        path = os.path.join(self.folder, "edc.log")
        while time.monotonic() - self.began < START_SECONDS:
            with open(path) as f:
                text = f.read()
            if " ready" in text and "service extensions started" in text:
                return time.monotonic() - self.began
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise Broken("EDC does not start:\n" + text[-3000:])

    def call(self, path, body=None, method=None, base=None):
        h = {"Content-Type": "application/json"}
        status, got = http((base or self.management) + path, None if body is None else json.dumps(body), method, h)
        if status >= 300:
            raise Broken(f"EDC answers {status} to {path}: {got[:600]!r}")
        return json.loads(got) if got else None

    def offer(self, asset, base_url, constraint=None):
        """An asset that everybody may use, under that constraint. The data plane is made known with the first one."""
        if not getattr(self, "offered", False):
            self.terms("open")
            self.call("/dataplanes", {"@context": VOCAB, "@type": "DataPlaneInstance", "@id": "plane",
                                      "url": self.beside.url + "/dps/v1/dataflows", "allowedSourceTypes": ["HttpData"],
                                      "allowedTransferTypes": ["HttpData-PULL", "HttpData-PUSH"]}, base=self.control)
            self.await_plane()
            self.offered = True
        if constraint:
            self.terms(asset, constraint)
        self.call("/assets", {"@context": VOCAB, "@id": asset, "properties": {"name": asset, "contenttype": "text/csv"},
                              "dataAddress": {"type": "HttpData", "baseUrl": base_url}})
        self.call("/contractdefinitions", {
            "@context": VOCAB, "@id": asset, "accessPolicyId": "open", "contractPolicyId": asset if constraint else "open",
            "assetsSelector": [{"operandLeft": EDC_NS + "id", "operator": "=", "operandRight": asset}]})

    def await_plane(self, seconds=60):
        """EDC looks whether its data plane is there before it starts a transfer on it."""
        deadline = time.monotonic() + seconds
        while not any(p["state"] == "AVAILABLE" for p in self.call("/dataplanes")):
            if time.monotonic() > deadline:
                raise Broken("EDC does not find its data plane")
            time.sleep(0.05)

    def terms(self, name, constraint=None):
        rule = {"action": "use", **({"constraint": [constraint]} if constraint else {})}
        self.call("/policydefinitions", {"@context": VOCAB, "@id": name, "policy": {
            "@context": "http://www.w3.org/ns/odrl.jsonld", "@type": "Set", "permission": [rule]}})

    def catalog(self, address, did):
        return self.call("/catalog/request", {"@context": VOCAB, "@type": "CatalogRequest", "counterPartyAddress": address,
                                              "counterPartyId": did, "protocol": VERSIONS[self.version][0]})

    def versions(self, address, did):
        """What a partner answers at /.well-known/dspace-version."""
        return self.call("/protocol-versions/request", {
            "@context": VOCAB, "@type": "ProtocolVersionRequest", "counterPartyAddress": address, "counterPartyId": did,
            "protocol": VERSIONS[self.version][0]}, base=self.management.replace("/v3", "/v4alpha"))

    def negotiate(self, address, did, dataset, offer):
        """Asks for it; the id to wait with. offer as EDC's own catalog answer has it."""
        return self.call("/contractnegotiations", negotiation_ask(address, did, dataset, offer, self.version))["@id"]

    def transfer(self, address, did, dataset, agreement, sink=None):
        return self.call("/transferprocesses", transfer_ask(address, did, dataset, agreement, self.version, sink))["@id"]

    def act(self, kind, id, verb):
        """verb: suspend, resume or terminate, with a reason."""
        type = {"transferprocesses": "Transfer", "contractnegotiations": "Negotiation"}[kind]
        self.call(f"/{kind}/{id}/{verb}", None if verb == "resume" else {
            "@context": VOCAB, "@type": verb.capitalize() + type, "@id": id, "reason": f"EDC says {verb}"}, method="POST")

    def await_state(self, kind, id, wanted, seconds=120, pause=0.02):
        """kind: contractnegotiations or transferprocesses. The row; Broken when it ends otherwise."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            row = self.call(f"/{kind}/{id}")
            if row["state"] == wanted:
                return row
            if row["state"] == "TERMINATED":
                raise Broken(f"{id} was ended: {json.dumps(row)}")
            time.sleep(pause)
        raise Broken(f"{id} stays {row['state']}: {row.get('errorDetail')}")

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
