"""A data space founded with Kanhe alone: an issuer, and two nodes that admit only members. The membership is shown by
a verifiable credential, and ends when the issuer revokes it; plus the ways without a wallet and what is refused."""
import json
import os
import tempfile
import time

from member import Member
from node import check, close_all, finish
from party import b64, claims_of

TOP = tempfile.mkdtemp(prefix="kanhe-dcp.")
CA = os.path.join(TOP, "ca")

founder, maker, buyer, stranger = nodes = [Member(name, CA) for name in ("founder", "maker", "buyer", "stranger")]
try:
    maker.configure(accept="dcp", issuers=f"{founder.did}=MembershipCredential", require="MembershipCredential")
    buyer.configure(accept="did dcp", issuers=founder.did, recheck="0")  # it shows what it holds, whatever its issuer says by now
    for n in nodes:
        n.start()

    # ---- no credential, no way in
    data = os.path.join(TOP, "data.csv")
    with open(data, "w", encoding="utf-8") as f:
        f.write("a,b\n1,2\n")
    maker.ok("publish", "publish", data, "--id", "d1", "--title", "t")
    status, out, err = buyer.kanhe("catalog", maker.did)
    check("without a credential the catalog is refused", status != 0 and "MembershipCredential" in out + err, out + err)

    # ---- founding
    jwt = founder.ok("issue", "credential", "issue", buyer.did, "MembershipCredential", "level=full").strip()
    vc = claims_of(jwt)["vc"]
    check("what is issued", vc["type"] == ["VerifiableCredential", "MembershipCredential"]
          and vc["credentialSubject"] == {"level": "full", "id": buyer.did} and vc["issuer"] == founder.did, vc)
    status, out, err = maker.kanhe("credential", "add", "-", stdin=jwt)
    check("a wallet takes only what is about its owner", status == 1 and "subject" in (out + err), out + err)
    buyer.ok("add", "credential", "add", "-", stdin=jwt)
    maker.ok("maker becomes a member too", "credential", "add", "-",
              stdin=founder.ok("issue", "credential", "issue", maker.did, "MembershipCredential"))
    held = json.loads(buyer.ok("list", "credential", "list", "--json"))["held"]
    check("it is held", [h["type"] for h in held] == [["MembershipCredential"]], held)

    # ---- a member deals
    out = buyer.ok("a member reads the catalog", "catalog", maker.did, "--json")
    check("and finds the dataset", [d["@id"] for d in json.loads(out)["dataset"]] == ["d1"], out)
    out = buyer.ok("and negotiates", "negotiate", maker.did, "d1", "--json")
    check("to an agreement", json.loads(out)["state"] == "FINALIZED", out)
    kept = json.loads(maker.ok("its messages are kept", "agreement", "show", json.loads(out)["agreement"], "--json"))["evidence"]
    check("with the credentials that let it in", len(kept) == 2 and all(
        e["record"]["by"] == "dcp" and e["record"]["credentials"] == [{"type": ["MembershipCredential"], "issuer": founder.did}] for e in kept), kept)
    status, out, err = stranger.kanhe("catalog", maker.did)
    check("a stranger does not", status != 0 and "MembershipCredential" in out + err, out + err)

    # ---- a credential of somebody who is not trusted
    forged = stranger.ok("stranger issues to itself", "credential", "issue", stranger.did, "MembershipCredential").strip()
    stranger.ok("and holds it", "credential", "add", "-", stdin=forged)
    status, out, err = stranger.kanhe("catalog", maker.did)
    check("which nobody trusts", status != 0 and "trusted" in out + err, out + err)
    head, body, sig = jwt.split(".")
    c = claims_of(jwt)
    c["sub"] = c["vc"]["credentialSubject"]["id"] = stranger.did
    rewritten = ".".join((head, b64(json.dumps(c).encode()), sig))
    before = json.loads(stranger.ok("list", "credential", "list", "--json"))["held"]
    for language, words in (("C.UTF-8", "the signature of a credential does not verify"), ("zh_CN.UTF-8", "凭证的签名验证失败")):
        status, out, err = stranger.kanhe("credential", "add", "-", stdin=rewritten, env={"LC_ALL": language})
        check(f"a rewritten credential is not held ({language})", status == 1 and words in out + err, out + err)
    nobody = {**c, "iss": "did:web:127.0.0.1%3A1:p:gone", "vc": {**c["vc"], "issuer": "did:web:127.0.0.1%3A1:p:gone"}}
    nobody = ".".join((b64(json.dumps({"alg": "EdDSA", "kid": nobody["iss"] + "#k"}).encode()), b64(json.dumps(nobody).encode()), sig))
    for language, words in (("C.UTF-8", "the issuer's DID document cannot be had: "), ("zh_CN.UTF-8", "无法取得签发方的 DID 文档：")):
        status, out, err = stranger.kanhe("credential", "add", "-", stdin=nobody, env={"LC_ALL": language})
        check(f"nor one whose issuer cannot be asked, and what to do is told ({language})", status == 1 and words in out + err and "--unchecked" in out + err, out + err)
    kid = ".".join((b64(json.dumps({"alg": "EdDSA", "kid": c["iss"] + "#none"}).encode()), b64(json.dumps(c).encode()), sig))
    status, out, err = stranger.kanhe("credential", "add", "-", stdin=kid)
    check("nor one of a key that the issuer does not have", status == 1 and "no such key" in out + err, out + err)
    check("nothing of all this stays", json.loads(stranger.ok("list", "credential", "list", "--json"))["held"] == before)
    out = stranger.ok("stranger holds the rewritten one all the same", "credential", "add", "-", "--unchecked", stdin=rewritten)
    check("which is said", "its signature was not checked" in out, out)
    lines = [x for x in stranger.ok("list", "credential", "list").splitlines() if "held" in x]
    check("and listed", ["not checked" in x for x in sorted(lines)].count(True) == 1, lines)
    status, out, err = stranger.kanhe("catalog", maker.did)
    check("whose signature does not verify", status != 0 and "signature" in out + err, out + err)

    # ---- revoked
    for node, name, wanted in ((maker, "maker", {"protocol": "DCP", "version": "1.0"}), (founder, "founder", None)):
        versions = node.request("GET", f"/p/{name}/.well-known/dspace-version")[1]["protocolVersions"]
        check(f"the versions of {name} tell of DCP only where it is accepted", all(v.get("auth") == wanted for v in versions), versions)
    status, got, headers = founder.request("GET", "/p/founder/dcp/status/1", headers={"Accept": "application/vc+jwt"})
    check("the status list is public", status == 200 and claims_of(got.decode())["vc"]["credentialSubject"]["statusPurpose"] == "revocation", got)
    founder.ok("revoke", "credential", "revoke", vc["id"])
    founder.ok("revoke twice", "credential", "revoke", vc["id"])
    status, out, err = founder.kanhe("credential", "revoke", "urn:uuid:none")
    check("there is no such credential", status == 3, out + err)
    status, out, err = buyer.kanhe("catalog", maker.did)
    check("the next request is refused with the reason", status != 0 and "revoked" in out + err, out + err)
    status, out, err = buyer.kanhe("negotiate", maker.did, "d1", "--json")
    check("and so is the next negotiation", status != 0 and "revoked" in out + err, out + err)
    rows = json.loads(founder.ok("list", "credential", "list", "--json"))["issued"]
    check("the issuer sees it", [bool(x.get("revoked")) for x in rows if x["id"] == vc["id"]] == [True], rows)
    buyer.ok("a new credential", "credential", "add", "-",
              stdin=founder.ok("issue again", "credential", "issue", buyer.did, "MembershipCredential"))
    status, out, err = buyer.kanhe("catalog", maker.did)
    check("the revoked one beside it still closes the door", status != 0 and "revoked" in out + err, out + err)
    buyer.ok("until it is taken out", "credential", "remove", vc["id"])
    check("once", buyer.kanhe("credential", "remove", vc["id"])[0] == 3)
    buyer.ok("the new one opens", "catalog", maker.did)

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
    out = stranger.ok("a pinned partner needs no credential", "catalog", maker.did, "--json")
    status, out, err = stranger.kanhe("negotiate", maker.did, "d1", "--json")
    check("and negotiates", status == 0 and json.loads(out)["state"] == "FINALIZED", out + err)
finally:
    close_all(TOP, *nodes)
finish()
