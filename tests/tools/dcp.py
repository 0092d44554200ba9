"""A data space founded with Kanhe alone: an issuer, and two nodes that admit only members. The membership is shown by
a verifiable credential, and ends when the issuer revokes it; plus the ways without a wallet and what is refused."""
import base64
import hashlib
import json
import os
import shutil
import tempfile
import time

from node import Node, check, finish, run, until

TOP = tempfile.mkdtemp(prefix="kanhe-dcp.")
CA = os.path.join(TOP, "ca")


def node(name):
    n = Node("--participant", name, "--ca", CA, start=False, clear=False)
    n.did = f"did:web:127.0.0.1%3A{n.port}:p:{name}"
    return n


def conf(n, **settings):
    with open(os.path.join(n.folder, "kanhed.conf"), "a", encoding="utf-8") as f:
        f.write("\n[identity]\n" + "".join(f"{k} = {v}\n" for k, v in settings.items()))


def b64(b):
    return base64.urlsafe_b64encode(b).rstrip(b"=").decode()


def claims(jwt):
    p = jwt.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(p + "=" * (-len(p) % 4)))


def ok(what, n, *args, **more):
    status, out, err = n.kanhe(*args, **more)
    check(what, status == 0, out + err)
    return out


founder, maker, buyer, stranger = nodes = [node(name) for name in ("founder", "maker", "buyer", "stranger")]
try:
    conf(maker, accept="dcp", issuers=f"{founder.did}=MembershipCredential", require="MembershipCredential")
    conf(buyer, accept="did dcp", issuers=founder.did)
    for n in nodes:
        n.start()

    # ---- no credential, no way in
    data = os.path.join(TOP, "data.csv")
    with open(data, "w", encoding="utf-8") as f:
        f.write("a,b\n1,2\n")
    ok("publish", maker, "publish", data, "--id", "d1", "--title", "t")
    status, out, err = buyer.kanhe("catalog", maker.did)
    check("without a credential the catalog is refused", status != 0 and "MembershipCredential" in out + err, out + err)

    # ---- founding
    jwt = ok("issue", founder, "credential", "issue", buyer.did, "MembershipCredential", "level=full").strip()
    vc = claims(jwt)["vc"]
    check("what is issued", vc["type"] == ["VerifiableCredential", "MembershipCredential"]
          and vc["credentialSubject"] == {"level": "full", "id": buyer.did} and vc["issuer"] == founder.did, vc)
    status, out, err = maker.kanhe("credential", "add", "-", stdin=jwt)
    check("a wallet takes only what is about its owner", status == 1 and "subject" in (out + err), out + err)
    ok("add", buyer, "credential", "add", "-", stdin=jwt)
    ok("maker becomes a member too", maker, "credential", "add", "-",
       stdin=ok("issue", founder, "credential", "issue", maker.did, "MembershipCredential"))
    held = json.loads(ok("list", buyer, "credential", "list", "--json"))["held"]
    check("it is held", [h["type"] for h in held] == [["MembershipCredential"]], held)

    # ---- a member deals
    out = ok("a member reads the catalog", buyer, "catalog", maker.did, "--json")
    check("and finds the dataset", [d["@id"] for d in json.loads(out)["dataset"]] == ["d1"], out)
    out = ok("and negotiates", buyer, "negotiate", maker.did, "d1", "--json")
    check("to an agreement", json.loads(out)["state"] == "FINALIZED", out)
    kept = json.loads(ok("its messages are kept", maker, "agreement", "show", json.loads(out)["agreement"], "--json"))["evidence"]
    check("with the credentials that let it in", len(kept) == 2 and all(
        e["record"]["by"] == "dcp" and e["record"]["credentials"] == [{"type": ["MembershipCredential"], "issuer": founder.did}] for e in kept), kept)
    status, out, err = stranger.kanhe("catalog", maker.did)
    check("a stranger does not", status != 0 and "MembershipCredential" in out + err, out + err)

    # ---- a credential of somebody who is not trusted
    forged = ok("stranger issues to itself", stranger, "credential", "issue", stranger.did, "MembershipCredential").strip()
    ok("and holds it", stranger, "credential", "add", "-", stdin=forged)
    status, out, err = stranger.kanhe("catalog", maker.did)
    check("which nobody trusts", status != 0 and "trusted" in out + err, out + err)
    head, body, sig = jwt.split(".")
    c = claims(jwt)
    c["sub"] = c["vc"]["credentialSubject"]["id"] = stranger.did
    ok("stranger rewrites the member's credential", stranger, "credential", "add", "-",
       stdin=".".join((head, b64(json.dumps(c).encode()), sig)))
    status, out, err = stranger.kanhe("catalog", maker.did)
    check("whose signature does not verify", status != 0 and "signature" in out + err, out + err)

    # ---- revoked
    for node, name, wanted in ((maker, "maker", {"protocol": "DCP", "version": "1.0"}), (founder, "founder", None)):
        versions = node.request("GET", f"/p/{name}/.well-known/dspace-version")[1]["protocolVersions"]
        check(f"the versions of {name} tell of DCP only where it is accepted", all(v.get("auth") == wanted for v in versions), versions)
    status, got, headers = founder.request("GET", "/p/founder/dcp/status/1", headers={"Accept": "application/vc+jwt"})
    check("the status list is public", status == 200 and claims(got.decode())["vc"]["credentialSubject"]["statusPurpose"] == "revocation", got)
    ok("revoke", founder, "credential", "revoke", vc["id"])
    ok("revoke twice", founder, "credential", "revoke", vc["id"])
    status, out, err = founder.kanhe("credential", "revoke", "urn:uuid:none")
    check("there is no such credential", status == 3, out + err)
    status, out, err = buyer.kanhe("catalog", maker.did)
    check("the next request is refused with the reason", status != 0 and "revoked" in out + err, out + err)
    status, out, err = buyer.kanhe("negotiate", maker.did, "d1", "--json")
    check("and so is the next negotiation", status != 0 and "revoked" in out + err, out + err)
    rows = json.loads(ok("list", founder, "credential", "list", "--json"))["issued"]
    check("the issuer sees it", [bool(x.get("revoked")) for x in rows if x["id"] == vc["id"]] == [True], rows)
    ok("a new credential", buyer, "credential", "add", "-",
       stdin=ok("issue again", founder, "credential", "issue", buyer.did, "MembershipCredential"))
    status, out, err = buyer.kanhe("catalog", maker.did)
    check("the revoked one beside it still closes the door", status != 0 and "revoked" in out + err, out + err)
    ok("until it is taken out", buyer, "credential", "remove", vc["id"])
    check("once", buyer.kanhe("credential", "remove", vc["id"])[0] == 3)
    ok("the new one opens", buyer, "catalog", maker.did)

    # ---- attacks on the doors of DCP
    q = {"@context": ["https://w3id.org/dspace-dcp/v1.0/dcp.jsonld"], "type": "PresentationQueryMessage",
         "scope": ["org.eclipse.dspace.dcp.vc.type:MembershipCredential:read"]}
    status, got, headers = buyer.request("POST", "/p/buyer/dcp/presentations/query", q)
    check("no token, no presentation", status == 401, got)
    for what, token in (("alg none", b64(b'{"alg":"none"}') + "." + b64(b"{}") + "."),
                        ("HS256", b64(b'{"alg":"HS256"}') + "." + b64(b"{}") + "." + b64(bytes(32))),
                        ("an embedded key", b64(b'{"alg":"EdDSA","jwk":{}}') + "." + b64(b"{}") + "." + b64(bytes(64)))):
        status, got, headers = buyer.request("POST", "/p/buyer/dcp/presentations/query", q, headers={"Authorization": "Bearer " + token})
        check(f"{what} is refused", status == 401, got)
    for did in ("did:web:169.254.169.254", "did:web:localhost%3A1%2F..", "did:web:127.0.0.1%3A1:..:x", "did:web:a@b", "did:key:z6MkbAd"):
        body = {"iss": did, "sub": did, "aud": maker.did, "jti": did, "exp": int(time.time()) + 60}
        token = b64(b'{"alg":"EdDSA","kid":"k"}') + "." + b64(json.dumps(body).encode()) + "." + b64(bytes(64))
        status, got, headers = maker.request("POST", "/p/maker/dsp/2025-1/catalog/request", {}, headers={"Authorization": "Bearer " + token})
        check(f"issuer {did} is not admitted", status in (401, 503), (status, got))

    # ---- without a wallet: the key is pinned
    maker.kanhe("node", "stop", "--quiet")
    status, doc, headers = stranger.request("GET", "/p/stranger/did.json")
    doc = json.loads(doc) if isinstance(doc, bytes) else doc
    key = [m["publicKeyMultibase"] for m in doc["verificationMethod"] if "publicKeyMultibase" in m][0]
    text = open(os.path.join(maker.folder, "kanhed.conf"), encoding="utf-8").read()
    with open(os.path.join(maker.folder, "kanhed.conf"), "w", encoding="utf-8") as f:
        f.write(text.replace("accept = dcp", f"accept = dcp pinned\npartners = {stranger.did}={key}@{stranger.url}/p/stranger/dsp/2025-1"))
    maker.start()
    out = ok("a pinned partner needs no credential", stranger, "catalog", maker.did, "--json")
    status, out, err = stranger.kanhe("negotiate", maker.did, "d1", "--json")
    check("and negotiates", status == 0 and json.loads(out)["state"] == "FINALIZED", out + err)
finally:
    for n in nodes:
        n.close()
    shutil.rmtree(TOP, ignore_errors=True)
finish()
