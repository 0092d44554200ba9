"""Issuance between real nodes: a data space founded with Kanhe alone. Types, requests, approval, offers, delivery that
outlives a holder that is away; and issuers and holders that are not ours and misbehave."""
import json
import os
import tempfile
import uuid

from member import Member
from node import check, close_all, finish, until
from party import DCP, SCOPE, Host, Party, claims_of, compact

TOP = tempfile.mkdtemp(prefix="kanhe-issuance.")
CA = os.path.join(TOP, "ca")


def held(n):
    return sorted(t for h in json.loads(n.ok("list", "credential", "list", "--json"))["held"] for t in h["type"])


def requests(n):
    return json.loads(n.ok("requests", "credential", "requests", "--json"))


def quiet(n):
    """No message of its own is under way any more, whose answer would be written; then what it holds."""
    until(lambda: not json.loads(n.ok("outbox", "outbox", "--json"))["waiting"], 60)
    return n.state()


def kinds(n):
    return [e["kind"] for e in n.request("GET", f"/participants/{n.name}/audit?limit=200", token="auditor")[1]["entries"]]


founder, maker, buyer = nodes = [Member("founder", CA), Member("maker", CA), Member("buyer", CA, "--tokens", "ES256")]
host = Host(CA)
stranger, rogue = Party(host, "stranger"), Party(host, "rogue", "p256")
try:
    maker.configure(accept="dcp", issuers=f"{founder.did}=MembershipCredential", require="MembershipCredential")
    buyer.configure(accept="did dcp", issuers=f"{founder.did} {rogue.did}=RogueCredential")
    for n in nodes:
        n.start()
    data = os.path.join(TOP, "data.csv")
    with open(data, "w", encoding="utf-8") as f:
        f.write("a,b\n1,2\n")
    maker.ok("publish", "publish", data, "--id", "d1", "--title", "t")

    # ---- what is issued
    got = founder.request("GET", "/p/founder/issuer/metadata")[1]
    check("nothing is issued yet", got["type"] == "IssuerMetadata" and got["credentialsSupported"] == [] and got["issuer"] == founder.did, got)
    status, out, err = buyer.kanhe("credential", "request", founder.did, "MembershipCredential")
    check("and nothing can be asked for", status == 3 and "does not issue" in out + err, (status, out + err))
    founder.ok("a type", "credential", "type", "add", "MembershipCredential", "region=eu", "--days", "30")
    before = founder.state()
    status, out, err = founder.kanhe("credential", "type", "add", "MembershipCredential", "region=us")
    chinese = founder.kanhe("credential", "type", "add", "MembershipCredential", env={"LC_ALL": "zh_CN.UTF-8"})
    check("told in Chinese that it is there", chinese[0] == 1 and "该类型已在签发：用 --id " in chinese[2], chinese)
    check("a type is not issued twice unnoticed", status == 1 and "--id" in err and founder.state() == before, out + err)
    for words, word in ((("issue", "did:web:x", "X", "novalue"), '"novalue" is not NAME=VALUE'), (("issue", "did:web:x", "X", "--days", "soon"), '"soon" is not a number'),
                        (("type", "add", "X", "novalue"), '"novalue" is not NAME=VALUE'), (("type", "add", "X", "--days", "soon"), '"soon" is not a number')):
        status, out, err = founder.kanhe("credential", *words)
        check(f"what is wrong with {words}", status == 2 and word in err, err)
    founder.ok("an open type", "credential", "type", "add", "VisitorCredential", "--open", "--id", "visitor")
    got = founder.request("GET", "/p/founder/issuer/metadata")[1]["credentialsSupported"]
    check("the metadata tells both", sorted(o["credentialType"] for o in got) == ["MembershipCredential", "VisitorCredential"], got)
    check("with the members that the schema requires", all(set(o) >= {"id", "type", "credentialType", "credentialSchema", "offerReason", "bindingMethods", "profile"} for o in got), got)
    check("the list, too", "visitor  VisitorCredential" in founder.ok("list", "credential", "type", "list"))
    for words in (("issue", buyer.did, "Two Words"), ("type", "add", "Two Words"), ("client", "add", "c", "Two Words")):
        status, out, err = founder.kanhe("credential", *words)
        check(f"a type with a blank, which no scope could name: {words[0]}", status == 1 and "blanks" in err, out + err)
    status, out, err = founder.kanhe("credential", "issue", buyer.did, "T", "a=1", "a=2", env={"LC_ALL": "zh_CN.UTF-8"})
    check("a claim given twice", status == 2 and "a 给出了两次" in err, out + err)
    status, out, err = founder.kanhe("credential", "list", "held")
    check("a word too many behind list", status == 2 and "held" in err, out + err)
    check("a type is checked", founder.request("POST", "/participants/founder/credential-types", {"type": "VerifiableCredential"}, token="owner")[0] == 400)
    doc = founder.request("GET", "/p/founder/did.json")[1]
    doc = json.loads(doc) if isinstance(doc, bytes) else doc
    check("the DID document names the issuer service", [s["serviceEndpoint"] for s in doc["service"] if s["type"] == "IssuerService"] == [founder.url + "/p/founder/issuer"], doc)

    # ---- request, approval, delivery
    out = buyer.ok("request", "credential", "request", founder.did, "MembershipCredential", "--json")
    check("it waits for the issuer", json.loads(out)["status"] == "RECEIVED", out)
    check("no membership, no catalog", buyer.kanhe("catalog", maker.did)[0] != 0)
    row = requests(founder)["received"][0]
    check("the founder sees who asks for what", row["holder"] == buyer.did and row["types"] == ["MembershipCredential"] and row["status"] == "RECEIVED", row)
    check("but no token of the holder's", "token" not in row and "service" not in row, row)
    check("a request that is not there", founder.kanhe("credential", "approve", "none")[0] == 3)
    buyer.kanhe("node", "stop", "--quiet")
    founder.ok("approved while the buyer is away", "credential", "approve", row["id"], "level=full")
    status, out, err = founder.kanhe("credential", "approve", row["id"])
    check("once", status == 1 and "decided" in out + err, (status, out + err))
    buyer.start()
    asked = requests(buyer)["asked"][0]["id"]
    got = buyer.request("GET", f"/participants/buyer/credential-requests/{asked}?wait=ISSUED&timeout=60", token="owner")[1]
    check("it arrives when the buyer is back", got["status"] == "ISSUED", got)
    jwt = json.loads(buyer.ok("list", "credential", "list", "--json"))["held"][0]["jwt"]
    vc = claims_of(jwt)["vc"]
    check("with the claims of type and approval", vc["credentialSubject"] == {"id": buyer.did, "region": "eu", "level": "full"}, vc)
    check("for as long as the type says", claims_of(jwt)["exp"] - claims_of(jwt)["nbf"] == 30 * 86400)
    buyer.ok("the member reads the catalog", "catalog", maker.did)
    check("and negotiates", json.loads(buyer.ok("negotiate", "negotiate", maker.did, "d1", "--json"))["state"] == "FINALIZED")
    check("delivered", until(lambda: requests(founder)["received"][0].get("delivered") is True) is True)
    founder.ok("revoke", "credential", "revoke", vc["id"])
    check("what was issued on request is revoked like any other", buyer.kanhe("catalog", maker.did)[0] != 0)

    # ---- open, offered, declined
    out = buyer.ok("open", "credential", "request", founder.did, "VisitorCredential", "--json")
    check("an open type is issued at once", json.loads(out)["status"] == "ISSUED" and "VisitorCredential" in held(buyer), out)
    status, out, err = founder.kanhe("credential", "offer", maker.did, "MembershipCredential", "level=gold")
    check("an offer", status == 0, out + err)
    check("arrives", until(lambda: json.loads(maker.ok("offers", "credential", "offers", "--json"))["received"]) is not None)
    got = json.loads(maker.ok("offers", "credential", "offers", "--json"))["received"][0]
    check("and says what by whom", got["issuer"] == founder.did and got["types"] == ["MembershipCredential"], got)
    status, out, err = buyer.kanhe("credential", "request", founder.did, "VisitorCredential")
    check("a second one of a type is told of: partners see both", status == 0 and "credential remove" in err and len(err.split("urn:uuid:")) == 3, out + err)
    second = [h["id"] for h in json.loads(buyer.ok("list", "credential", "list", "--json"))["held"] if "VisitorCredential" in h["type"]][-1]
    check("taken out, and said so", "taken out" in buyer.ok("remove", "credential", "remove", second))
    out = maker.ok("taken up", "credential", "request", founder.did, "MembershipCredential", "--json")
    check("it is issued at once", json.loads(out)["status"] == "ISSUED", out)
    jwt = json.loads(maker.ok("list", "credential", "list", "--json"))["held"][0]["jwt"]
    check("with the offer's claims", claims_of(jwt)["vc"]["credentialSubject"]["level"] == "gold", claims_of(jwt))
    check("an offer is used up", json.loads(founder.ok("offers", "credential", "offers", "--json"))["made"] == [])
    out = maker.ok("once more", "credential", "request", founder.did, "MembershipCredential", "--json")
    check("the next one waits", json.loads(out)["status"] == "RECEIVED", out)
    row = [r for r in requests(founder)["received"] if r["status"] == "RECEIVED"][0]
    founder.ok("declined", "credential", "decline", row["id"], "--reason", "one is enough")
    asked = [r for r in requests(maker)["asked"] if r["status"] != "ISSUED"][0]["id"]
    got = maker.request("GET", f"/participants/maker/credential-requests/{asked}?wait=REJECTED&timeout=60", token="owner")[1]
    check("the holder learns why", got["status"] == "REJECTED" and got["reason"] == "one is enough", got)
    status, out, err = founder.kanhe("credential", "offer", buyer.did, "OtherCredential")
    check("what is not issued cannot be offered", status == 3, (status, out + err))
    founder.ok("issued no more", "credential", "type", "remove", "visitor")
    check("it is gone", buyer.kanhe("credential", "request", founder.did, "VisitorCredential")[0] == 3)
    for kind in ("credential-type", "credential-requested", "credential-issued", "credential-offered", "credential-rejected"):
        check(f"the issuer's ledger tells {kind}", kind in kinds(founder))
    for kind in ("credential-requested", "credential-stored", "credential-offered", "credential-rejected"):
        check(f"the holder's ledger tells {kind}", kind in kinds(maker))

    # ---- a holder that is not ours
    object_id = [o["id"] for o in founder.request("GET", "/p/founder/issuer/metadata")[1]["credentialsSupported"]][0]

    def ask(party, *ids, pid=None, **over):
        body = {"@context": [DCP], "type": "CredentialRequestMessage", "holderPid": pid or uuid.uuid4().hex, "credentials": [{"id": i} for i in ids], **over}
        return founder.request("POST", "/p/founder/issuer/credentials", body, headers={"Authorization": "Bearer " + party.token(founder.did, token="echo-me")})

    def status_of(party, location):
        return founder.request("GET", location[len(founder.url):], headers={"Authorization": "Bearer " + party.token(founder.did)})

    before = quiet(founder)
    for what, want, rule, args in (("an unknown object", 400, "credential-unknown", ("nothing",)), ("one object twice", 400, "twice", (object_id, object_id))):
        got = ask(stranger, *args)
        check(f"{what}: {want} {rule}", got[0] == want and rule in json.dumps(got[1]), got)
    bare = Party(host, "bare")
    bare.write(service=[])
    check("without a credential service", "no-credential-service" in json.dumps(ask(bare, object_id)[1]))
    check("no token", founder.request("POST", "/p/founder/issuer/credentials", {})[0] == 401)
    check("nothing is written", founder.state() == before)
    status, got, headers = ask(stranger, object_id, pid="p1")
    location = headers["Location"]
    check("a request", status == 201 and got["type"] == "CredentialStatus" and got["status"] == "RECEIVED" and got["holderPid"] == "p1" and got["issuerPid"] == location.rsplit("/", 1)[1], got)
    before = quiet(founder)
    status, got, headers = ask(stranger, object_id, pid="p1")
    check("said again it is the same", status == 201 and headers["Location"] == location and founder.state()["space"][1] == before["space"][1], headers["Location"])
    check("its status", status_of(stranger, location)[1]["status"] == "RECEIVED")
    check("is nobody else's business", status_of(rogue, location)[0] == 404)
    for i in range(7):
        check("some more", ask(stranger, object_id)[0] == 201)
    got = ask(stranger, object_id)
    check("nine at once are too many", got[0] == 429 and "limit" in json.dumps(got[1]), got)
    deliveries = []
    host.pages["/stranger/cs/credentials"] = lambda method, headers, body: deliveries.append((headers, json.loads(body))) or (200, {}, b"{}")
    founder.ok("approved", "credential", "approve", location.rsplit("/", 1)[1])
    until(lambda: deliveries, 60)
    headers, m = deliveries[0]
    si = claims_of(headers["Authorization"][7:])
    check("the delivery is the issuer's, with the holder's token", si["iss"] == si["sub"] == founder.did and si["aud"] == stranger.did and si["token"] == "echo-me", si)
    check("one message", m["type"] == "CredentialMessage" and m["status"] == "ISSUED" and m["holderPid"] == "p1" and len(m["credentials"]) == 1, m)
    check("in the form that it names", m["credentials"][0]["format"] == "vc11-sl2021/jwt" and m["credentials"][0]["credentialType"] == "MembershipCredential", m)
    check("the status follows", status_of(stranger, location)[1]["status"] == "ISSUED")
    host.pages["/stranger/cs/credentials"] = (400, {}, b"no such thing")
    other = [r for r in requests(founder)["received"] if r["holder"] == stranger.did and r["status"] == "RECEIVED"][0]["id"]
    founder.ok("approved for one that does not take it", "credential", "approve", other)
    got = until(lambda: [r for r in requests(founder)["received"] if r["id"] == other and r.get("delivered") is False])
    check("is shown undelivered, with the answer", got and got[0]["reason"] == "no such thing", got)
    letters = [x for x in json.loads(founder.ok("outbox", "outbox", "--json"))["dead"] if x["kind"] == "CREDENTIAL"]
    check("and in the dead letters", len(letters) == 1, letters)
    del deliveries[:]
    host.pages["/stranger/cs/credentials"] = lambda method, headers, body: deliveries.append((headers, json.loads(body))) or (200, {}, b"{}")
    founder.ok("sent again", "outbox", "retry", letters[0]["letter"])
    check("it arrives, with the holder's token", until(lambda: deliveries) and claims_of(deliveries[0][0]["Authorization"][7:])["token"] == "echo-me", deliveries)
    check("and is delivered", until(lambda: [r for r in requests(founder)["received"] if r["id"] == other and r.get("delivered") is True]) is not None)

    # ---- an issuer that is not ours
    def deliver(party, message):
        return buyer.request("POST", "/p/buyer/dcp/credentials", message, headers={"Authorization": "Bearer " + party.token(buyer.did)})

    def message(pid, *jwts, **over):
        return {"@context": [DCP], "type": "CredentialMessage", "issuerPid": "i1", "holderPid": pid, "status": "ISSUED",
                "credentials": [{"credentialType": "RogueCredential", "payload": j, "format": "jwt"} for j in jwts], **over}

    def metadata(party, **over):
        host.page(f"/{party.name}/issuer/metadata", {"@context": [DCP], "type": "IssuerMetadata", "issuer": party.did, "credentialsSupported": [
            {"id": "rogue-1", "type": "CredentialObject", "credentialType": "RogueCredential", "credentialSchema": "x", "bindingMethods": ["did:web"], "profile": "vc11-sl2021/jwt"}], **over})

    good = rogue.credential(buyer.did, kind="RogueCredential")
    check("nothing that was not asked for is stored", deliver(rogue, message("none", good))[0] == 404)
    status, out, err = buyer.kanhe("credential", "request", rogue.did, "RogueCredential")
    check("an issuer without metadata", status != 0, out + err)
    metadata(rogue, issuer=stranger.did)
    status, out, err = buyer.kanhe("credential", "request", rogue.did, "RogueCredential")
    check("metadata of another", status != 0 and "another issuer" in out + err, out + err)
    metadata(rogue)
    host.page("/rogue/issuer/credentials", {"@context": [DCP], "type": "CredentialStatus", "issuerPid": "i1", "holderPid": "x", "status": "RECEIVED"}, status=201)
    row = json.loads(buyer.ok("asked", "credential", "request", rogue.did, "RogueCredential", "--json"))
    pid = row["id"]
    sent = [json.loads(s[3]) for s in host.seen if s[1] == "/rogue/issuer/credentials"]
    check("one request went out", row["status"] == "RECEIVED" and len(sent) == 1 and sent[0]["holderPid"] == pid and sent[0]["credentials"] == [{"id": "rogue-1"}], (row, sent))
    before = quiet(buyer)
    for what, party, m, want, rule in (
            ("another issuer", stranger, message(pid, stranger.credential(buyer.did, kind="RogueCredential")), 403, "issuer"),
            ("about another", rogue, message(pid, rogue.credential(maker.did, kind="RogueCredential")), 400, "holder-binding"),
            ("another's credential", rogue, message(pid, stranger.credential(buyer.did, kind="RogueCredential")), 403, "sender"),
            ("another type", rogue, message(pid, rogue.credential(buyer.did)), 403, "unasked"),
            ("a forged one", rogue, message(pid, stranger.key.jwt(claims_of(good), kid=rogue.kid)), 400, "signature"),
            ("an expired one", rogue, message(pid, rogue.credential(buyer.did, kind="RogueCredential", exp=1000)), 400, "expired"),
            ("one that is none", rogue, message(pid, "a.b.c"), 400, ""), ("no credentials", rogue, message(pid), 400, "count"),
            ("another status", rogue, message(pid, good, status="MAYBE"), 400, "value"), ("no holderPid", rogue, message(None, good), 400, "holderPid"),
            ("no context", rogue, message(pid, good, **{"@context": ["x"]}), 400, "@context"), ("another message", rogue, message(pid, good, type="Other"), 400, "type"),
            ("thirty-three", rogue, message(pid, *[good] * 33), 400, "count")):
        got = deliver(party, m)
        check(f"delivery, {what}: {want} {rule}", (got[0] == want or (want == 410 and got[0] in (400, 401, 403, 410))) and rule in json.dumps(got[1]), got)
    check("after all this nothing is written", buyer.state() == before)
    got = deliver(rogue, message(pid, good))
    check("the right one is stored", got[0] == 200 and "RogueCredential" in held(buyer), got)
    check("the request is done", [r["status"] for r in requests(buyer)["asked"] if r["id"] == pid] == ["ISSUED"])
    got = deliver(rogue, message(pid, None, status="REJECTED", rejectionReason="on second thought", credentials=[]))
    check("a rejection is noted", got[0] == 200 and [r["reason"] for r in requests(buyer)["asked"] if r["id"] == pid] == ["on second thought"], got)
    check("what is held stays held", "RogueCredential" in held(buyer))
    host.page("/rogue/issuer/credentials", b"not you", status=403)
    status, out, err = buyer.kanhe("credential", "request", rogue.did, "RogueCredential")
    check("an issuer that refuses", status == 1 and "FAILED" in out and "not you" in out, (status, out + err))

    # ---- offers that are not ours
    def offer(party, *objects, **over):
        m = {"@context": [DCP], "type": "CredentialOfferMessage", "issuer": party.did, "credentials": list(objects), **over}
        return buyer.request("POST", "/p/buyer/dcp/offers", m, headers={"Authorization": "Bearer " + party.token(buyer.did)})

    full = {"id": "rogue-1", "type": "CredentialObject", "credentialType": "RogueCredential"}
    check("an offer of a trusted issuer", offer(rogue, full)[0] == 200)
    check("with nothing but the id, which its metadata explains", offer(rogue, {"id": "rogue-1"})[0] == 200)
    got = json.loads(buyer.ok("offers", "credential", "offers", "--json"))["received"]
    check("both are listed", [o["types"] for o in got if o["issuer"] == rogue.did] == [["RogueCredential"]] * 2, got)
    before, asked = quiet(buyer), host.asked("/stranger/issuer/metadata")
    for what, party, objects, over, want, rule in (
            ("an id that the metadata has not", rogue, [{"id": "x"}], {}, 400, "credential-unknown"), ("of a stranger", stranger, [full], {}, 403, "trusted"),
            ("ids of a stranger", stranger, [{"id": "x"}], {}, 403, "trusted"), ("for which it is not trusted", rogue, [{**full, "credentialType": "MembershipCredential"}], {}, 403, "trusted"),
            ("in another's name", rogue, [full], {"issuer": founder.did}, 403, "sender"), ("of nothing", rogue, [], {}, 400, "count"), ("of nobody", rogue, [full], {"issuer": None}, 400, "issuer")):
        got = offer(party, *objects, **over)
        check(f"offer {what}: {want} {rule}", got[0] == want and rule in json.dumps(got[1]), got)
    check("nothing is written, and strangers are asked nothing", buyer.state() == before and host.asked("/stranger/issuer/metadata") == asked)
    many = [offer(rogue, full)[0] for _ in range(257)]
    kept = json.loads(buyer.ok("offers", "credential", "offers", "--json"))["received"]
    check("offers are taken, and 256 are kept", set(many) == {200} and len(kept) == 256, (set(many), len(kept)))
    check("only owners decide", founder.request("POST", "/participants/founder/credential-requests/x/approve", {}, token="auditor")[0] == 403)
finally:
    close_all(TOP, *nodes, host)
finish()
