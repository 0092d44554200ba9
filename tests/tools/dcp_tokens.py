"""Keys and tokens of DCP between live nodes: ES256 and EdDSA on either side, did:key, the token service with its scopes,
and what a credential service shows to whom."""
import json
import os
import tempfile
import time
import urllib.parse
import uuid

from member import Member
from node import check, close_all, finish
from party import DCP, SCOPE, Host, Key, Party, b64, claims_of, compact, did_key, openssl, unb64

TOP = tempfile.mkdtemp(prefix="kanhe-tokens.")
CA = os.path.join(TOP, "ca")


def header_of(jwt):
    return json.loads(unb64(jwt.split(".")[0]))


def document(n):
    got = n.request("GET", f"/p/{n.name}/did.json")[1]
    return json.loads(got) if isinstance(got, bytes) else got


def catalog(n, token):
    body = {"@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "CatalogRequestMessage"}
    return n.request("POST", f"/p/{n.name}/dsp/2025-1/catalog/request", body, headers={"Authorization": "Bearer " + token})


def verified(jwt, jwk):
    """By openssl, which knows nothing of us: the signature of an ES256 token."""
    head, body, sig = jwt.split(".")
    sig = unb64(sig)
    der = b""
    for half in (sig[:32], sig[32:]):
        n = half.lstrip(b"\0") or b"\0"
        n = (b"\0" if n[0] & 0x80 else b"") + n
        der += b"\x02" + bytes([len(n)]) + n
    files = [os.path.join(TOP, x) for x in ("sig", "pub.der", "text")]
    spki = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004") + unb64(jwk["x"]) + unb64(jwk["y"])
    for path, octets in zip(files, (b"\x30" + bytes([len(der)]) + der, spki, f"{head}.{body}".encode())):
        with open(path, "wb") as f:
            f.write(octets)
    return b"Verified OK" in openssl("dgst", "-sha256", "-verify", files[1], "-keyform", "DER", "-signature", files[0], files[2])


def sts(n, secret=None, client="erp", **fields):
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret, **fields}
    body = urllib.parse.urlencode({k: v for k, v in form.items() if v is not None}).encode()
    return n.request("POST", f"/p/{n.name}/sts/token", body, headers={"Content-Type": "application/x-www-form-urlencoded"})


def query(n, token, *scopes, **over):
    body = {"@context": [DCP], "type": "PresentationQueryMessage", "scope": list(scopes), **over}
    return n.request("POST", f"/p/{n.name}/dcp/presentations/query", body, headers={"Authorization": "Bearer " + token})


def shown(got):
    """Types of the credentials inside the presentations."""
    out = []
    for vp in got[1]["presentation"]:
        for vc in claims_of(vp)["vp"]["verifiableCredential"]:
            out.append(claims_of(vc)["vc"]["type"][1])
    return sorted(out)


founder, maker = Member("founder", CA, "--tokens", "ES256"), Member("maker", CA)
buyer, smith = Member("buyer", CA, "--tokens", "ES256"), Member("smith", CA)
nodes = [founder, maker, buyer, smith]
host = Host(CA)
try:
    maker.configure(accept="did dcp", issuers=f"{founder.did}=MembershipCredential", require="MembershipCredential")
    buyer.configure(accept="dcp", issuers=f"{founder.did}=MembershipCredential", require="MembershipCredential")
    smith.configure(accept="did", disclose="MembershipCredential")
    for n in nodes:
        n.start()

    # ---- documents
    doc = document(founder)
    token_method = [m for m in doc["verificationMethod"] if m["id"].endswith("#token-1")][0]
    check("a P-256 key stands in the document", token_method["publicKeyJwk"]["crv"] == "P-256" and "d" not in token_method["publicKeyJwk"], doc)
    check("for every purpose", all(token_method["id"] in doc[p] for p in ("authentication", "assertionMethod", "capabilityInvocation")), doc)
    check("beside the Ed25519 key for proofs", [m["id"] for m in doc["verificationMethod"] if "publicKeyMultibase" in m][0] in doc["assertionMethod"])
    check("EdDSA nodes have none", not any("P-256" in json.dumps(m) for m in document(maker)["verificationMethod"]))

    # ---- credentials of an ES256 issuer, for an EdDSA and an ES256 holder
    jwt = founder.ok("issue", "credential", "issue", buyer.did, "MembershipCredential").strip()
    check("the credential is ES256", header_of(jwt)["alg"] == "ES256" and header_of(jwt)["kid"] == token_method["id"], header_of(jwt))
    check("openssl verifies it", verified(jwt, token_method["publicKeyJwk"]))
    buyer.ok("hold", "credential", "add", "-", stdin=jwt)
    for n in (maker, smith):
        n.ok("hold", "credential", "add", "-", stdin=founder.ok("issue", "credential", "issue", n.did, "MembershipCredential"))
    status_list = founder.request("GET", "/p/founder/dcp/status/1", headers={"Accept": "application/vc+jwt"})[1].decode()
    check("its status list is ES256", header_of(status_list)["alg"] == "ES256" and verified(status_list, token_method["publicKeyJwk"]))
    with open(os.path.join(TOP, "data.csv"), "w", encoding="utf-8") as f:
        f.write("a,b\n1,2\n")
    for n, other in ((maker, buyer), (buyer, maker)):
        n.ok("publish", "publish", f.name, "--id", "d1", "--title", "t")
    for n, other in ((maker, buyer), (buyer, maker)):
        out = other.ok(f"{other.name} negotiates with {n.name}", "negotiate", n.did, "d1", "--json")
        got = json.loads(out)
        check("to an agreement", got["state"] == "FINALIZED", out)
        out = other.ok("agreement verify", "agreement", "verify", got["agreement"], "--json")
        proven = json.loads(out)
        check("signed by both", proven["verified"] and all(p["signed"] and p["verified"] for p in proven["parties"]), out)
    founder.kanhe("node", "restart")
    check("the key is the same after a restart", document(founder) == doc)
    check("and still signs", verified(founder.ok("issue", "credential", "issue", buyer.did, "Other").strip(), token_method["publicKeyJwk"]))

    # ---- did:key
    for kind in ("ed25519", "p256"):
        key = Key(TOP, kind)
        did = did_key(key)
        kid = did + "#" + did[len("did:key:"):]
        claims = lambda aud, **over: {"iss": did, "sub": did, "aud": aud, "jti": uuid.uuid4().hex, "exp": int(time.time()) + 200, **over}
        status, got, _ = catalog(smith, key.jwt(claims(smith.did), kid=kid))
        check(f"{kind}: a did:key is admitted by its key", status == 200, got)
        status, got, _ = catalog(smith, key.jwt(claims(smith.did)))
        check("also when it names no key", status == 200, got)
        status, got, _ = catalog(smith, key.jwt(claims(smith.did), kid=did + "#other"))
        check("not by another fragment", status == 401 and "key-unknown" in json.dumps(got), got)
        status, got, _ = catalog(smith, Key(TOP, kind).jwt(claims(smith.did), kid=kid))
        check("not by another key", status == 401 and '"signature"' in json.dumps(got), got)
        status, got, _ = catalog(buyer, key.jwt(claims(buyer.did, token="t"), kid=kid))
        check("where credentials are required it has no service that shows them", status == 401 and "no-credential-service" in json.dumps(got), got)
    for bad in ("did:key:", "did:key:z", "did:key:z6MkbAd", "did:key:zDnbad", "did:key:z" + "1" * 190):
        status, got, _ = catalog(smith, key.jwt(claims(smith.did, iss=bad, sub=bad), kid=bad + "#k"))
        check(f"{bad[:20]} is no issuer", status == 401 and '"did"' in json.dumps(got), got)

    # ---- the token service
    added = smith.request("POST", "/participants/smith/token-clients", {"client_id": "erp", "types": ["MembershipCredential"]}, token="owner")
    check("a client is let in", added[0] == 201 and added[1]["token_url"].endswith("/p/smith/sts/token"), added)
    secret = added[1]["client_secret"]
    listed = smith.request("GET", "/participants/smith/token-clients", token="owner")[1]
    check("its secret is told once", [c["client_id"] for c in listed["clients"]] == ["erp"] and secret not in json.dumps(listed) and "secret" not in json.dumps(listed), listed)
    status, got, headers = sts(smith, secret, audience=maker.did)
    check("a token", status == 200 and got["token_type"] == "Bearer" and headers["Cache-Control"] == "no-store", got)
    c = claims_of(got["access_token"])
    check("for that audience, without a key to the credentials", (c["iss"], c["sub"], c["aud"]) == (smith.did, smith.did, maker.did) and "token" not in c, c)
    status, got, _ = sts(smith, secret, audience=maker.did, bearer_access_scope=SCOPE + "MembershipCredential:read")
    si = got["access_token"]
    check("with one where it is asked for", claims_of(claims_of(si)["token"])["scope"] == SCOPE + "MembershipCredential:read", got)
    status, got, _ = catalog(maker, si)
    check("a partner admits it with the credentials behind it", status == 200, got)
    status, got, _ = catalog(maker, si)
    check("once", status == 401 and "replay" in json.dumps(got), got)
    status, got, _ = sts(smith, secret, audience=maker.did, token="of-the-audience")
    check("with the audience's token", claims_of(got["access_token"])["token"] == "of-the-audience", got)
    for what, want, error, fields in (
            ("another secret", 401, "invalid_client", {"secret": "x"}), ("no secret", 401, "invalid_client", {"secret": None}),
            ("another client", 401, "invalid_client", {"client": "crm"}), ("another grant", 400, "unsupported_grant_type", {"grant_type": "password"}),
            ("no audience", 400, "invalid_request", {"audience": None}), ("an audience that is no DID", 400, "invalid_request", {"audience": "maker"}),
            ("a type that it may not open", 400, "invalid_scope", {"bearer_access_scope": SCOPE + "OtherCredential:read"}),
            ("one among others", 400, "invalid_scope", {"bearer_access_scope": SCOPE + "MembershipCredential:read " + SCOPE + "OtherCredential:read"}),
            ("a right to write", 400, "invalid_scope", {"bearer_access_scope": SCOPE + "MembershipCredential:write"}),
            ("a scope of another world", 400, "invalid_scope", {"bearer_access_scope": "openid"}), ("an empty scope", 400, "invalid_scope", {"bearer_access_scope": ""}),
            ("scope and token", 400, "invalid_request", {"bearer_access_scope": SCOPE + "MembershipCredential:read", "token": "t"})):
        status, got, _ = sts(smith, **{"secret": secret, "audience": maker.did, **fields})
        check(f"token service, {what}: {want} {error}", status == want and got["error"] == error, (status, got))
    status, got, _ = smith.request("POST", "/p/smith/sts/token", {"client_id": "erp"})
    check("JSON is no form", status == 400 and got["error"] == "invalid_request", got)
    status, got, _ = smith.request("POST", "/p/smith/sts/token", (f"grant_type=client_credentials&client_id=erp&client_secret={secret}"
                                   f"&audience={maker.did}&client_id=crm").encode(), headers={"Content-Type": "application/x-www-form-urlencoded"})
    check("a field twice", status == 400 and got["error"] == "invalid_request", got)
    again = smith.request("POST", "/participants/smith/token-clients", {"client_id": "erp"}, token="owner")[1]["client_secret"]
    check("letting it in again changes the secret", sts(smith, secret, audience=maker.did)[0] == 401 and sts(smith, again, audience=maker.did)[0] == 200)
    check("only owners let clients in", smith.request("POST", "/participants/smith/token-clients", {"client_id": "x"}, token="auditor")[0] == 403)
    check("names are checked", smith.request("POST", "/participants/smith/token-clients", {"client_id": "a b"}, token="owner")[0] == 400)

    # ---- what the credential service shows: what is asked for, opened by the token, to its audience
    smith.ok("hold another", "credential", "add", "-", stdin=founder.ok("issue", "credential", "issue", smith.did, "OtherCredential"))
    asker, thief = Party(host, "asker"), Party(host, "thief")
    everything = (SCOPE + "MembershipCredential:read", SCOPE + "OtherCredential:read")
    opener = lambda *scopes: claims_of(sts(smith, again, audience=asker.did, bearer_access_scope=" ".join(scopes))[1]["access_token"])["token"]
    both = opener(*everything)
    got = query(smith, asker.token(smith.did, token=both), *everything)
    check("both are shown", got[0] == 200 and shown(got) == ["MembershipCredential", "OtherCredential"], got)
    vp = got[1]["presentation"][0]
    check("in a presentation for the asker", claims_of(vp)["aud"] == asker.did and claims_of(vp)["iss"] == smith.did and header_of(vp)["kid"].startswith(smith.did))
    check("one, when one is asked for", shown(query(smith, asker.token(smith.did, token=both), everything[1])) == ["OtherCredential"])
    one = opener(everything[0])
    check("one, when the token opens one", shown(query(smith, asker.token(smith.did, token=one), *everything)) == ["MembershipCredential"])
    check("none of a type that is not held", query(smith, asker.token(smith.did, token=both), SCOPE + "X:read")[1]["presentation"] == [])
    vid = claims_of(claims_of(vp)["vp"]["verifiableCredential"][0])["jti"]
    check("by its id", len(shown(query(smith, asker.token(smith.did, token=both), f"org.eclipse.dspace.dcp.vc.id:{vid}:read"))) == 1)
    old = Party(host, "old")
    old_scope = SCOPE + "OldCredential:read"
    while True:  # until the machine is quick enough to add it before it ends
        ended = int(time.time()) + 5
        if smith.kanhe("credential", "add", "-", stdin=old.credential(smith.did, kind="OldCredential", exp=ended))[0] == 0:
            break
    while time.time() < ended:
        time.sleep(0.05)
    check("it is held", "OldCredential" in smith.ok("list", "credential", "list"))
    check("what has ended is not shown", query(smith, asker.token(smith.did, token=opener(old_scope)), old_scope)[1]["presentation"] == [])
    status, got, _ = query(smith, thief.token(smith.did, token=both), *everything)
    check("nothing with another's token", status == 401 and "access-token" in json.dumps(got), got)
    status, got, _ = query(smith, asker.token(smith.did, token=b64(b"{}") + "." + both.split(".", 1)[1]), *everything)
    check("nothing with a token of one's own making", status == 401, got)
    forged = asker.key.jwt({"iss": smith.did, "sub": asker.did, "aud": smith.did, "exp": claims_of(both)["exp"]}, kid=smith.did + "#token-1", typ="dcp-access+jwt")
    status, got, _ = query(smith, asker.token(smith.did, token=forged), *everything)
    check("signed by oneself", status == 401 and "access-token" in json.dumps(got), got)
    si = sts(smith, again, audience=smith.did)[1]["access_token"]
    status, got, _ = query(smith, asker.token(smith.did, token=si), *everything)
    check("a token of another kind opens nothing", status == 401, got)
    # tokens of our own messages open what identity.disclose names
    smith.kanhe("catalog", asker.did)
    sent = [s for s in host.seen if s[1] == "/asker/dsp/2025-1/catalog/request"]
    check("a message of ours went out", len(sent) == 1, [s[1] for s in host.seen][-5:])
    ours = claims_of(sent[0][2]["Authorization"][7:])["token"]
    check("its token opens only what is disclosed", shown(query(smith, asker.token(smith.did, token=ours), *everything)) == ["MembershipCredential"])
    gone = smith.request("DELETE", "/participants/smith/token-clients/erp", token="owner")
    check("a client is dismissed", gone[0] == 200 and sts(smith, again, audience=maker.did)[0] == 401, gone)
    check("once", smith.request("DELETE", "/participants/smith/token-clients/erp", token="owner")[0] == 404)
    got = smith.request("GET", "/participants/smith/audit?limit=100", token="auditor")[1]
    check("the ledger tells of clients", [e["detail"]["what"] for e in got["entries"] if e["kind"] == "token-client"] == ["admitted", "admitted", "dismissed"], got)
    let_in = lambda name: smith.request("POST", "/participants/smith/token-clients", {"client_id": name}, token="owner")[0]
    check("a hundred clients", all(let_in(f"c{i}") == 201 for i in range(100)))
    check("and no more", let_in("one-more") == 429)
    check("until one goes", smith.request("DELETE", "/participants/smith/token-clients/c7", token="owner")[0] == 200 and let_in("one-more") == 201)
finally:
    close_all(TOP, *nodes, host)
finish()
