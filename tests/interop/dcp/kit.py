"""Runs the kit's suites and reads their verdicts from their text: they exit with 0 whatever they find. Clear text, as the
kit resolves did:web over http."""
import http.server
import json
import os
import sys
import tempfile
import threading
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..", "tools")]
import verdict  # noqa: E402
import node as nodes  # noqa: E402
from party import DCP, DSP, Key  # noqa: E402

KIT_SECONDS = 900
SUITE = "org.eclipse.dataspacetck.dcp.suite.DcpTckSuite"
PARTS = {"verifier": "presentation.verifier", "credential-service": "presentation.cs", "storage": "issuance.cs", "issuer": "issuance.issuer"}
TYPES = ("MembershipCredential", "SensitiveDataCredential")
# of one request, and of the request that the kit refuses
PID, REFUSED = "kit-holder-pid", "kit-refused-pid"


class Stand(http.server.BaseHTTPRequestHandler):
    """A small server: pages by method and path."""
    protocol_version = "HTTP/1.1"

    def take(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        page = self.server.pages.get((self.command, self.path))
        status, out, headers = page(self.headers, body) if page else (404, b"", {})
        self.send_response(status)
        for k, v in {"Content-Type": "application/json", "Content-Length": str(len(out)), **headers}.items():
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(out)

    do_GET = do_POST = take

    def log_message(self, *a):
        pass


def stand(port, pages):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Stand)
    server.pages = pages
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def trigger(n):
    """The kit's trigger is a message of another version of the protocol, without a context: what it brings is its token."""
    def ask(headers, _):
        token = {"Authorization": headers["Authorization"]} if headers["Authorization"] else {}
        q = urllib.request.Request(n.base + "/dsp/2025-1/catalog/request", method="POST", headers={"Content-Type": "application/json", **token},
                                   data=json.dumps({"@context": [DSP], "@type": "CatalogRequestMessage"}).encode())
        try:
            with urllib.request.urlopen(q, timeout=60) as r:
                return r.status, r.read(), {}
        except urllib.error.HTTPError as e:
            return e.code, e.read(), {}
    return stand(0, {("POST", "/trigger"): ask})


def open_node(issuer):
    n = nodes.Node("--participant", "kit", "--tokens", "ES256", start=False, plain=True)
    n.base, n.did = f"{n.clear}/p/kit", f"did:web:127.0.0.1%3A{n.clear_port}:p:kit"
    with open(os.path.join(n.folder, "kanhed.conf"), "a", encoding="utf-8") as f:
        f.write(f"\n[identity]\naccept = dcp\nissuers = {issuer}\nrequire = MembershipCredential\n")
    n.start()
    n.secret = n.request("POST", "/participants/kit/token-clients", {"client_id": "kit"}, token="owner")[1]["client_secret"]
    for i, t in enumerate(TYPES, 1):
        status, out, err = n.kanhe("credential", "type", "add", t, "--open", "--id", f"credential-object-id{i}")
        assert status == 0, (out, err)
    return n


def ask_before(n, issuer, port):
    """Deliveries are taken only for what was asked for, and the kit begins with them as soon as it is there: its issuer is
    asked in its place, at its address, and then forgotten."""
    asked, base = [], f"http://127.0.0.1:{port}"
    said = lambda j, status=200, **headers: lambda h, b: (status, json.dumps(j).encode(), headers)
    with tempfile.TemporaryDirectory() as folder:
        key = Key(folder, "p256")
        pages = {
            ("GET", "/issuer/did.json"): said({
                "@context": ["https://www.w3.org/ns/did/v1"], "id": issuer, "service": [
                    {"id": issuer + "#issuer", "type": "IssuerService", "serviceEndpoint": base}],
                "verificationMethod": [{"id": issuer + "#k", "type": "JsonWebKey2020", "controller": issuer, "publicKeyJwk": key.jwk()}]}),
            ("GET", "/metadata"): said({"@context": [DCP], "type": "IssuerMetadata", "issuer": issuer, "credentialsSupported": [
                {"id": t, "type": "CredentialObject", "credentialType": t, "bindingMethods": ["did:web"], "profile": "vc11-sl2021/jwt"} for t in TYPES]}),
            ("POST", "/credentials"): lambda h, b: asked.append(json.loads(b)["holderPid"]) or (201, b"{}", {"Location": base + "/requests/1"}),
        }
        server = stand(port, pages)
        try:
            for pid in (PID, REFUSED):
                status, out, err = n.kanhe("credential", "request", issuer, *TYPES, "--id", pid, "--no-wait")
                assert status == 0, (out, err)
            assert nodes.until(lambda: sorted(asked) == sorted((PID, REFUSED))), asked
        finally:
            server.shutdown()
            server.server_close()
    n.kanhe("node", "stop")
    n.start()


def properties(n, part, port, at):
    rows = {
        "dataspacetck.ansi": "false",
        "dataspacetck.host": "127.0.0.1",
        "dataspacetck.port": port,
        "dataspacetck.callback.address": f"http://127.0.0.1:{port}",
        "dataspacetck.test.package": "org.eclipse.dataspacetck.dcp.verification." + PARTS[part],
        "dataspacetck.revocation.type": "bitstringstatuslist",
        "dataspacetck.credentials.correlation.id": PID,
        "dataspacetck.credentials.correlation.id.cs_06_05_01_credentialMessage_rejectedStatus": REFUSED,
        "dataspacetck.vpp.trigger.endpoint": at,
    }
    if part in ("storage", "credential-service"):  # else the kit is the holder and has a token service of its own
        rows.update({"dataspacetck.sts.url": n.base + "/sts", "dataspacetck.sts.client.id": "kit", "dataspacetck.sts.client.secret": n.secret})
    role = {"verifier": "verifier", "issuer": "issuer"}.get(part, "holder")
    rows[f"dataspacetck.did.{role}"] = n.did
    return rows


def run_part(part, kit, port):
    issuer = f"did:web:127.0.0.1%3A{port}:issuer"
    n = open_node(issuer)
    front = trigger(n)
    try:
        if part in ("storage", "credential-service"):
            ask_before(n, issuer, port)
        told = verdict.play(kit, part, SUITE, properties(n, part, port, f"http://127.0.0.1:{front.server_address[1]}/trigger"), KIT_SECONDS)
    finally:
        front.shutdown()
        n.close()
    if not told:
        return 0, 1
    good, bad = told
    print(f"DCP conformance kit, {part}: {len(good)} passed, {len(bad)} failed" + (": " + "; ".join(bad) if bad else ""))
    return len(good), len(bad)


def main():
    passed = failed = 0
    for part in PARTS:
        good, bad = run_part(part, sys.argv[2], nodes.free_port())
        passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
