"""A plain partner that speaks 2024-1 as an Eclipse connector does: compacted by prefixes of its own, single things instead of
lists, references instead of texts; named "2024/1" where versions are told. Both roles, with pause and end."""
import json
import os
import shutil
import tempfile
import threading
import uuid

from node import Node, check, finish, until
from partner import Partner

DSPACE = "https://w3id.org/dspace/2024/1/"
CONTEXT = {"dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/", "odrl": "http://www.w3.org/ns/odrl/2/",
           "dspace": DSPACE, "@vocab": "https://example.org/ns/", "ex": "https://example.org/ns/", "d": DSPACE}
EDC = "https://w3id.org/edc/v0.0.1/ns/"
TOP = tempfile.mkdtemp(prefix="kanhe-compacted.")
CA = os.path.join(TOP, "ca")
node = Node("--participant", "maker", "--ca", CA, start=False, clear=False)
node.did = f"did:web:127.0.0.1%3A{node.port}:p:maker"
peer = Partner(TOP, CA)
ROOT = f"http://127.0.0.1:{peer.port}/protocol"
BASE = ROOT + "/2024/1"
peer.base, peer.speaks = ROOT + "/.well-known/dspace-version", "2024-1"


def urn():
    return f"urn:uuid:{uuid.uuid4()}"


def ref(x):
    return {"@id": x}


def message(kind, **members):
    return {"@id": urn(), "@type": kind if ":" in kind else f"dspace:{kind}",
            **{k if ":" in k or k[0] == "@" else f"dspace:{k}": v for k, v in members.items()}, "@context": CONTEXT}


def policy(kind, id, **members):
    return {"@id": id, "@type": f"odrl:{kind}", "odrl:permission": {"odrl:action": ref("odrl:use"), "odrl:constraint": {
        "odrl:leftOperand": ref("odrl:dateTime"), "odrl:operator": ref("odrl:lt"), "odrl:rightOperand": "2099-01-01T00:00:00Z"}},
        "odrl:prohibition": [], "odrl:obligation": [], **{f"odrl:{k}": ref(v) for k, v in members.items()}}


def call(what, path, body, wanted=200):
    status, got = peer.call(node, "maker", path, body)
    check(what, status == wanted, (status, got))
    return got


def kanhe(what, *args):
    status, out, err = node.kanhe(*args, "--json")
    check(what, status == 0, f"{status} {out} {err}")
    return json.loads(out) if status == 0 else {}


def refused(what, at, rule, body, path="/catalog/request"):
    got = call(what, path, body, 400)
    check(f"{what}: where and why", (got["kanhe:flaw"]["field"], got["kanhe:flaw"]["rule"]) == (at, rule), got)


def refusals():
    ask = message("CatalogRequestMessage")
    refused("another vocabulary by our prefix", "@context", "context", {**ask, "@context": {**CONTEXT, "dspace": "https://example.org/", "d": "urn:d:"}})
    refused("prefixes without end", "@context", "limit", {**ask, "@context": {**CONTEXT, **{f"p{i}": f"urn:{i}:" for i in range(40)}}})
    refused("the same said twice", "dspace:filter", "twice", {**ask, "dspace:filter": [], DSPACE + "filter": []})
    other = {**CONTEXT, "odrl": "https://example.org/not-odrl/"}
    offer = policy("Offer", "offer:d1:1", target="d1", assigner=node.did)
    refused("a policy of no vocabulary that is ours", "dspace:offer.@type", "value", {**message(
        "ContractRequestMessage", consumerPid=ref(urn()), callbackAddress=BASE, offer=offer), "@context": other}, "/negotiations/request")


def they_buy():
    for what, more in (("without a filter", {}), ("with a query", {"filter": {"@type": "QuerySpec", "offset": 0, "limit": 50,
                                                                             "sortOrder": "ASC", "filterExpression": []}})):
        got = call(f"our catalog, asked {what}", "/catalog/request", message("CatalogRequestMessage", **more))
        check("lists our dataset", [d["@id"] for d in got["dcat:dataset"]] == ["d1"], got)
    mine = ref(urn())
    offer = policy("Offer", "offer:d1:1", target="d1", assigner=node.did)
    ours = call("its request is taken", "/negotiations/request",
                message("d:ContractRequestMessage", consumerPid=mine, callbackAddress=BASE, offer=offer), 201)["dspace:providerPid"]
    agreement = peer.take("/2024/1/negotiations/" + mine["@id"] + "/agreement")["dspace:agreement"]
    both = {"consumerPid": mine, "providerPid": ref(ours)}
    call("its verification is taken", f"/negotiations/{ours}/agreement/verification", message("ContractAgreementVerificationMessage", **both))
    event = peer.take("/events")
    bundle = os.path.join(TOP, "bundle.json")
    node.kanhe("prove", agreement["@id"], "--to", bundle)
    status, out, err = node.kanhe("verify", bundle)
    check("what it said, by whatever prefix, goes with the proof", status == 0 and "ContractRequestMessage of the consumer" in out, (status, out, err))
    check("our event is a reference, as it reads it", event["dspace:eventType"] == ref("dspace:FINALIZED"), event)

    mine = ref(urn())
    ours = call("its transfer is taken", "/transfers/request", message(
        "TransferRequestMessage", consumerPid=mine, agreementId=ref(agreement["@id"]), callbackAddress=BASE,
        **{"dct:format": ref("HttpData-PULL")}), 201)["dspace:providerPid"]
    both = {"consumerPid": mine, "providerPid": ref(ours)}
    address = peer.take("/start")["dspace:dataAddress"]
    got = call("it pauses", f"/transfers/{ours}/suspension", message("TransferSuspensionMessage", **both, reason="lunch"))
    check("paused", got["dspace:state"] == "dspace:SUSPENDED", got)
    rows = node.request("GET", "/participants/maker/transfers", token="owner")[1]["transfers"]
    check("with its reason", rows[0]["reason"] == "lunch", rows)
    got = call("it goes on", f"/transfers/{ours}/start", message("TransferStartMessage", **both))
    check("going on", got["dspace:state"] == "dspace:STARTED", got)
    again = peer.take("/start")["dspace:dataAddress"]
    check("and is started with the address that it has", again == address, (address, again))
    call("it ends", f"/transfers/{ours}/completion", message("TransferCompletionMessage", **both))

    call("a push is taken, its endpoint by EDC's name among the properties", "/transfers/request", message(
        "TransferRequestMessage", consumerPid=ref(urn()), agreementId=ref(agreement["@id"]), callbackAddress=BASE, dataAddress={
            "@type": "dspace:DataAddress", "dspace:endpointType": ref("HttpData"), "dspace:endpointProperties": {
                "@type": "dspace:EndpointProperty", "dspace:name": EDC + "baseUrl", "dspace:value": f"http://127.0.0.1:{peer.port}/sink"}},
        **{"dct:format": ref("HttpData-PUSH")}), 201)
    peer.take("/start")
    check("and made", peer.take("/sink") == b"a,b\n1,2\n")
    peer.take("/completion")


def we_buy():
    offer = policy("Offer", "offer-of-theirs")
    service = {"@id": urn(), "@type": "dcat:DataService", "dcat:endpointURL": BASE}
    dataset = {"@id": "p1", "@type": "dcat:Dataset", "odrl:hasPolicy": offer, "dct:title": "Pumps", "title": "of another vocabulary",
               "dcat:distribution": {"@type": "dcat:Distribution", "dct:format": ref("HttpData-PULL"), "dcat:accessService": service}}
    catalog = message("dcat:Catalog", participantId=ref(peer.did), **{"dcat:dataset": dataset, "dcat:catalog": [],
                                                                     "dcat:distribution": [], "dcat:service": service})
    peer.answers["/protocol/.well-known/dspace-version"] = lambda h, b: (200, {"protocolVersions": [
        {"version": "v0.8", "path": "/", "binding": "HTTPS"}, {"version": "2024/1", "path": "/2024/1", "binding": "HTTPS"}]})
    peer.answers["/protocol/2024/1/catalog/request"] = lambda h, b: (200, catalog)
    peer.answers["/protocol/2024/1/catalog/datasets/p1"] = lambda h, b: (200, {**dataset, "@context": CONTEXT})
    asked, theirs = [], ref("urn:uuid:negotiation-of-theirs")

    def first(handler, body):
        asked.append(body)
        return 200, message("ContractNegotiation", providerPid=theirs, consumerPid=ref(body["dspace:consumerPid"]), state=ref("dspace:REQUESTED"))

    peer.answers["/protocol/2024/1/negotiations/request"] = first
    rows = kanhe("we read its catalog", "catalog", peer.did)["dataset"]
    check("as if it were one of 2025-1", len(rows) == 1 and rows[0]["title"] == "Pumps" and rows[0]["ex:title"] == "of another vocabulary"
          and rows[0]["hasPolicy"][0]["permission"] == [{"action": "use", "constraint": [
              {"leftOperand": "dateTime", "operator": "lt", "rightOperand": "2099-01-01T00:00:00Z"}]}]
          and rows[0]["distribution"][0]["format"] == "HttpData-PULL", rows)
    result = {}
    t = threading.Thread(target=lambda: result.update(kanhe("we negotiate", "negotiate", peer.did, "p1")))
    t.start()
    check("we ask for what it offers", until(lambda: asked, 60) and asked[0]["dspace:offer"]["odrl:assigner"] == peer.did, asked)
    mine = asked[0]["dspace:consumerPid"]
    both = {"providerPid": theirs, "consumerPid": ref(mine)}
    g = policy("Agreement", urn(), target="p1", assigner=peer.did, assignee=node.did)
    g["dspace:timestamp"] = "2026-01-01T00:00:00Z"
    call("its agreement is taken", f"/negotiations/{mine}/agreement", message("ContractAgreementMessage", **both, agreement=g))
    peer.take("/agreement/verification")
    call("its event is taken", f"/negotiations/{mine}/events",
         message("ContractNegotiationEventMessage", **both, eventType=ref("dspace:FINALIZED")))
    t.join(120)
    asked_for = []

    def pushed(handler, body):
        asked_for.append(body)
        return 200, message("TransferProcess", providerPid=ref("urn:uuid:t"), consumerPid=ref(body["dspace:consumerPid"]), state=ref("dspace:REQUESTED"))

    peer.answers["/protocol/2024/1/transfers/request"] = pushed
    secret = os.path.join(TOP, "secret")
    with open(secret, "w", encoding="utf-8") as f:
        f.write("s3cret")
    kanhe("we ask for a push", "pull", g["@id"], "--push", "http://sink.example/in", "--push-token", secret, "--no-wait")
    check("it is asked for", until(lambda: asked_for, 60))
    told = {p["dspace:name"]: p["dspace:value"] for p in asked_for[0]["dspace:dataAddress"]["dspace:endpointProperties"]}
    check("in both ways to name where", told == {
        "authorization": "s3cret", "authType": "bearer", EDC + "type": "HttpData", EDC + "baseUrl": "http://sink.example/in",
        EDC + "authKey": "Authorization", EDC + "authCode": "Bearer s3cret"}, told)
    check("agreed", result.get("state") == "FINALIZED" and result.get("agreement") == g["@id"], result)


try:
    with open(os.path.join(node.folder, "kanhed.conf"), "a", encoding="utf-8") as f:
        f.write("\n[identity]\naccept = did\n")
    node.start()
    where, terms = os.path.join(TOP, "data.csv"), os.path.join(TOP, "policy.json")
    with open(where, "w", encoding="utf-8") as f:
        f.write("a,b\n1,2\n")
    with open(terms, "w", encoding="utf-8") as f:
        json.dump({"permission": [{"action": "use", "constraint": [
            {"leftOperand": "dateTime", "operator": "lt", "rightOperand": "2099-01-01T00:00:00Z"}]}]}, f)
    kanhe("publish", "publish", where, "--id", "d1", "--policy", terms)
    refusals()
    they_buy()
    we_buy()
finally:
    for x in (peer, node):
        x.close()
    shutil.rmtree(TOP, ignore_errors=True)
finish()
