"""Reporting upwards: reports on demand and on a schedule, core data by the change feed, whole copies, faults of the
way between; and that the copy is the registry, row by row."""
import json
import os

from exported import bare
from node import Node, check, finish, until

# The superior is authoritative for 88.118, the maker for 88.118.8: a delegation is not needed to report.
top = Node("--authority", "88.118")
maker = Node("--authority", "88.118.8,gs1:9521234", start=False)


def register(i, data, prefix="88.118.8/P"):
    body = {"values": [{"type": "URL", "data": data}]}
    return maker.request("PUT", f"/registry/{prefix}{i}", body, "registrar")[0]


def report(*words, node=None, **more):
    status, out, err = (node or maker).kanhe("report", *words, "--json", **more)
    return status, json.loads(out) if out.startswith("{") else out, err


def both_authorities():
    """The two nodes have an authority each; the maker's programs trust both."""
    path = os.path.join(maker.top, "both.pem")
    with open(path, "w") as f:
        for n in (maker, top):
            f.write(open(os.path.join(n.folder, "tls", "ca.pem")).read())
    return path


def superior_token(scope):
    """The maker's token at the node above it: the file with it, and what is in it."""
    path = os.path.join(maker.folder, "tokens", "superior.token")
    status, out, err = top.kanhe("node", "token", "add", "maker-node", "registrar", "--scope", scope, "--out", path)
    assert status == 0, err
    return path, open(path).read()


def caught_up():
    """Everything is acknowledged: what is left of the feed has nothing to hand up."""
    return report("compare")[0] == 0


try:
    token, secret = superior_token("88.118.8 gs1:9521234")
    conf = open(os.path.join(maker.folder, "kanhed.conf")).read()
    ca = both_authorities()

    maker.start()
    status, got, err = report("status")
    check("a node that reports to nobody says so", status == 3 and "report.to" in err, err)
    status, got, err = report("status", env={"LC_ALL": "zh_CN.UTF-8"})
    check("in Chinese as well", status == 3 and "本节点不上报：上报对象由配置项 report.to 指定" in err, err)
    for words, text in ((("received", "nobody"), "nobody"), (("copy", "nobody"), "没有该名称的节点上报过数据")):
        status, got, err = report(*words, node=top, env={"LC_ALL": "zh_CN.UTF-8"})
        check(f"and of {words}", status in (1, 3) and text in err, err)
    maker.kanhe("node", "stop")

    def configure(more):
        text = "\n".join(line for line in conf.split("\n") if not line.startswith("ca ="))
        text = text.replace("[out]", f"[out]\nca = {ca}\nprivate = yes", 1).replace("private = yes\nprivate = yes", "private = yes")
        lines, seen = [], False
        for line in text.split("\n"):
            if line.startswith("private"):
                if seen:
                    continue
                seen = True
            lines.append(line)
        with open(os.path.join(maker.folder, "kanhed.conf"), "w") as f:
            f.write("\n".join(lines) + f"\n[report]\nto = {top.url}\ntoken = tokens/superior.token\n{more}\n")

    os.chmod(token, 0o644)
    configure("every = 1h")
    status, out, err = maker.kanhe("node", "start")
    check("a token that others may read is refused", status == 1 and "superior.token" in maker.log(), maker.log()[-500:])
    os.chmod(token, 0o600)
    maker.start()

    for i in range(30):
        assert register(i, f"https://a.example/{i}") == 201
    maker.request("PUT", "/registry/88.118.8/P3", {"values": [{"type": "URL", "data": "https://b.example/"}]}, "registrar")
    maker.request("DELETE", "/registry/88.118.8/P4", token="registrar")
    maker.request("PUT", "/templates/88.118.8/v1", {"attributes": [{"name": "a"}]}, "registrar")
    maker.request("PUT", "/templates/88.118.8/v2", {"attributes": []}, "registrar")
    maker.request("DELETE", "/templates/88.118.8/v2", token="registrar")
    for pattern in ("88.118.8/SER-{0000..4999}", "01/0952123{400000..400099}{check}"):
        status, out, err = maker.kanhe("series", "add", pattern, "URL=https://s.example/{serial}")
        check("a series", status == 0, err)
    status, got, err = report("send")
    check("report and hand up now", status == 0 and got["position"] > 0, err)
    status, got, err = report("compare")
    check("the copy is the registry", status == 0 and got["same"] and got["rows"]["record"] == 30 and got["rows"]["template"] == 1
          and got["rows"]["series"] == 2, (got, err))
    status, got, err = report("status")
    check("status", status == 0 and got["reports"] >= 1 and got["failures"] == 0 and got["sync"] is True, (got, err))

    status, got, err = report("received", node=top)
    check("the superior has the report", status == 0 and got["reporters"][0]["reporter"] == "maker-node"
          and got["reporters"][0]["report"]["prefixes"][0]["active"] == 29, (got, err))
    days = got["reporters"][0]["report"]["prefixes"][0]["days"]
    check("with statistics of the day", len(days) == 2 and sum(d["registered"] for d in days) == 31  # 30 records, a series
          and sum(d["retired"] for d in days) == 1, days)
    counters = got["reporters"][0]["report"]["counters"]
    check("with counters", counters["changes"] >= 31 and "questions" in counters, counters)
    status, got, err = report("received", "maker-node", node=top)
    check("reports of one", status == 0 and got["reports"], (got, err))

    # without being asked
    before = report("received", node=top)[1]["reporters"][0]["position"]
    register("new", "https://n.example/")
    check("a change goes up by itself", until(lambda: report("received", node=top)[1]["reporters"][0]["position"] > before))
    check("and once only: nothing is left", until(caught_up))
    still = report("received", node=top)[1]["reporters"][0]["position"]
    check("noting the position does not go round", report("compare")[1]["position"] == still)

    metrics = maker.request("GET", "/metrics", token="operator")[1].decode()
    check("metrics tell of it", "kanhe_resolver_handed_up_position " in metrics and "\nkanhe_resolver_templates 1\n" in metrics, metrics[-800:])

    # the copy as records, read by an auditor and loaded into a third node
    status, out, err = top.kanhe("node", "token", "add", "watcher", "auditor", "--scope", "*")
    auditor = os.path.join(top.folder, "tokens", "watcher.token")
    open(auditor, "w").write(out)
    os.chmod(auditor, 0o600)
    status, out, err = top.kanhe("report", "copy", "maker-node", "--table", "record", "--token", auditor)
    lines = out.splitlines()
    check("the copy's records", status == 0 and len(lines) == 31 and {json.loads(x)["id"] for x in lines} >= {"88.118.8/P0", "88.118.8/Pnew"}, err)
    status, out, err = top.kanhe("report", "copy", "maker-node")
    check("the folder's auditor reads it unasked", status == 0 and out.splitlines()[-31:] == lines, out + err)
    status, out, err = top.kanhe("report", "copy", "maker-node", "--token", os.path.join(top.folder, "tokens", "operator.token"))
    check("not for an operator", status == 6, err)
    status, out, err = top.kanhe("report", "copy", "nobody")
    check("nobody of that name", status == 3 and "has handed anything up" in err, err)

    # the other side away: nothing is lost, nothing twice
    top.kanhe("node", "stop")
    for i in range(100, 110):
        assert register(i, "https://c.example/") == 201
    status, got, err = report("send")
    check("an unreachable superior is told", status != 0 and err, err)
    check("and counted", report("status")[1]["failures"] > 0)
    maker.kanhe("node", "restart")
    top.start()
    check("what was registered meanwhile goes up, after a restart too", until(caught_up))
    check("41 records", report("compare")[1]["rows"]["record"] == 41, report("compare"))
    big = [{"id": f"88.118.8/Z{i}", "values": [{"type": "DESC", "data": "x" * 2600}]} for i in range(2000)]
    status, got, _ = maker.request("POST", "/registry", {"records": big}, "registrar")
    check("one change of 5 MB", status == 200, got)
    status, got, err = report("compare")
    check("goes up in parts", status == 0 and got["rows"]["record"] == 2041, (got, err))

    # the same message again, one out of order, rows of others; nobody else writes meanwhile
    maker.kanhe("node", "stop")
    sync = lambda body: top.request("POST", "/sync", body, headers={"Authorization": "Bearer " + secret.strip()})
    status, place, _ = top.request("GET", "/sync", headers={"Authorization": "Bearer " + secret.strip()})
    state = top.state()
    root = "00" * 32
    status, got, _ = sync({"from": 1, "to": 1, "ledger_size": 1, "ledger_root": root, "ops": []})
    check("an old message changes nothing", status == 200 and got["position"] == place["position"] and top.state() == state, got)
    status, got, _ = sync({"from": place["position"] + 5, "to": place["position"] + 5, "ledger_size": 1, "ledger_root": root, "ops": []})
    check("a gap is refused, with the place", status == 409 and got["position"] == place["position"], got)
    foreign = {"from": place["position"] + 1, "to": place["position"] + 1, "ledger_size": 1, "ledger_root": root,
               "ops": [{"t": "record", "k": "ATg4AA", "v": "AAAA"}]}
    status, got, _ = sync(foreign)
    check("a row outside the scope is refused", status == 403 and got["field"] == "ops[0]", got)
    for what, change in (("no table", {"ops": [{"t": "credential", "k": "AA", "v": "AA"}]}), ("no key", {"ops": [{"t": "record", "v": "AA"}]}),
                         ("no root", {"ledger_root": "x"}), ("order", {"from": 9, "to": 8}), ("no list", {"ops": {}})):
        status, got, _ = sync({**foreign, **change})
        check(f"bad message: {what}", status == 400 and got.get("rule"), got)
    status, got, _ = top.request("POST", "/reports", {"prefixes": [{"prefix": "88.999", "active": 1, "retired": 0}]},
                                 headers={"Authorization": "Bearer " + secret.strip()})
    check("a report about others' prefixes is refused", status == 403 and got["field"] == "prefixes[0]", got)
    check("and all of it changed nothing", top.state() == state)

    # a copy that was tampered with is found
    key = None
    status, got, _ = top.request("GET", "/copies/maker-node?limit=1", headers={"Authorization": "Bearer " + secret.strip()})
    check("who handed it up may read it", status == 200 and got["records"][0]["id"] == "88.118.8/P0", got)
    status, got, _ = sync({"from": place["position"] + 1, "to": place["position"] + 1, "ledger_size": 1, "ledger_root": root,
                           "ops": [{"t": "record", "k": got["next"], "v": "AAAA"}]})  # as many rows as before
    check("a row is changed in the copy", status == 200, got)
    maker.start()
    status, got, err = report("compare")
    check("and the difference is found", status == 4 and got["same"] is False and got["table"] == "record", (status, got, err))
finally:
    maker.close()
    top.close()

# A feed that is cut short: the whole copy comes instead of what is missing.
top = Node("--authority", "88.118")
maker = Node("--authority", "88.118.8")
try:
    token, secret = superior_token("88.118.8")
    conf = open(os.path.join(maker.folder, "kanhed.conf")).read()
    ca = both_authorities()
    with open(os.path.join(maker.folder, "kanhed.conf"), "a") as f:
        f.write("\n[store]\nfeed_keep = 10\n")
    maker.kanhe("node", "restart")
    for i in range(120):
        assert register(i, f"https://a.example/{i}") == 201
    configure("every = 1s")
    with open(os.path.join(maker.folder, "kanhed.conf"), "a") as f:
        f.write("\n[store]\nfeed_keep = 10\n")
    maker.kanhe("node", "restart")
    status, got, err = report("compare")
    check("a whole copy stands in for a feed that was cut", status == 0 and got["rows"]["record"] == 120, (got, err))
    for i in range(130, 135):
        register(i, "https://z.example/")
    status, got, err = report("compare")
    check("and changes follow it", status == 0 and got["rows"]["record"] == 125, (got, err))
    check("reports come on their schedule", until(lambda: len(report("received", "maker-node", node=top)[1]["reports"]) >= 3))
finally:
    maker.close()
    top.close()

# Enterprises go up as well: states, prefixes, counts and accounts, not secrets or persons; and the whole is made again
# from the copy at a third node.
top = Node("--authority", "88.118")
maker = Node("--authority", "88.118.8,gs1:9521234")
third = Node("--authority", "88.118.8,gs1:9521234")
CODE, OTHER = "91350100M000100Y43", "91110000600037341L"


def enterprise(*words, **more):
    status, out, err = maker.kanhe("enterprise", *words, **more)
    assert status == 0, (words, out, err)
    return out


def held(table):
    status, out, err = top.kanhe("report", "copy", "maker-node", "--table", table, "--token", auditor)
    assert status == 0, err
    return [json.loads(x) for x in out.splitlines()]


try:
    token, secret = superior_token("88.118.8 gs1:9521234")
    auditor = os.path.join(top.folder, "tokens", "watcher.token")
    with open(auditor, "w") as f:
        f.write(top.kanhe("node", "token", "add", "watcher", "auditor", "--scope", "*")[1])
    os.chmod(auditor, 0o600)
    conf = open(os.path.join(maker.folder, "kanhed.conf")).read()
    ca = both_authorities()
    configure("every = 1h")
    enterprise("apply", CODE, "Example Works", "--person", "Li Person", "--phone", "0591-87654321", "--prefix", "88.118.8.5")
    enterprise("approve", CODE, "--review", "seen", "--quota", "100")
    enterprise("apply", OTHER, "Other Works", "--person", "Wang Person", "--phone", "010-12345678")
    works = os.path.join(maker.top, "works.token")
    enterprise("account", "add", CODE, "main", "--out", works)
    enterprise("account", "add", CODE, "line4", "--scope", "88.118.8.5.4", "--token", works)
    maker.kanhe("node", "restart")
    for i in range(3):
        assert register(i, "https://a.example/", "88.118.8.5/E") == 201
    maker.request("PUT", "/classifications/88.118.8", {"classes": [{"code": "A", "name": "machines"}]}, "registrar")
    maker.request("PUT", "/templates/88.118.8/v1", {"published": True, "title": "pump", "attributes": [{"name": "power", "type": "number", "unique": True}]}, "registrar")
    maker.kanhe("series", "add", "88.118.8.5/S-{000..999}", "URL=https://s.example/{serial}")
    maker.kanhe("series", "add", "01/0952123{400000..400099}{check}", "URL=https://s.example/{serial}")
    maker.kanhe("series", "retire", "01/0952123{400000..400099}{check}")
    maker.kanhe("series", "retire", "88.118.8.5/S-{000..999}", "--member", "007")
    maker.request("DELETE", "/registry/88.118.8.5%2FE2", token="registrar")
    status, got, err = report("compare")
    check("enterprises are compared", status == 0 and got["same"] and got["rows"]["enterprise"] == 2 and got["rows"]["account"] == 2
          and got["rows"]["allocation"] >= 2 and got["rows"]["usage"] >= 1, (got, err))
    got = {x["code"]: x for x in held("enterprise")}
    one = got.get(CODE, {})
    check("what the superior has of one", one.get("state") == "approved" and one["prefixes"] == ["88.118.8.5"] and one["quota"] == 100
          and one["registered"] == 4 and one["name"] == "Example Works"
          and [(a["name"], a["rights"]) for a in one["accounts"]] == [(CODE + ".line4", "read change"), (CODE + ".main", "read change issue")]
          and one["accounts"][0]["issuer"] == CODE + ".main", got)
    check("and of one that waits", got.get(OTHER, {}).get("state") == "applied" and got[OTHER]["prefixes"] == [], got)
    everything = top.request("GET", "/copies/maker-node?table=enterprise", headers={"Authorization": "Bearer " + open(auditor).read().strip()})[1]
    check("no person, no telephone", all(x not in json.dumps(everything) for x in ("Person", "0591", "010-1234")), everything)
    kept = b"".join(open(os.path.join(at, name), "rb").read() for at, _, names in os.walk(os.path.join(top.folder, "data")) for name in names)
    check("not in the superior's store either", b"Example Works" in kept and b"Li Person" not in kept and b"0591-87654321" not in kept
          and open(works).read().strip().encode() not in kept)
    status, got, err = report("send")
    got = report("received", node=top)[1]["reporters"][0]["report"]
    check("the report counts them", got["enterprises"]["approved"] == 1 and got["enterprises"]["applied"] == 1 and got["accounts"] == 2, got)
    enterprise("suspend", CODE, "--reason", "fees")
    check("a step goes up by itself", until(lambda: {x["code"]: x["state"] for x in held("enterprise")}[CODE] == "suspended"))
    enterprise("reinstate", CODE)
    enterprise("account", "revoke", CODE, "line4")
    check("and an account that is revoked", until(lambda: len({x["code"]: x for x in held("enterprise")}[CODE]["accounts"]) == 1))

    # scopes hold for these rows too
    import base64
    b64 = lambda x: base64.urlsafe_b64encode(x).rstrip(b"=").decode()
    sync = lambda ops: top.request("POST", "/sync", {"from": 1 << 40, "to": 1 << 40, "ledger_size": 1, "ledger_root": "00" * 32, "ops": ops},
                                   headers={"Authorization": "Bearer " + secret.strip()})
    for what, op in (("an enterprise that is none", {"t": "enterprise", "k": b64(CODE.encode()), "v": "AA"}),
                     ("an allocation of others", {"t": "allocation", "k": b64(b"p\x01\x38\x38"), "v": "AA"}),
                     ("an account of nobody", {"t": "account", "k": b64(b"x"), "v": "AA"})):
        status, got, _ = sync([op])
        check(what + " is refused", status == 403 and got["field"] == "ops[0]", got)

    # a whole copy once more, beside the old one
    status, out, err = maker.kanhe("report", "send", "--full")
    check("a whole copy on demand", status == 0, err)
    text = json.dumps([top.request("GET", f"/ledger/registry/leaf/{i}", token="auditor")[1] for i in
                       range(top.request("GET", "/status", token="operator")[1]["registry"]["ledger_size"])])
    check("is noted by the superior", "copy.replaced" in text and report("compare")[0] == 0)

    # made again from the copy, and compared: templates and classes first
    status, out, err = top.kanhe("report", "copy", "maker-node", "--table", "template", "--token", auditor)
    lines = [json.loads(x) for x in out.splitlines()]
    check("the copy tells templates and classes", status == 0 and [(x["prefix"], x.get("version")) for x in lines] == [("88.118.8", None), ("88.118.8", "v1")], out + err)
    shapes = os.path.join(third.top, "templates.ndjson")
    with open(shapes, "w") as f:
        f.write(out)
    status, out, err = third.kanhe("template", "put", shapes)
    check("kanhe template put takes them", status == 0, out + err)
    for path in ("/templates/88.118.8/v1", "/classifications/88.118.8"):
        here, there = (node.request("GET", path, token="registrar")[1] for node in (maker, third))
        check(f"{path} is the same", all(here[k] == there[k] for k in here if k not in ("created", "modified", "revision", "creator", "uses")), (here, there))
    check("another table is refused", top.request("GET", "/copies/maker-node?table=usage", token="auditor")[1].get("rule") == "table")
    status, out, err = top.kanhe("report", "copy", "maker-node", "--token", auditor)
    again = os.path.join(third.top, "copy.ndjson")
    with open(again, "w") as f:
        f.write(out)
    status, out, err = third.kanhe("import", again, "--json")
    n = len(open(again).readlines())
    check("the copy goes in at a third node, but for the prefix's own record, which is made by approving", status == 1 and json.loads(out)["read"] == n and json.loads(out)["refused"] == 1, out + err)
    for prefix in ("88.118.8", "gs1:9521234"):
        here, there = ([bare(x) for x in node.kanhe("export", prefix, "--status", "all")[1].splitlines()] for node in (maker, third))
        check(f"{prefix}: and is the registry", here == there and here, (here, there))
    check("members and tombstones too", third.request("GET", "/resolve/88.118.8.5/S-042")[0] == 200 and
          third.request("GET", "/resolve/88.118.8.5/S-007")[0] == 410 and third.request("GET", "/resolve/88.118.8.5/E2")[0] == 410)
finally:
    maker.close()
    top.close()
    third.close()
finish()
