"""A whole life of an enterprise, through the daemon and the command line: application, review, prefix,
accounts, keys, quota, suspension, hand-over, closing; every refusal on the way; statistics over a restart;
rate limits."""
import concurrent.futures
import datetime
import http.client
import json
import os
import re
import stat

from node import Node, check, finish, until

CODE, OTHER = "91350100M000100Y43", "91440300708461136T"


def refused(what, got, status, rule=None):
    check(what, got[0] == status and (rule is None or (isinstance(got[1], dict) and got[1].get("rule") == rule)), got[:2])


def values(url="https://e.example/"):
    return {"values": [{"type": "URL", "data": url}]}


class Raw:
    """Requests with a token that lies in a file."""

    def __init__(self, node, path):
        self.node, self.path = node, path

    def __call__(self, method, path, body=None):
        return self.node.request(method, path, body, headers={"Authorization": "Bearer " + open(self.path).read().strip()})


    def stream(self, path, records):
        body = "".join(json.dumps(r) + "\n" for r in records).encode()
        return self.node.request("POST", path, body, headers={"Authorization": "Bearer " + open(self.path).read().strip(),
                                                              "Content-Type": "application/x-ndjson"})


node = Node("--authority", "88.118.8", "--participant", "maker", start=False)
conf = os.path.join(node.folder, "kanhed.conf")
open(conf, "a").write("\n[enterprise]\napplications = yes\nquota = 5\n")
node.start()
second = Node("--authority", "88.118.8.5", "--participant", "buyer")
tokens = {}


def kanhe(*args, token=None, **more):
    return node.kanhe("enterprise", *args, *(["--token", token] if token else []), **more)


def account(label, *more, token=None, code=CODE):
    path = os.path.join(node.top, label + ".token")
    status, out, err = kanhe("account", "add", code, label, "--out", path, *more, token=token)
    check(f"account {label}", status == 0 and os.path.exists(path), err)
    check(f"the token of {label} is private", stat.S_IMODE(os.stat(path).st_mode) == 0o600)
    tokens[label] = path
    return Raw(node, path)


try:
    # ---- application and review
    key = os.path.join(node.top, "plant.key")
    status, out, err = kanhe("key", "new", key)
    check("a key", status == 0 and out.startswith("z6Mk"), err)
    public = out.strip()
    status, out, err = kanhe("apply", CODE[:-1] + "4", "Works", "--person", "Li", "--phone", "1")
    check("a bad check digit", status == 1 and "credit-code-check" in err and "@17" in err, err)
    status, out, err = kanhe("apply", CODE, "Works")
    check("nobody to talk to", status == 1 and "person" in err, err)
    status, out, err = kanhe("apply", CODE, "福州某厂", "--person", "李", "--phone", "0591-87654321", "--prefix", "88.118.8.5", "--key", key,
                             "--public", "--token", "/dev/null")
    check("anybody may apply", status == 0 and CODE in out, err)
    status, out, err = kanhe("apply", CODE, "Works", "--person", "Li", "--phone", "1")
    check("twice", status == 1 and "enterprise-state" in err, err)
    status, out, err = kanhe("list", "--state", "applied")
    check("it waits", status == 0 and CODE in out and "福州某厂" in out, out + err)
    status, out, err = kanhe("prove", CODE, "--key", key)
    check("not admitted, no credential", status == 1 and "applied" in err, err)
    status, out, err = kanhe("approve", CODE)
    check("no approval without a review", status == 2 and "--review" in err, err)
    status, out, err = kanhe("reject", CODE, "--reason", "unreadable licence", "--json")
    check("rejected with a reason", status == 0 and json.loads(out)["reason"] == "unreadable licence", err)
    kanhe("apply", CODE, "福州某厂", "--person", "李", "--phone", "0591-87654321", "--prefix", "88.118.8.5", "--key", key, "--public")
    status, out, err = kanhe("approve", CODE, "--review", "营业执照已核")
    check("a key from outside must be confirmed", status == 1 and "key-unconfirmed" in err, err)
    status, out, err = kanhe("approve", CODE, "--review", "营业执照已核", "--key", public, "--json")
    x = json.loads(out or "{}")
    check("approved with the prefix it wanted and the node's quota", x.get("state") == "approved" and x["prefixes"] == ["88.118.8.5"]
          and x["quota"] == 5 and x["key"] == public, out + err)
    status, out, err = kanhe("approve", CODE, "--review", "x", env={"LC_ALL": "zh_CN.UTF-8"})
    check("approved once only, told in Chinese", status == 1 and "冲突" in err, err)
    status, out, err = kanhe("show", CODE)
    check("show", status == 0 and "0 of 5" in out and "营业执照已核" in out, out)

    # ---- credentials
    status, out, err = kanhe("prove", CODE, "--key", key, "--out", os.path.join(node.top, "key.token"))
    check("a credential for the proof", status == 0 and "88.118.8.5" in out, err)
    by_key = Raw(node, os.path.join(node.top, "key.token"))
    check("it registers", by_key("PUT", "/registry/88.118.8.5/k1", values())[0] == 201)
    before = open(by_key.path).read()
    status, out, err = kanhe("prove", CODE, "--key", key, "--out", by_key.path)
    check("proved again: another token in its place", status == 0 and open(by_key.path).read() != before, err)
    check("with which it registers", by_key("PUT", "/registry/88.118.8.5/k1", values("https://2/"))[0] == 200)
    stranger = os.path.join(node.top, "stranger.key")
    kanhe("key", "new", stranger)
    status, out, err = kanhe("prove", CODE, "--key", stranger)
    check("a stranger's key", status == 6 and "proof" in err, err)

    main = account("main", "--expires", "2999-01-01")
    plant = account("plant", "--scope", "88.118.8.5.1", "--rights", "change issue", token=tokens["main"])
    viewer = account("viewer", "--rights", "read", token=tokens["plant"])
    status, out, err = kanhe("account", "add", CODE, "wide", "--scope", "88.118.8.5", token=tokens["plant"])
    check("no wider than its issuer", status == 6 and "account-scope" in err, err)
    status, out, err = kanhe("account", "list", CODE, token=tokens["main"])
    check("accounts, without secrets", status == 0 and all(n in out for n in ("main", "plant", "viewer", "key")) and "kt_" not in out, out)
    soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=8)).strftime("%Y-%m-%dT%H:%M:%SZ")
    brief = account("brief", "--expires", soon)
    got = until(lambda: (r := brief("GET", "/registry/88.118.8.5/k1"))[0] == 401 and r)
    refused("an expired credential", got or (0, 0), 401, "expired")

    state = node.state()
    refused("an expired credential changes nothing", brief("PUT", "/registry/88.118.8.5/x", values()), 401, "expired")
    refused("a foreign prefix of this node", main("PUT", "/registry/88.118.8.6/x", values()), 403, "scope")
    refused("a foreign prefix elsewhere", main("PUT", "/registry/88.999/x", values()), 421, "authority")
    refused("beside the sub-prefix", plant("PUT", "/registry/88.118.8.5/x", values()), 403, "scope")
    refused("who may only read", viewer("PUT", "/registry/88.118.8.5.1/x", values()), 403, "account-right")
    refused("one foreign record spoils a batch", main("POST", "/registry", {"records": [
        {"id": "88.118.8.5/y", **values()}, {"id": "88.118.8.6/y", **values()}]}), 403, "scope")
    check("nothing of that changed anything", node.state() == state)

    # ---- wrong roles on every route
    routes = [("POST", "/enterprises"), ("GET", "/enterprises"), ("GET", "/enterprises/{}"), ("PATCH", "/enterprises/{}"),
              *[("POST", "/enterprises/{}/" + w) for w in
                ("approve", "reject", "suspend", "reinstate", "hand-over", "close", "prefixes")],
              ("PUT", "/enterprises/{}/quota"), ("DELETE", "/enterprises/{}/prefixes/88.118.8.5"), ("GET", "/enterprises/{}/history"), ("GET", "/enterprises/{}/records"), ("POST", "/enterprises/{}/accounts"),
              ("GET", "/enterprises/{}/accounts"), ("DELETE", "/enterprises/{}/accounts/main"), ("PUT", "/enterprises/{}/key"),
              ("GET", "/statistics"), ("GET", "/statistics/prefixes"), ("GET", "/statistics/top")]
    for method, path in routes:
        path, body = path.format(CODE), None if method in ("GET", "DELETE") else {}
        refused(f"nobody: {method} {path}", node.request(method, path, body), 401, "credentials")
        refused(f"an owner: {method} {path}", node.request(method, path, body, token="owner"), 403, "role")
        if not path.startswith("/statistics"):
            refused(f"an operator: {method} {path}", node.request(method, path, body, token="operator"), 403, "role")
        if path.endswith(("approve", "reject", "suspend", "reinstate", "hand-over", "close", CODE + "/prefixes", "quota")) or (method, path) == ("POST", "/enterprises"):
            refused(f"an enterprise: {method} {path}", main(method, path, body), 403, "role")
    check("no wrong role changed anything", node.state() == state)
    kanhe("apply", OTHER, "Other", "--person", "Wu", "--email", "wu@example")
    for method, rest in (("GET", ""), ("GET", "/history"), ("GET", "/records"), ("GET", "/accounts"), ("PATCH", ""), ("POST", "/accounts"), ("PUT", "/key")):
        refused(f"another enterprise: {method} {rest}", main(method, f"/enterprises/{OTHER}{rest}", None if method == "GET" else {}), 403, "own-enterprise")

    # ---- quota: exactly to the limit, from two clients at once
    kanhe("quota", CODE, "25")
    status, got, _ = main("PUT", "/series/88.118.8.5/S-%7B00..99%7D", values("https://s/{serial}"))
    check("a series is one of the quota", status == 201 and "2 of 25" in kanhe("show", CODE)[1], got)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(lambda k: [main("PUT", f"/registry/88.118.8.5/c{k}-{i}", values())[0] for i in range(20)], k) for k in range(2)]
        got = sum((r.result() for r in runs), [])
    check("two clients fill the quota and not one more", got.count(201) == 23 and got.count(429) == 17, got)
    refused("the quota is named", main("PUT", "/registry/88.118.8.5/more", values()), 429, "enterprise-quota")
    refused("a series is not cut beyond it", main("POST", "/series/split", {"pattern": "88.118.8.5/S-{00..99}", "at": "50"}), 429, "enterprise-quota")
    lines = [{"id": f"88.118.8.5/{i}", **values()} for i in ("c0-0", "more", "c1-0", "most")]
    got = main.stream("/imports?name=full&format=ndjson", lines)
    check("an import takes what the quota lets in", got[0] == 200 and (got[1]["refused"], got[1]["created"]) == (2, 0), got)
    got = main("GET", "/imports/full/report")
    check("and refuses the others line by line", [(x["line"], x["rule"]) for x in got[1]["errors"]] ==
          [(2, "enterprise-quota"), (4, "enterprise-quota")], got)
    status, out, err = kanhe("show", CODE)
    check("full", "25 of 25" in out, out)
    check("what is there may still change", main("PUT", "/registry/88.118.8.5/c0-0", values("https://new/"))[0] in (200, 429))

    # ---- suspension
    status, out, err = kanhe("suspend", CODE, "--reason", "fees", "--json")
    check("suspended", status == 0 and json.loads(out)["state"] == "suspended" and json.loads(out)["resolve"] is True, err)
    refused("a suspended enterprise changes nothing", main("PUT", "/registry/88.118.8.5/k1", values("https://3/")), 403, "enterprise-suspended")
    got = main.stream("/imports?name=late&format=ndjson", [{"id": "88.118.8.5/z", **values()}])
    check("nor by an import", got[0] == 200 and got[1]["refused"] == 1 and
          main("GET", "/imports/late/report")[1]["errors"][0]["rule"] == "enterprise-suspended", got)
    series = "/series/88.118.8.5/SN-%7B000..999%7D"
    refused("it registers no series", main("PUT", series, values("https://s/{serial}")), 403, "enterprise-suspended")
    refused("it retires nothing", main("DELETE", "/registry/88.118.8.5/k1"), 403, "enterprise-suspended")
    refused("it issues nothing", main("POST", f"/enterprises/{CODE}/accounts", {"label": "z"}), 409, "enterprise-state")
    status, out, err = kanhe("prove", CODE, "--key", key)
    check("it proves in vain", status == 1 and "suspended" in err, err)
    check("it resolves", node.kanhe("resolve", "88.118.8.5/k1")[0] == 0)
    check("reinstated", kanhe("reinstate", CODE)[0] == 0)
    check("and changes again", main("PUT", "/registry/88.118.8.5/k1", values("https://3/"))[0] == 200)
    kanhe("suspend", CODE, "--reason", "court", "--no-resolve")
    check("withheld", node.kanhe("resolve", "88.118.8.5/k1")[0] == 3)
    kanhe("reinstate", CODE)
    check("told again", node.kanhe("resolve", "88.118.8.5/k1")[0] == 0)

    # ---- statistics, also over a restart
    status, out, err = node.kanhe("statistics", "--prefix", "88.118.8.5", "--json")
    total = json.loads(out)["total"]
    check("registrations are counted", total["registered"] == 25, out + err)
    asked = total["resolutions"]
    for _ in range(3):
        node.request("GET", "/resolve/88.118.8.5/k1")
    node.request("GET", "/resolve/88.118.8.5/none")
    status, out, err = node.kanhe("node", "restart", "--quiet")
    check("restarted", status == 0, err)
    after = json.loads(node.kanhe("statistics", "--prefix", "88.118.8.5", "--json")[1])["total"]
    check("an orderly stop keeps the counts", after["resolutions"] == asked + 4, (asked, after))
    status, out, err = node.kanhe("statistics", "--prefixes")
    check("by prefix", status == 0 and "88.118.8.5" in out and "%" in out, out)
    for _ in range(4):
        node.request("GET", "/resolve/88.118.8.5/k1")
    status, out, err = node.kanhe("statistics", "--top")
    check("most asked for", status == 0 and re.search(r"^ +4 88\.118\.8\.5/k1$", out, re.M), out)
    # 5 of 18 has no end
    for path in ("k1", "k1", "k1", "k1", "none", "none", "none"):
        node.request("GET", "/resolve/88.118.8.5/" + path)
    status, out, err = node.kanhe("statistics", "--prefix", "88.118.8.5", "--json")
    check("a rate has six digits", set(re.findall(r'"error_rate":([0-9.]+)', out)) == {"0.277778"}, out)
    status, out, err = node.kanhe("statistics", "--prefix", "88.118.8.5", "--token", tokens["main"], "--json")
    check("an enterprise sees its own", status == 0 and json.loads(out)["total"]["registered"] == 25, err)
    status, out, err = node.kanhe("statistics", "--prefix", "88.118.8", "--token", tokens["main"])
    check("and no other's", status == 6, out + err)

    # ---- a credential that ends by itself
    end = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    short = account("short", "--expires", end, token=tokens["main"])
    check("expires at its time", until(lambda: short("GET", "/registry/88.118.8.5/k1")[0] == 401))
    before = node.state()
    refused("and says that it has", short("PUT", "/registry/88.118.8.5/k1", values("https://late/")), 401, "expired")
    check("nothing changed", node.state() == before)

    # ---- another key: what hung on the old one ends
    fresh = os.path.join(node.top, "fresh.key")
    kanhe("key", "new", fresh)
    status, out, err = kanhe("key", "set", CODE, "--key", fresh, token=tokens["main"])
    check("another key", status == 0, err)
    refused("the old key's credential is gone", by_key("GET", "/registry/88.118.8.5/k1"), 401, "credentials")
    status, out, err = kanhe("prove", CODE, "--key", fresh, "--out", by_key.path)
    check("the new one gives another", status == 0 and by_key("GET", "/registry/88.118.8.5/k1")[0] == 200, err)

    # ---- hand-over
    records = os.path.join(node.top, "records.ndjson")
    kanhe("suspend", CODE, "--reason", "moves")
    status, out, err = kanhe("export", CODE, "--out", records)
    check("its records", status == 0 and len(open(records).readlines()) == 25, err)
    status, out, err = second.kanhe("import", records, "--json")
    check("the other node takes them", status == 0 and json.loads(out)["created"] == 25, out + err)
    third = Node("--authority", "88.118.9", "--participant", "x")
    status, out, err = kanhe("hand-over", CODE, "--to", third.folder)
    check("a node that does not answer for its prefix", status == 1 and "resolver.authority" in err, err)
    third.close()
    status, out, err = kanhe("hand-over", CODE, "--to", second.folder, "--json")
    check("handed over", status == 0 and json.loads(out)["state"] == "handed-over" and json.loads(out)["node"].startswith("did:web:"), out + err)
    got = node.request("GET", "/resolve/88.118.8.5/k1?rd=0")
    check("resolvers are led to the other node", got[0] == 421 and got[1]["referral"] == {"prefix": "88.118.8.5", "url": second.url}, got)
    check("where it is", second.request("GET", "/resolve/88.118.8.5/k1")[0] == 200)
    refused("its credentials are gone", main("PUT", "/registry/88.118.8.5/k1", values()), 401, "credentials")
    refused("nobody changes it here", node.request("PUT", "/registry/88.118.8.5/k1", values(), token="registrar"), 421, "delegated")
    status, out, err = kanhe("suspend", CODE, "--reason", "late")
    check("nothing leads back", status == 1 and "handed-over" in err, err)

    # ---- the other one: numbers, closing
    status, out, err = kanhe("approve", OTHER, "--review", "seen", "--quota", "2", "--json")
    check("the next free number", status == 0 and json.loads(out)["prefixes"] == ["88.118.8.1"], out + err)
    status, out, err = kanhe("prefix", OTHER, "--prefix", "88.118.8.5.9")
    check("nothing under what was given away", status == 1, out + err)
    status, out, err = kanhe("prefix", OTHER, "--json")
    check("one prefix more", status == 0 and json.loads(out)["prefixes"] == ["88.118.8.1", "88.118.8.2"], out + err)
    status, out, err = kanhe("prefix", OTHER, "--prefix", "88.118.8.44")
    check("a slip", status == 0 and "88.118.8.44" in out, err)
    status, out, err = kanhe("prefix", OTHER, "--prefix", "88.118.8.44", "--release")
    check("is taken back", status == 0 and "88.118.8.44" not in out, out + err)
    other = account("other", code=OTHER)
    check("both are its own", other("PUT", "/registry/88.118.8.1/a", values())[0] == 201 and other("PUT", "/registry/88.118.8.2/a", values())[0] == 201)
    refused("one quota for both", other("PUT", "/registry/88.118.8.2/b", values()), 429, "enterprise-quota")
    status, out, err = kanhe("contact", OTHER, "--phone", "123", token=tokens["other"])
    check("its contact", status == 0 and "123" in out, err)
    status, out, err = kanhe("close", OTHER, "--reason", "merged")
    check("closed", status == 0 and "closed" in out, err)
    refused("a closed one has no credentials", other("PUT", "/registry/88.118.8.1/a", values()), 401, "credentials")
    check("it resolves still", node.kanhe("resolve", "88.118.8.1/a")[0] == 0)
    status, out, err = kanhe("history", CODE)
    check("its history", status == 0 and out.count("enterprise.") >= 12 and "enterprise.handed-over" in out and "fees" in out, out + err)
    status, out, err = kanhe("list", "--json")
    check("list --json is one value", status == 0 and [x["state"] for x in json.loads(out)["enterprises"]] == ["handed-over", "closed"], out)
    status, out, err = kanhe("show", "91110000600037341L")
    check("not found is 3", status == 3, err)
    status, out, err = kanhe("aprove", CODE)
    check("typing error in a verb", status == 2 and '"approve"' in err, err)

    # ---- every step is in the ledger, and what reaches a person is not
    size = node.request("GET", "/status", token="operator")[1]["registry"]["ledger_size"]
    text = json.dumps([node.request("GET", f"/ledger/registry/leaf/{i}", token="auditor")[1] for i in range(size)], ensure_ascii=False)
    for kind in ("applied", "approved", "rejected", "suspended", "reinstated", "handed-over", "closed", "quota", "key", "changed", "prefix-allocated"):
        check(f"enterprise.{kind} is in the ledger", f"enterprise.{kind}" in text, text[:200])
    check("no phone number is", "0591-87654321" not in text)

    # ---- limits
    node.kanhe("node", "stop", "--quiet")
    open(conf, "a").write("\n[limit]\nreads = 1\nreads_burst = 12\nchanges = 1\nchanges_burst = 3\n")
    node.start()

    def one_after_the_other(method, path, times, body=None, token=None, language="en"):
        """Over one connection, which is one thread's and costs no handshakes: faster than any limit gives room again."""
        c = http.client.HTTPConnection("127.0.0.1", node.clear_port, timeout=120)
        headers = {"Accept-Language": language, **({"Authorization": "Bearer " + node.token(token)} if token else {})}
        answers = []
        for _ in range(times):
            c.request(method, path, json.dumps(body) if body else None, {**headers, "Content-Type": "application/json"} if body else headers)
            r = c.getresponse()
            text = r.read()
            answers.append((r.status, json.loads(text) if text else None, r.headers))
        c.close()
        return answers

    got = one_after_the_other("GET", "/resolve/88.118.8.1/a", 60)
    late = [g for g in got if g[0] == 429]
    check("who asks too often is refused", len(late) >= 20 and got[0][0] == 200, [g[0] for g in got])
    check("with a time to come back and a problem", late and int(late[0][2]["Retry-After"]) >= 1 and late[0][1]["rule"] == "rate-limit"
          and late[0][2]["Content-Type"] == "application/problem+json", late[:1])
    got = [g[1]["detail"] for g in one_after_the_other("GET", "/resolve/88.118.8.1/a", 60, language="zh") if g[0] == 429]
    check("in Chinese to who reads it", got and got[0].startswith("请求过多：请在 "), got[:1])
    check("health is always told", all(node.request("GET", "/healthz")[0] == 200 for _ in range(40)))
    got = [g[0] for g in one_after_the_other("PUT", "/registry/88.118.8/n", 40, values(), "registrar")]
    check("changes have a limit of their own", got[0] in (200, 201) and 429 in got, got)
    metrics = node.request("GET", "/metrics", token="operator")[1].decode()
    check("refusals are counted", re.search(r"limited_reads_total [1-9]", metrics) and re.search(r"limited_changes_total [1-9]", metrics), "")
finally:
    node.close()
    second.close()
finish()
