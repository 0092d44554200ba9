"""A connector that is none of ours, pinned by the address where its versions are told: 2024-1 is chosen where that is all
it speaks; what its data promised is not claimed; what it offers unasked is called so; letters to a data plane that was
removed are given up."""
import json
import os
import shutil
import tempfile
import threading
import uuid

from node import Node, check, finish, free_port, until
from partner import Partner
from planes import Plane

TOP = tempfile.mkdtemp(prefix="kanhe-stranger.")
CA = os.path.join(TOP, "ca")
ZH = {"LC_ALL": "zh_CN.UTF-8"}
OLD = "https://w3id.org/dspace/2024/1/context.json"
node = Node("--participant", "buyer", "--ca", CA, start=False, clear=False)
node.did = f"did:web:127.0.0.1%3A{node.port}:p:buyer"
old, new = Partner(TOP, CA, "old"), Partner(TOP, CA, "new")
nobody = f"127.0.0.1:{free_port()}"
for p, version in ((old, "2024-1"), (new, "2025-1")):
    p.did = f"did:web:{p.name}.example"  # nobody could ask for its document
    p.answers["/root/.well-known/dspace-version"] = lambda h, b, v=version: (200, {
        "protocolVersions": [{"version": v, "path": "/dsp/" + v, "binding": "HTTPS"}]})


def kanhe(what, *args, status=0, words=(), **more):
    got, out, err = node.kanhe(*args, **more)
    check(what, got == status and all(w in out + err for w in words), (got, out, err))
    return out


def call(path, message):
    return new.call(node, "buyer", path, message)


def told(message, *end):
    status, got = call(end[0], message)
    check(f"{message['@type']} is taken", status in (200, 201), (status, got))
    return got


try:
    with open(os.path.join(node.folder, "kanhed.conf"), "a", encoding="utf-8") as f:
        f.write("\n[identity]\naccept = pinned\npartners =" + "".join(
            f" {p.did}={p.multibase}@http://127.0.0.1:{p.port}/root/.well-known/dspace-version" for p in (old, new)) +
            f" did:web:nobody.example={old.multibase}@http://{nobody}/dsp/2025-1\n\n[space]\noutbox_tries = 2\noutbox_retry = 10ms\n")
    node.start()

    # ---- which version a pinned partner speaks
    asked = []

    def catalog_2024(h, body):
        asked.append(body)
        return 200, {"@context": OLD, "@type": "dcat:Catalog", "@id": "urn:c", "dspace:participantId": old.did, "dcat:dataset": [{
            "@type": "dcat:Dataset", "@id": "p1", "odrl:hasPolicy": [{"@type": "odrl:Offer", "@id": "urn:o", "odrl:assigner": old.did,
                                                                     "odrl:permission": [{"odrl:action": "odrl:use"}]}],
            "dcat:distribution": [{"@type": "dcat:Distribution", "dct:format": {"@id": "HttpData-PULL"},
                                   "dcat:accessService": [{"@id": "urn:s", "dcat:endpointURL": old.base}]}]}]}

    old.answers["/root/dsp/2024-1/catalog/request"] = catalog_2024
    kanhe("a pinned partner's versions are asked for", "catalog", old.did, words=("p1", "urn:o"))
    check("and it is spoken to in its own", asked and asked[0]["@type"] == "dspace:CatalogRequestMessage", asked)

    # ---- an offer that nobody asked for
    P = f"urn:uuid:{uuid.uuid4()}"
    rules = [{"action": "use", "constraint": [{"leftOperand": "count", "operator": "lteq", "rightOperand": "2"}]}]
    offer = {"@type": "Offer", "@id": "urn:offer:1", "target": "p1", "permission": rules}
    base = f"http://127.0.0.1:{new.port}/root/dsp/2025-1"
    pid = told(new.message("ContractOfferMessage", providerPid=P, callbackAddress=base, offer=offer), "/negotiations/offers")["consumerPid"]
    out = kanhe("it waits, and is called what it is", "inbox", words=(pid, "offers, without having been asked, p1", "count lteq", "pinned key"))
    check("and no counter-offer", "counter-offer" not in out, out)
    kanhe("in Chinese", "inbox", words=("主动提出要约 p1",), env=ZH)
    check("as JSON", [x["kind"] for x in json.loads(kanhe("inbox", "inbox", "--json"))["inbox"]] == ["offer"])
    kanhe("approve", "inbox", "approve", pid)
    check("it is accepted", new.take("/events")["eventType"] == "ACCEPTED")
    agreement = {"@type": "Agreement", "@id": f"urn:uuid:{uuid.uuid4()}", "target": "p1", "assigner": new.did, "assignee": node.did,
                 "timestamp": "2026-01-01T00:00:00Z", "permission": rules}
    told(new.message("ContractAgreementMessage", providerPid=P, consumerPid=pid, agreement=agreement), f"/negotiations/{pid}/agreement")
    new.take("/agreement/verification")
    told(new.message("ContractNegotiationEventMessage", providerPid=P, consumerPid=pid, eventType="FINALIZED"), f"/negotiations/{pid}/events")

    # ---- a content of which nothing was promised
    began = []

    def request(h, body):
        began.append(body)
        return 201, new.message("TransferProcess", providerPid="urn:t:" + str(len(began)), consumerPid=body["consumerPid"], state="REQUESTED")

    new.answers["/root/dsp/2025-1/transfers/request"] = request
    new.answers["/data"] = lambda h, b: (200, b"x,y\n1,2\n", {"Content-Type": "text/csv"})
    result = {}
    to = os.path.join(TOP, "got.csv")
    t = threading.Thread(target=lambda: result.update(out=node.kanhe("pull", agreement["@id"], "--to", to)))
    t.start()
    check("it is asked for", until(lambda: began), began)
    t1 = began[0]["consumerPid"]
    until(lambda: json.loads(node.kanhe("transfer", t1, "--json")[1]).get("peer_pid"))
    told(new.message("TransferStartMessage", providerPid="urn:t:1", consumerPid=t1, dataAddress={
        "@type": "DataAddress", "endpointType": "https://w3id.org/idsa/v4.1/HTTP", "endpoint": f"http://127.0.0.1:{new.port}/data",
        "endpointProperties": [{"@type": "EndpointProperty", "name": "authorization", "value": "t"},
                               {"@type": "EndpointProperty", "name": "authType", "value": "bearer"}]}), f"/transfers/{t1}/start")
    t.join(120)
    status, out, err = result["out"]
    check("what came is not said to be what was promised", status == 0 and "the provider promised none" in out and
          "as promised" not in out, result)
    kanhe("nor in Chinese", "pull", "--transfer", t1, "--to", to, words=("提供方未承诺摘要",), env=ZH)

    # ---- a data plane that does not answer, and is removed
    gone = Plane()
    kanhe("register", "dataplane", "register", "line-7", gone.url)
    t2 = json.loads(kanhe("its transfer", "pull", agreement["@id"], "--plane", "line-7", "--no-wait", "--json"))["pid"]
    gone.next("prepare")
    until(lambda: json.loads(node.kanhe("transfer", t2, "--json")[1])["dataflow"] == "PREPARED")
    gone.plan["terminate"] = [(503, None)] * 9
    kanhe("remove", "dataplane", "remove", "line-7")
    letters = lambda: json.loads(node.kanhe("outbox", "--json")[1])
    check("it is told so as often as the setting says, and no more",
          until(lambda: [x["attempts"] for x in letters()["dead"] if x["pid"] == t2 and x["kind"] == "SIGNAL"]) == [2], letters())
    check("by two letters that came", [x[0] for x in gone.got].count("terminate") == 2, gone.got)
    gone.close()
    kanhe("attempts are counted without a plural", "outbox", words=("attempts: 2",))

    # ---- nobody there
    kanhe("who cannot be reached is named", "catalog", "did:web:nobody.example", status=1, words=(f"no connection to {nobody}",))
    kanhe("in Chinese", "catalog", "did:web:nobody.example", status=1, words=(f"无法连接 {nobody}",), env=ZH)
    kanhe("a rule of access that is none, in Chinese", "publish", to, "--meta", "/dev/stdin", status=1, words=("应为 DID",), env=ZH,
          stdin='{"access":{"allow":["x"]}}')
finally:
    for x in (old, new, node):
        x.close()
    shutil.rmtree(TOP, ignore_errors=True)
finish()
