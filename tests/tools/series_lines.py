"""Series as lines of imports and exports: in every form, beside records; refused by line; exactly once over a kill; from
one node to another and back the same; tombstones too."""
import json
import os
import signal
import threading

from exported import bare
from node import Node, check, finish, run, until

first = Node("--authority", "88.118.8,88.118.9,gs1:9521234")
second = Node("--authority", "88.118.8,88.118.9,gs1:9521234")


def call(method, path, body=None, node=first, token="registrar", **headers):
    status, got, _ = node.request(method, path, body, token, headers={k.replace("_", "-"): v for k, v in headers.items()})
    return status, got


def load(name, text, form="ndjson", node=first, more=""):
    """An import of a text; its state and what it refused, by line."""
    status, got = call("POST", f"/imports?name={name}&format={form}{more}", text if isinstance(text, bytes) else text.encode(), node)
    refused = call("GET", f"/imports/{name}/report", node=node)[1].get("errors", []) if status == 200 else []
    return status, got, {e["line"]: e for e in refused}


def lines(*all):
    return "".join(json.dumps(x) + "\n" for x in all)


def export(prefix, form="ndjson", node=first, more=""):
    status, got = call("GET", f"/exports?prefix={prefix}&format={form}{more}", node=node)
    assert status == 200, got
    return got


def url(text):
    return [{"index": 1, "type": "URL", "data": text}]


def of(data, id, node=first):
    status, got, _ = node.request("GET", f"/resolve/{id}")
    return status == 200 and got["values"][0]["data"]["value"] == data


try:
    # ---- series beside records
    status, got, refused = load("mixed", lines(
        {"id": "88.118.8/SN-0000007", "values": url("https://own.example/")},
        {"pattern": "88.118.8/SN-{0000000..9999999}", "values": url("https://m.example/{serial}")},
        {"pattern": "01/0952123{400000..400099}{check}", "values": url("https://m.example/{id:url}")},
        {"id": "88.118.8/plain", "values": url("https://p.example/")}))
    check("series among records", status == 200 and got["created"] == 3 and got["replaced"] == 1 and got["read"] == 4 and not refused, (got, refused))
    check("a member", of("https://m.example/0000042", "88.118.8/SN-0000042"))
    check("a record of its own goes first", of("https://own.example/", "88.118.8/SN-0000007"))
    check("a member with a check digit", of("https://m.example/%2F01%2F09521234000013", "(01)09521234000013")
          or of("https://m.example/https%3A%2F%2Fid.gs1.org%2F01%2F09521234000013", "(01)09521234000013"))
    history = call("GET", "/series/88.118.8%2FSN-%7B0000000..9999999%7D?history=1")[1]["history"]
    check("the ledger names the import", history[0]["entry"]["kind"] == "series.registered" and history[0]["entry"]["import"] == "mixed", history)

    # what `kanhe series show` tells is such a line
    status, out, err = first.kanhe("series", "show", "88.118.8/SN-{0000000..9999999}", "--json")
    status, got, refused = load("shown", json.dumps(json.loads(out)) + "\n", node=second)
    check("what is shown of a series is a line", status == 200 and got["created"] == 1 and not refused, (got, refused))
    check("and a member is there", of("https://m.example/0000042", "88.118.8/SN-0000042", second))
    check("the route takes it as well", call("PUT", "/series/88.118.8%2FSN-%7B0000000..9999999%7D", json.loads(out), second)[0] == 200)

    # ---- bad lines, each for itself
    before = first.state()
    bad = [({"pattern": "88.118.8/SN-{0000500..0000999}", "values": url("x")}, "series-overlap", "SN-{0000000..9999999}"),
           ({"pattern": "88.118.8/SN-{0..10}", "values": url("x")}, "same-width", ""),
           ({"pattern": "88.118.8/T-{00..99}", "values": url("https://{seriel}/")}, "placeholder", ""),
           ({"pattern": "88.999/T-{00..99}", "values": url("x")}, "authority", ""),
           ({"pattern": "88.118.8/T-{00..99}", "id": "88.118.8/x", "values": url("x")}, "pattern", ""),
           ({"pattern": "88.118.8/T-{00..99}", "values": url("x"), "prefix": 1}, "unknown-member", ""),
           ({"pattern": 7, "values": url("x")}, "pattern", ""),
           ({"pattern": "88.118.8/T-{00..99}", "values": url("x"), "status": "retired"}, "tombstone", ""),
           ({"pattern": "88.118.8/T-{00..99}", "values": url("x"), "status": "gone"}, "status", "")]
    status, got, refused = load("bad", lines(*[x for x, _, _ in bad], {"pattern": "88.118.8/G-{00..99}", "values": url("good")}))
    check("bad ones are refused, the good one goes in", status == 200 and got["refused"] == len(bad) and got["created"] == 1, (got, refused))
    for i, (x, rule, text) in enumerate(bad, 1):
        check(f"line {i}: {rule}", i in refused and refused[i]["rule"] == rule and text in refused[i]["message"], refused.get(i))
    check("named by its pattern", refused[1]["id"] == "88.118.8/SN-{0000500..0000999}", refused[1])
    status, got, refused = load("twice", lines(
        {"pattern": "88.118.8/W-{00..99}", "values": url("one")}, {"pattern": "88.118.8/W-{00..99}", "values": url("two")},
        {"pattern": "88.118.8/W-{00..99}", "values": url("one")}))
    check("twice in one import: the first stays", got["created"] == 1 and got["unchanged"] == 1 and refused[2]["rule"] == "id-twice"
          and of("one", "88.118.8/W-33"), (got, refused))
    status, got, refused = load("again", lines({"pattern": "88.118.8/W-{00..99}", "values": url("three")}))
    check("another import replaces it", got["replaced"] == 1 and of("three", "88.118.8/W-33"), got)
    status, got, refused = load("new", lines({"pattern": "88.118.8/W-{00..99}", "values": url("four")}), more="&existing=refuse")
    check("or is refused, when only new ones are wanted", got["refused"] == 1 and refused[1]["rule"] == "absent" and of("three", "88.118.8/W-33"), refused)
    state = first.state()
    for what, path, body in (("PUT", "/registry/88.118.8%2Fz", {"pattern": "88.118.8/z", "values": url("x")}),
                             ("POST", "/registry", {"records": [{"pattern": "88.118.8/Z-{0..9}", "values": url("x")}]})):
        status, got = call(what, path, body)
        check(f"{what} {path} takes no series", status == 400 and got["rule"] in ("unknown-member", "required"), got)
    message = bytes([8, 1]) + b"\x12\x0a88.118.8/z" + b"\x48\x01"
    status, got = call("POST", "/registry", bytes([len(message)]) + message, Content_Type="application/vnd.kanhe.records+protobuf")
    check("nor in protobuf", status == 400 and got["rule"] == "series-place", got)
    check("refused ones leave nothing", first.state() == state)

    # ---- CSV
    status, got, refused = load("csv", "id,pattern,1:URL,record-status\n"
                                ",88.118.9/C-{000..499},https://c.example/{serial},\n"
                                "88.118.9/C-007,,https://own.example/,\n"
                                "88.118.9/x,88.118.9/D-{0..9},u,\n"
                                ",,u,\n"
                                ",88.118.9/E-{0..9},,retired\n", "csv")
    check("CSV: a column for patterns", status == 200 and got["created"] == 2 and got["replaced"] == 1 and got["refused"] == 2, (got, refused))
    check("one of the two", refused[4]["rule"] == "id-or-pattern" and refused[5]["field"] == "id", refused)
    check("a member of it", of("https://c.example/499", "88.118.9/C-499") and of("https://own.example/", "88.118.9/C-007"))
    check("a retired one", first.request("GET", "/resolve/88.118.9/E-3")[0] == 410)
    status, got, refused = load("csv-again", ",\n", "csv")
    check("a header needs one of the two", status == 400, got)
    status, got, refused = load("why", lines(
        {"pattern": "88.118.9/F-{00..99}", "values": [{"type": "RETIRED", "data": "recalled, {serial}"}], "status": "retired"},
        {"pattern": "88.118.9/G-{00..99}", "values": [{"type": "RETIRED", "data": "x" * 501}], "status": "retired"},
        {"id": "88.118.9/F-05", "values": url("https://goes-on.example/")},
        {"id": "88.118.9/F-06", "values": [{"type": "RETIRED", "data": "burst"}], "status": "retired"}))
    check("a retired one says why", got["created"] == 1 and got["replaced"] == 2 and refused[2]["rule"] == "reason"
          and "retired: recalled, {serial}" in json.dumps(first.request("GET", "/resolve/88.118.9/F-33")[1]), (got, refused))
    check("members that have records of their own", of("https://goes-on.example/", "88.118.9/F-05")
          and "retired: burst" in json.dumps(first.request("GET", "/resolve/88.118.9/F-06")[1]))
    status, got, refused = load("late", lines({"id": "88.118.9/F-07", "values": url("https://late.example/")}))
    check("another import brings none back", refused[1]["rule"] == "retired", (got, refused))
    got = call("GET", "/count?prefix=88.118.9")[1]
    check("records are counted", (got["active"], got["retired"]) == (2, 1), got)
    check("counted", got["series"] == {"active": 1, "members": 500, "retired": 2, "members_retired": 110}, got)
    check("below a prefix as well", call("GET", "/count?prefix=88.118.9/")[1]["series"] == got["series"])
    status, out, err = first.kanhe("count", "88.118.9")
    check("kanhe count", status == 0 and " 1 series of 500 " in out, out + err)

    # ---- the way to another node, in every form, and back the same
    got_here = call("GET", "/count?prefix=88.118.9")[1]
    for form in ("ndjson", "csv", "protobuf"):
        for prefix in ("88.118.9", "gs1:9521234"):
            text = export(prefix, form, more="&status=all")
            status, got, refused = load(f"{form}-{prefix[:2]}", text, form, second)
            check(f"{form}: all of {prefix} goes in", status == 200 and not refused and got["read"], (got, refused))
            here, there = ([bare(x) for x in export(prefix, node=n, more="&status=all").splitlines()] for n in (first, second))
            check(f"{form}: and is the same there", here == there and len(here) > 0, (here, there))
            got = load(f"{form}-{prefix[:2]}-again", text, form, second)[1]
            check(f"{form}: once more changes nothing", got["unchanged"] == got["read"], got)
    check("a member over there", of("https://c.example/499", "88.118.9/C-499", second))
    check("retired over there", second.request("GET", "/resolve/88.118.9/E-3")[0] == 410)
    check("members go on over there", of("https://goes-on.example/", "88.118.9/F-05", second) and call("GET", "/count?prefix=88.118.9", node=second)[1] == got_here)
    check("and why", "retired: recalled, {serial}" in json.dumps(second.request("GET", "/resolve/88.118.9/F-33")[1]))
    text = export("88.118.9")
    check("without tombstones: the active ones", [json.loads(x).get("pattern") for x in text.splitlines()] == ["88.118.9/C-{000..499}", None, None], text)
    check("no series", [json.loads(x)["id"] for x in export("88.118.9", more="&series=no").splitlines()] == ["88.118.9/C-007", "88.118.9/F-05"])
    check("only series", len(export("88.118.9", more="&series=only").splitlines()) == 1)
    check("CSV without any has no column for them", b"pattern" not in export("88.118.9", "csv", more="&series=no").splitlines()[0])
    check("another word is refused", call("GET", "/exports?prefix=88.118.9&series=maybe")[1]["rule"] == "series")

    # ---- sorted by the command line
    folder = os.path.join(first.top, "files")
    os.mkdir(folder)
    path = os.path.join(folder, "sorted.ndjson")
    open(path, "w").write(lines({"id": "88.118.8/s2", "values": url("2")}, {"id": "88.118.8/s1", "values": url("1")},
                                {"pattern": "88.118.8/S-{00..99}", "values": url("{serial}")},
                                {"id": "88.118.8/s0", "values": [], "status": "retired"}))
    status, out, err = first.kanhe("import", path, "--sort", "--json")
    check("--sort keeps series and tombstones", status == 0 and json.loads(out)["created"] == 4 and of("42", "88.118.8/S-42")
          and first.request("GET", "/resolve/88.118.8/s0")[0] == 410, out + err)
    status, out, err = first.kanhe("export", "88.118.8", "--series", "only", "-o", os.path.join(folder, "only.csv"))
    check("kanhe export --series only", status == 0 and open(os.path.join(folder, "only.csv")).readline() == "id,ttl,timestamp,values,pattern\n"
          or "pattern" in open(os.path.join(folder, "only.csv")).readline(), out + err)

    # ---- killed in the middle: exactly once
    n = 1500

    def progress(name):
        """Records read so far; None while there is no import, or no node."""
        try:
            status, got = call("GET", "/imports/" + name)
            return got["read"] if status == 200 else None
        except OSError:
            return None

    def killed_import(name):
        """How often the worker was killed before the import was at its end, and what `kanhe import` said."""
        path = os.path.join(folder, name + ".ndjson")
        with open(path, "w") as f:
            for i in range(n):
                f.write(json.dumps({"pattern": f"88.118.8/{name}{i:05}-{{0000..9999}}", "values": url("https://k.example/{serial}")}) + "\n")
                f.write(json.dumps({"id": f"88.118.8/{name}{i:05}-0001", "values": url("own")}) + "\n")
        result, kills = [], 0
        runner = threading.Thread(target=lambda: result.append(first.kanhe("import", path, "--name", name, "--json", timeout=600)))
        runner.start()
        until(lambda: not runner.is_alive() or progress(name) is not None)
        for _ in range(3):
            worker = first.worker()
            if not runner.is_alive() or not worker or (progress(name) or 0) == 2 * n:
                break
            at = progress(name) or 0
            os.kill(worker, signal.SIGKILL)
            kills += 1
            until(lambda: not runner.is_alive() or (first.worker() not in (0, worker) and (progress(name) or 0) > at))
        runner.join()
        return kills, result[0]

    for turn in range(10):  # a quick one may be over before it is killed
        name = f"M{turn}"
        kills, (status, out, err) = killed_import(name)
        if kills:
            break
    check("killed while it reads: all of it, once", kills and status == 0 and (json.loads(out)["created"], json.loads(out)["replaced"]) == (n, n), (kills, out, err))
    many = [x for x in export("88.118.8").splitlines() if f"/{name}".encode() in x]
    check("all series and records are there", len(many) == 2 * n and sum(b'"pattern"' in x for x in many) == n, len(many))
finally:
    first.close()
    second.close()
finish()
