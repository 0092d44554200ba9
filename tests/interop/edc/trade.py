"""What a partner with EDC and a participant of kanhed do with each other, judged on both sides."""
import json
import os
import ssl
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
sys.path.insert(0, HERE)
import edc  # noqa: E402
import node as nodes  # noqa: E402
from node import Node, check  # noqa: E402

SELF = "cut"
OURS, THEIRS = b"time,value\n1,2\n", b"part,weight\nA,12.5\nB,13.0\n"


def open_pair(kit):
    n = Node("--participant", SELF, start=False)
    tls = os.path.join(n.folder, "tls")
    beside = edc.Beside(os.path.join(tls, "node.pem"), os.path.join(tls, "node-key.pem"), n.folder)
    with open(os.path.join(n.folder, "kanhed.conf"), "a") as f:
        f.write(f"\n[space]\niam_mock = {beside.did}\n")
    n.start()
    n.did = n.request("GET", f"/p/{SELF}/did.json")[1]["id"]
    n.base = f"{n.url}/p/{SELF}/dsp/2025-1"
    return n, beside, edc.Connector(kit, beside).start(os.path.join(tls, "ca.pem"))


def publish(n, name, data):
    where = os.path.join(n.top, name)
    with open(where, "wb") as f:
        f.write(data)
    status, out, err = n.kanhe("publish", where, "--id", name, "--as", SELF)
    assert status == 0, (out, err)


def said(n, *words):
    """The JSON that `kanhe` prints, or why it does not."""
    status, out, err = n.kanhe(*words, "--as", SELF, "--json", timeout=180)
    if status:
        raise edc.Broken(f"kanhe {words[0]}: {status} {out} {err}")
    return json.loads(out)


def mode(n, did):
    """The test mode is loud, and lets in nobody but the partner that is named."""
    check("the node says that it is in test mode", b"TEST MODE" in n.request("GET", "/readyz")[1] and "TEST MODE" in n.log())
    ask = {"@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "CatalogRequestMessage"}

    def status(**change):
        token = {"region": "eu", "audience": n.base, "clientId": did, **change}
        return n.request("POST", f"/p/{SELF}/dsp/2025-1/catalog/request", ask, headers={"Authorization": json.dumps(token)})[0]

    check("the partner is let in", status() == 200, status())
    check("another name is not", status(clientId="did:web:example.org") == 401)
    check("nor a token for another node", status(audience="https://example.org/dsp") == 401)
    check("nor one for a participant whose name begins alike", status(audience=f"{n.url}/p/{SELF}2/dsp") == 401)
    check("nor one without an audience", status(audience=None) == 401)


def filters(n, did):
    """EDC's own form of a catalog filter."""
    for name in ("a.csv", "b.csv", "c.csv"):
        publish(n, name, name.encode())

    def ids(**spec):
        ask = {"@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "CatalogRequestMessage",
               "filter": [{"@type": "QuerySpec", "offset": 0, "limit": 50, "sortOrder": "ASC", "filterExpression": [], **spec}]}
        token = json.dumps({"region": "eu", "audience": n.base, "clientId": did})
        status, got, _ = n.request("POST", f"/p/{SELF}/dsp/2025-1/catalog/request", ask, headers={"Authorization": token})
        return [d["@id"] for d in got.get("dataset", [])] if status == 200 else status

    one = {"operandLeft": edc.EDC_NS + "id", "operator": "=", "operandRight": "b.csv"}
    for spec, wanted in (({}, ["a.csv", "b.csv", "c.csv"]), ({"offset": 1}, ["b.csv", "c.csv"]), ({"limit": 2}, ["a.csv", "b.csv"]),
                         ({"offset": 1, "limit": 1}, ["b.csv"]), ({"offset": 3}, []), ({"filterExpression": [one]}, ["b.csv"]),
                         ({"filterExpression": [{**one, "operator": "like"}]}, 400), ({"sortOrder": "DESC"}, 400),
                         ({"offset": -1}, 400), ({"offset": 901}, []), ({"offset": 1000001}, 400), ({"limit": "2"}, 400)):
        check(f"the catalog with {spec}", ids(**spec) == wanted, ids(**spec))


def kept(c, transfer):
    """The data address; EDC stores it some time after it says STARTED."""
    try:
        return c.call(f"/edrs/{transfer}/dataaddress")
    except edc.Broken:
        return None


def edc_buys(n, c):
    """EDC is the consumer: catalog, negotiation, transfer, the data themselves."""
    publish(n, "ours.csv", OURS)
    got = c.catalog(n.base, n.did)
    rows = {k.split(":")[-1]: v for k, v in got.items()}.get("dataset", [])
    rows = rows if isinstance(rows, list) else [rows]
    row = next((r for r in rows if r["@id"] == "ours.csv"), None)
    if not check("EDC reads our catalog", row, got):
        return None
    offer = row.get("odrl:hasPolicy") or row.get("hasPolicy")
    offer = offer[0] if isinstance(offer, list) else offer
    pid = c.negotiate(n.base, n.did, "ours.csv", offer)
    done = c.await_state("contractnegotiations", pid, "FINALIZED")
    agreement = done["contractAgreementId"]
    check("EDC's negotiation ends FINALIZED", agreement)
    mine = [a for a in said(n, "agreements")["agreements"] if a["id"] == agreement] if agreement else []
    check("we hold the same agreement", mine, agreement)
    transfer = c.transfer(n.base, n.did, "ours.csv", agreement)
    c.await_state("transferprocesses", transfer, "STARTED")
    address = nodes.until(lambda: kept(c, transfer), 60) or {}
    url, token = edc.find(address, "endpoint"), edc.find(address, "authorization")
    if not check("EDC keeps the data address", url and token, address):
        return None
    context = ssl.create_default_context(cafile=os.path.join(n.folder, "tls", "ca.pem"))
    status, data = edc.http(url, headers={"Authorization": "Bearer " + str(token)}, context=context)
    check("the data address that EDC got opens the data", (status, data) == (200, OURS), (status, data, address))
    check("and nothing without its token", edc.http(url, context=context)[0] == 401)
    return agreement


def edc_sells(n, c, beside):
    """EDC is the provider: our owner negotiates and pulls."""
    beside.data["theirs"] = THEIRS
    c.offer("theirs", beside.url + "/data/theirs")
    rows = said(n, "catalog", beside.did)
    check("we read EDC's catalog", "theirs" in json.dumps(rows), rows)
    done = said(n, "negotiate", beside.did, "theirs")
    check("our negotiation ends FINALIZED", done.get("state") == "FINALIZED", done)
    agreement = done.get("agreement") or done.get("agreementId")
    theirs = c.call(f"/contractagreements/{agreement}")
    check("EDC holds the same agreement, for us", theirs["consumerId"] == n.did and theirs["assetId"] == "theirs", theirs)
    to = os.path.join(n.top, "pulled.csv")
    said(n, "pull", agreement, "--to", to)
    with open(to, "rb") as f:
        check("what we pulled is what EDC offered", f.read() == THEIRS)
    check("its data plane was asked with the token that it gave", beside.reads and all(ok for _, ok in beside.reads), beside.reads)
    rows = c.call("/transferprocesses/request", {"@context": edc.VOCAB, "@type": "QuerySpec"})
    mine = [r for r in rows if r["contractId"] == agreement]
    check("EDC counts the transfer as completed", nodes.until(
        lambda: c.call(f"/transferprocesses/{mine[0]['@id']}")["state"] in ("COMPLETED", "DEPROVISIONED"), 60) if mine else False, mine)


def main():
    n, beside, c = open_pair(sys.argv[2])
    try:
        print(f"EDC is ready after {c.ready():.1f} s")
        mode(n, beside.did)
        filters(n, beside.did)
        for part, words in ((edc_buys, (n, c)), (edc_sells, (n, c, beside))):
            try:
                part(*words)
            except edc.Broken as e:
                rows = [n.request("GET", f"/participants/{SELF}/{kind}", token="owner")[1] for kind in ("negotiations", "transfers")]
                check(part.__doc__, False, f"{e}\nours: {json.dumps(rows)}")
    finally:
        c.close()
        beside.close()
        n.close()
    print(f"{nodes.passed} passed, {nodes.failed} failed, 0 skipped")
    sys.exit(1 if nodes.failed or not nodes.passed else 0)


if __name__ == "__main__":
    main()
