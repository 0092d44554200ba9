"""Single values, finding, lists, counts, history and idempotency keys, as a user has them: through the command
line and a daemon that is killed at any moment."""
import http.client
import json
import os
import signal
import threading
import time

from node import Node, check, finish, until

node = Node("--authority", "88.118.8")


def ok(what, *args, **more):
    status, out, err = node.kanhe(*args, **more)
    check(what, status == 0, out + err)
    return out


def lines(out):
    return [json.loads(line) for line in out.splitlines()]


try:
    # ---- values
    ok("register", "register", "88.118.8/P7", "URL=https://m.example/7", "SUPPLIER=Wuxi Bearings")
    out = ok("value add", "value", "add", "88.118.8/P7", "EMAIL=service@m.example", "BATCH=B 7/ü", "--json")
    check("the indexes it took", json.loads(out)["indexes"] == [3, 4], out)
    ok("value set", "value", "set", "88.118.8/P7", "1", "URL=https://m.example/seven", "--if-revision", "2", "--ttl", "60")
    ok("value add with everything", "value", "add", "88.118.8/P7", "KEY=secret", "--index", "100", "--permissions", "1100",
       "--reference", "300:88.118.8/ADMIN")
    status, out, err = node.kanhe("value", "add", "88.118.8/P7", "URL=x", "--index", "100")
    check("add refuses an index that is taken", status == 1 and "index-exists" in err, err)
    status, out, err = node.kanhe("value", "set", "88.118.8/P7", "50", "URL=x")
    check("set refuses one that is not there", status == 3 and "index-absent" in err, err)
    status, out, err = node.kanhe("value", "remove", "88.118.8/P7", "3", "50")
    check("remove too, and removes nothing", status == 3 and "operations[1]" in err, err)
    status, out, err = node.kanhe("value", "set", "88.118.8/P7", "1", "URL=x", "--if-revision", "2")
    check("a stale revision is refused", status == 1 and "revision" in err, err)
    ok("value remove", "value", "remove", "88.118.8/P7", "3")
    r = json.loads(ok("resolve", "resolve", "88.118.8/P7", "--json"))
    check("what is left, but for what is hidden", [v["index"] for v in r["values"]] == [1, 2, 4], r)
    out = ok("value show", "value", "show", "88.118.8/P7")
    check("all of them, with what is not usual", out == """88.118.8/P7  (revision 5)
     1  URL                    https://m.example/seven
          ttl 60
     2  SUPPLIER               Wuxi Bearings
     4  BATCH                  B 7/ü
   100  KEY                    secret
          permissions 1100  reference 300:88.118.8/ADMIN
""", out)
    check("the same as JSON", [v["index"] for v in json.loads(ok("value show --json", "value", "show", "88.118.8/P7", "--json"))["values"]] == [1, 2, 4, 100])
    ok("another line", "node", "token", "add", "line", "enterprise", "--scope", "88.118.8.1", "--out", os.path.join(node.folder, "line.token"))
    status, out, err = node.kanhe("value", "show", "88.118.8/P7", "--token", os.path.join(node.folder, "line.token"))
    check("not for who may not", (status, out) == (6, "") and "scope" in err, err)
    status, out, err = node.kanhe("value", "show", "88.118.8/none")
    check("nor of what is not there", (status, out) == (3, "") and "registered" in err, err)
    path = os.path.join(node.folder, "operations.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"operations": [{"op": "remove", "index": 2}, {"op": "add", "value": {"index": 2, "type": "SUPPLIER", "data": "Suzhou"}}]}, f)
    ok("value apply", "value", "apply", "88.118.8/P7", "--file", path)
    for words, what in ((["value"], "no verb"), (["value", "ad", "88.118.8/P7", "A=b"], "a misspelt verb"),
                        (["value", "add", "88.118.8/P7"], "nothing to add"), (["value", "show"], "nothing to show"),
                        (["value", "show", "88.118.8/P7", "1"], "too much to show"), (["value", "set", "88.118.8/P7", "x", "A=b"], "no number"),
                        (["value", "add", "88.118.8/P7", "A=b", "--reference", "x"], "no reference"),
                        (["value", "apply", "88.118.8/P7"], "no file"), (["find", "URL"], "nothing to find"),
                        (["list"], "nothing to list"), (["list", "88.118.8", "--newest", "--oldest"], "both ends"),
                        (["count"], "nothing to count"), (["history"], "no identifier")):
        status, out, err = node.kanhe(*words)
        check(f"wrong usage: {what}", status == 2 and "--help" in err and not out, f"{status} {err}")

    # ---- find
    out = ok("find", "find", "SUPPLIER", "Suzhou")
    check("one a line", out == "88.118.8/P7\n", out)
    check("what was replaced is not found", ok("find", "find", "SUPPLIER", "Wuxi Bearings") == "")
    status, out, err = node.kanhe("find", "SUPPLIER", "Nobody")
    check("that there is none is said", (status, out) == (0, "") and "none" in err, err)
    check("any octets", ok("find", "find", "BATCH", "B 7/ü") == "88.118.8/P7\n")
    check("by its beginning", ok("find", "find", "BATCH", "B 7/", "--begins") == "88.118.8/P7  B 7/ü\n")
    check("and not by another", ok("find", "find", "BATCH", "7/", "--begins") == "")
    status, out, err = node.kanhe("find", "KEY", "secret")
    check("a type that is not indexed", status == 1 and "type-not-indexed" in err, err)
    many = "\n".join(json.dumps({"id": f"88.118.8.1/M{i:04}", "values": [{"type": "LOT", "data": f"L{i % 2}"}]}) for i in range(3000))
    path = os.path.join(node.folder, "many.ndjson")
    with open(path, "w", encoding="utf-8") as f:
        f.write(many)
    ok("load", "load", path)
    found = lines(ok("find, page after page", "find", "LOT", "L1", "--json"))
    check("all of them, in order", [x["id"] for x in found] == [f"88.118.8.1/M{i:04}" for i in range(1, 3000, 2)])
    check("a limit", len(ok("find --limit", "find", "LOT", "L1", "--limit", "1203").splitlines()) == 1203)
    types = json.loads(ok("find --types", "find", "--types", "--json"))["types"]
    check("types and their state", {"type": "lot", "state": "ready"} in types, types)
    status, got, _ = node.request("GET", "/find?type=LOT&value=L1&limit=2")
    check("anybody finds public values", status == 200 and len(got["identifiers"]) == 2, got)
    status, got, _ = node.request("POST", "/find/rebuild", {}, token="registrar")
    check("who may rebuild", status == 403, got)

    # ---- list, count
    check("count", json.loads(ok("count", "count", "88.118.8.1", "--json")) == {"prefix": "88.118.8.1", "active": 3000, "retired": 0,
          "series": {"active": 0, "members": 0, "retired": 0, "members_retired": 0}})
    ok("retire", "register", "88.118.8.1/M0005", "--retire", "--reason", "melted down again")
    out = ok("value show of what is retired", "value", "show", "88.118.8.1/M0005")
    check("says so, and why", out.startswith("88.118.8.1/M0005  (revision 2, retired)\n") and "melted down again" in out, out)
    check("count for people", "2999 active, 1 retired" in ok("count", "count", "88.118.8.1"))
    listed = lines(ok("list", "list", "88.118.8", "--newest", "--limit", "2", "--json"))
    check("newest first", [x["id"] for x in listed][:1] == ["88.118.8.1/M0005"] and listed[0]["status"] == "retired", listed)
    check("by status", len(lines(ok("list", "list", "88.118.8", "--status", "retired", "--json"))) == 1)
    check("all, in order of identifiers", len(ok("list", "list", "88.118.8").splitlines()) == 3001)
    oldest = lines(ok("list", "list", "88.118.8", "--oldest", "--json"))
    check("oldest first", len(oldest) == 3001 and oldest[0]["id"] == "88.118.8/P7" and oldest[-1]["id"] == "88.118.8.1/M0005", oldest[:2])
    check("nothing since then", ok("list", "list", "88.118.8", "--since", "2099-01-01", "--newest") == "")
    status, out, err = node.kanhe("resolve", "88.118.8.1/M0005")
    check("the reason is told", status == 3 and "melted down again" in err, err)

    # ---- history
    history = json.loads(ok("history", "history", "88.118.8/P7", "--json"))["history"]
    check("each change", [h["entry"]["kind"] for h in history] == ["record.registered"] + ["record.amended"] * 5, history)
    check("history for people", "record.amended" in ok("history", "history", "88.118.8/P7"))
    then = json.loads(ok("history --at", "history", "88.118.8/P7", "--at", history[1]["entry"]["time"], "--json"))
    check("its values at that time", then["revision"] == 2 and [v["index"] for v in then["record"]["values"]] == [1, 2, 3, 4], then)
    check("for people too", "service@m.example" in ok("history --at", "history", "88.118.8/P7", "--at", history[1]["entry"]["time"]))
    status, out, err = node.kanhe("history", "88.118.8/P7", "--at", "2001-01-01")
    check("before it was registered", status == 3, err)

    # ---- idempotency: kill -9 while a client repeats what it got no answer to
    token = node.token("registrar")
    ok("register a counter", "register", "88.118.8/COUNT", "N=0")
    stop, answered = threading.Event(), []

    def client():
        n = 0
        while not stop.is_set() and n < 1900:  # a record holds 2,048 values
            n += 1
            body = json.dumps({"operations": [{"op": "add", "value": {"type": "N", "data": str(n)}}]})
            while True:  # until there is an answer
                try:
                    c = http.client.HTTPConnection("127.0.0.1", node.clear_port, timeout=120)
                    c.request("PATCH", "/registry/88.118.8/COUNT", body,
                              {"Authorization": "Bearer " + token, "Content-Type": "application/json", "Idempotency-Key": f"n-{n}"})
                    r = c.getresponse()
                    text = r.read()
                    if r.status == 200:
                        answered.append(json.loads(text))
                        break
                    if r.status not in (502, 503):
                        answered.append({"failed": r.status, "text": text})
                        return
                except (OSError, http.client.HTTPException):
                    time.sleep(0.01)  # nobody listens for a moment: the supervisor starts it again
                finally:
                    c.close()

    thread = threading.Thread(target=client)
    thread.start()
    for kill in range(5):
        want = len(answered) + 30
        until(lambda: len(answered) >= want or not thread.is_alive())
        worker = node.worker()
        if worker:
            os.kill(worker, signal.SIGKILL)
        until(lambda: node.worker() not in (0, worker))
    stop.set()
    thread.join(timeout=240)
    check("the client was always answered", all("revision" in a for a in answered) and len(answered) > 100, answered[-1:])
    record = node.request("GET", "/registry/88.118.8/COUNT", token="registrar")[1]
    values = [v["data"]["value"] for v in record["values"]]
    check("each change was made once", sorted(values, key=int) == [str(i) for i in range(len(answered) + 1)],
          f"{len(values)} values, {len(answered)} answers")
    check("revisions count the changes", record["revision"] == len(answered) + 1, f"{record['revision']} {len(answered)}")

    # ---- a type that is switched on is built although the node is killed meanwhile
    many = "\n".join(json.dumps({"id": f"88.118.8.3/C{i:05}", "values": [{"type": "COLOUR", "data": f"c{i % 7}"}]}) for i in range(30000))
    with open(path, "w", encoding="utf-8") as f:
        f.write(many)
    ok("load", "load", path)
    ok("stop", "node", "stop", "--quiet")
    conf = os.path.join(node.folder, "kanhed.conf")
    with open(conf, encoding="utf-8") as f:
        text = f.read()
    check("the setting is there to be changed or added", "[resolver]" in text, text)
    with open(conf, "w", encoding="utf-8") as f:
        f.write(text.replace("[resolver]", "[resolver]\nfind_types = URL COLOUR", 1))
    node.start()

    def state():
        try:
            got = node.request("GET", "/find/types", token="operator")[1]["types"]
            return {t["type"]: t["state"] for t in got}
        except (OSError, ValueError, KeyError):
            return {}

    for kill in range(3):
        worker = node.worker()
        if worker:
            os.kill(worker, signal.SIGKILL)
        until(lambda: node.worker() not in (0, worker))
    check("built", until(lambda: state() == {"url": "ready", "colour": "ready"}), state())
    found = lines(ok("find", "find", "COLOUR", "c3", "--json"))
    check("whole", [x["id"] for x in found] == [f"88.118.8.3/C{i:05}" for i in range(3, 30000, 7)], len(found))
    ok("find --rebuild", "find", "--rebuild", "COLOUR")
    check("built again", until(lambda: state() == {"url": "ready", "colour": "ready"}), state())
    check("the same", lines(ok("find", "find", "COLOUR", "c3", "--json")) == found)
    # ---- what the feed has lost is not made up
    ok("stop", "node", "stop", "--quiet")
    with open(conf, encoding="utf-8") as f:
        text = f.read()
    with open(conf, "w", encoding="utf-8") as f:
        f.write(text.replace("[store]", "[store]\nfeed_keep = 10", 1) if "[store]" in text else text + "\n[store]\nfeed_keep = 10\n")
    node.start()
    for i in range(12):
        ok("a change", "register", "88.118.8/AFTER", f"N={i}")
    lost = json.loads(ok("history --at", "history", "88.118.8/P7", "--at", history[1]["entry"]["time"], "--json"))
    check("the digests are there, the values are not",
          lost["record"] is None and {**lost, "record": 0} == {**then, "record": 0}, lost)
    check("people are told", "not kept" in ok("history --at", "history", "88.118.8/P7", "--at", history[1]["entry"]["time"]))
    last = json.loads(ok("history --at", "history", "88.118.8/P7", "--at", "2099-01-01", "--json"))
    check("what it is now is known", last["record"]["revision"] == 6 and last["until"] is None, last)
    status, out, err = node.kanhe("list", "88.118.8", "--newest")
    check("a list by time says that it would not be whole", status == 3 and "feed-trimmed" in err and not out, err)
    check("since a time that is kept", ok("list", "list", "88.118.8", "--newest", "--since", "2099-01-01") == "")
    metrics = node.request("GET", "/metrics", token="operator")[1].decode()
    check("counters", "kanhe_resolver_repeated_total" in metrics and "kanhe_resolver_finds_total" in metrics)
finally:
    node.close()
finish()
