"""Contracts with a plain partner, which signs none: what is kept as evidence, what is told of it and no more, and that
changed evidence is refused. Both roles; by DID document, pinned key and client certificate."""
import base64
import copy
import hashlib
import json
import os
import shutil
import ssl
import tempfile
import threading
import uuid

from node import Node, check, finish, until
from partner import Partner

TOP = tempfile.mkdtemp(prefix="kanhe-plain.")
CA = os.path.join(TOP, "ca")
node = Node("--participant", "maker", "--ca", CA, start=False, clear=False)
node.did = f"did:web:127.0.0.1%3A{node.port}:p:maker"
peer = Partner(TOP, CA)
pinned = Partner(TOP, CA, "pinned")
wired = Partner(TOP, CA, "wired")


def kanhe(what, *args, status=0, **more):
    got, out, err = node.kanhe(*args, **more)
    check(what, got == status, f"{got} {out} {err}")
    return out


def certificate_digest(p):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(open(p.file("tls.pem"), encoding="utf-8").read())).hexdigest()


def save(name, value):
    path = os.path.join(TOP, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(value if isinstance(value, str) else json.dumps(value))
    return path


def consume(p, how=None, more=None):
    """The partner asks for d1 and signs nothing; the agreement's id, and the messages as sent."""
    how = how or {"token": True}
    status, dataset = p.call(node, "maker", "/catalog/datasets/d1", **how)
    check("the offer is read", status == 200, (status, dataset))
    offer = {**dataset["hasPolicy"][0], "target": "d1"}
    first = p.message("ContractRequestMessage", consumerPid=f"urn:uuid:{uuid.uuid4()}", callbackAddress=p.base, offer=offer, **(more or {}))
    sent = [json.dumps(first, indent=1).encode()]  # octets as nobody would write them again
    status, got = p.call(node, "maker", "/negotiations/request", raw=sent[0], **how)
    check("the request is taken", status == 201, (status, got))
    pid = got["providerPid"]
    agreement = p.take("/agreement")
    check("our agreement is signed by us", agreement["agreement"]["proof"]["verificationMethod"].startswith(node.did), agreement)
    sent.append(json.dumps(p.message("ContractAgreementVerificationMessage", providerPid=pid, consumerPid=first["consumerPid"])).encode())
    status, got = p.call(node, "maker", f"/negotiations/{pid}/agreement/verification", raw=sent[1], **how)
    check("the verification is taken", status == 200, (status, got))
    event = p.take("/events")
    check("it is final", event["eventType"] == "FINALIZED", event)
    return agreement["agreement"]["@id"], sent


def shown(agreement):
    return json.loads(kanhe("show", "agreement", "show", agreement, "--json"))


try:
    with open(os.path.join(node.folder, "kanhed.conf"), "a", encoding="utf-8") as f:
        f.write(f"\n[identity]\naccept = did pinned tls\npartners = {pinned.did}={pinned.multibase}@{pinned.base} "
                f"{wired.did}=sha256:{certificate_digest(wired)}\n")
    text = open(os.path.join(node.folder, "kanhed.conf"), encoding="utf-8").read()
    with open(os.path.join(node.folder, "kanhed.conf"), "w", encoding="utf-8") as f:
        f.write(text.replace("[net]\n", "[net]\nclient_ca = tls/ca.pem\n"))
    node.start()
    kanhe("publish", "publish", save("data.csv", "a,b\n1,2\n"), "--id", "d1", "--title", "t")

    # ---- we provide; known by its DID document
    ours, sent = consume(peer)
    j = shown(ours)
    kept = j["evidence"]
    check("we have signed, it has not", (j["signed_by_provider"], j["signed_by_consumer"]) == (True, False), j)
    check("its octets are kept as they came", [base64.b64decode(e["message"]) for e in kept] == sent, kept)
    check("with who, when and how", all(
        e["record"]["from"] == peer.did and e["record"]["to"] == node.did and e["record"]["by"] == "did" and
        e["record"]["key"] == peer.multibase and e["record"]["method"] == f"{peer.did}#k1" and e["record"]["time"] for e in kept), kept)
    entries = {e["index"]: e for e in json.loads(kanhe("audit", "audit", "--json", "--limit", "1000"))["entries"]}
    check("the ledger has both digests", all(
        entries[e["index"]]["message"] == e["record"]["message"] == "sha256:" + hashlib.sha256(m).hexdigest()
        and len(entries[e["index"]]["detail"]["evidence"]) == 71 for e, m in zip(kept, sent)), entries)
    out = kanhe("verify tells", "agreement", "verify", ours)
    check("by whom it is proven, and no more", "✓ provider" in out and "– consumer" in out and "no signature proves" in out
          and out.count("its token's signature verifies") == 2 and "does not sign the message" in out, out)
    v = json.loads(kanhe("verify as JSON", "agreement", "verify", ours, "--json"))
    check("it is not claimed to be verified by both", v["verified"] is False
          and [(p["party"], p["signed"]) for p in v["parties"]] == [("provider", True), ("consumer", False)]
          and [e["token_verified"] for e in v["evidence"]] == [True, True], v)
    out = kanhe("in Chinese too", "agreement", "show", ours, env={"LC_ALL": "zh_CN.UTF-8"})
    check("with the same limits", "令牌并不对消息签名" in out and "没有签名证明其同意" in out, out)

    # ---- changed files are refused
    path = save("shown.json", j)
    kanhe("the file of show verifies offline", "agreement", "verify", path)

    def changed(what, change, status=4):
        x = copy.deepcopy(j)
        change(x["evidence"])
        kanhe(f"refused: {what}", "agreement", "verify", save("changed.json", x), status=status)

    other = base64.b64encode(sent[0].replace(b"permission", b"prohibition")).decode()

    def put(key, value, record=False, at=0):
        def change(e):
            (e[at]["record"] if record else e[at])[key] = value
        return change

    changed("another message", put("message", other))
    out = kanhe("told in Chinese", "agreement", "verify", os.path.join(TOP, "changed.json"), status=4, env={"LC_ALL": "zh_CN.UTF-8"})
    check("with the reason", "其字节不是收到的字节" in out, out)
    changed("another size", put("size", 1, True))
    changed("another sender", put("from", pinned.did, True))
    changed("another receiver", put("to", pinned.did, True))
    changed("another time", put("time", "2020-01-01T00:00:00.000000Z", True))
    changed("another key", put("key", pinned.multibase, True))
    changed("another way in", put("by", "tls", True))
    changed("another's token", put("token", pinned.token(node.did)))
    changed("a token for somebody else", put("token", peer.token(pinned.did)))
    changed("another type", put("type", "ContractAgreementMessage", True))

    def retoken(token):
        def change(e):
            e[0]["token"] = token
            e[0]["record"]["token"] = "sha256:" + hashlib.sha256(token.encode()).hexdigest()
        return change

    # with a record that fits: the token must still be the sender's, for us, of that time, and verify
    changed("a token whose signature does not verify", retoken(peer.token(node.did)[:-8] + "AAAAAAAA"))
    changed("a good token of somebody else", retoken(pinned.token(node.did)))
    changed("a good token for somebody else", retoken(peer.token(pinned.did)))
    changed("a good token that had ended", retoken(peer.token(node.did, iat=1000, exp=2000)))
    changed("a good token of later", retoken(peer.token(node.did, iat=4000000000, exp=4000000300)))
    changed("a good token of another subject", retoken(peer.token(node.did, sub=pinned.did)))
    changed("a good token without an end", retoken(peer.token(node.did, exp=None)))

    # ---- the bundle
    bundle = os.path.join(TOP, "bundle.json")
    kanhe("prove", "prove", ours, "--to", bundle)
    for how in (("verify", bundle), ("agreement", "verify", bundle)):
        out = kanhe("the bundle verifies offline", *how)
        check("and tells who has not signed", "– agreement signed by the consumer" in out and "has NOT signed" in out
              and "only one party has signed" in out and "ContractRequestMessage of the consumer" in out, out)
    out = kanhe("in Chinese", "verify", bundle, env={"LC_ALL": "zh_CN.UTF-8"})
    check("each check is told in Chinese", "✓ 提供方的密钥" in out and "– 合约由使用方签署" in out and "未签署：见其消息" in out
          and "✓ 条目已列入账本" in out and f"字节已保存；附 {peer.did} 的令牌，以 " in out and "并不对消息签名" in out, out)
    v = json.loads(kanhe("as JSON", "verify", bundle, "--json"))
    check("as JSON: who signed", (v["verified"], v["signed_by_provider"], v["signed_by_consumer"], v["evidence"]) == (True, True, False, 2), v)
    text = open(bundle, encoding="utf-8").read()
    for what, old, new in (("message", kept[0]["message"], other), ("token", kept[0]["token"], peer.token(node.did)),
                           ("record", '"by":"did"', '"by":"tls"')):
        check(f"the bundle holds the {what}", old in text)
        kanhe(f"a changed {what} in the bundle is refused", "verify", save("forged.json", text.replace(old, new, 1)), status=4)
        kanhe("by the other command too", "agreement", "verify", save("forged.json", text.replace(old, new, 1)), status=4)

    # ---- pinned; client certificate
    a, sent = consume(pinned)
    check("pinned: by the pinned key", {e["record"]["by"] for e in shown(a)["evidence"]} == {"pinned"}, shown(a))
    a, sent = consume(wired, {"token": False, "certificate": True})
    kept = shown(a)["evidence"]
    check("tls: by its certificate, without a token", all(
        e["record"]["by"] == "tls" and e["record"]["certificate"] == "sha256:" + certificate_digest(wired) and "token" not in e for e in kept), kept)
    out = kanhe("tls: told", "agreement", "verify", a)
    check("tls: no more than this node's word", out.count("received over mutual TLS") == 2 and "its token's signature" not in out, out)
    kanhe("tls: provable", "prove", a, "--to", bundle)
    out = kanhe("tls: holds", "verify", bundle)
    check("tls: told in the bundle", out.count("so this node says") == 2, out)

    # ---- bounds: what is too large leaves its record alone
    a, sent = consume(peer, more={"filler": "x" * 70000})
    kept = shown(a)["evidence"]
    check("a message beyond the bound leaves its digest", "message" not in kept[0] and kept[0]["record"]["size"] == len(sent[0])
          and kept[0]["record"]["message"] == "sha256:" + hashlib.sha256(sent[0]).hexdigest() and "message" in kept[1], kept)
    kanhe("and holds", "agreement", "verify", a)
    kanhe("also as a bundle", "prove", a, "--to", bundle)
    out = kanhe("which holds", "verify", bundle)
    check("and tells that it is not kept", "octets not kept" in out, out)

    # ---- we consume from a plain provider
    offer = {"@type": "Offer", "@id": "urn:offer:1", "permission": [{"action": "use"}]}
    peer.answers["/dsp/2025-1/catalog/datasets/p1"] = lambda h, b: (200, {
        "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@id": "p1", "@type": "Dataset", "hasPolicy": [offer],
        "distribution": [{"@type": "Distribution", "format": "HttpData-PULL", "accessService": {
            "@id": "urn:s", "@type": "DataService", "endpointURL": peer.base}}]})
    asked = []

    def first(h, body):
        asked.append(body)
        return 201, peer.message("ContractNegotiation", providerPid="urn:uuid:plain-1", consumerPid=body["consumerPid"], state="REQUESTED")

    peer.answers["/dsp/2025-1/negotiations/request"] = first
    result = {}
    t = threading.Thread(target=lambda: result.update(out=node.kanhe("negotiate", peer.did, "p1", "--json")))
    t.start()
    check("we ask", until(lambda: asked, 60), asked)
    consumer = asked[0]["consumerPid"]
    g = {"@type": "Agreement", "@id": "urn:uuid:" + str(uuid.uuid4()), "target": "p1", "assigner": peer.did, "assignee": node.did,
         "timestamp": "2026-01-01T00:00:00Z", "permission": [{"action": "use"}]}
    status, got = peer.call(node, "maker", f"/negotiations/{consumer}/agreement",
                            peer.message("ContractAgreementMessage", providerPid="urn:uuid:plain-1", consumerPid=consumer, agreement=g))
    check("its agreement is taken", status == 200, (status, got))
    ours_signed = peer.take("/agreement/verification")
    check("our verification carries our proof", any("proof" in k.lower() for k in ours_signed), ours_signed)
    status, got = peer.call(node, "maker", f"/negotiations/{consumer}/events",
                            peer.message("ContractNegotiationEventMessage", providerPid="urn:uuid:plain-1", consumerPid=consumer, eventType="FINALIZED"))
    check("its event is taken", status == 200, (status, got))
    t.join(120)
    check("negotiated", result["out"][0] == 0 and json.loads(result["out"][1])["state"] == "FINALIZED", result)
    j = shown(g["@id"])
    check("it has not signed, we have", (j["signed_by_provider"], j["signed_by_consumer"]) == (False, True), j)
    check("agreement and event are kept", [e["record"]["type"] for e in j["evidence"]] ==
          ["ContractAgreementMessage", "ContractNegotiationEventMessage"], j["evidence"])
    kanhe("proved", "prove", g["@id"], "--to", bundle)
    out = kanhe("holds", "verify", bundle, f"{peer.did}={peer.multibase}")
    check("the agreement it sent is the one in the bundle", "ContractAgreementMessage of the provider" in out and "– agreement signed by the provider" in out, out)
finally:
    for x in (peer, pinned, wired, node):
        x.close()
    shutil.rmtree(TOP, ignore_errors=True)
finish()
