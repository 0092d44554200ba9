"""The sequences of the Dataspace Protocol's conformance kit, replayed without Java against a real node.

Each case of ../shared/dataspace/dsp/tck/tck-cases.json is played as its arrows say: what the kit sends, we
send, to the address that the node names; what the connector under test must send by itself is waited for, and its
state is looked at after every step. As the kit's, our endpoint speaks clear text and knows only the message that it waits
for next: any other gets 404, and an answer is 200, without a media type and mostly without a body, which is chunked.
--trace prints each step; --only CN:01-01 plays one case."""
import json
import os
import queue
import re
import sys
import threading
import urllib.parse
import uuid
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import node as nodes
from node import KANHED, Node, check, finish, run, until

CASES = os.path.join(os.path.dirname(__file__), "..", "..", "..", "shared", "dataspace", "dsp", "tck", "tck-cases.json")
CONTEXT = "https://w3id.org/dspace/2025/1/context.jsonld"
KIT = "TCK_PARTICIPANT"
SELF = "cut"
BASE = f"/p/{SELF}/dsp/2025-1"
PATIENCE = 120
# the kit's offers carry a member that its context does not define
RULES = {"permission": [{"action": "use", "constraints": []}]}
# message of the diagrams: (type on the wire, path below the process, state it leads to)
MESSAGES = {
    "ContractRequestMessage": ("ContractRequestMessage", "/request", "REQUESTED"),
    "ContractOfferMessage": ("ContractOfferMessage", "/offers", "OFFERED"),
    "ContractNegotiationEventMessage:accepted": ("ContractNegotiationEventMessage", "/events", "ACCEPTED"),
    "ContractNegotiationEventMessage:finalized": ("ContractNegotiationEventMessage", "/events", "FINALIZED"),
    "ContractAgreementMessage": ("ContractAgreementMessage", "/agreement", "AGREED"),
    "ContractAgreementVerificationMessage": ("ContractAgreementVerificationMessage", "/agreement/verification", "VERIFIED"),
    "ContractVerificationMessage": ("ContractAgreementVerificationMessage", "/agreement/verification", "VERIFIED"),
    "ContractNegotiationTerminationMessage": ("ContractNegotiationTerminationMessage", "/termination", "TERMINATED"),
    "TransferRequestMessage": ("TransferRequestMessage", "/request", "REQUESTED"),
    "TransferStartMessage": ("TransferStartMessage", "/start", "STARTED"),
    "TransferCompletionMessage": ("TransferCompletionMessage", "/completion", "COMPLETED"),
    "TransferSuspensionMessage": ("TransferSuspensionMessage", "/suspension", "SUSPENDED"),
    "TransferTerminationMessage": ("TransferTerminationMessage", "/termination", "TERMINATED"),
}

if not os.path.exists(CASES):
    print("SKIPPED: ../shared is absent: the sequences of the conformance kit are not there\n1 skipped")
    sys.exit(77)
with open(CASES) as f:
    ALL = json.load(f)

listening = {}  # our pid, or the dataset or agreement of a first message → case
lock = threading.Lock()


class Callback(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        _, process, *rest = [urllib.parse.unquote(p) for p in self.path.split("/")]
        first = len(rest) == 1
        of = (body.get("agreementId") or body.get("offer", {}).get("target")) if first else rest[0]
        at = "/" + "/".join(rest if first else rest[1:])
        with lock:
            case = listening.get(of)
            expected = case and case.expected == (process, first, at)
            if expected:
                case.expected = None
        if not expected:
            return self.answer(404, b"nothing is waited for here")
        answer = case.first(body) if first else None
        case.inbox.put((at, body))
        self.answer(200, json.dumps(answer).encode() if answer else None)

    def answer(self, status, body):
        self.send_response(status)
        self.send_header(*(("Content-Length", str(len(body))) if body else ("Transfer-Encoding", "chunked")))
        try:
            self.end_headers()
            self.wfile.write(body or b"0\r\n\r\n")
        except OSError:
            self.close_connection = True  # the node is gone


class Broken(Exception):
    pass


def want(what, good, more=""):
    if not good:
        raise Broken(f"{what} {more}")


class Case:
    def __init__(self, row, node, server, offers):
        self.row, self.node, self.offers = row, node, offers
        self.id = row["id"]
        self.consumer = row["cutRole"] == "consumer"
        self.transfer = self.id.startswith("TP")
        self.process = "transfers" if self.transfer else "negotiations"
        self.of = "A" + re.sub(r"[_:-]", "", self.id) if self.transfer or self.id.startswith("CN") else ""
        self.pid, self.theirs, self.state = f"urn:uuid:{uuid.uuid4()}", None, None
        self.inbox = queue.Queue()
        self.expected = None  # (process, whether it is the first message, path below it) of what may come now
        self.callback = node.clear + BASE  # a consumer names its own
        self.acknowledged = False
        self.ahead = set()  # states that the node goes to by itself before our next message
        self.address = f"http://127.0.0.1:{server.server_port}"

    def request(self, method, path, body=None):
        """path: below the address of the node as the kit knows it."""
        if not self.callback.startswith(self.node.clear + "/"):
            raise Broken(f"the kit cannot reach {self.callback}")
        return self.node.request(method, self.callback[len(self.node.clear):] + path, body, headers={"Authorization": "kit"})

    def pids(self):
        ours, theirs = ("providerPid", "consumerPid") if self.consumer else ("consumerPid", "providerPid")
        return {ours: self.pid, **({theirs: self.theirs} if self.theirs else {})}

    def first(self, body):
        """Answers the first message of the node."""
        self.theirs, self.callback = body["consumerPid"], body["callbackAddress"]
        return {"@context": [CONTEXT], "@type": "TransferProcess" if self.transfer else "ContractNegotiation",
                **self.pids(), "state": "REQUESTED"}

    def message(self, name):
        kind, path, _ = MESSAGES[name]
        m = {"@context": [CONTEXT], "@type": kind, "@id": str(uuid.uuid4()), **self.pids()}
        offer = {"@type": "Offer", "@id": self.offers.get(self.of, "offer" + self.of), "target": self.of, **RULES}
        if kind == "ContractRequestMessage" or kind == "TransferRequestMessage":
            m.update({} if self.theirs else {"callbackAddress": self.address})
            m.update({"agreementId": self.of, "format": "HttpData-PULL"} if self.transfer else {"offer": offer})
        elif kind == "ContractOfferMessage":
            m["offer"] = {**offer, "assigner": KIT, "assignee": self.node.did}
        elif kind == "ContractAgreementMessage":
            m["agreement"] = {"@type": "Agreement", "@id": str(uuid.uuid4()), "target": self.of, "assigner": KIT,
                              "assignee": self.node.did, "timestamp": "2026-01-01T00:00:00.123456789Z", **RULES}
            m["callbackAddress"] = self.address
        elif ":" in name:
            m["eventType"] = name.split(":")[1].upper()
        elif path in ("/termination", "/suspension"):
            m["code"] = "1"
        elif kind == "TransferStartMessage" and self.consumer:
            m["dataAddress"] = {"@type": "DataAddress", "endpoint": "http://example.com", "endpointType": "https://w3id.org/idsa/v4.1/HTTP"}
        return m, path

    def look(self):
        status, got, _ = self.request("GET", f"/{self.process}/{self.theirs}")
        if status == 404 and self.consumer and not self.acknowledged:
            return None  # our answer to its first message is on its way
        self.acknowledged = True
        want("the state can be read", status == 200 and CONTEXT in got["@context"], (status, got))
        want("it has both pids", {k: got.get(k) for k in self.pids()} == self.pids(), got)
        return got["state"]

    def sends(self, name, answer):
        body, path = self.message(name)
        if not self.theirs:
            status, got, _ = self.request("POST", f"/{self.process}/request", body)
            want("the first message is answered 201", status == 201 and got.get("consumerPid") == self.pid, (status, got))
            self.theirs, self.state = got["providerPid"], "REQUESTED"
            want("the state is told", got["state"] == self.state, got)
            return
        status, got, _ = self.request("POST", f"/{self.process}/{self.theirs}{path}", body)
        if "4xx" in answer:
            want(f"{name} is refused", 400 <= status < 500 and status != 404, (status, got))
            want("with the error type", got["@type"] == ("TransferError" if self.transfer else "ContractNegotiationError"), got)
        else:
            want(f"{name} is taken", status in (200, 201), (status, got))
            self.state = MESSAGES[name][2]
        # acknowledged is durable: no patience
        state = self.look()
        want("the state after it", state in {self.state} | self.ahead, f"{state}, not {self.state}")

    def receives(self, name):
        kind, path, state = MESSAGES[name]
        try:
            at, body = self.inbox.get(timeout=PATIENCE)
        except queue.Empty:
            raise Broken(f"{name} does not come") from None
        want(f"{name} comes", body.get("@type") == kind and at == path and CONTEXT in body["@context"], (at, body))
        want("for this process", all(body.get(k, v) == v for k, v in self.pids().items()), body)
        if ":" in name:
            want("its event", body["eventType"] == state, body)
        if path in ("/offers", "/request") and not self.transfer:
            want("its offer", body["offer"]["target"] == self.of and body["offer"]["permission"], body)
        if path == "/agreement":
            want("its agreement", body["agreement"]["assignee"] == KIT and body["agreement"]["target"] == self.of, body)
        if path == "/start":
            want("its data address", "endpoint" in body["dataAddress"] or not body["dataAddress"], body)
        self.state = state
        want(f"{name} leads to {state}", until(lambda: self.look() in {state} | self.ahead), self.look())

    def begins(self):
        body = {"providerId": KIT, "connectorAddress": self.address}
        body.update({"agreementId": self.of, "format": "HttpData-PULL"} if self.transfer
                    else {"datasetId": self.of, "offerId": "offer" + self.of})
        status, got, _ = self.node.request("POST", f"/p/{SELF}/kit/{self.process}", body)
        want("the trigger", status < 300, (status, got))

    def expect(self, name):
        """The kit gets ready for the node's next message before it sends its own."""
        kind, path, _ = MESSAGES[name] if name else (None, None, None)
        first = self.consumer and not self.theirs and path == "/request"
        with lock:
            listening[self.pid] = listening[self.of] = self
            self.expected = (self.process, first, path) if name else None

    def play(self):
        steps = [s.replace("TCk", "TCK").split(": ", 1) for s in self.row["sequence"]]
        for i, (arrow, name) in enumerate(steps):
            if "--trace" in sys.argv:
                print(self.id, arrow, name, flush=True)
            if self.id == "CN:01-03" and self.state == "FINALIZED":
                break  # the diagram goes on with a termination that the kit does not wait for
            self.ahead = set()
            self.expect(next((n for a, n in steps[i:] if a == "CUT->>TCK"), None))
            for next_arrow, next_name in steps[i + 1:]:
                if next_arrow == "TCK->>CUT":
                    break
                if next_arrow == "CUT->>TCK":
                    self.ahead.add(MESSAGES[next_name][2])
            if arrow == "TCK->>CUT":
                if name.startswith("Signal"):
                    self.begins()
                else:
                    self.sends(name, steps[i + 1][1])
            elif arrow == "CUT->>TCK":
                self.receives(name)
        want("nothing else is sent", self.inbox.empty())

    def play_catalog(self):
        if self.id == "MET:01-01":
            status, got, _ = self.node.request("GET", f"/p/{SELF}/.well-known/dspace-version", headers={"Authorization": "kit"})
            return want("2025-1 over HTTPS", status == 200 and any(
                v["version"] == "2025-1" and v["path"] and v["binding"] == "HTTPS" for v in got["protocolVersions"]), got)
        dataset = self.row["config"][0].replace("_DATASETID", "").replace("_", "")
        if self.id == "CAT:01-01":
            status, got, _ = self.request("POST", "/catalog/request", {"@context": [CONTEXT], "@type": "CatalogRequestMessage"})
            return want("the catalog", status == 200 and got["@type"] == "Catalog" and dataset in [d["@id"] for d in got["dataset"]], (status, got))
        status, got, _ = self.request("GET", f"/catalog/datasets/{dataset}")
        if dataset in ALL["seed"]["missingDataset"]:
            return want("no such dataset", status == 404 and got["@type"] == "CatalogError" and CONTEXT in got["@context"], (status, got))
        return want("the dataset", status == 200 and got["@id"] == dataset and got["hasPolicy"], (status, got))

    def result(self):
        try:
            self.play() if self.of else self.play_catalog()
        except Broken as e:
            return str(e)
        except Exception as e:  # a case that cannot be played has failed
            return f"{type(e).__name__}: {e}"
        return None


def seed(node, datasets):
    offers = {}
    for d in datasets:
        where = os.path.join(node.top, d)
        with open(where, "w") as f:
            f.write("a,b\n1,2\n")
        status, out, err = node.kanhe("publish", where, "--id", d, "--as", SELF)
        assert status == 0, (out, err)
        status, got, _ = node.request("GET", f"{BASE}/catalog/datasets/{d}", headers={"Authorization": "kit"})
        assert status == 200, got
        offers[d] = got["hasPolicy"][0]["@id"]
    return offers


def open_node(delay):
    node = Node("--participant", SELF, start=False, plain=True)
    with open(os.path.join(node.folder, "kanhed.conf"), "a") as f:
        f.write(f"\n[space]\nkit = {SELF}\nkit_delay = {delay}\n")
    node.start()
    node.did = node.request("GET", f"/p/{SELF}/did.json")[1]["id"]
    return node


def main():
    node = open_node("50ms")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Callback)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        check("the node says that it is in test mode", b"TEST MODE" in node.request("GET", "/readyz")[1] and "TEST MODE" in node.log())
        check("so do its status and its metrics", "TEST MODE" in node.kanhe("status")[1] and b"kanhe_test_mode 1" in node.request("GET", "/metrics", token="operator")[1])
        check("so does the check of its configuration", "TEST MODE" in run("--check", os.path.join(node.folder, "kanhed.conf"), program=KANHED)[2])
        chinese, said = {"env": {"LC_ALL": "zh_CN.UTF-8"}}, "测试模式：space.kit"
        check("in Chinese too", said in node.kanhe("status", **chinese)[1] and said in run(
            "--check", os.path.join(node.folder, "kanhed.conf"), program=KANHED, **chinese)[2])
        node.kanhe("node", "stop")
        check("also at its start", node.kanhe("node", "start", "--quiet", **chinese)[2].startswith(said))
        node.kanhe("node", "stop")
        said = node.kanhe("node", "start", "--quiet")[2]
        check("so does its start, even when it shall be quiet", said.startswith("TEST MODE") and said.endswith("never in production\n"), said)
        offers = seed(node, ALL["seed"]["datasets"])
        cases = [Case(c, node, server, offers) for c in ALL["cases"] if not c["disabled"]]
        if "--only" in sys.argv:
            cases = [c for c in cases if c.id == sys.argv[sys.argv.index("--only") + 1]]
        else:
            check("all active cases are there", len(cases) == 65, len(cases))
        with ThreadPoolExecutor(16) as pool:
            for case, broken in zip(cases, pool.map(Case.result, cases)):
                check(f"{case.id} {case.row['title']}", not broken, broken)
    finally:
        server.shutdown()
        node.close()
    plain = Node("--participant", SELF)
    try:
        status = plain.request("POST", BASE + "/catalog/request", {"@type": "x"}, headers={"Authorization": "kit"})[0]
        check("without space.kit the kit is a stranger", status == 401, status)
        check("and has no triggers", plain.request("POST", f"/p/{SELF}/kit/negotiations", {})[0] == 404)
        check("and nothing is announced", b"TEST" not in plain.request("GET", "/readyz")[1] and "TEST MODE" not in plain.log())
        check("nor in status and metrics", "TEST" not in plain.kanhe("status")[1] and b"kanhe_test_mode 0" in plain.request("GET", "/metrics", token="operator")[1])
    finally:
        plain.close()
    finish()


if __name__ == "__main__":
    main()
