"""What people are told when something is refused: what it was about, where, in their language; and what a partner is told."""
import json
import os
import shutil
import tempfile
import uuid

from node import Node, check, finish, until
from partner import Partner

TOP = tempfile.mkdtemp(prefix="kanhe-refusals.")
CA = os.path.join(TOP, "ca")
maker = Node("--participant", "maker", "--ca", CA, clear=False)
buyer = Node("--participant", "buyer", "--ca", CA, clear=False)
peer = Partner(TOP, CA)
MAKER = f"did:web:127.0.0.1%3A{maker.port}:p:maker"
ZH = {"LC_ALL": "zh_CN.UTF-8"}


def told(what, node, *args, status, words, **more):
    got, out, err = node.kanhe(*args, **more)
    check(what, got == status and all(w in out + err for w in words), (got, out, err))
    return out + err


def refused(what, path, message, reason, consumer="unknown", provider="unknown", kind="ContractNegotiationError"):
    status, got = peer.call(maker, "maker", path, message)
    check(what, status in (400, 404) and got["@type"] == kind and got["reason"] == [reason] and
          (kind == "CatalogError" or (got["consumerPid"], got["providerPid"]) == (consumer, provider)), (status, got))


try:
    data = os.path.join(TOP, "data.csv")
    with open(data, "w", encoding="utf-8") as f:
        f.write("a,b\n1,2\n")
    told("publish", maker, "publish", data, "--id", "d1", status=0, words=())
    told("one more, after a person's word", maker, "publish", data, "--id", "d2", "--approval", status=0, words=())

    # ---- a dataset or an offer that the partner does not have
    base = f"{maker.url}/p/maker/dsp/2025-1"
    told("no such dataset: what, and where", buyer, "negotiate", MAKER, "nope", status=3,
         words=('no dataset "nope"', base, "404", "(unknown · dataset)", f"kanhe catalog {MAKER}"))
    told("in Chinese", buyer, "negotiate", MAKER, "nope", status=3, words=("未找到", "数据集“nope”", base, f"kanhe catalog {MAKER}"), env=ZH)
    told("no such offer", buyer, "negotiate", MAKER, "d1", "--offer", "urn:no", status=3, words=('no offer "urn:no"', f"kanhe catalog {MAKER}"))
    told("as JSON", buyer, "negotiate", MAKER, "nope", "--json", status=3, words=('"field":"dataset"', '"rule":"unknown"'))
    told("our own catalog", maker, "catalog", "nope", "--format", "dcat-ap", status=3, words=('no dataset "nope"',))
    told("no such agreement, in Chinese", buyer, "pull", "urn:no", status=3, words=("没有该合约",), env=ZH)
    told("ask", buyer, "negotiate", MAKER, "d2", "--no-wait", status=0, words=("REQUESTED",))
    check("it waits", until(lambda: maker.kanhe("inbox")[1].startswith("urn:")))
    told("how it is known who asks", maker, "inbox", status=0, words=("身份核实依据：其 DID 文档中的密钥",), env=ZH)
    told("and in English", maker, "inbox", status=0, words=("identity verified by key of its DID document",))
    got = maker.request("GET", "/participants/maker/agreements/urn:no/nothing", token="operator", headers={"Accept-Language": "zh"})
    check("problems by HTTP in the reader's language", "没有服务" in got[1]["detail"], got)

    # ---- words too many, and a format of a partner's
    for args in (("negotiate", MAKER, "d1", "d2"), ("catalog", MAKER, "d1"), ("agreements", "a", "b"), ("inbox", "list", "b"),
                 ("outbox", "list", "b"), ("outbox", "retry", "1", "b"), ("revoke", "a", "b")):
        told(f"{args[0]}: a word too many is named", buyer, *args, status=2, words=(f'unexpected word "{args[-1]}"',))
    told("a partner's catalog has one form", buyer, "catalog", MAKER, "--format", "dcat-ap", status=2, words=("own catalog",))

    told("a token that is not there, and no leak", buyer, "pull", "urn:no", "--push", "http://127.0.0.1:1/", "--push-token",
         os.path.join(TOP, "absent"), status=2, words=("cannot read", "absent"))

    # ---- what is done, but is not what was meant
    batch = os.path.join(TOP, "batch.ndjson")
    with open(batch, "w", encoding="utf-8") as f:
        f.write('{"id":"b1","policy":{"permission":[{"action":"use"}]}}\n{"id":"b2","content_of":"d1","policy":{"permission":[{"action":"use"}]}}\n')
    told("datasets without a content are told", maker, "publish", "--batch", batch, status=0, words=("2 datasets published", "1 of them have no content yet"))
    told("also as JSON", maker, "publish", "--batch", batch, "--json", status=0, words=('"without_content":1',))
    told("a control plane", maker, "dataplane", "admit", "hall-9", "https://127.0.0.1:1/c", status=0, words=())
    told("a data plane", maker, "dataplane", "register", "line-7", "https://127.0.0.1:1/d", status=0, words=())
    out = told("both are listed", maker, "dataplane", status=0, words=("control plane  hall-9", "data plane  line-7"))
    check("each on its line", len(out.splitlines()) == 2, out)
    told("in Chinese", maker, "dataplane", "list", status=0, words=("控制平面  hall-9", "数据平面  line-7"), env=ZH)
    told("as JSON", maker, "dataplane", "--json", status=0, words=('"controlplaneId":"hall-9"', '"dataplaneId":"line-7"'))

    # ---- what a partner is told
    status, dataset = peer.call(maker, "maker", "/catalog/datasets/d1")
    check("the offer is read", status == 200, dataset)
    offer = {**dataset["hasPolicy"][0], "target": "d1"}
    pid = f"urn:uuid:{uuid.uuid4()}"
    request = peer.message("ContractRequestMessage", consumerPid=pid, callbackAddress=peer.base, offer=offer)
    refused("a member is named once", "/negotiations/request", {k: v for k, v in request.items() if k != "offer"},
            "offer is missing", pid)
    refused("also inside", "/negotiations/request", {**request, "offer": {**offer, "permission": [{}]}},
            "offer.permission[0].action is missing", pid)
    refused("a rule behind its member", "/negotiations/request", {**request, "offer": {**offer, "target": "d2"}},
            "offer.target: the offer is for another dataset", pid)
    refused("without a pid there is none", "/negotiations/request", {**request, "consumerPid": 5}, "consumerPid is not a string")
    refused("no dataset", "/catalog/datasets/nope", None, 'there is no dataset "nope" among what is offered here', kind="CatalogError")
    status, got = peer.call(maker, "maker", "/negotiations/request", request)
    check("it is taken", status == 201, (status, got))
    provider = got["providerPid"]
    peer.take("/agreement")
    until(lambda: peer.call(maker, "maker", f"/negotiations/{provider}")[1].get("state") == "AGREED")  # our answer to it has come
    refused("each side's own pid", f"/negotiations/{provider}/events", peer.message(
        "ContractNegotiationEventMessage", providerPid=provider, consumerPid=pid, eventType="ACCEPTED"),
        "state: in state AGREED the consumer may not ACCEPT", pid, provider)

    # ---- what a partner says: a JSON-LD value, nothing; and a refusal of ours that is over
    folder = "/dsp/2025-1/catalog/datasets/"
    say = {"p1": (500, {"reason": [{"@value": "closed on Sundays", "@language": "en"}]}), "p2": (503, "")}
    for name, answer in say.items():
        peer.answers[folder + name] = lambda h, b, answer=answer: answer
    told("a value with a language", buyer, "negotiate", peer.did, "p1", status=1, words=("answered 500: closed on Sundays",))
    out = told("no more than the status", buyer, "negotiate", peer.did, "p2", status=1, words=("answered 503",))
    check("and nothing behind it", "503:" not in out.replace('503: ""', "503"), out)

    plain = {"@type": "Offer", "@id": "urn:offer:1", "permission": [{"action": "use"}]}
    peer.answers[folder + "p3"] = lambda h, b: (200, {
        "@context": request["@context"], "@id": "p3", "@type": "Dataset", "hasPolicy": [plain],
        "distribution": [{"@type": "Distribution", "format": "HttpData-PULL", "accessService": "urn:s"}]})
    asked = []

    def first(h, body):
        asked.append(body)
        return 201, peer.message("ContractNegotiation", providerPid="urn:p:1", consumerPid=body["consumerPid"], state="REQUESTED")

    peer.answers["/dsp/2025-1/negotiations/request"] = first
    told("we ask a plain partner", buyer, "negotiate", peer.did, "p3", "--no-wait", status=0, words=("REQUESTED",))
    ours = until(lambda: asked)[0]["consumerPid"]
    look = lambda: json.loads(buyer.kanhe("negotiation", "show", ours, "--json")[1])
    check("the request has arrived", until(lambda: "pending" not in look()), look())
    status, got = peer.call(buyer, "buyer", f"/negotiations/{ours}/agreement", peer.message("ContractAgreementMessage", providerPid="urn:p:1", consumerPid=ours))
    check("an agreement without one is refused", (status, got["reason"]) == (400, ["agreement is missing"]), got)
    check("which is shown", look()["refused"]["reason"] == "agreement is missing", look())
    status, got = peer.call(buyer, "buyer", f"/negotiations/{ours}/offers", peer.message(
        "ContractOfferMessage", providerPid="urn:p:1", consumerPid=ours, offer={**plain, "target": "p3"}))
    check("a good message", status == 200, (status, got))
    check("what was refused before it is past", "refused" not in look(), look())

    long = "a" + "完" * 700  # cut inside a character, were octets counted alone
    status, got = peer.call(buyer, "buyer", f"/negotiations/{ours}/termination", peer.message(
        "ContractNegotiationTerminationMessage", providerPid="urn:p:1", consumerPid=ours, code="1", reason=[long]))
    check("a long reason ends it", status == 200 and look()["state"] == "TERMINATED", (status, got))
    check("and is cut behind a character", long.startswith(look()["reason"]) and len(look()["reason"]) > 600, look()["reason"][-9:])

    # ---- it takes longer than a command waits: how to look again
    status, out, err = buyer.kanhe("negotiate", MAKER, "d2")
    words = err[err.index("kanhe negotiation show"):].split() if "kanhe negotiation show" in err else []
    check("the way to look again is told", status == 1 and "still REQUESTED" in err and words[-2:] == ["--node", buyer.folder], (status, out, err))
    check("and it works", words and buyer.kanhe(*words[1:4])[0] == 0, words)
finally:
    peer.close()
    maker.close()
    buyer.close()
    shutil.rmtree(TOP, ignore_errors=True)
finish()
