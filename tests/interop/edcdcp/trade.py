"""Members of one data space, one with EDC and one with kanhed: each proves by the Decentralized Claims Protocol who he
is and shows the membership that the founder issued to him. What they do with each other, judged on both sides."""
import json
import os
import shutil
import ssl
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
sys.path.insert(0, HERE)
import member  # noqa: E402
from member import edc  # noqa: E402
import node as nodes  # noqa: E402
from node import Node, check  # noqa: E402

TYPE = "MembershipCredential"
OURS, THEIRS = b"time,value\n1,2\n", b"part,weight\nA,12.5\nB,13.0\n"
TOP = tempfile.mkdtemp(prefix="kanhe-edcdcp.")


class Space:
    """founder issues; wallet is EDC's; maker trades with kanhed."""

    def __init__(self, kit):
        self.all = []
        self.founder, self.wallet, self.maker = (self.node(name, *more) for name, more in (
            ("founder", ()), ("wallet", ("--tokens", "ES256")), ("maker", ())))
        tls = os.path.join(self.wallet.folder, "tls")
        self.beside = edc.Beside(os.path.join(tls, "node.pem"), os.path.join(tls, "node-key.pem"), TOP)
        self.c = member.Member(kit, self.beside)
        conf(self.wallet, "space", connectors=f"wallet={self.c.base}")
        conf(self.maker, "identity", accept="dcp", issuers=f"{self.founder.did}={TYPE}", require=TYPE)
        for n in self.all:
            n.start()
        row = json.loads(ok(self.wallet, "credential", "client", "add", "edc", TYPE, "--json"))
        self.c.identify(self.wallet.did, row["token_url"], row["client_id"], row["client_secret"], self.founder.did)
        self.c.start(os.path.join(tls, "ca.pem"))

    def node(self, name, *more):
        n = Node("--participant", name, "--ca", os.path.join(TOP, "ca"), *more, start=False, clear=False)
        n.did = f"did:web:127.0.0.1%3A{n.port}:p:{name}"
        n.base = f"{n.url}/p/{name}/dsp/2025-1"
        self.all.append(n)
        return n

    def edc_says(self, text):
        def said():
            with open(os.path.join(self.c.folder, "edc.log"), encoding="utf-8") as f:
                return text in f.read()
        return nodes.until(said, 30)

    def close(self):
        if hasattr(self.c, "process"):
            self.c.close()
        self.beside.close()
        for n in self.all:
            n.close()
        shutil.rmtree(TOP, ignore_errors=True)


def conf(n, section, **settings):
    with open(os.path.join(n.folder, "kanhed.conf"), "a", encoding="utf-8") as f:
        f.write(f"\n[{section}]\n" + "".join(f"{k} = {v}\n" for k, v in settings.items()))


def ok(n, *args, **more):
    status, out, err = n.kanhe(*args, timeout=180, **more)
    assert status == 0, (args, status, out, err)
    return out


def publish(n, name, data, level=None):
    where = os.path.join(TOP, name)
    with open(where, "wb") as f:
        f.write(data)
    more = []
    if level:
        rule = {"action": "use", "constraint": [{"leftOperand": TYPE + ".level", "operator": "eq", "rightOperand": level}]}
        with open(where + ".policy", "w", encoding="utf-8") as f:
            json.dump({"permission": [rule]}, f)
        more = ["--policy", where + ".policy"]
    ok(n, "publish", where, "--id", name, *more)


def offered(c, n):
    """EDC reads our catalog: dataset → offer. Broken when it may not."""
    got = c.catalog(n.base, n.did)
    rows = {k.split(":")[-1]: v for k, v in got.items()}.get("dataset", [])
    out = {}
    for row in rows if isinstance(rows, list) else [rows]:
        offer = row.get("odrl:hasPolicy") or row.get("hasPolicy")
        out[row["@id"]] = offer[0] if isinstance(offer, list) else offer
    return out


def closed(what, s, why_here, why_there):
    """Neither is let in by the other. why_here: what we tell EDC; why_there: what EDC's log says of us."""
    try:
        got = offered(s.c, s.maker)
        check(f"{what}: EDC is refused", False, got)
    except edc.Broken as e:
        check(f"{what}: EDC is refused", why_here in str(e), e)
    status, out, err = s.maker.kanhe("catalog", s.wallet.did, timeout=180)
    check(f"{what}: we are refused", status != 0 and "401" in out + err, out + err)
    check(f"{what}: and EDC says why", s.edc_says(why_there), why_there)


def strangers(s):
    """Without a membership, and with one that nobody here believes."""
    closed("without a credential", s, "a MembershipCredential of a trusted issuer is required", "Number of requested credentials")
    for n in (s.wallet, s.maker):
        jwt = ok(s.maker, "credential", "issue", n.did, TYPE, "level=gold").strip()
        ok(n, "credential", "add", "-", stdin=jwt)
    closed("with a credential of an untrusted issuer", s, "of a trusted issuer", "not supported for issuer")
    for n in (s.wallet, s.maker):
        ok(n, "credential", "remove", json.loads(ok(n, "credential", "list", "--json"))["held"][0]["id"])


def join(s):
    """The founder issues by DCP to EDC's wallet, and by hand to us."""
    ok(s.founder, "credential", "type", "add", TYPE, "--days", "365")
    ok(s.wallet, "credential", "request", s.founder.did, TYPE)
    rows = nodes.until(lambda: json.loads(ok(s.founder, "credential", "requests", "--json"))["received"], 60)
    ok(s.founder, "credential", "approve", rows[0]["id"], "level=silver")
    check("EDC's wallet holds its membership", nodes.until(
        lambda: json.loads(ok(s.wallet, "credential", "list", "--json"))["held"], 60))
    jwt = ok(s.founder, "credential", "issue", s.maker.did, TYPE, "level=full").strip()
    ok(s.maker, "credential", "add", "-", stdin=jwt)


def kept(c, transfer):
    """The data address; EDC stores it some time after it says STARTED."""
    try:
        return c.call(f"/edrs/{transfer}/dataaddress")
    except edc.Broken:
        return None


def edc_buys(s):
    """EDC is the consumer."""
    c, n = s.c, s.maker
    publish(n, "ours.csv", OURS)
    publish(n, "silver.csv", OURS, "silver")
    publish(n, "gold.csv", OURS, "gold")
    offers = offered(c, n)
    if not check("EDC reads our catalog", set(offers) == {"ours.csv", "silver.csv", "gold.csv"}, offers):
        return
    for name in ("ours.csv", "silver.csv"):
        done = c.await_state("contractnegotiations", c.negotiate(n.base, n.did, name, offers[name]), "FINALIZED")
        agreement = done["contractAgreementId"]
        shown = json.loads(ok(n, "agreement", "show", agreement, "--json"))
        check(f"{name}: we hold the same agreement, with EDC", shown["agreement"]["assignee"] == s.wallet.did
              if "assignee" in shown.get("agreement", {}) else s.wallet.did in json.dumps(shown), shown)
        evidence = shown.get("evidence", [])
        check(f"{name}: and keep by which credential EDC was let in", evidence and all(
            e["record"]["by"] == "dcp" and e["record"]["credentials"] == [{"type": [TYPE], "issuer": s.founder.did}]
            for e in evidence), evidence)
        transfer = c.transfer(n.base, n.did, name, agreement)
        c.await_state("transferprocesses", transfer, "STARTED")
        address = nodes.until(lambda: kept(c, transfer), 60) or {}
        url, token = edc.find(address, "endpoint"), edc.find(address, "authorization")
        context = ssl.create_default_context(cafile=os.path.join(n.folder, "tls", "ca.pem"))
        got = edc.http(url, headers={"Authorization": "Bearer " + str(token)}, context=context) if url else None
        check(f"{name}: the data address that EDC got opens the data", got == (200, OURS), (got, address))
    try:
        c.await_state("contractnegotiations", c.negotiate(n.base, n.did, "gold.csv", offers["gold.csv"]), "FINALIZED")
        check("EDC's membership is not gold", False)
    except edc.Broken as e:
        check("EDC's membership is not gold", "was ended" in str(e), e)
    check("and it is told so", s.edc_says(f"{TYPE}.level eq gold: actual silver"))


def edc_sells(s):
    """EDC is the provider."""
    c, n = s.c, s.maker
    c.plane()
    for name, level in (("open", None), ("full", "full"), ("gold", "gold")):
        c.policy(name, level)
        s.beside.data[name] = THEIRS
        c.sell("their-" + name, name, s.beside.url + "/data/" + name)
    rows = ok(n, "catalog", s.wallet.did, "--json")
    check("we read EDC's catalog", all(f'"their-{x}"' in rows for x in ("open", "full", "gold")), rows)
    for name in ("open", "full"):
        done = json.loads(ok(n, "negotiate", s.wallet.did, "their-" + name, "--json"))
        check(f"{name}: our negotiation ends FINALIZED", done.get("state") == "FINALIZED", done)
        agreement = done.get("agreement")
        theirs = c.call(f"/contractagreements/{agreement}")
        check(f"{name}: EDC holds the same agreement, for us", theirs["consumerId"] == n.did, theirs)
        to = os.path.join(TOP, "pulled.csv")
        ok(n, "pull", agreement, "--to", to)
        with open(to, "rb") as f:
            check(f"{name}: what we pulled is what EDC offered", f.read() == THEIRS)
        os.unlink(to)
    status, out, err = n.kanhe("negotiate", s.wallet.did, "their-gold", "--json", timeout=180)
    check("our membership is not gold", "FINALIZED" not in out and (status or json.loads(out)["state"] == "TERMINATED"), out + err)
    check("EDC has no agreement on it", "their-gold" not in json.dumps(
        c.call("/contractagreements/request", {"@context": edc.VOCAB, "@type": "QuerySpec"})))


def revoked(s):
    """The founder takes both memberships back."""
    for row in json.loads(ok(s.founder, "credential", "list", "--json"))["issued"]:
        ok(s.founder, "credential", "revoke", row["id"])
    closed("revoked", s, "was revoked", "Credential status is 'revocation'")


def main():
    s = None
    try:
        s = Space(sys.argv[2])
        print(f"EDC is ready after {s.c.ready():.1f} s", flush=True)
        for part in (strangers, join, edc_buys, edc_sells, revoked):
            try:
                part(s)
            except (edc.Broken, AssertionError, LookupError, TypeError) as e:
                rows = [s.maker.request("GET", f"/participants/maker/{kind}", token="owner")[1]
                        for kind in ("negotiations", "transfers", "outbox")]
                check(part.__doc__, False, f"{type(e).__name__}: {e}\nours: {json.dumps(rows)}")
    finally:
        if s:
            s.close()
    print(f"{nodes.passed} passed, {nodes.failed} failed, 0 skipped")
    sys.exit(1 if nodes.failed or not nodes.passed else 0)


if __name__ == "__main__":
    main()
