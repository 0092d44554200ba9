"""Attacks on identity over the wire: tokens, DID documents, presentations, credentials and status lists of strangers, each
refused by its rule before anything is believed, asked for or written (JWT: RFC 8725; DCP 1.0.1, 4.3 and 5.4)."""
import gzip
import hashlib
import hmac
import json
import os
import socket
import tempfile
import threading
import time
import uuid
import zlib

from node import Node, check, close_all, finish
from party import Host, Key, Party, b64, claims_of, compact, did_key, stamp, unb64

TOP = tempfile.mkdtemp(prefix="kanhe-attacks.")
CA = os.path.join(TOP, "ca")
V1 = "https://www.w3.org/2018/credentials/v1"
CATALOG = {"@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "CatalogRequestMessage"}


def settings(n, text):
    with open(os.path.join(n.folder, "kanhed.conf"), "a", encoding="utf-8") as f:
        f.write("\n" + text + "\n")


def ask(token, node=None, path="/catalog/request", body=CATALOG):
    n = node or maker
    headers = {"Authorization": "Bearer " + token} if token is not None else {}
    status, got, _ = n.request("POST", f"/p/maker/dsp/2025-1{path}", body, headers=headers)
    return status, got


def rule_of(got):
    return json.dumps(got) if isinstance(got, (dict, list)) else got.decode(errors="replace")


def refused(what, token, rule, status=401, node=None):
    """Refused with that rule, and nothing is written."""
    n = node or maker
    before = n.state()
    got_status, got = ask(token, n)
    text = rule_of(got)
    check(f"{what}: {status} {rule}", got_status == status and f'"{rule}"' in text, (got_status, text[:400]))
    check(f"{what}: nothing is written", n.state() == before)


def admitted(what, token, node=None):
    status, got = ask(token, node)
    check(what, status == 200, (status, rule_of(got)[:400]))


maker = Node("--participant", "maker", "--ca", CA, start=False, clear=False)
shut = Node("--participant", "maker", "--ca", CA, start=False, clear=False)
AUD = f"did:web:127.0.0.1%3A{maker.port}:p:maker"
SHUT = f"did:web:127.0.0.1%3A{shut.port}:p:maker"
host = Host(CA)
good, issuer, other = Party(host, "good"), Party(host, "issuer"), Party(host, "other")
curve, desk = Party(host, "curve", "p256"), Party(host, "desk")
conf = (f"[identity]\naccept = dcp\nissuers = {issuer.did}=MembershipCredential {desk.did}=VisitorCredential\n"
        "require = MembershipCredential\n")
settings(maker, conf)
settings(shut, conf)
path = os.path.join(shut.folder, "kanhed.conf")
text = open(path, encoding="utf-8").read().replace("private = yes", "private = no")
open(path, "w", encoding="utf-8").write(text)


def tokens():
    refused("no token", None, "missing")
    refused("another audience", good.token("did:web:elsewhere.example"), "claim")
    refused("an audience that only begins like ours", good.token(AUD + "2"), "claim")
    refused("no audience", good.token(AUD, aud=None), "claim")
    refused("iss is not sub", good.token(AUD, sub=other.did), "iss-sub")
    refused("no iss", good.token(AUD, iss=None), "iss-sub")
    now = int(time.time())
    refused("expired", good.token(AUD, exp=now - 120), "claim")
    refused("without an end", good.token(AUD, exp=None), "missing")
    refused("valid for years", good.token(AUD, exp=now + 10 ** 8), "term")
    refused("not yet valid", good.token(AUD, nbf=now + 200), "claim")
    refused("issued in the future", good.token(AUD, iat=now + 200), "claim")
    refused("an end that is no date", good.token(AUD, exp="tomorrow"), "missing")
    refused("without a token id", good.token(AUD, jti=None), "jti")
    refused("a token id that is too long", good.token(AUD, jti="x" * 201), "jti")
    token = good.token(AUD)
    admitted("a good token", token)
    refused("the same token again", token, "replay")
    jti = uuid.uuid4().hex
    admitted("a token id", good.token(AUD, jti=jti))
    refused("the same id in another token", good.token(AUD, jti=jti), "replay")
    admitted("the same id of another issuer is another id", curve.token(AUD, jti=jti))


def unsigned(header, claims, signature=b""):
    return b64(compact(header)) + "." + b64(compact(claims)) + "." + b64(signature)


def headers():
    claims = good.claims(AUD)
    refused("alg none", unsigned({"alg": "none", "kid": good.kid}, claims), "algorithm")
    refused("alg NONE", unsigned({"alg": "NONE", "kid": good.kid}, claims, bytes(64)), "algorithm")
    refused("no alg", unsigned({"kid": good.kid}, claims, bytes(64)), "algorithm")
    for what, secret in (("the key's octets", good.key.pub), ("its JWK", compact(good.key.jwk())),
                         ("its file", open(good.key.file, "rb").read())):
        h = {"alg": "HS256", "kid": good.kid}
        head = b64(compact(h)) + "." + b64(compact(good.claims(AUD)))
        mac = hmac.new(secret, head.encode(), hashlib.sha256).digest()
        refused(f"HS256 with {what}", head + "." + b64(mac), "algorithm")
    refused("alg of the other kind of key", good.key.jwt(good.claims(AUD), kid=good.kid, alg="ES256"), "signature")
    refused("the same the other way", curve.key.jwt(curve.claims(AUD), kid=curve.kid, alg="EdDSA"), "signature")
    for name, value in (("jwk", good.key.jwk()), ("jku", host.url + "/keys"), ("x5u", host.url + "/x"), ("x5c", ["a"]), ("x5t", "a"),
                        ("crit", ["exp"]), ("b64", False), ("zip", "DEF"), ("enc", "A256GCM")):
        refused(f"header {name}", good.token(AUD, header={name: value}), "header-parameter")
    refused("typ of another kind", good.token(AUD, header={"typ": "dcp-access+jwt"}), "type")
    attacker = Key(TOP)
    refused("a key of its own with the name of the good one", attacker.jwt(good.claims(AUD), kid=good.kid), "signature")
    refused("kid of another DID", other.key.jwt(good.claims(AUD), kid=other.kid), "kid-issuer")
    refused("kid that only begins like it", good.key.jwt(good.claims(AUD), kid=good.did + "2#k1"), "kid-issuer")
    refused("unknown kid", good.key.jwt(good.claims(AUD), kid=good.did + "#k9"), "key-unknown")
    for kid, rule in (("../../etc/passwd", "key-unknown"), ("' OR 1=1 --", "key-unknown"), ("#", "key-unknown"), ("/dev/null", "key-unknown"),
                      ("file:///dev/null", "kid-issuer"), ("x" * 5000, "kid-issuer"), ("k\u0000", "nul")):
        refused(f"kid {kid[:20]!r}", good.key.jwt(good.claims(AUD), kid=kid), rule)
    sig = bytearray(unb64(good.token(AUD).split(".")[2]))
    head, body, _ = good.token(AUD).split(".")
    for what, s in (("of zeros", bytes(64)), ("too short", bytes(sig[:63])), ("too long", bytes(sig) + b"\0"), ("empty", b"")):
        refused(f"a signature {what}", f"{head}.{body}.{b64(s)}", "signature" if len(s) == 64 else "size")
    head, body, _ = curve.token(AUD).split(".")
    order = int("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)
    for what, r, s in (("r = 0", 0, 1), ("s = 0", 1, 0), ("r = n", order, 1), ("s = n", 1, order)):
        refused(f"ES256 {what}", f"{head}.{body}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}", "signature")
    # Ed25519: S + L is the same signature to a lax verifier
    head, body, s = good.token(AUD).split(".")
    s = unb64(s)
    grown = int.from_bytes(s[32:], "little") + 2 ** 252 + 27742317777372353535851937790883648493
    refused("Ed25519 with S beyond the order", f"{head}.{body}.{b64(s[:32] + grown.to_bytes(32, 'little'))}", "signature")


def json_inside():
    claims = good.claims(AUD)
    text = compact(claims).decode()
    refused("a member twice", good.key.jwt(None, kid=good.kid, body=(text[:-1] + ',"aud":"x"}').encode()), "duplicate-member")
    refused("a member twice, once escaped", good.key.jwt(None, kid=good.kid, body=(text[:-1] + ',"\\u0061ud":"x"}').encode()), "duplicate-member")
    refused("deep nesting", good.key.jwt(None, kid=good.kid, body=(text[:-1] + ',"x":' + "[" * 5000 + "]" * 5000 + "}").encode()), "depth")
    refused("claims that are no object", good.key.jwt(None, kid=good.kid, body=b"[]"), "type")
    refused("claims that are not UTF-8", good.key.jwt(None, kid=good.kid, body=b'{"iss":"\xff"}'), "utf8")
    refused("a header twice", b64(b'{"alg":"none","alg":"EdDSA"}') + "." + b64(compact(claims)) + "." + b64(bytes(64)), "duplicate-member")
    refused("base64 with padding", good.token(AUD) + "==", "base64url")
    refused("base64 of the other alphabet", "++++." + good.token(AUD).split(".", 1)[1], "base64url")
    refused("two parts", good.token(AUD).rsplit(".", 1)[0], "parts")
    refused("five parts", good.token(AUD) + ".a.b", "parts")


def documents():
    def fresh(name, **over):
        p = Party(host, name)
        p.write(**over)
        return p
    p = fresh("closed")
    refused("a token that opens no credential service", p.token(AUD, token=None), "access-token")
    check("its document is not even fetched", host.asked("/closed/did.json") == 0)
    p, second = fresh("two"), Key(TOP)
    p.write(verificationMethod=[*p.document()["verificationMethod"], {
        "id": p.did + "#k2", "type": "JsonWebKey2020", "controller": p.did, "publicKeyJwk": second.jwk()}])
    refused("a token that names none of two keys", p.key.jwt(p.claims(AUD)), "key-unnamed")
    p = Party(host, "multikey", "p256")
    p.held = [issuer.credential(p.did)]
    multibase = did_key(p.key).split(":")[2]
    method = {"id": p.kid, "type": "Multikey", "controller": p.did, "publicKeyMultibase": multibase}
    p.write(verificationMethod=[method])
    admitted("a P-256 key as a Multikey", p.token(AUD))
    p = Party(host, "shortkey", "p256")
    p.write(verificationMethod=[{**method, "id": p.kid, "controller": p.did, "publicKeyMultibase": multibase[:-1]}])
    refused("a Multikey of P-256 that lacks a letter", p.token(AUD), "did-document")
    p = fresh("huge")
    host.page("/huge/did.json", compact({**p.document(), "x": "a" * (1 << 20)}))
    refused("a huge DID document", p.token(AUD), "did-document")
    p = fresh("redirected")
    host.pages["/redirected/did.json"] = (302, {"Location": f"{host.url}/good/did.json"}, b"")
    n = host.asked("/good/did.json")
    refused("a DID document that redirects", p.token(AUD), "did-document")
    check("the redirection is not followed", host.asked("/good/did.json") == n)
    refused("a document of another subject", fresh("liar", id=good.did).token(AUD), "did-document")
    p = fresh("borrowed", verificationMethod=good.document()["verificationMethod"], authentication=[good.kid], capabilityInvocation=[good.kid])
    refused("a document that lists another's key", good.key.jwt(p.claims(AUD), kid=p.kid), "did-document")
    refused("a key that is not for this purpose", fresh("asserter", authentication=[], capabilityInvocation=[]).token(AUD), "key-purpose")
    p = fresh("many")
    p.write(verificationMethod=[{**p.document()["verificationMethod"][0], "id": f"{p.did}#k{i}"} for i in range(500)])
    refused("five hundred keys", p.token(AUD), "did-document")
    p = fresh("nested")
    host.page("/nested/did.json", b'{"id":' + b"[" * 100000)
    refused("a document that is nested without end", p.token(AUD), "did-document")
    p = fresh("twice")
    host.page("/twice/did.json", compact(p.document())[:-1] + b',"id":"' + p.did.encode() + b'"}')
    refused("a document with a member twice", p.token(AUD), "did-document")
    p = fresh("page")
    host.page("/page/did.json", "<html>", kind="text/html")
    refused("a document that is a page", p.token(AUD), "did-document")
    p = fresh("gone")
    del host.pages["/gone/did.json"]
    tokens_of_it = [p.token(AUD) for _ in range(5)]
    began = time.monotonic()
    for t in tokens_of_it:
        check("no document", ask(t)[0] == 401)
    # a failure is remembered for two seconds
    n, most = host.asked("/gone/did.json"), 1 + int((time.monotonic() - began) / 2 + 1)
    check("a flood of such tokens asks once in a while", 1 <= n <= most, (n, most))
    p = Party(host, "late")
    host.pages["/late/did.json"] = (503, {}, b"")
    refused("a host that cannot answer now", p.token(AUD), "did-unreachable", status=503)


def presentations():
    def one(what, rule, make, party=None, status=401):
        p = party or good
        keep = host.pages[f"/{p.name}/cs/presentations/query"]
        p.presents(make)
        refused(what, p.token(AUD), rule, status)
        host.pages[f"/{p.name}/cs/presentations/query"] = keep

    mine = issuer.credential(good.did)
    refused("no access token", good.token(AUD, token=None), "access-token")
    refused("no credential service", bare.token(AUD), "no-credential-service")
    one("nothing presented", "credential-missing", lambda aud: [])
    one("a presentation without credentials", "credential-missing", lambda aud: [good.presentation(aud, [])])
    one("for another audience", "audience", lambda aud: [good.presentation("did:web:elsewhere.example", [mine])])
    now = int(time.time())
    one("an expired presentation", "expired", lambda aud: [good.presentation(aud, [mine], exp=now - 120)])
    one("one that is not valid yet", "not-yet-valid", lambda aud: [good.presentation(aud, [mine], nbf=now + 200)])
    one("of another than the caller", "holder", lambda aud: [other.presentation(aud, [mine])])
    one("signed by another", "presentation-signature", lambda aud: [good.presentation(aud, [mine], key=other.key)])
    one("with the kid of another", "kid-issuer", lambda aud: [good.presentation(aud, [mine], key=other.key, kid=other.kid)])
    one("holder and iss differ", "mismatch", lambda aud: [good.key.jwt({**claims_of(good.presentation(aud, [mine])), "iss": other.did}, kid=good.kid)])
    one("alg none", "algorithm", lambda aud: [unsigned({"alg": "none"}, claims_of(good.presentation(aud, [mine])))])
    one("of another subject", "holder-binding", lambda aud: [good.presentation(aud, [issuer.credential(other.did)])])
    one("sub and credentialSubject differ", "mismatch", lambda aud: [good.presentation(aud, [issuer.credential(other.did, sub=good.did)])])
    one("an untrusted issuer", "credential-missing", lambda aud: [good.presentation(aud, [other.credential(good.did)])])
    one("another type of the trusted issuer", "credential-missing",
        lambda aud: [good.presentation(aud, [issuer.credential(good.did, kind="OtherCredential")])])
    one("of an issuer that is trusted for another type", "credential-missing", lambda aud: [good.presentation(aud, [desk.credential(good.did)])])
    one("with that type beside it", "credential-missing",
        lambda aud: [good.presentation(aud, [desk.credential(good.did, kind=("VisitorCredential", "MembershipCredential"))])])
    one("signed by another issuer", "credential-signature", lambda aud: [good.presentation(aud, [other.key.jwt(claims_of(mine), kid=issuer.kid)])])
    one("iss and issuer differ", "mismatch", lambda aud: [good.presentation(aud, [issuer.credential(good.did, issuer=other.did, iss=issuer.did)])])
    one("kid of another issuer", "kid-issuer", lambda aud: [good.presentation(aud, [other.key.jwt(claims_of(mine), kid=other.kid)])])
    one("unknown kid of the issuer", "issuer-key", lambda aud: [good.presentation(aud, [issuer.key.jwt(claims_of(mine), kid=issuer.did + "#k9")])])
    one("an expired credential", "expired", lambda aud: [good.presentation(aud, [issuer.credential(good.did, exp=now - 1)])])
    one("one that is not valid yet", "not-yet-valid", lambda aud: [good.presentation(aud, [issuer.credential(good.did, nbf=now + 600)])])
    one("a good one beside an expired one", "expired", lambda aud: [good.presentation(aud, [mine, issuer.credential(good.did, exp=now - 1)])])
    one("a credential without a context", "missing", lambda aud: [good.presentation(aud, [issuer.credential(good.did, vc_over={"@context": None})])])
    one("of another context", "context", lambda aud: [good.presentation(aud, [issuer.credential(good.did, vc_over={"@context": ["https://example.org/x", V1]})])])
    one("of 2.0 with the context of 1.1", "context", lambda aud: [good.presentation(aud, [issuer.credential(good.did, v2=True, vc_over={"@context": [V1]})])])
    one("that is no VerifiableCredential", "value", lambda aud: [good.presentation(aud, [issuer.credential(good.did, vc_over={"type": ["MembershipCredential"]})])])
    many = [mine] * 40
    one("forty credentials", "count", lambda aud: [good.presentation(aud, many)])
    one("nine presentations", "count", lambda aud: [good.presentation(aud, [mine])] * 9)  # of fewer credentials than may be
    text = compact(claims_of(good.presentation(AUD, [mine]))).decode()
    one("a member twice in the presentation", "duplicate-member",
        lambda aud: [good.key.jwt(None, kid=good.kid, body=(text[:-1] + ',"vp":{}}').encode())])
    one("deep nesting in the presentation", "depth",
        lambda aud: [good.key.jwt(None, kid=good.kid, body=(text[:-1] + ',"x":' + "[" * 5000 + "]" * 5000 + "}").encode())])
    one("a member twice in the answer", "duplicate-member",
        lambda aud: b'{"type":"PresentationResponseMessage","type":"PresentationResponseMessage","presentation":[]}')
    one("deep nesting in the answer", "depth", lambda aud: b'{"presentation":' + b"[" * 100000)
    one("an answer that is none", "syntax", lambda aud: b"<html>")
    one("an answer of another type", "value", lambda aud: compact({"type": "Other", "presentation": []}))
    one("objects in place of tokens", "format", lambda aud: compact({"type": "PresentationResponseMessage", "presentation": [{}]}))
    keep = host.pages["/good/cs/presentations/query"]
    host.pages["/good/cs/presentations/query"] = (403, {}, b"")
    refused("a credential service that refuses", good.token(AUD), "credential-service")
    host.pages["/good/cs/presentations/query"] = (302, {"Location": f"{host.url}/other/cs/presentations/query"}, b"")
    refused("one that redirects", good.token(AUD), "credential-service")
    host.pages["/good/cs/presentations/query"] = (503, {}, b"")
    refused("one that cannot answer now", good.token(AUD), "credential-service", status=503)
    host.pages["/good/cs/presentations/query"] = keep


def lists():
    def one(what, rule, status=401, **entry):
        good.held = [issuer.credential(good.did, status=issuer.status_entry(7, **entry))]
        refused(what, good.token(AUD), rule, status)

    def fine(what, v2=False, **entry):
        good.held = [issuer.credential(good.did, v2=v2, status=issuer.status_entry(7, **entry))]
        admitted(what, good.token(AUD))

    for bitstring in (False, True):
        name = "bitstring " if bitstring else "2021 "
        issuer.status_list([], bitstring=bitstring)
        fine(name + "not set", bitstring=bitstring, v2=bitstring)
        issuer.status_list([6, 8], bitstring=bitstring)
        fine(name + "only the neighbours are set", bitstring=bitstring)
        issuer.status_list([7], bitstring=bitstring)
        one(name + "revoked", "revoked", bitstring=bitstring)
        issuer.status_list([7], purpose="suspension", bitstring=bitstring)
        one(name + "suspended", "suspended", purpose="suspension", bitstring=bitstring)
        one(name + "a list of another purpose", "value", bitstring=bitstring)
    issuer.status_list([])
    good.held = [issuer.credential(good.did, status=issuer.status_entry(131072))]
    refused("an index beyond the list", good.token(AUD), "list-index")
    for octets in (1, 2048, 16383):
        issuer.status_list([], octets=octets)
        one(f"a list of {octets} octets: too few entries to hide among", "list-short")
    issuer.status_list([], vc_over={"@context": None})
    one("a list without a context", "missing")
    issuer.status_list([], vc_over={"@context": ["https://example.org/x"]})
    one("a list of another context", "context")
    issuer.status_list([], vc_over={"type": ["StatusList2021Credential"]})
    one("a list that is no VerifiableCredential", "value")
    issuer.status_list([], subject={"type": "Other"})
    one("a list of another type inside", "value")
    issuer.status_list([], subject={"statusPurpose": None})
    one("a list that does not say what for", "missing")
    issuer.status_list([], vc_over={"id": issuer.base + "/list2"})
    one("another list of the issuer in place of this one", "list-id")
    issuer.status_list([], vc_over={"id": str(uuid.uuid4())})
    fine("a list whose id is no address")
    issuer.status_list([], vc_over={"validUntil": stamp(int(time.time()) - 10)})
    one("a list whose validUntil has passed", "list-time")
    for purpose, set_is_bad in (("suspension", "suspended"), ("frozen", "status-unknown"), ("message", None), ("refresh", None)):
        issuer.status_list([], purpose=purpose)
        fine(f"purpose {purpose}, not set", purpose=purpose)
        issuer.status_list([7], purpose=purpose)
        if set_is_bad:
            one(f"purpose {purpose}, set", set_is_bad, purpose=purpose)
        else:
            fine(f"purpose {purpose}, set: nothing against it", purpose=purpose)
    issuer.status_list([31], octets=4 * 16384, purpose="frozen", bitstring=True)
    four = {**issuer.status_entry(7, purpose="frozen", bitstring=True), "statusSize": 4}
    good.held = [issuer.credential(good.did, v2=True, status=four)]
    refused("an entry of four bits, set", good.token(AUD), "status-unknown")
    good.held = [issuer.credential(good.did, v2=True, status={**four, "statusListIndex": "6"})]
    admitted("its neighbour of four bits is not", good.token(AUD))
    good.held = [issuer.credential(good.did, v2=True, status={**four, "statusSize": 0})]
    refused("entries of no bits", good.token(AUD), "range")
    issuer.status_list([])
    good.held = [issuer.credential(good.did, status={**issuer.status_entry(1), "statusListIndex": "-1"})]
    refused("an index below it", good.token(AUD), "type")
    good.held = [issuer.credential(good.did, status={**issuer.status_entry(1), "statusListIndex": "18446744073709551617"})]
    refused("an index that overflows", good.token(AUD), "type")
    good.held = [issuer.credential(good.did, status={**issuer.status_entry(1), "type": "Other"})]
    refused("a status of an unknown kind", good.token(AUD), "type")
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = bomb.compress(bytes(64 << 20)) + bomb.flush()
    issuer.status_list(encoded=b64(packed))
    one("a gzip bomb", "size")
    issuer.status_list(encoded="A" * (2 << 20))
    one("a list that is huge as it is", "list-unreachable")
    issuer.status_list(encoded=b64(bytes(range(100))))
    one("a list that is no gzip", "gzip")
    issuer.status_list(encoded=b64(gzip.compress(bytes(16384))[:-9]))
    one("a list that is cut off", "gzip")
    issuer.status_list(encoded="*")
    one("a list that is not base64", "base64url")
    issuer.status_list([], key=other.key)
    one("a list that another signed", "list-signature")
    issuer.status_list([], iss=other.did)
    one("a list whose iss is another", "mismatch")
    other.status_list([])
    good.held = [issuer.credential(good.did, status=other.status_entry(7))]
    refused("the list of another issuer", good.token(AUD), "list-issuer")
    issuer.status_list([], exp=int(time.time()) - 10)
    one("a list that has expired", "list-time")
    host.pages["/issuer/list"] = (302, {"Location": f"{host.url}/other/list"}, b"")
    one("a list that redirects", "list-unreachable")
    host.pages["/issuer/list"] = (404, {}, b"")
    one("no list", "list-unreachable")
    host.pages["/issuer/list"] = (500, {}, b"")
    one("a list that cannot be had now", "list-unreachable", status=503)
    good.held = [issuer.credential(good.did, status=[issuer.status_entry(i) for i in range(9)])]
    refused("nine status entries", good.token(AUD), "count")
    good.held = [issuer.credential(good.did)]
    admitted("a good one afterwards", good.token(AUD))


def schemas():
    url = issuer.base + "/schema"
    subject = {"$schema": "http://json-schema.org/draft-04/schema#", "type": "object", "properties": {"id": {"type": "string"}, "foo": {"type": "string"}},
               "required": ["id", "foo"]}

    def one(what, schema, claims, rule=None, kind="JsonSchemaValidator2018", status=401, where=url):
        host.page("/issuer/schema", schema)
        good.held = [issuer.credential(good.did, claims=claims, schema={"id": where, "type": kind})]
        if rule:
            refused("schema: " + what, good.token(AUD), rule, status)
        else:
            admitted("schema: " + what, good.token(AUD))
    one("kept", subject, {"foo": "bar"})
    one("a member is missing", subject, {"baz": "bar"}, "required")
    one("a member of another type", subject, {"foo": 1}, "type")
    whole = {"properties": {"credentialSubject": subject, "issuer": {"const": issuer.did}}}
    one("of the whole credential", whole, {"foo": "bar"}, kind="JsonSchema")
    one("the same, not kept", whole, {}, "required", kind="JsonSchema")
    one("of a kind that is not known here", subject, {}, kind="ShaclValidator2017")
    one("whose pattern is kept", {"properties": {"foo": {"pattern": "^(?:DE|FR)\\d{3,5}$"}}}, {"foo": "DE1234"})
    one("whose pattern is not kept", {"properties": {"foo": {"pattern": "^(?:DE|FR)\\d{3,5}$"}}}, {"foo": "DE12"}, "pattern")
    one("whose pattern explodes elsewhere", {"properties": {"foo": {"pattern": "^(a+)+$"}}}, {"foo": "a" * 40 + "b"}, "pattern")
    one("whose pattern costs too much", {"properties": {"foo": {"pattern": "(a?){500}b"}}}, {"foo": "a" * 9000}, "schema-limit")
    one("whose pattern looks ahead", {"properties": {"foo": {"pattern": "a(?=b)"}}}, {"foo": "ab"}, "schema-keyword")
    one("with a keyword that is not known here", {"patternProperties": {}}, {}, "schema-keyword")
    one("that refers elsewhere", {"$ref": "https://169.254.169.254/x"}, {}, "schema-reference")
    one("that refers to itself for ever", {"$ref": "#"}, {}, "schema-limit")
    one("that is none", b"<html>", {}, "schema-form")
    one("that is huge", b" " * (65 << 10), {}, "schema-limit")
    one("at the metadata address", subject, {}, "schema-unreachable", where="https://169.254.169.254/schema")
    one("that is not there", subject, {}, "schema-unreachable", where=issuer.base + "/none")
    host.pages["/issuer/later"] = (503, {}, b"")
    one("that cannot be had now", subject, {}, "schema-unreachable", where=issuer.base + "/later", status=503)


class Trap:
    """A port of 127.0.0.1 that counts who connects."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.hits = self.socket.getsockname()[1], 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                self.socket.accept()[0].close()
            except OSError:
                return
            self.hits += 1


def addresses():
    """Names of strangers that point inside: nothing connects there."""
    trap, key = Trap(), Key(TOP)
    for name, rule, status in (("127.0.0.1", "did-address", 401), ("localhost", "did-address", 401), ("127.1", "did-address", 401),
                               ("2130706433", "did-address", 401), ("0", "did-address", 401), ("10.0.0.1", "did-address", 401),
                               ("192.168.1.1", "did-address", 401), ("169.254.169.254", "did-address", 401),
                               ("172.16.0.1", "did-address", 401), ("100.100.100.200", "did-address", 401),
                               ("[::1]", "did", 401), ("127.0.0.1%2F..", "did", 401), ("a@127.0.0.1", "did", 401)):
        did = f"did:web:{name}%3A{trap.port}:x"
        now = int(time.time())
        token = key.jwt({"iss": did, "sub": did, "aud": SHUT, "jti": uuid.uuid4().hex, "exp": now + 60, "token": "t"}, kid=did + "#k")
        refused(f"did:web at {name}", token, rule, status, node=shut)
    check("nobody connected", trap.hits == 0, trap.hits)
    trap.socket.close()
    # link-local and metadata addresses are nobody's partner, also where private networks are
    for name in ("169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255"):
        did = f"did:web:{name}:x"
        token = key.jwt({"iss": did, "sub": did, "aud": AUD, "jti": uuid.uuid4().hex, "exp": int(time.time()) + 60, "token": "t"}, kid=did + "#k")
        refused(f"did:web at {name} on a private network", token, "did-address")
    did = "did:web:127.0.0.1%3A" + str(host.port) + ":linked"
    p = Party(host, "linked")
    p.write(service=[{"id": did + "#cs", "type": "CredentialService", "serviceEndpoint": "https://169.254.169.254/cs"}])
    refused("a credential service at the metadata address", p.token(AUD), "credential-service")
    for url in ("file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "ftp://127.0.0.1/x"):
        p = Party(host, "linked-" + url[:2])
        p.write(service=[{"id": p.did + "#cs", "type": "CredentialService", "serviceEndpoint": url}])
        refused(f"a credential service at {url}", p.token(AUD), "credential-service")
    good.held = [issuer.credential(good.did, status={**issuer.status_entry(7), "statusListCredential": "https://169.254.169.254/list"})]
    refused("a status list at the metadata address", good.token(AUD), "list-unreachable")
    good.held = [issuer.credential(good.did, status={**issuer.status_entry(7), "statusListCredential": "file:///etc/passwd"})]
    refused("a status list in a file", good.token(AUD), "list-unreachable")


good.held = [issuer.credential(good.did)]
curve.held = [issuer.credential(curve.did)]
bare = Party(host, "bare")
bare.write(service=[])
try:
    maker.start()
    shut.start()
    for part in (tokens, headers, json_inside, documents, presentations, lists, schemas, addresses):
        part()
    good.held = [issuer.credential(good.did)]
    admitted("and after all this the good one is admitted", good.token(AUD))
finally:
    close_all(TOP, maker, shut, host)
finish()
