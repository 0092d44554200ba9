"""The cases of the DCP conformance kit (org.eclipse.dataspacetck.dcp:dcp-tck), replayed without it and without Java: the
verifier's, the credential service's and the issuer's, with keys of P-256, tokens of ten minutes, credentials and presentations
as the kit makes them, and answers without media types. The official kit is run by tests/interop/dcp where it can be had."""
import json
import os
import tempfile
import time
import urllib.parse
import uuid

from node import Node, check, close_all, finish, until
from party import DCP, SCOPE, Host, Key, Party, claims_of, stamp, unb64

TOP = tempfile.mkdtemp(prefix="kanhe-dcpkit.")
CA = os.path.join(TOP, "ca")
MEMBERSHIP, SENSITIVE = "MembershipCredential", "SensitiveDataCredential"


def case(name, good, more=""):
    check(name, good, more)


class Role(Party):
    def __init__(self, name, **over):
        super().__init__(host, name, "p256")
        if over:
            self.write(**over)

    def claims(self, aud, /, **over):
        return super().claims(aud, **{"exp": int(time.time()) + 600, "token": None, **over})

    def credential(self, subject, kind=MEMBERSHIP, claims=None, status=None, schema=None, **over):
        """Its id is a bare UUID and not the token's; its dates have fractions and are not the token's either."""
        now, at = int(time.time()), lambda t: time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t)) + ".123456789Z"
        vc = {"@context": ["https://www.w3.org/2018/credentials/v1"], "id": str(uuid.uuid4()), "type": ["VerifiableCredential", kind],
              "issuer": self.did, "issuanceDate": at(now - 1), "expirationDate": at(now + 600),
              "credentialSubject": {"id": subject, **({"foo": "bar"} if claims is None else claims)}}
        vc.update({k: v for k, v in (("credentialStatus", status), ("credentialSchema", schema)) if v})
        vc.update({k: over.pop(k) for k in ("issuanceDate", "expirationDate") if k in over})
        return self.key.jwt({"iss": self.did, "sub": subject, "jti": str(uuid.uuid4()), "nbf": now, "iat": now, "exp": now + 300, "vc": vc, **over}, kid=self.kid)

    def presentation(self, aud, credentials, /):
        now = int(time.time())
        vp = {"context": ["https://www.w3.org/2018/credentials/v1", "https://identity.foundation/presentation-exchange/submission/v1"],
              "type": "VerifiablePresentation", "verifiableCredential": credentials}
        return self.key.jwt({"iss": self.did, "sub": self.did, "aud": aud, "jti": str(uuid.uuid4()), "nbf": now, "iat": now, "exp": now + 300,
                             "vp": vp}, kid=self.kid)


def bearer(token):
    return {"Authorization": "Bearer " + token} if token else {}


def token_cases(prefix, role, aud, send, **extra):
    """What every endpoint refuses of tokens, and the good one: send(headers) gives a status. extra: further claims."""
    good = lambda **over: role.token(aud, **{**extra, **over})
    bad = lambda status: 400 <= status < 500
    case(f"{prefix} no auth header", bad(send({})))
    case(f"{prefix} no Bearer prefix", bad(send({"Authorization": good()})))
    case(f"{prefix} signed with the wrong key", bad(send(bearer(Key(TOP, "p256").jwt(role.claims(aud, **extra), kid=role.kid)))))
    case(f"{prefix} expired", bad(send(bearer(good(exp=int(time.time()) - 60)))))
    case(f"{prefix} iat in the future", bad(send(bearer(good(iat=int(time.time()) + 60)))))
    case(f"{prefix} nbf in the future", bad(send(bearer(good(nbf=int(time.time()) + 60)))))
    case(f"{prefix} incorrect aud", bad(send(bearer(role.token(third.did, **extra)))))
    case(f"{prefix} iss is not sub", bad(send(bearer(good(sub=third.did)))) and bad(send(bearer(good(iss=third.did)))))
    case(f"{prefix} unknown kid", bad(send(bearer(role.key.jwt(role.claims(aud, **extra), kid=role.did + "#none")))))
    nobody = f"did:web:127.0.0.1%3A{host.port}:nobody"
    case(f"{prefix} sub cannot be resolved", bad(send(bearer(role.key.jwt(role.claims(aud, **{**extra, "iss": nobody, "sub": nobody}), kid=nobody + "#k1")))))
    token = good()
    first = send(bearer(token))
    case(f"{prefix} jti used before", 200 <= first < 300 and bad(send(bearer(token))), first)


# ---- verifier -------------------------------------------------------------------------------------

def verifier():
    body = {"@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "CatalogRequestMessage"}
    opened = {}

    def send(headers):
        return node.request("POST", "/p/kanhe/dsp/2025-1/catalog/request", body, headers=headers)[0]

    def ask(make, **over):
        opened["make"] = make
        return send(bearer(holder.token(node.did, **{"token": "of-the-holder", **over})))

    def query(method, headers, got):
        opened["query"] = json.loads(got)
        opened["claims"] = claims_of(headers["Authorization"][7:])
        return holder.answer(opened["make"]())
    host.pages["/holder/cs/presentations/query"] = query
    mine = issuer.credential(holder.did)
    now = int(time.time())
    plain = lambda: [holder.presentation(node.did, [mine])]
    case("5.1 a valid presentation", ask(plain) == 200)
    case("5.2 asks for exactly this scope", opened["query"]["scope"] == [SCOPE + MEMBERSHIP + ":read"] and opened["query"]["@context"] == [DCP], opened["query"])
    case("5.3.1 with the holder's access token", opened["claims"]["token"] == "of-the-holder" and opened["claims"]["iss"] == opened["claims"]["sub"] == node.did and opened["claims"]["aud"] == holder.did)
    opened["make"] = plain
    token_cases("4.3.3", holder, node.did, send, token="of-the-holder")
    case("4.3.3 sub is not the document's id", 400 <= send(bearer(liar.token(node.did, token="t"))) < 500)
    case("4.3.3 no access token", 400 <= ask(plain, token=None) < 500)
    bad = lambda make: 400 <= ask(make) < 500
    case("5.4.2.1 another credential than requested", bad(lambda: [holder.presentation(node.did, [issuer.credential(holder.did, kind="SomeOtherCredential")])]))
    case("5.4.2.2 more than requested", ask(lambda: [holder.presentation(node.did, [mine, issuer.credential(holder.did, kind=SENSITIVE)])]) == 200)
    case("5.4.2.3 no presentation", bad(lambda: []))
    case("5.4.2.4 no credential", bad(lambda: [holder.presentation(node.did, [])]))
    case("5.4.3 holder is not the subject", bad(lambda: [holder.presentation(node.did, [issuer.credential(third.did)])]))
    case("5.4.3.7 expired", bad(lambda: [holder.presentation(node.did, [issuer.credential(holder.did, exp=now - 100)])]))
    case("5.4.3.7 expired, and its token has not", bad(lambda: [holder.presentation(node.did, [issuer.credential(holder.did, expirationDate=stamp(now - 100))])]))
    host.page("/issuer/schema", {"type": "object", "properties": {"id": {"type": "string"}, "foo": {"type": "string"}}, "required": ["id", "foo"]})
    schema = {"id": issuer.base + "/schema", "type": "JsonSchemaValidator2018"}
    case("the schema is violated", bad(lambda: [holder.presentation(node.did, [issuer.credential(holder.did, claims={"baz": "quazz"}, schema=schema)])]))
    case("the schema is kept", ask(lambda: [holder.presentation(node.did, [issuer.credential(holder.did, claims={"foo": "bar"}, schema=schema)])]) == 200)
    case("5.4.3.6 not yet valid", bad(lambda: [holder.presentation(node.did, [issuer.credential(holder.did, nbf=now + 3600)])]))
    case("5.4.3.6 not yet valid, and its token is", bad(lambda: [holder.presentation(node.did, [issuer.credential(holder.did, issuanceDate=stamp(now + 3600))])]))
    for bitstring in (True, False):
        issuer.status_list([1], bitstring=bitstring)
        case("5.4.3.6 revoked", bad(lambda: [holder.presentation(node.did, [issuer.credential(holder.did, status=issuer.status_entry(1, bitstring=bitstring))])]))
        case("not revoked", ask(lambda: [holder.presentation(node.did, [issuer.credential(holder.did, status=issuer.status_entry(2, bitstring=bitstring))])]) == 200)


# ---- credential service ---------------------------------------------------------------------------

def sts(*scopes):
    form = {"grant_type": "client_credentials", "client_id": "kit", "client_secret": secret, "audience": asker.did, "bearer_access_scope": " ".join(scopes)}
    got = node.request("POST", "/p/kanhe/sts/token", urllib.parse.urlencode(form).encode(), headers={"Content-Type": "application/x-www-form-urlencoded"})
    return claims_of(got[1]["access_token"])["token"]


def presentations():
    membership, sensitive = SCOPE + MEMBERSHIP + ":read", SCOPE + SENSITIVE + ":read"

    def send(headers, **over):
        body = {"@context": [DCP], "type": "PresentationQueryMessage", "scope": [membership], **over}
        return node.request("POST", "/p/kanhe/dcp/presentations/query", {k: v for k, v in body.items() if v is not None}, headers=headers)

    def shown(got):
        return sorted({claims_of(vc)["vc"]["type"][1] for vp in got[1]["presentation"] for vc in claims_of(vp)["vp"]["verifiableCredential"]})
    got = node.request("GET", "/p/kanhe/did.json")[1]
    doc = json.loads(got) if isinstance(got, bytes) else got
    case("5.2 endpoint discovery", [s["serviceEndpoint"] for s in doc["service"] if s["type"] == "CredentialService"] == [node.url + "/p/kanhe/dcp"], doc)
    one, both = sts(membership), sts(membership, sensitive)
    mine = lambda token, **over: bearer(asker.token(node.did, **{"token": token, **over}))
    bad = lambda got: 400 <= got[0] < 500
    got = send(mine(one))
    case("5.4.1.2 by type", got[0] == 200 and shown(got) == [MEMBERSHIP], got)
    vp = got[1]["presentation"][0]
    case("the presentation is ES256, for the asker, by the holder", json.loads(unb64(vp.split(".")[0]))["alg"] == "ES256" and claims_of(vp)["aud"] == asker.did and claims_of(vp)["iss"] == node.did)
    case("5.4.1.2 less than the token allows", shown(send(mine(both), scope=[sensitive])) == [SENSITIVE])
    got = send(mine(one), scope=[membership, sensitive])
    case("5.4.1.2 no more than the token allows", got[0] == 200 and shown(got) == [MEMBERSHIP], got)
    case("5.4 a token that is none", bad(send(mine("faketoken"))))
    case("5.4.1 scope and definition", send(mine(one), presentationDefinition={"id": "1", "input_descriptors": []})[0] == 400)
    case("5.4.1.1 an empty definition", bad(send(mine(one), scope=None, presentationDefinition={})))
    case("5.4.1.1 a definition of null", bad(node.request("POST", "/p/kanhe/dcp/presentations/query", {
        "@context": [DCP], "type": "PresentationQueryMessage", "presentationDefinition": None}, headers=mine(one))))
    case("5.4.1.2 an empty scope", send(mine(one), scope=[])[0] == 400 and send(mine(one), scope=None)[0] == 400)
    got = send(mine(one), scope=None, presentationDefinition={"id": "1"})
    case("5.4.1.1 a definition", got[0] == 501)
    status, body, h = send({})
    case("a query without a token: an error that is no catalog's", status == 401 and body["rule"] == "missing" and "problem+json" in h["Content-Type"], (status, body))
    case("which says what is asked for instead", "by scope" in str(got[1]), got)
    case("4.3.3 bound to another", bad(send(bearer(third.token(node.did, token=one)))))
    case("4.3.3 key not in capabilityInvocation", bad(send(bearer(nocapability.token(node.did, token=one)))))
    case("4.3.3 no kid and several methods", bad(send(bearer(multivm.key.jwt(multivm.claims(node.did, token=one))))))
    jti = uuid.uuid4().hex
    case("4.3.3 one jti in two tokens", send(mine(one, jti=jti))[0] == 200 and bad(send(mine(both, jti=jti))))
    token_cases("4.3.3", asker, node.did, lambda h: send(h)[0], token=one)


def storage():
    status, out, err = node.kanhe("credential", "request", issuer.did, MEMBERSHIP, SENSITIVE, "--id", "kit-holder-pid", "--no-wait")
    case("a request that deliveries answer", status == 0, out + err)

    def message(pid="kit-holder-pid", by=None, **over):
        by = by or issuer
        m = {"@context": [DCP], "type": "CredentialMessage", "issuerPid": uuid.uuid4().hex, "holderPid": pid, "status": "ISSUED", "credentials": [
            {"credentialType": t, "format": "vc11-sl2021/jwt", "payload": by.credential(node.did, kind=t)} for t in (MEMBERSHIP, SENSITIVE)], **over}
        return {k: v for k, v in m.items() if v is not None}

    def send(headers, m=None):
        return node.request("POST", "/p/kanhe/dcp/credentials", m or message(), headers=headers)[0]
    good = lambda: bearer(issuer.token(node.did))
    bad = lambda status: 400 <= status < 500
    case("6.5.1 a CredentialMessage", 200 <= send(good()) < 300)
    case("6.5.1 no holderPid", bad(send(good(), message(pid=None))))
    case("6.5.1 an invalid status", bad(send(good(), message(status="INVALID_STATUS"))))
    case("6.5.1 rejected", 200 <= send(good(), message(status="REJECTED", credentials=None, rejectionReason="no")) < 300)
    case("6.5.1 an untrusted issuer", bad(send(bearer(third.token(node.did)), message(by=third))))
    forged = [{"credentialType": MEMBERSHIP, "format": "vc11-sl2021/jwt", "payload": third.key.jwt(claims_of(issuer.credential(node.did)), kid=issuer.kid)}]
    case("6.5.2 a proof that does not verify", bad(send(good(), message(credentials=forged))))
    case("6.5 an unknown holderPid", bad(send(good(), message(pid="other"))))
    token_cases("6.5.1", issuer, node.did, send)
    held = [t for h in json.loads(node.kanhe("credential", "list", "--json")[1])["held"] for t in h["type"]]
    case("they are held", MEMBERSHIP in held and SENSITIVE in held, held)


def offers():
    def message(*objects, **over):
        full = [{"id": uuid.uuid4().hex, "type": "CredentialObject", "credentialType": MEMBERSHIP, "offerReason": "reissue", "bindingMethods": ["did:web:"],
                 "profile": "vc11-sl2021/jwt", "issuancePolicy": {}}]
        m = {"@context": [DCP], "type": "CredentialOfferMessage", "issuer": issuer.did, "credentials": list(objects) or full, **over}
        return {k: v for k, v in m.items() if v is not None}

    def send(headers, m=None):
        return node.request("POST", "/p/kanhe/dcp/offers", m or message(), headers=headers)[0]
    good = lambda: bearer(issuer.token(node.did))
    bad = lambda status: 400 <= status < 500
    case("6.6.1 an offer", 200 <= send(good()) < 300)
    case("6.6.1 only ids", 200 <= send(good(), message(*({"id": f"object-{i}"} for i in (1, 2, 3, 4)))) < 300)
    case("6.6.1 ids that the metadata has not", bad(send(good(), message({"id": uuid.uuid4().hex}))))
    case("6.6.1 no credentials", bad(send(good(), message(credentials=[]))))
    case("6.6.1 no issuer", bad(send(good(), message(issuer=None))))
    case("6.6.1 an untrusted issuer", bad(send(bearer(third.token(node.did)), message(issuer=third.did))))
    token_cases("6.6.1", issuer, node.did, send)


# ---- issuer ---------------------------------------------------------------------------------------

def issuance():
    got = []
    host.pages["/holder/cs/credentials"] = lambda m, h, b: got.append((h, json.loads(b))) or (200, {}, b"{}")

    def message(**over):
        m = {"@context": [DCP], "type": "CredentialRequestMessage", "holderPid": "holder-pid", "credentials": [{"id": "credential-object-id1"}, {"id": "credential-object-id2"}], **over}
        return {k: v for k, v in m.items() if v is not None}

    def send(headers, m=None):  # of one pid, as the kit's are
        return node.request("POST", "/p/kanhe/issuer/credentials", m or message(), headers=headers)
    good = lambda **over: bearer(holder.token(node.did, **over))
    bad = lambda status: 400 <= status < 500
    doc = node.request("GET", "/p/kanhe/did.json")[1]
    doc = json.loads(doc) if isinstance(doc, bytes) else doc
    case("6.2 endpoint discovery", [s["serviceEndpoint"] for s in doc["service"] if s["type"] == "IssuerService"] == [node.url + "/p/kanhe/issuer"])
    status, meta, _ = node.request("GET", "/p/kanhe/issuer/metadata", headers=good())
    case("6.7 metadata", status == 200 and meta["type"] == "IssuerMetadata" and meta["issuer"] == node.did and len(meta["credentialsSupported"]) == 2, meta)
    status, said, headers = send(good(token="holders-access-token"), message())
    case("6.4.1 a request", status == 201 and headers["Location"], (status, said))
    location = headers["Location"][len(node.url):]
    case("6.5.1 is delivered", until(lambda: got) is not None)
    h, m = got[0]
    si = claims_of(h["Authorization"][7:])
    case("6.5.1 in one message", len(got) == 1 and m["type"] == "CredentialMessage" and m["status"] == "ISSUED" and m["holderPid"] == "holder-pid" and len(m["credentials"]) == 2, m)
    case("4.3 with a token of the issuer's", si["iss"] == si["sub"] == node.did and si["aud"] == holder.did, si)
    case("6.1 that hands the holder's back", si["token"] == "holders-access-token", si)
    for c in m["credentials"]:
        vc = claims_of(c["payload"])["vc"]
        case("6.5.2 credentials by the issuer", c["format"] == "vc11-sl2021/jwt" and vc["type"] == ["VerifiableCredential", c["credentialType"]] and vc["issuer"] == node.did, vc)
    ask = lambda headers, path=location: node.request("GET", path, headers=headers)
    status, said, _ = ask(good())
    case("6.8.1 status", status == 200 and said["type"] == "CredentialStatus" and said["status"] == "ISSUED", said)
    case("6.8 not another's", bad(ask(bearer(third.token(node.did)))[0]))
    case("6.8.12 not found", bad(ask(good(), "/p/kanhe/issuer/requests/not-exist")[0]))
    token_cases("6.8", holder, node.did, lambda h: ask(h)[0])
    case("6.4.4 no credentials", bad(send(good(), message(credentials=None))[0]))
    case("6.4.12 no holderPid", bad(send(good(), message(holderPid=None))[0]))
    token_cases("6.4", holder, node.did, lambda h: send(h)[0])


node = Node("--participant", "kanhe", "--ca", CA, "--tokens", "ES256", start=False, clear=False)
node.did = f"did:web:127.0.0.1%3A{node.port}:p:kanhe"
host = Host(CA)
host.silent = True
third, issuer, holder, asker = Role("thirdparty"), Role("issuer"), Role("holder"), Role("verifier")
liar = Role("liar", id=third.did)
nocapability = Role("nocapability", capabilityInvocation=[])
multivm = Role("multivm")
second = Key(host.folder, "p256")
methods = multivm.document()["verificationMethod"] + [{"id": multivm.did + "#k2", "type": "JsonWebKey2020", "controller": multivm.did, "publicKeyJwk": second.jwk()}]
multivm.write(verificationMethod=methods, capabilityInvocation=[multivm.kid, multivm.did + "#k2"])
host.page("/issuer/issuer/metadata", {"@context": [DCP], "type": "IssuerMetadata", "issuer": issuer.did, "credentialsSupported": [
    {"id": f"object-{i}", "type": "CredentialObject", "credentialType": t, "credentialSchema": None, "offerReason": "issuance", "issuancePolicy": {},
     "bindingMethods": ["did:web"], "profile": profile}
    for i, t, profile in ((1, MEMBERSHIP, "vc11-sl2021/jwt"), (2, SENSITIVE, "vc11-sl2021/jwt"), (3, MEMBERSHIP, "vc20-bssl/jwt"), (4, SENSITIVE, "vc20-bssl/jwt"))]})
host.page("/issuer/issuer/credentials", {}, status=201)
try:
    with open(os.path.join(node.folder, "kanhed.conf"), "a", encoding="utf-8") as f:
        f.write(f"\n[identity]\naccept = dcp\nissuers = {issuer.did}\nrequire = {MEMBERSHIP}\n")
    node.start()
    secret = node.request("POST", "/participants/kanhe/token-clients", {"client_id": "kit"}, token="owner")[1]["client_secret"]
    for i, t in ((1, MEMBERSHIP), (2, SENSITIVE)):
        node.kanhe("credential", "type", "add", t, "--open", "--id", f"credential-object-id{i}")
    for part in (verifier, storage, presentations, offers, issuance):
        part()
finally:
    close_all(TOP, node, host)
finish()
