"""Catalogs of others that are odd, broken or hostile, and askers that count: nested catalogs, endless and circling
pages, links to elsewhere, huge and compressed bodies, partners that vanish, our own end in the middle, 2024-1 alone."""
import gzip
import json
import os
import shutil
import signal
import tempfile
import threading
import urllib.parse

from node import Node, check, finish, until
from partner import Partner

TOP = tempfile.mkdtemp(prefix="kanhe-crawl.")
CA = os.path.join(TOP, "ca")
node = Node("--participant", "buyer", "--ca", CA, clear=False)
buyer_did = f"did:web:127.0.0.1%3A{node.port}:p:buyer"
peer = Partner(TOP, CA)
PATH = "/dsp/2025-1/catalog/request"
CONTEXT = ["https://w3id.org/dspace/2025/1/context.jsonld"]
OFFER = {"@type": "Offer", "@id": "urn:offer", "permission": [{"action": "use"}]}


def dataset(name, **more):
    return {"@id": name, "@type": "Dataset", "hasPolicy": [OFFER], "distribution": [
        {"@type": "Distribution", "format": "HttpData-PULL", "accessService": "urn:service"}], **more}


def catalog(datasets=(), nested=(), did=None, **more):
    c = {"@context": CONTEXT, "@id": "urn:catalog", "@type": "Catalog", "participantId": did or peer.did, **more}
    if datasets:
        c["dataset"] = [d if isinstance(d, dict) else dataset(d) for d in datasets]
    if nested:
        c["catalog"] = list(nested)
    return c


def sources():
    return node.request("GET", "/participants/buyer/sources", token="owner")[1]["sources"]


def found():
    out, cursor = {}, ""
    while True:
        status, got, _ = node.request("GET", f"/participants/buyer/federated?{cursor}", token="owner")
        assert status == 200, got
        out.update({(e["origin"], e["dataset"]["@id"]): e["dataset"] for e in got["entries"]})
        if "next" not in got:
            return out
        cursor = "cursor=" + got["next"]


def crawl(answer, seconds=120):
    """The source's row after one more crawl of what `answer` gives."""
    asked = []

    def counted(h, body):
        asked.append(h.path)
        return answer(h, body)

    peer.answers = {PATH: counted}
    before = sources()[0] if sources() else {}
    status, out, err = node.kanhe("catalog", "--crawl", peer.did, "--every", "604800")
    check("kanhe catalog --crawl", status == 0, out + err)
    row = until(lambda: (lambda s: s if s and (s[0].get("fresh") != before.get("fresh") or s[0]["failures"] != before.get("failures", 0))
                         and (s[0].get("fresh") or s[0]["failures"]) else None)(sources()), seconds)
    return row[0] if row else {"error": "no end", "failures": -1}, asked


def answers(n):
    try:
        return n.request("GET", "/healthz")[0] == 200
    except OSError:
        return False


def resident():
    with open(f"/proc/{node.worker()}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def names():
    return sorted(n for _, n in found())


try:
    # ---- nothing, said by us
    status, got = peer.call(node, "buyer", "/catalog/request", peer.message("CatalogRequestMessage"))
    check("what we send when we offer nothing has no empty member", status == 200 and got["@type"] == "Catalog" and not [k for k, v in got.items() if v == []], got)

    # ---- nested catalogs
    inner = {"@id": "urn:inner", "@type": "Catalog", "participantId": "did:web:inner.example", "dataset": [dataset("i1")],
             "catalog": [{"@id": "urn:most", "@type": "Catalog", "dataset": [dataset("i2")]}]}
    row, _ = crawl(lambda h, b: (200, catalog(["a", "b"], [inner])))
    check("datasets of nested catalogs are found, with their origin", sorted(found()) == sorted([
        (peer.did, "a"), (peer.did, "b"), ("did:web:inner.example", "i1"), ("did:web:inner.example", "i2")]) and not row.get("error", ""), (row, sorted(found())))
    out = node.kanhe("catalog", peer.did)[1]
    check("kanhe catalog shows them too, under whom they belong to", all(x in out for x in ("i1", "i2", "did:web:inner.example")), out)
    peer.answers = {PATH: lambda h, b: (200, catalog(dataset=[], service=[], distribution=[], catalog=[]))}  # as EDC writes it
    status, out, err = node.kanhe("catalog", peer.did)
    check("kanhe catalog: a partner who offers nothing says so", status == 0 and peer.did in out and "offers nothing" in out, out + err)
    status, out, err = node.kanhe("catalog", peer.did, env={"LC_ALL": "zh_CN.UTF-8"})
    check("in Chinese too", status == 0 and "未提供任何数据集" in out, out + err)
    status, out, err = node.kanhe("catalog", peer.did, "--text", "pump")
    check("a search that finds nothing claims no more than that", status == 0 and "offers nothing" not in out and "nothing" in out, out + err)
    status, out, err = node.kanhe("catalog", peer.did, "--json")
    check("and JSON stays a catalog", status == 0 and json.loads(out)["@type"] == "Catalog", out + err)
    deep = {"@id": "urn:d", "@type": "Catalog", "dataset": [dataset("deep")]}
    for _ in range(70):
        deep = {"@id": "urn:d", "@type": "Catalog", "catalog": [deep]}
    row, _ = crawl(lambda h, b: (200, catalog(["a"], [deep])))
    check("nested beyond measure is refused and changes nothing", row["failures"] == 1 and row.get("error", "") and len(found()) == 4, row)

    # ---- pages
    row, _ = crawl(lambda h, b: (200, catalog(["a", "b"])))
    check("what is gone is forgotten", names() == ["a", "b"] and row["failures"] == 0, (row, names()))

    row, _ = crawl(lambda h, b: (200, catalog(dataset=[], service=[], distribution=[], catalog=[])))
    check("a partner who offers nothing any more: nothing of it stays, nothing has failed", not names() and row["failures"] == 0 and not row.get("error"), (row, names()))
    crawl(lambda h, b: (200, catalog(["a", dataset("wayless", distribution=[])])))
    check("a dataset that no way leads to hides no other", names() == ["a", "wayless"], names())
    row, _ = crawl(lambda h, b: (200, catalog()))
    check("without any member it is the same", not names() and row["failures"] == 0, (row, names()))
    crawl(lambda h, b: (200, catalog(["a", "b"])))

    def endless(h, b):
        n = int(h.path.rpartition("=")[2]) if "=" in h.path else 0
        return 200, catalog(), {"Link": f'<{peer.base}/catalog/request?n={n + 1}>; rel="next"'}

    row, asked = crawl(endless, 300)
    check("endless pages end", row["failures"] == 1 and "without a dataset" in row.get("error", "") and 1000 < len(asked) <= 1110, (row, len(asked)))

    def circle(h, b):
        n = int(h.path.rpartition("=")[2]) if "=" in h.path else 0
        return 200, catalog([f"c{n}"]), {"Link": f'<{peer.base}/catalog/request?n={(n + 1) % 7}>; rel="next"'}

    row, asked = crawl(circle)
    check("a circle of pages is noticed", row["failures"] == 2 and "circle" in row.get("error", "") and len(asked) < 40, (row, len(asked)))

    def itself(h, b):
        return 200, catalog(["a"]), {"Link": f'<{peer.base}/catalog/request?n=1>; rel="next"'}

    row, asked = crawl(itself)
    check("so is a page that is its own next", row["failures"] == 3 and "circle" in row.get("error", "") and len(asked) < 10, (row, len(asked)))
    elsewhere = Partner(TOP, CA, "elsewhere")
    for link in (f"http://127.0.0.1:{elsewhere.port}/x", "http://169.254.169.254/latest/meta-data", "file:///etc/passwd",
                 f"http://127.0.0.1:{peer.port}@127.0.0.1:{elsewhere.port}/x", "//127.0.0.1:1/x"):
        row, asked = crawl(lambda h, b, link=link: (200, catalog(["a"]), {"Link": f'<{link}>; rel="next"'}))
        check(f"a next page at {link} is not asked for", "outside" in row.get("error", "") and len(asked) == 1, (row, asked))
    check("nobody else was called", elsewhere.inbox.empty())
    elsewhere.close()

    # ---- bodies
    row, _ = crawl(lambda h, b: (200, json.dumps(catalog(["a"], more="x" * (3 << 20))).encode()))
    check("a huge body is refused", "larger" in row.get("error", ""), row)
    size = resident()
    bomb = gzip.compress(b'{"x":"' + b"a" * (64 << 20) + b'"}')  # A27
    row, _ = crawl(lambda h, b: (200, bomb, {"Content-Encoding": "gzip"}))
    check("A27: a small body that unfolds to 64 MiB is refused", "larger" in row.get("error", "") and len(bomb) < 100000, (row, len(bomb)))
    check("A27: and our memory has not grown by it", resident() - size < 512 << 20)
    for what, body, said in (("no JSON", b"{", "page 1"), ("no catalog", {"@context": CONTEXT, "@type": "Dataset"}, "@type"),
                             ("another context", {**catalog(["a"]), "@context": ["http://169.254.169.254/context.jsonld"]}, "@context"),
                             ("no context", {k: v for k, v in catalog(["a"]).items() if k != "@context"}, "@context"),
                             ("a dataset without an offer", catalog([{"@id": "x", "@type": "Dataset", "distribution": []}]), "hasPolicy"),
                             ("a member twice", b'{"@context":[],"@context":[]}', "page 1"),
                             ("a dataset beyond measure", catalog([dataset("big", filler="x" * 70000)]), "larger")):
        row, _ = crawl(lambda h, b, body=body: (200, body if isinstance(body, bytes) else json.dumps(body).encode()))
        check(f"{what}: refused by name", said in row.get("error", "") and row["failures"] > 0, row)
    check("through all of it what was there has stayed", {"a", "b"} <= set(names()) and "x" not in names(), names())
    row, _ = crawl(lambda h, b: (200, catalog(["a", "b"])))
    check("and the next good answer heals it", names() == ["a", "b"] and row["failures"] == 0 and not row.get("error", ""), (row, names()))

    # ---- a partner that vanishes in the middle of an answer
    def vanish(h, b):
        h.send_response(200)
        h.send_header("Content-Type", "application/json")
        h.send_header("Content-Length", "100000")
        h.end_headers()
        h.wfile.write(b'{"@context"')
        h.wfile.flush()
        h.close_connection = True
        h.connection.close()

    row, _ = crawl(vanish)
    check("a partner that vanishes: told, nothing lost", row["failures"] == 1 and row.get("error", "") and names() == ["a", "b"], row)

    # ---- our own end in the middle of a crawl
    entered, go = threading.Event(), threading.Event()

    def slow(h, b):
        if "=" not in h.path:
            return 200, catalog(["p1"]), {"Link": f'<{peer.base}/catalog/request?n=1>; rel="next"'}
        entered.set()
        go.wait(60)
        return 200, catalog(["p2"])

    peer.answers = {PATH: slow}
    node.kanhe("catalog", "--crawl", peer.did, "--every", "604800")
    check("the crawl is at its second page", entered.wait(60))
    os.kill(node.worker(), signal.SIGKILL)
    go.set()
    check("after a crash it begins again and ends", until(lambda: names() == ["p1", "p2"] if answers(node) else None, 120), names())
    check("with the source in order", until(lambda: sources()[0]["failures"] == 0 and not sources()[0].get("error"), 60), sources())

    # ---- a feed that does not reach back to where we were
    wholly = []

    def feed(h, b):
        since = b.get("filter")
        wholly.append(not since)
        if since and len(wholly) > 1:
            return 400, {"@context": CONTEXT, "@type": "CatalogError"}
        return 200, catalog(["f1"], **{"kanhe:feed": "1"})

    crawl(feed)
    row, _ = crawl(feed)
    check("all of it is asked for again", wholly == [True, False, True] and names() == ["f1"] and row["failures"] == 0, (wholly, names(), row))

    # ---- a source that is forgotten while its pages come
    entered, go = threading.Event(), threading.Event()
    peer.answers = {PATH: slow}
    node.kanhe("catalog", "--crawl", peer.did, "--every", "604800")
    check("its second page is asked for", entered.wait(60))
    status, got, _ = node.request("DELETE", "/participants/buyer/sources/" + urllib.parse.quote(peer.did, safe=""), token="owner")
    check("it is forgotten meanwhile", status in (200, 204), (status, got))
    go.set()
    check("nothing of it is kept", until(lambda: not names() and not sources(), 60), (names(), sources()))

    # ---- 2024-1 alone
    old = Partner(TOP, CA, "old")
    old.base = f"http://127.0.0.1:{old.port}/dsp/2024-1"
    asked = []

    def in_2024(h, b):
        asked.append(b)
        return 200, {"@context": "https://w3id.org/dspace/2024/1/context.json",
                     "@id": "urn:catalog", "@type": "dcat:Catalog", "dspace:participantId": old.did, "dcat:dataset": [
                         {"@id": "o1", "@type": "dcat:Dataset", "odrl:hasPolicy": [{"@id": "urn:o", "@type": "odrl:Offer", "odrl:assigner": old.did, "odrl:permission": [
                             {"odrl:action": "odrl:use"}]}],
                          "dcat:distribution": [{"@type": "dcat:Distribution", "dct:format": {"@id": "HttpData-PULL"}, "dcat:accessService": [
                              {"@id": "urn:s", "@type": "dcat:DataService", "dcat:endpointURL": old.base}]}]}]}

    old.answers = {"/dsp/2024-1/catalog/request": in_2024}
    node.kanhe("catalog", "--crawl", old.did, "--every", "604800")
    check("a partner of 2024-1 alone is crawled", until(lambda: "o1" in names(), 60), sources())
    check("asked in its own version", asked and asked[0]["@type"] == "dspace:CatalogRequestMessage", asked)
    kept = found()[(old.did, "o1")]
    check("and kept in plain form", kept["hasPolicy"][0]["permission"][0]["action"] == "use" and kept["distribution"][0]["format"] == "HttpData-PULL", kept)
    filled, old.answers = old.answers, {"/dsp/2024-1/catalog/request": lambda h, b: (200, {
        "@context": "https://w3id.org/dspace/2024/1/context.json", "@id": "urn:catalog", "@type": "dcat:Catalog",
        "dspace:participantId": old.did, "dcat:dataset": [], "dcat:distribution": [], "dcat:service": []})}
    node.kanhe("catalog", "--crawl", old.did, "--every", "604800")
    check("when it offers nothing any more, nothing stays", until(lambda: "o1" not in names(), 60), sources())
    status, out, err = node.kanhe("catalog", old.did)
    check("and kanhe catalog says so", status == 0 and "offers nothing" in out, out + err)
    old.answers = filled
    # the same, told by its versions
    told = Partner(TOP, CA, "told")
    plain = told.document
    told.document = lambda: {**plain(), "service": [{"id": told.did + "#v", "type": "DataService",
                                                     "serviceEndpoint": f"http://127.0.0.1:{told.port}/.well-known/dspace-version"}]}
    told.answers = {"/.well-known/dspace-version": lambda h, b: (200, {"protocolVersions": [
        {"version": "2024-1", "path": "/v24", "binding": "HTTPS"}]}), "/v24/catalog/request": in_2024}
    node.kanhe("catalog", "--crawl", told.did, "--every", "604800")
    check("found by its versions", until(lambda: any(s["source"] == told.did and s.get("fresh") for s in sources()), 60), sources())
    told.answers["/.well-known/dspace-version"] = lambda h, b: (200, {"protocolVersions": [{"version": "2029-1", "path": "/", "binding": "HTTPS"}]})
    node.kanhe("catalog", "--crawl", told.did, "--every", "604800")
    check("none in common is told", until(lambda: any(s["source"] == told.did and "no version" in s.get("error", "") for s in sources()), 60), sources())
    old.close()
    told.close()

    # ---- askers that count, and one dataset's ETag
    data = os.path.join(TOP, "data.csv")
    with open(data, "w", encoding="utf-8") as f:
        f.write("a,b\n1,2\n")
    status, out, err = node.kanhe("publish", data, "--id", "base", "--title", "t")
    check("publish", status == 0, out + err)
    n = 7000
    for start in range(0, n, 1000):
        status, got, _ = node.request("POST", "/participants/buyer/datasets", "\n".join(json.dumps(
            {"id": f"m{i:05}", "policy": {"permission": [{"action": "use"}]}, "content_of": "base"}) for i in range(start, start + 1000)).encode(), token="owner")
        check("published many", status == 200, got)

    def spec(offset, limit=50):
        m = peer.message("CatalogRequestMessage", filter=[{"@type": "QuerySpec", "offset": offset, "limit": limit, "sortOrder": "ASC",
                                                            "filterExpression": []}])
        status, got = peer.call(node, "buyer", "/catalog/request", m)
        return [d["@id"] for d in got.get("dataset", [])] if status == 200 else (status, got)

    wanted = ["base"] + [f"m{i:05}" for i in range(n)]
    check("an offset beyond 900", spec(1200) == wanted[1200:1250], spec(1200))
    check("the largest that is walked to", spec(5000) == wanted[5000:5050], spec(5000))
    status, got = spec(5700, 10)
    check("further in without having come there is refused with what to do", status == 400 and "Link" in json.dumps(got), got)
    seen = []
    while True:
        page = spec(len(seen), 100)
        seen += page if isinstance(page, list) else []
        if not isinstance(page, list) or len(page) < 100:
            break
    check("page by page EDC's way gets to the end, each once", seen == wanted, (len(seen), page))
    check("and from there anywhere near", spec(6950, 100) == wanted[6950:], spec(6950, 100))
    node.request("DELETE", "/participants/buyer/datasets/m00000", token="owner")
    check("what went meanwhile hides nothing behind", spec(6900, 100)[:1] == ["m06899"], spec(6900, 100)[:3])
    path = "/participants/buyer/catalog/base"
    status, got, h = node.request("GET", path, token="owner")
    tag = h["ETag"]
    check("one dataset has an ETag", status == 200 and tag.startswith('W/"'), tag)
    check("not modified", node.request("GET", path, token="owner", headers={"If-None-Match": f'"x", {tag}'})[0] == 304)
    check("another form has another", node.request("GET", path + "?format=dcat-ap", token="owner", headers={"If-None-Match": tag})[0] == 200)
    node.request("POST", "/participants/buyer/datasets", json.dumps({"id": "base", "title": "changed"}).encode(), token="owner")
    status, got, h = node.request("GET", path, token="owner", headers={"If-None-Match": tag})
    check("modified", status == 200 and h["ETag"] != tag, (status, h["ETag"]))
finally:
    peer.close()
    node.close()
    shutil.rmtree(TOP, ignore_errors=True)
finish()
