"""Credentials of both models from one issuer: VC 1.1 (vc11-sl2021/jwt) and 2.0 (vc20-bssl/jwt), by type and by hand, their
status lists, a holder and a verifier of ours; signatures are verified with openssl, lists are read by hand."""
import base64
import gzip
import json
import os
import tempfile

from member import Member
from node import check, close_all, finish, until
from party import DCP, Host, Party, claims_of, openssl, unb64

TOP = tempfile.mkdtemp(prefix="kanhe-issued.")
CA = os.path.join(TOP, "ca")
OLD, NEW = "vc11-sl2021/jwt", "vc20-bssl/jwt"
V1, V2 = "https://www.w3.org/2018/credentials/v1", "https://www.w3.org/ns/credentials/v2"


def header_of(jwt):
    return json.loads(unb64(jwt.split(".")[0]))


def keys_of(n):
    got = n.request("GET", f"/p/{n.name}/did.json")[1]
    doc = json.loads(got) if isinstance(got, bytes) else got
    return {m["id"]: m for m in doc["verificationMethod"] if m["id"] in doc["assertionMethod"]}


def raw(method):
    """The 32 octets of an Ed25519 key."""
    if "publicKeyJwk" in method:
        return unb64(method["publicKeyJwk"]["x"])
    n = 0
    for c in method["publicKeyMultibase"][1:]:
        n = n * 58 + "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".index(c)
    return n.to_bytes(34, "big")[2:]


def signed(jwt, n):
    """By openssl, with the key that the issuer's DID document gives for assertions."""
    text, _, signature = jwt.rpartition(".")
    method = keys_of(n).get(header_of(jwt)["kid"])
    if not method:
        return False
    paths = [os.path.join(TOP, x) for x in ("pub.der", "text", "sig")]
    for path, octets in zip(paths, (bytes.fromhex("302a300506032b6570032100") + raw(method), text.encode(), unb64(signature))):
        with open(path, "wb") as f:
            f.write(octets)
    try:
        openssl("pkeyutl", "-verify", "-pubin", "-inkey", paths[0], "-keyform", "DER", "-rawin", "-in", paths[1], "-sigfile", paths[2])
    except Exception:
        return False
    return True


def held(n, kind):
    return [h for h in json.loads(n.ok("list", "credential", "list", "--json"))["held"] if kind in h["type"]]


def bit(text, index):
    octets = gzip.decompress(unb64(text[1:]) if text[0] == "u" else base64.b64decode(text, validate=True))
    check("a list has 131,072 entries at least", len(octets) * 8 >= 131072, len(octets))
    return octets[index // 8] >> (7 - index % 8) & 1


def v2_ok(c, holder):
    """The claims are the credential (VC-JOSE-COSE): as VCDM 2.0 has it, and nothing of 1.1."""
    check("a credential of 2.0", c["@context"] == [V2] and c["type"][0] == "VerifiableCredential" and "vc" not in c
          and {"issuanceDate", "expirationDate"}.isdisjoint(c) and c["validFrom"] < c["validUntil"] and c["issuer"] == c["iss"] == founder.did
          and c["credentialSubject"]["id"] == c["sub"] == holder.did and c["jti"] == c["id"], c)
    s = c["credentialStatus"]
    check("with an entry of a bitstring status list", s["type"] == "BitstringStatusListEntry" and s["statusPurpose"] == "revocation"
          and s["statusListCredential"] == founder.url + "/p/founder/dcp/status/2" and isinstance(s["statusListIndex"], str), s)


founder, maker, buyer = nodes = [Member("founder", CA), Member("maker", CA), Member("buyer", CA, "--tokens", "ES256")]
host = Host(CA)
stranger = Party(host, "stranger")
try:
    maker.configure(accept="dcp", issuers=f"{founder.did}=MembershipCredential", require="MembershipCredential")
    buyer.configure(accept="did dcp", issuers=founder.did)
    for n in nodes:
        n.start()

    # ---- by hand
    jwt = founder.ok("issue", "credential", "issue", buyer.did, "PassCredential", "level=full", "--profile", NEW).strip()
    check("its header says what it is", header_of(jwt)["typ"] == "vc+jwt", header_of(jwt))
    v2_ok(claims_of(jwt), buyer)
    check("the claims are the owner's", claims_of(jwt)["credentialSubject"] == {"id": buyer.did, "level": "full"}, claims_of(jwt))
    check("openssl verifies it", signed(jwt, founder) and not signed(jwt[:-8] + "AAAAAAAA", founder))
    buyer.ok("it is held", "credential", "add", "-", stdin=jwt)
    old = founder.ok("issue", "credential", "issue", buyer.did, "PassCredential").strip()
    check("without a profile it is one of 1.1", claims_of(old)["vc"]["@context"] == [V1] and header_of(old)["typ"] == "JWT" and signed(old, founder), claims_of(old))
    before = founder.state()
    for language, words in (("C.UTF-8", "known are vc11-sl2021/jwt and vc20-bssl/jwt"), ("zh_CN.UTF-8", "可用的有 vc11-sl2021/jwt 与 vc20-bssl/jwt")):
        for what in (("issue", buyer.did, "X"), ("type", "add", "X")):
            status, out, err = founder.kanhe("credential", *what, "--profile", "vc20/ldp", env={"LC_ALL": language})
            check(f"another profile is refused: {what[0]} ({language})", status == 1 and words in out + err, out + err)
    check("and changes nothing", founder.state() == before)

    # ---- by what is asked for: two objects of one type, each in its profile
    founder.ok("a type in 2.0", "credential", "type", "add", "MembershipCredential", "region=eu", "--open", "--profile", NEW, "--id", "member-2")
    founder.ok("and in 1.1", "credential", "type", "add", "MembershipCredential", "--open", "--id", "member-1")
    got = {o["id"]: o["profile"] for o in founder.request("GET", "/p/founder/issuer/metadata")[1]["credentialsSupported"]}
    check("the metadata tells the profiles", got == {"member-2": NEW, "member-1": OLD}, got)
    check("so does the list", f"member-2  MembershipCredential  {NEW}" in founder.ok("list", "credential", "type", "list"))
    buyer.ok("a holder asks for the one of 2.0", "credential", "request", founder.did, "member-2")
    jwt = held(buyer, "MembershipCredential")[0]["jwt"]
    v2_ok(claims_of(jwt), buyer)
    check("with the type's claims", claims_of(jwt)["credentialSubject"] == {"id": buyer.did, "region": "eu"})
    deliveries = []
    host.pages["/stranger/cs/credentials"] = lambda method, headers, body: deliveries.append(json.loads(body)) or (200, {}, b"{}")
    for name, profile in (("member-2", NEW), ("member-1", OLD)):
        body = {"@context": [DCP], "type": "CredentialRequestMessage", "holderPid": name, "credentials": [{"id": name}]}
        status, got, _ = founder.request("POST", "/p/founder/issuer/credentials", body, headers={"Authorization": "Bearer " + stranger.token(founder.did)})
        check(f"{name} is issued to a holder of another make", status == 201 and until(lambda: [d for d in deliveries if d["holderPid"] == name]), got)
        item = [d for d in deliveries if d["holderPid"] == name][0]["credentials"][0]
        check("in the profile asked for, which the delivery names", item["format"] == profile and ("vc" in claims_of(item["payload"])) == (profile == OLD)
              and signed(item["payload"], founder), item)

    # ---- presented, verified, revoked
    buyer.ok("it opens the maker's catalog", "catalog", maker.did)
    index = int(claims_of(jwt)["credentialStatus"]["statusListIndex"])

    def lists(n, kind):
        return founder.request("GET", f"/p/founder/dcp/status/{n}", headers={"Accept": kind})[1]

    def encoded(n):
        c = claims_of(lists(n, "application/vc+jwt").decode())
        return c.get("vc", c)["credentialSubject"]["encodedList"]

    check("no bit is set", bit(encoded(1), index) == bit(encoded(2), index) == 0)
    text = lists(2, "application/vc+jwt").decode()
    c = claims_of(text)
    check("the list of 2.0 is one", header_of(text)["typ"] == "vc+jwt" and signed(text, founder) and c["@context"] == [V2] and "vc" not in c
          and c["type"] == ["VerifiableCredential", "BitstringStatusListCredential"] and c["id"] == founder.url + "/p/founder/dcp/status/2"
          and c["credentialSubject"]["type"] == "BitstringStatusList" and c["credentialSubject"]["encodedList"][0] == "u"
          and c["validFrom"] < c["validUntil"], c)
    plain = lists(2, "application/json")
    check("as JSON too, with a proof", plain["@context"] == [V2] and plain["proof"]["cryptosuite"] == "eddsa-jcs-2022" and plain["credentialSubject"] == c["credentialSubject"], plain)
    check("the list of 1.1 is what it was", claims_of(lists(1, "application/jwt").decode())["vc"]["credentialSubject"]["type"] == "StatusList2021")
    check("there is no third", founder.request("GET", "/p/founder/dcp/status/3")[0] == 404)
    founder.ok("revoke", "credential", "revoke", claims_of(jwt)["id"])
    check("both lists say so", bit(encoded(1), index) == bit(encoded(2), index) == 1)
    status, out, err = buyer.kanhe("catalog", maker.did)
    check("and the door is shut", status != 0 and "revoked" in out + err, out + err)
    buyer.ok("take it out", "credential", "remove", claims_of(jwt)["id"])
    buyer.ok("one of 1.1 in its place", "credential", "request", founder.did, "member-1")
    buyer.ok("opens", "catalog", maker.did)
finally:
    close_all(TOP, *nodes, host)
finish()
