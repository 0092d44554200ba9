"""What partners and strangers try, over real nodes: each has a number of tests/attacks.md. JSON that is none, in requests
and in answers; bodies that are huge or unfold; contexts, redirects and addresses that lead elsewhere; terminals."""
import gzip
import json
import os
import shutil
import socket
import ssl
import tempfile
import uuid

from node import Node, check, finish, until
from partner import Partner

TOP = tempfile.mkdtemp(prefix="kanhe-attacks.")
CA = os.path.join(TOP, "ca")
node = Node("--participant", "maker", "--ca", CA, clear=False)
did = f"did:web:127.0.0.1%3A{node.port}:p:maker"
peer = Partner(TOP, CA)
OFFER = {"@type": "Offer", "@id": "urn:offer:1", "permission": [{"action": "use"}]}
CONTEXT = "https://w3id.org/dspace/2025/1/context.jsonld"
BROKEN = {"nothing": b"", "a brace": b"{", "text behind": b"{} {}", "depth": b"[" * 100000 + b"]" * 100000, "a member twice": b'{"a":1,"a":2}',
          "NaN": b'{"a":NaN}', "1e400": b'{"a":1e400}', "a large number": b'{"a":' + b"9" * 400 + b"}", "a lone surrogate": b'{"a":"\\ud800"}',
          "a byte order mark": b'\xef\xbb\xbf{"a":1}', "octets that are no UTF-8": b'{"a":"\xff"}', "NUL": b'{"a":"\\u0000"}', "a list": b"[]", "null": b"null"}
ESC = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe\x7f"


def kanhe(*args, **more):
    return node.kanhe(*args, **more)


def quiet(text):
    """Nothing in it that a terminal acts on."""
    return not any(c in text for c in ("\x1b", "\x07", "\x9b", "\x7f", "\u202e"))


def dataset(name="p1", **more):
    return {"@context": [CONTEXT], "@id": name, "@type": "Dataset", "hasPolicy": [OFFER], "distribution": [
        {"@type": "Distribution", "format": "HttpData-PULL", "accessService": "urn:service"}], **more}


def catalog(*datasets, **more):
    return {"@context": [CONTEXT], "@id": "urn:c", "@type": "Catalog", "participantId": peer.did,
            "dataset": [{k: v for k, v in d.items() if k != "@context"} for d in datasets], **more}


def raw(head, body=b"", pieces=0):
    """Sends octets over TLS, then (pieces times) a chunk of 64 KiB; the status of the answer."""
    context = ssl.create_default_context(cafile=os.path.join(node.folder, "tls", "ca.pem"))
    with socket.create_connection(("127.0.0.1", node.port), timeout=60) as s, context.wrap_socket(s, server_hostname="127.0.0.1") as t:
        t.sendall(head + body)
        try:
            for _ in range(pieces):
                t.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        except OSError:
            pass  # it has hung up on us
        try:
            got = t.recv(4096)
        except OSError:
            return 0
    return int(got.split()[1]) if got else 0


def negotiation(first):
    """What becomes of a negotiation that we begin, when the partner's first answer is `first`."""
    peer.answers = {"/dsp/2025-1/catalog/datasets/": lambda h, b: (200, dataset()), "/dsp/2025-1/negotiations/request": first}
    status, out, err = kanhe("negotiate", peer.did, "p1", "--no-wait", "--json")
    assert status == 0, (out, err)
    return json.loads(out)["pid"]


def state(pid):
    return node.request("GET", f"/participants/maker/negotiations/{pid}", token="owner")[1]


def ended(pid):
    return until(lambda: (lambda n: n if n["state"] == "TERMINATED" else None)(state(pid)), 60)


def a15_requests():
    before = node.state()
    for path in ("negotiations", "catalog", "sources", "transfers", "datasets"):
        for what, body in BROKEN.items():
            status, got, _ = node.request("POST", f"/participants/maker/{path}", body, token="owner", headers={"Content-Type": "application/json"})
            if path == "datasets" and not body:
                continue  # a batch of nothing
            check(f"A15: {what} as a wish at {path}", status in (400, 413) and got["type"].startswith("urn:kanhe:problem:"), (status, got))
    check("A15: nothing changed", node.state() == before)
    token = peer.token(did)
    head = (f"POST /p/maker/dsp/2025-1/catalog/request HTTP/1.1\r\nHost: 127.0.0.1:{node.port}\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\n").encode()
    check("A15: a gigabyte is refused before it comes", raw(head + b"Content-Length: 1073741824\r\n\r\n") == 413)
    check("A15: so is one that does not say how long it is", raw(head + b"Transfer-Encoding: chunked\r\n\r\n", pieces=64) in (413, 0))
    check("A15: the node lives", node.request("GET", "/healthz")[0] == 200)


def a15_answers():
    for what, body in {**BROKEN, "no pid": json.dumps({"@context": [CONTEXT], "@type": "ContractNegotiation", "state": "REQUESTED"}).encode(),
                       "another's pid": None, "a pid with a line feed": "x\ny", "a pid without end": "x" * 5000}.items():
        def first(h, b, body=body):
            if isinstance(body, bytes):
                return 201, body
            return 201, peer.message("ContractNegotiation", providerPid=body or "urn:p", consumerPid=b["consumerPid"] if body else "urn:other", state="REQUESTED")

        n = ended(negotiation(first))
        if what == "another's pid":  # it names ours wrongly, and its own rightly: that is what counts
            continue
        check(f"A15: {what} as an answer ends the negotiation, and says why", n and n["code"] == "BAD_ANSWER" and n["reason"], (what, n))

    pid = negotiation(lambda h, b: (201, b"x" * (2 << 20)))
    letter = until(lambda: next((x for x in json.loads(kanhe("outbox", "--json")[1])["waiting"] if x["pid"] == pid and x["attempts"]), None), 60)
    check("A15: an answer beyond measure is none", letter and "larger" in letter["reason"] and state(pid)["state"] != "TERMINATED", letter)
    kanhe("outbox", "drop", letter["letter"])


def a17_a18_answers():
    asked = []
    peer.answers = {"/steal": lambda h, b: (asked.append(h.path), (200, {}))[1],
                    "/dsp/2025-1/catalog/request": lambda h, b: (200, {**catalog(dataset()), "@context": [
                        f"http://127.0.0.1:{peer.port}/steal/context.jsonld", CONTEXT]})}
    status, out, err = kanhe("catalog", peer.did)
    check("A17: a further context in an answer is tolerated, and not fetched", status == 0 and not asked, (out, err, asked))
    for code in (301, 302, 303, 307, 308):
        peer.answers["/dsp/2025-1/"] = lambda h, b, code=code: (code, {}, {"Location": f"http://127.0.0.1:{peer.port}/steal/{code}"})
        del peer.answers["/dsp/2025-1/catalog/request"]
        status, out, err = kanhe("catalog", peer.did)
        check(f"A18: {code} is an answer, not a way", status != 0 and str(code) in err and not asked, (err, asked))
        peer.answers["/dsp/2025-1/catalog/request"] = None
        peer.answers.pop("/dsp/2025-1/catalog/request")
        peer.answers = {"/steal": peer.answers["/steal"], "/dsp/2025-1/catalog/request": lambda h, b: (200, catalog(dataset()))}
    pid = negotiation(lambda h, b: (307, {}, {"Location": f"http://127.0.0.1:{peer.port}/steal/message"}))
    peer.answers["/steal"] = lambda h, b: (asked.append(h.path), (200, {}))[1]
    n = ended(pid)
    check("A18: nor for messages with a token", n and not asked, (n, asked))


def agreed():
    """An agreement with the partner as plain provider: its id."""
    pid = negotiation(lambda h, b: (201, peer.message("ContractNegotiation", providerPid="urn:uuid:" + str(uuid.uuid4()),
                                                      consumerPid=b["consumerPid"], state="REQUESTED")))
    theirs = until(lambda: state(pid).get("peer_pid"), 60)
    ids = {"consumerPid": pid, "providerPid": theirs}
    g = "urn:uuid:" + str(uuid.uuid4())
    status, got = peer.call(node, "maker", f"/negotiations/{pid}/agreement", peer.message("ContractAgreementMessage", **ids, agreement={
        "@type": "Agreement", "@id": g, "target": "p1", "assigner": peer.did, "assignee": did, "timestamp": "2026-01-01T00:00:00Z",
        "permission": [{"action": "use"}]}))
    check("its agreement is taken", status == 200, got)
    peer.take("/agreement/verification")
    status, got = peer.call(node, "maker", f"/negotiations/{pid}/events", peer.message("ContractNegotiationEventMessage", **ids, eventType="FINALIZED"))
    check("and final", status == 200, got)
    return g


def a18_data_addresses():
    g = agreed()
    reached = []
    for endpoint in ("file:///etc/passwd", "gopher://127.0.0.1:1/x", "ftp://127.0.0.1/x", "http:127.0.0.1/x", "http://", "httpx://127.0.0.1/x",
                     f"http://127.0.0.1:{peer.port}/moved"):
        peer.answers = {"/moved": lambda h, b: (302, {}, {"Location": f"http://127.0.0.1:{peer.port}/inside"}),
                        "/inside": lambda h, b: (reached.append(h.path), (200, b"secret"))[1],
                        "/dsp/2025-1/transfers/request": lambda h, b: (201, peer.message(
                            "TransferProcess", providerPid="urn:uuid:" + str(uuid.uuid4()), consumerPid=b["consumerPid"], state="REQUESTED"))}
        status, out, err = kanhe("pull", g, "--no-wait", "--json")
        check("a transfer begins", status == 0, out + err)
        pid = json.loads(out)["pid"]
        row = lambda pid=pid: node.request("GET", f"/participants/maker/transfers/{pid}", token="owner")[1]  # noqa: E731
        theirs = until(lambda: row().get("peer_pid"), 60)
        status, got = peer.call(node, "maker", f"/transfers/{pid}/start", peer.message(
            "TransferStartMessage", consumerPid=pid, providerPid=theirs, dataAddress={
                "@type": "DataAddress", "endpointType": "https://w3id.org/idsa/v4.1/HTTP", "endpoint": endpoint, "endpointProperties": [
                    {"@type": "EndpointProperty", "name": "authorization", "value": "t"}, {"@type": "EndpointProperty", "name": "authType", "value": "bearer"}]}))
        x = until(lambda: (lambda t: t if t["state"] == "TERMINATED" or t.get("reason") or status == 400 else None)(row()), 60)
        check(f"A18: data at {endpoint} is not read", x and not x.get("octets") and x["state"] != "COMPLETED" and not reached, (status, got, x, reached))
        kanhe("transfer", "terminate", pid)
    folder = os.path.join(node.folder, "data", "pulled")
    left = [f for top, _, files in os.walk(folder) for f in files if os.path.getsize(os.path.join(top, f))]
    check("A18: and nothing is left of it", not left, left)


def a27_bombs():
    bomb = gzip.compress(b'{"x":"' + b"a" * (64 << 20) + b'"}')
    packed = {"Content-Encoding": "gzip"}
    peer.answers = {"/dsp/2025-1/catalog/request": lambda h, b: (200, bomb, packed), "/dsp/2025-1/catalog/datasets/": lambda h, b: (200, bomb, packed)}
    for args in (("catalog", peer.did), ("negotiate", peer.did, "p1")):
        status, out, err = kanhe(*args)
        check(f"A27: {args[0]} refuses an answer that unfolds", status != 0 and err, (status, out[:200], err))
    n = ended(negotiation(lambda h, b: (201, bomb, packed)))
    check("A27: so does the outbox", n and n["code"] == "BAD_ANSWER", n)
    before = node.state()
    for coding in ("gzip", "deflate", "br", "zstd", "gzip, gzip"):
        status, got = post_packed(coding, bomb)
        check(f"A27: a request in {coding} is not unfolded", status in (400, 413, 415), (status, got))
    check("A27: nothing changed", node.state() == before)
    check("A27: memory has not grown by it", int(open(f"/proc/{node.worker()}/statm", encoding="ascii").read().split()[1]) * 4096 < 1 << 30)


def post_packed(coding, body):
    return node.request("POST", "/p/maker/dsp/2025-1/catalog/request", body, headers={
        "Content-Type": "application/json", "Content-Encoding": coding, "Authorization": "Bearer " + peer.token(did)})[:2]


def a28_terminals():
    evil = {"@type": "Offer", "@id": "urn:" + ESC, "permission": [{"action": "use" + ESC, "constraint": [
        {"leftOperand": "a" + ESC, "operator": "eq", "rightOperand": "b" + ESC}]}]}
    answer = catalog(dataset("id" + ESC, title="title" + ESC, hasPolicy=[evil]), participantId=peer.did + ESC)
    peer.answers = {"/dsp/2025-1/catalog/request": lambda h, b: (200, answer)}
    status, out, err = kanhe("catalog", peer.did)
    check("A28: a catalog with escape sequences is shown without", status == 0 and "title" in out and quiet(out + err), (out, err))
    kanhe("catalog", "--crawl", peer.did, "--every", "604800")
    out = until(lambda: (lambda o: o if "title" in o else None)(kanhe("catalog", "--federated")[1]), 60)
    check("A28: so is what was crawled", out and quiet(out), out)
    peer.answers = {"/dsp/2025-1/": lambda h, b: (400, {"@context": [CONTEXT], "@type": "CatalogError", "code": "x" + ESC, "reason": ["because" + ESC]})}
    status, out, err = kanhe("catalog", peer.did)
    check("A28: a reason with escape sequences, too", status != 0 and "because" in err and quiet(out + err), (out, err))
    pid = negotiation(lambda h, b: (400, {"@context": [CONTEXT], "@type": "ContractNegotiationError", "code": "x", "reason": ["no" + ESC],
                                          "providerPid": "a", "consumerPid": "b"}))
    n = ended(pid)
    for args in (("negotiation", "show", pid), ("negotiation", "list"), ("outbox",), ("audit",), ("catalog", "--sources"), ("agreements",)):
        status, out, err = kanhe(*args)
        check(f"A28: kanhe {' '.join(args[:2])} is quiet", quiet(out + err), out + err)
    check("A28: and the reason is told", n and "no" in n["reason"], n)
    check("A28: the log, too", quiet(node.log()), node.log()[-1000:])


try:
    for part in (a15_requests, a15_answers, a17_a18_answers, a18_data_addresses, a27_bombs, a28_terminals):
        part()
finally:
    peer.close()
    node.close()
    shutil.rmtree(TOP, ignore_errors=True)
finish()
