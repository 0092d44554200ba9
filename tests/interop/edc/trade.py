"""What a partner with EDC and a participant of kanhed do with each other, judged on both sides: in version 2025-1 of the
protocol, and with the same processes in 2024-1."""
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
UNTIL = "2099-01-01T00:00:00Z"
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
    c = edc.Connector(kit, beside)
    c.settings = {"edc.policy.validation.enabled": "false"}  # no function of ours meets its terms, so it would refuse them
    return n, beside, c.start(os.path.join(tls, "ca.pem"))


def speak_2024(n, beside, c):
    """EDC tells three versions where its DID document now points to; ours is left with one that both speak."""
    c.version = "2024-1"
    beside.describe(c.dsp + "/.well-known/dspace-version")
    text = open(os.path.join(n.folder, "kanhed.conf"), encoding="utf-8").read()
    with open(os.path.join(n.folder, "kanhed.conf"), "w", encoding="utf-8") as f:
        f.write(text.replace("[space]\niam_mock", "[space]\ndsp = 2024-1\niam_mock"))
    status, out, err = n.kanhe("node", "restart")
    check("our node speaks 2024-1 only", status == 0 and n.request("POST", f"/p/{SELF}/dsp/2025-1/catalog/request", {})[0] == 404, (out, err))
    n.base = f"{n.url}/p/{SELF}/dsp/2024-1"


def publish(n, name, data, *more):
    where = os.path.join(n.top, name)
    with open(where, "wb") as f:
        f.write(data)
    status, out, err = n.kanhe("publish", where, "--id", name, "--as", SELF, *more)
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


def ours(n, kind, **fields):
    """Our rows of negotiations or transfers that have these fields."""
    rows = n.request("GET", f"/participants/{SELF}/{kind}", token="owner")[1][kind]
    return [r for r in rows if all(r.get(k) == v for k, v in fields.items())]


def reaches(what, state, look):
    """look: the state, now. Waits for it."""
    check(what, nodes.until(lambda: look() == state, 60), look())


def offered(n, c, name):
    """The offer of our dataset, as EDC's own answer has it."""
    got = c.catalog(n.base, n.did)
    rows = {k.split(":")[-1]: v for k, v in got.items()}.get("dataset", [])
    row = next((r for r in (rows if isinstance(rows, list) else [rows]) if r["@id"] == name), None)
    check("EDC reads our catalog", row, got)
    offer = row.get("odrl:hasPolicy") or row.get("hasPolicy")
    return offer[0] if isinstance(offer, list) else offer


def versions(n, c, told):
    """EDC asks which versions we speak."""
    got = {v["version"]: v["path"] for v in c.versions(f"{n.url}/p/{SELF}", n.did)["protocolVersions"]}
    check("EDC is told our versions", got == {v: f"/dsp/{v}" for v in told}, got)


def proven(n, agreement, kept):
    """EDC signs nothing: its messages are kept as they came, and verify offline."""
    status, out, err = n.kanhe("agreement", "verify", agreement, "--as", SELF)
    check("what EDC said is kept as evidence", status == 0 and "no signature proves" in out, (status, out, err))
    bundle = os.path.join(n.top, "bundle.json")
    n.kanhe("prove", agreement, "--to", bundle, "--as", SELF)
    status, out, err = n.kanhe("verify", bundle)
    check("and goes with the proof", status == 0 and kept in out, (status, out, err))


def edc_buys(n, c):
    """EDC is the consumer: catalog, negotiation, transfer, the data themselves."""
    name = f"ours-{c.version}.csv"
    publish(n, name, OURS, "--until", UNTIL)
    pid = c.negotiate(n.base, n.did, name, offered(n, c, name))
    done = c.await_state("contractnegotiations", pid, "FINALIZED")
    agreement = done["contractAgreementId"]
    check("EDC's negotiation ends FINALIZED", agreement)
    mine = [a for a in said(n, "agreements")["agreements"] if a["id"] == agreement] if agreement else []
    check("we hold the same agreement", mine, agreement)
    proven(n, agreement, "ContractRequestMessage of the consumer")
    transfer = c.transfer(n.base, n.did, name, agreement)
    c.await_state("transferprocesses", transfer, "STARTED")
    address = nodes.until(lambda: kept(c, transfer), 60) or {}
    if not check("EDC keeps the data address", edc.find(address, "endpoint") and edc.find(address, "authorization"), address):
        return
    context = ssl.create_default_context(cafile=os.path.join(n.folder, "tls", "ca.pem"))

    def read(token=True):
        headers = {"Authorization": "Bearer " + str(edc.find(address, "authorization"))} if token else {}
        return edc.http(edc.find(address, "endpoint"), headers=headers, context=context)

    check("the data address that EDC got opens the data", read() == (200, OURS), (read(), address))
    check("and nothing without its token", read(False)[0] == 401)
    pauses(n, c, ours(n, "transfers", agreement=agreement)[0]["pid"], transfer)
    address = nodes.until(lambda: kept(c, transfer), 60)
    check("and the one it has after the pauses", nodes.until(lambda: read() == (200, OURS), 60), (read(), address))
    c.act("transferprocesses", transfer, "terminate")
    reaches("EDC ends the transfer", "TERMINATED", lambda: ours(n, "transfers", agreement=agreement)[0]["state"])
    check("and nothing is opened any more", read()[0] in (401, 403, 404, 410), read())


def pauses(n, c, mine, theirs):
    """Either side suspends a transfer and has it go on. mine, theirs: its pids."""
    def here():
        return ours(n, "transfers", pid=mine)[0]["state"]

    def there():
        return c.call(f"/transferprocesses/{theirs}")["state"]

    for verb, state in (("suspend", "SUSPENDED"), ("resume", "STARTED")):
        c.act("transferprocesses", theirs, verb)
        reaches(f"EDC has us {verb}", state, here)
        reaches(f"and is {state} itself", state, there)
    for verb, state in (("suspend", "SUSPENDED"), ("resume", "STARTED")):
        said(n, "transfer", verb, mine, *(["--reason", "maintenance"] if verb == "suspend" else []))
        reaches(f"we have EDC {verb}", state, there)
        reaches(f"and are {state} ourselves", state, here)


def edc_asks(n, c):
    """EDC wants what a person has to allow: it changes its mind, is declined, is let have it."""
    name = f"asked-{c.version}"
    publish(n, name, OURS, "--approval")
    offer = offered(n, c, name)

    def ask():
        pid = c.negotiate(n.base, n.did, name, offer)
        check("its request waits for us", nodes.until(lambda: ours(n, "negotiations", dataset=name, state="REQUESTED"), 60))
        c.await_state("contractnegotiations", pid, "REQUESTED")
        return pid, ours(n, "negotiations", dataset=name, state="REQUESTED")[0]["pid"]

    theirs, mine = ask()
    c.act("contractnegotiations", theirs, "terminate")
    reaches("EDC changes its mind", "TERMINATED", lambda: ours(n, "negotiations", pid=mine)[0]["state"])
    check("and says why", ours(n, "negotiations", pid=mine)[0].get("reason") == "EDC says terminate", ours(n, "negotiations", pid=mine))
    theirs, mine = ask()
    said(n, "inbox", "decline", mine, "--reason", "not for you")
    check("EDC is declined", c.await_state("contractnegotiations", theirs, "TERMINATED"))
    theirs, mine = ask()
    said(n, "inbox", "approve", mine)
    check("EDC is let have it", c.await_state("contractnegotiations", theirs, "FINALIZED"))


def edc_sells(n, c, beside):
    """EDC is the provider: our owner negotiates and pulls."""
    name = f"theirs-{c.version}"
    beside.data[name] = THEIRS
    c.offer(name, f"{beside.url}/data/{name}", {"leftOperand": "dateTime", "operator": "lt", "rightOperand": UNTIL})
    rows = said(n, "catalog", beside.did)
    check("we read EDC's catalog", name in json.dumps(rows) and UNTIL in json.dumps(rows), rows)
    done = said(n, "negotiate", beside.did, name)
    check("our negotiation ends FINALIZED", done.get("state") == "FINALIZED", done)
    agreement = done.get("agreement") or done.get("agreementId")
    theirs = c.call(f"/contractagreements/{agreement}")
    check("EDC holds the same agreement, for us", theirs["consumerId"] == n.did and theirs["assetId"] == name, theirs)
    proven(n, agreement, "ContractAgreementMessage of the provider")
    to = os.path.join(n.top, "pulled.csv")
    said(n, "pull", agreement, "--to", to)
    with open(to, "rb") as f:
        check("what we pulled is what EDC offered", f.read() == THEIRS)
    check("its data plane was asked with the token that it gave", beside.reads and all(ok for _, ok in beside.reads), beside.reads)
    rows = c.call("/transferprocesses/request", {"@context": edc.VOCAB, "@type": "QuerySpec"})
    mine = [r for r in rows if r["contractId"] == agreement]
    check("EDC counts the transfer as completed", nodes.until(
        lambda: c.call(f"/transferprocesses/{mine[0]['@id']}")["state"] in ("COMPLETED", "DEPROVISIONED"), 60) if mine else False, mine)


def edc_sells_slowly(n, c, beside):
    """EDC is the provider of what does not end: pauses of both sides, until EDC ends it."""
    name = f"slow-{c.version}"
    beside.data[name] = None
    c.offer(name, f"{beside.url}/data/{name}")
    agreement = said(n, "negotiate", beside.did, name)["agreement"]
    mine = said(n, "pull", agreement, "--no-wait")["pid"]
    reaches("EDC starts the transfer", "STARTED", lambda: ours(n, "transfers", pid=mine)[0]["state"])
    theirs = n.request("GET", f"/participants/{SELF}/transfers/{mine}", token="owner")[1]["peer_pid"]
    pauses(n, c, mine, theirs)
    c.act("transferprocesses", theirs, "terminate")
    reaches("EDC ends it", "TERMINATED", lambda: ours(n, "transfers", pid=mine)[0]["state"])


def pushes(n, c, beside):
    """Data sent to where the consumer says: by us to EDC's sink; by EDC, whose data plane is told of ours."""
    agreement = ours(n, "negotiations", dataset=f"asked-{c.version}", state="FINALIZED")[0]["agreement"]
    sink = f"/sink/{c.version}"
    theirs = c.transfer(n.base, n.did, f"asked-{c.version}", agreement, beside.url + sink)
    reaches("we push to where EDC says", OURS, lambda: beside.sunk.get(sink))
    reaches("and EDC counts it as completed", "COMPLETED", lambda: c.call(f"/transferprocesses/{theirs}")["state"])
    agreement = ours(n, "negotiations", dataset=f"slow-{c.version}", state="FINALIZED")[0]["agreement"]
    secret = os.path.join(n.top, "secret")
    with open(secret, "w", encoding="utf-8") as f:
        f.write("s3cret")
    mine = said(n, "pull", agreement, "--push", "http://127.0.0.1:9/in", "--push-token", secret, "--no-wait")["pid"]
    reaches("EDC starts to push", "STARTED", lambda: ours(n, "transfers", pid=mine)[0]["state"])
    to = beside.flows[-1]["destinationDataAddress"]
    check("its data plane is told where to, and with what", (edc.find(to, "endpointType"), edc.find(to, "baseUrl"), edc.find(to, "authKey"),
          edc.find(to, "authCode")) == ("HttpData", "http://127.0.0.1:9/in", "Authorization", "Bearer s3cret"), to)
    said(n, "transfer", "terminate", mine, "--reason", "enough")


def trade(n, c, beside, told):
    for part, words in ((versions, (told,)), (edc_buys, ()), (edc_asks, ()), (edc_sells, (beside,)), (edc_sells_slowly, (beside,)),
                        (pushes, (beside,))):
        try:
            part(n, c, *words)
        except (edc.Broken, KeyError, IndexError) as e:
            rows = [n.request("GET", f"/participants/{SELF}/{kind}", token="owner")[1] for kind in ("negotiations", "transfers")]
            check(part.__doc__, False, f"{c.version}: {e!r}\nours: {json.dumps(rows)}")


def main():
    n, beside, c = open_pair(sys.argv[2])
    try:
        print(f"EDC is ready after {c.ready():.1f} s")
        mode(n, beside.did)
        filters(n, beside.did)
        trade(n, c, beside, ("2025-1", "2024-1"))
        print(f"2025-1: {nodes.passed} passed")
        speak_2024(n, beside, c)
        trade(n, c, beside, ("2024-1",))
    finally:
        c.close()
        beside.close()
        n.close()
    print(f"{nodes.passed} passed, {nodes.failed} failed, 0 skipped")
    sys.exit(1 if nodes.failed or not nodes.passed else 0)


if __name__ == "__main__":
    main()
