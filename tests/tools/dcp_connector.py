"""A participant whose connector is another product: the node is its wallet, its token service and its DID document.
And what such connectors read of an issuer: keys as JWK, status lists as JSON."""
import base64
import gzip
import hashlib
import http.server
import json
import os
import tempfile
import threading
import urllib.parse
import uuid

from node import Node, check, close_all, finish
from partner import Partner
from party import SCOPE, Host, Party, claims_of, openssl, unb64

TOP = tempfile.mkdtemp(prefix="kanhe-connector.")
CA = os.path.join(TOP, "ca")
TYPE = "MembershipCredential"
ASK = {"@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "CatalogRequestMessage"}


def node(name):
    n = Node("--participant", name, "--ca", CA, start=False, clear=False)
    n.name = name
    n.did = f"did:web:127.0.0.1%3A{n.port}:p:{name}"
    return n


def conf(n, section, **settings):
    with open(os.path.join(n.folder, "kanhed.conf"), "a", encoding="utf-8") as f:
        f.write(f"\n[{section}]\n" + "".join(f"{k} = {v}\n" for k, v in settings.items()))


def ok(what, n, *args, **more):
    status, out, err = n.kanhe(*args, **more)
    check(what, status == 0, out + err)
    return out


class Handler(http.server.BaseHTTPRequestHandler):
    """The connector: notes what comes."""
    came = []

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.came.append((self.path, self.headers.get("Authorization") or ""))
        body = json.dumps({**ASK, "@type": "CatalogError", "code": "SEEN", "reason": ["the connector was asked"]}).encode()
        self.send_response(400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def unb58(text):
    n = 0
    for c in text:
        n = n * 58 + "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".index(c)
    return n.to_bytes((n.bit_length() + 7) // 8, "big")


def jcs(j):
    """Enough of RFC 8785 for documents without numbers."""
    return json.dumps(j, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def proven(document, public):
    """eddsa-jcs-2022 (VC-DI-EDDSA 3.3), checked by openssl."""
    proof = dict(document["proof"])
    signature = unb58(proof.pop("proofValue")[1:]).rjust(64, b"\0")
    rest = {k: v for k, v in document.items() if k != "proof"}
    files = [os.path.join(TOP, x) for x in ("key.der", "signature", "signed")]
    for path, data in zip(files, (bytes.fromhex("302a300506032b6570032100") + public, signature,
                                  hashlib.sha256(jcs(proof)).digest() + hashlib.sha256(jcs(rest)).digest())):
        with open(path, "wb") as f:
            f.write(data)
    try:
        openssl("pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", files[0], "-rawin", "-in", files[2], "-sigfile", files[1])
    except AssertionError:
        return False
    return proof["cryptosuite"] == "eddsa-jcs-2022" and proof["proofPurpose"] == "assertionMethod"


def status_lists(public):
    def get(**accept):
        status, got, headers = founder.request("GET", "/p/founder/dcp/status/1", headers=accept)
        return got, (headers.get("Content-Type") or "").split(";")[0], headers.get("Vary")

    for accept in ("*/*", "application/json", "application/vc+ld+json", "application/json, application/jwt;q=0.9"):
        got, kind, vary = get(Accept=accept)
        check(f"{accept}: the list as JSON", isinstance(got, dict) and kind == "application/json" and "accept" in vary, (kind, got))
    for accept in ("application/vc+jwt", "application/jwt", "application/jwt, application/json;q=0.9", "application/vc+jwt, */*;q=0.1"):
        got, kind, vary = get(Accept=accept)
        check(f"{accept}: as JWT", kind == accept.split(",")[0] and claims_of(got.decode())["vc"]["type"][-1] == "StatusList2021Credential", kind)
    plain, jwt = get(Accept="application/json")[0], claims_of(get(Accept="application/jwt")[0].decode())["vc"]
    check("both say the same", plain["credentialSubject"] == jwt["credentialSubject"] and plain["issuer"] == jwt["issuer"] == founder.did)
    check("the JSON is proven", proven(plain, public), plain)
    check("and not when something else stands there", not proven({**plain, "issuer": "did:web:example.org"}, public))
    return plain["credentialSubject"]["encodedList"]


def revoked(encoded, index):
    """The bit, read as StatusList2021 says: base64, not base64url."""
    octets = gzip.decompress(base64.b64decode(encoded, validate=True))
    return octets[index // 8] >> (7 - index % 8) & 1


def purposes():
    """Documents that do not tell what their keys are for: refused, unless the owner says otherwise."""
    host = Host(CA)
    try:
        for name, members, let_in in (("bare", {}, True), ("half", {"authentication": 1}, True), ("none", {"capabilityInvocation": 0}, False),
                                      ("other", {"authentication": 0}, False), ("all", {"authentication": 1, "capabilityInvocation": 1}, None)):
            p = Party(host, name)
            doc = {k: v for k, v in p.document().items() if k not in ("authentication", "assertionMethod", "capabilityInvocation")}
            host.page(f"/{name}/did.json", {**doc, **{k: [p.kid] if v else [] for k, v in members.items()}}, kind="application/did+json")
            for n, wanted in ((founder, let_in is None), (easy, let_in is not False)):
                status, got, headers = n.request("POST", f"/p/{n.name}/dsp/2025-1/catalog/request", ASK,
                                                 headers={"Authorization": "Bearer " + p.token(n.did)})
                check(f"{n.name}, keys of {name}", status == 200 if wanted else status == 401 and "key-purpose" in json.dumps(got), (status, got))
    finally:
        host.close()


def left(offer):
    return offer["permission"][0]["constraint"][0]["leftOperand"]


def operands():
    """EDC writes "edc:" before an operand that has no prefix; under the protocol's context alone that means nothing."""
    peer = Partner(TOP, CA, "edc")
    rule = {"action": "use", "constraint": [{"leftOperand": "purpose", "operator": "eq", "rightOperand": "maintenance"}]}
    with open(os.path.join(TOP, "policy.json"), "w", encoding="utf-8") as f:
        json.dump({"permission": [rule]}, f)
    ok("publish", founder, "publish", f.name, "--id", "d1", "--title", "t", "--policy", f.name)
    try:
        offer = peer.call(founder, "founder", "/catalog/datasets/d1")[1]["hasPolicy"][0]
        check("the catalog has it as published", left(offer) == "purpose", offer)
        for said, taken in (("edc:purpose", True), ("edc:purposes", False), ("cx:purpose", False)):
            offer["permission"][0]["constraint"][0]["leftOperand"] = said
            status, got = peer.call(founder, "founder", "/negotiations/request", peer.message(
                "ContractRequestMessage", consumerPid=f"urn:uuid:{uuid.uuid4()}", callbackAddress=peer.base, offer={**offer, "target": "d1"}))
            check(f"asked with {said}", status == (201 if taken else 400), (status, got))
        agreed = left(peer.take("/agreement")["agreement"])
        check("the agreement tells the operand without a context", agreed == "https://w3id.org/edc/v0.0.1/ns/purpose", agreed)

        rule["constraint"][0]["leftOperand"] = "edc:purpose"
        dataset = {"@context": ASK["@context"], "@id": "d9", "@type": "Dataset", "hasPolicy": [{"@id": "o9", "@type": "Offer", "permission": [rule]}],
                   "distribution": [{"@type": "Distribution", "format": "HttpData-PULL", "accessService": "urn:x"}]}
        asked = []
        peer.answers["/dsp/2025-1/catalog/datasets/d9"] = lambda handler, body: (200, dataset)
        peer.answers["/dsp/2025-1/negotiations/request"] = lambda handler, body: asked.append(body) or (400, {})
        status, out, err = founder.kanhe("negotiate", peer.did, "d9")
        check("what EDC offers is asked for so too", asked and left(asked[0]["offer"]) == "https://w3id.org/edc/v0.0.1/ns/purpose", (asked, out, err))
    finally:
        peer.close()


founder, wallet, maker, wrong, easy = nodes = [node(name) for name in ("founder", "wallet", "maker", "wrong", "easy")]
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
there = f"http://127.0.0.1:{server.server_port}/protocol/2025-1"
try:
    conf(wallet, "space", connectors=f"wallet={there}/")
    conf(maker, "identity", accept="dcp", issuers=f"{founder.did}={TYPE}", require=TYPE)
    conf(easy, "identity", purposes="declared")
    for n in (founder, wallet, maker, easy):
        n.start()
    purposes()
    operands()

    # ---- settings that say nothing
    text = open(os.path.join(wrong.folder, "kanhed.conf"), encoding="utf-8").read()
    for what, more in (("no address", "wrong"), ("another scheme", "wrong=ftp://a"), ("a query", "wrong=http://a?b"),
                       ("no participant", "W=http://a"), ("two of one", "wrong=http://a wrong=http://b")):
        with open(os.path.join(wrong.folder, "kanhed.conf"), "w", encoding="utf-8") as f:
            f.write(f"{text}\n[space]\nconnectors = {more}\n")
        status, out, err = wrong.kanhe("node", "start")
        check(f"{what}: refused", status != 0 and "space.connectors" in out + err + wrong.log(), out + err + wrong.log())

    # ---- where it is told to be
    doc = wallet.request("GET", "/p/wallet/did.json")[1]
    services = {s["type"]: s["serviceEndpoint"] for s in doc["service"]}
    check("the document names the connector", services["DataService"] == there and services["CredentialService"].startswith(wallet.url), doc)
    check("once", sum(s["type"] == "DataService" for s in doc["service"]) == 1, doc)
    check("its owner sees it", wallet.request("GET", "/participants/wallet", token="owner")[1]["dsp"] == there)
    for path, body in (("/p/wallet/.well-known/dspace-version", None), ("/.well-known/dspace-version", None),
                       ("/p/wallet/dsp/2025-1/catalog/request", ASK), ("/p/wallet/dsp/2025-1/negotiations/request", {}),
                       ("/p/wallet/dsp/2025-1/transfers/x/start", {})):
        status, got, headers = wallet.request("POST" if body is not None else "GET", path, body)
        check(f"{path} is not here", status == 404 and there in json.dumps(got), (status, got))
    status, out, err = wallet.kanhe("negotiate", maker.did, "d1")
    check("nothing is negotiated for it here", status != 0 and there in out + err, out + err)
    status, out, err = maker.kanhe("catalog", wallet.did)
    check("partners ask the connector", "the connector was asked" in out + err and Handler.came
          and Handler.came[-1][0] == "/protocol/2025-1/catalog/request" and Handler.came[-1][1].startswith("Bearer "), (out, err, Handler.came))

    # ---- its tokens and credentials
    client = json.loads(ok("client", wallet, "credential", "client", "add", "erp", TYPE, "--json"))

    def catalog(alias=SCOPE):
        form = {"grant_type": "client_credentials", "client_id": "erp", "client_secret": client["client_secret"],
                "audience": maker.did, "bearer_access_scope": alias + TYPE + ":read"}
        status, got, headers = wallet.request("POST", "/p/wallet/sts/token", urllib.parse.urlencode(form).encode(),
                                              headers={"Content-Type": "application/x-www-form-urlencoded"})
        if status != 200:
            return status, got
        token = {"Authorization": "Bearer " + got["access_token"]}
        return maker.request("POST", "/p/maker/dsp/2025-1/catalog/request", ASK, headers=token)[:2]

    status, got = catalog()
    check("without a credential it is not let in", status == 401 and TYPE in json.dumps(got), got)
    jwt = ok("issue", founder, "credential", "issue", wallet.did, TYPE).strip()
    ok("hold", wallet, "credential", "add", "-", stdin=jwt)
    status, got = catalog()
    check("with it it is", status == 200, got)
    for alias, wanted in (("org.eclipse.edc.vc.type:", 200), ("org.eclipse.tractusx.vc.type:", 200), ("org.example.vc.type:", 400)):
        status, got = catalog(alias)
        check(f"with the scope {alias}", status == wanted, got)

    # ---- what it reads of an issuer
    methods = {m["id"]: m for m in founder.request("GET", "/p/founder/did.json")[1]["verificationMethod"]}
    kid = json.loads(unb64(jwt.split(".")[0]))["kid"]
    check("credentials are signed by a key that is told as a JWK", methods[kid].get("publicKeyJwk", {}).get("crv") == "Ed25519", methods)
    check("and that is for assertions", kid in founder.request("GET", "/p/founder/did.json")[1]["assertionMethod"], kid)
    public = unb64(methods[kid]["publicKeyJwk"]["x"])
    index = int(claims_of(jwt)["vc"]["credentialStatus"]["statusListIndex"])
    check("not revoked", not revoked(status_lists(public), index))
    ok("revoke", founder, "credential", "revoke", claims_of(jwt)["vc"]["id"])
    check("revoked", revoked(status_lists(public), index))
    status, got = catalog()
    check("and not let in any more", status == 401 and "revoked" in json.dumps(got), got)
finally:
    server.shutdown()
    close_all(TOP, *nodes)
finish()
