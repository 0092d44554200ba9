"""Series through the programs: registered, shown, split, retired; after a restart and after a kill; by a recursive node."""
import json
import os
import re
import shutil
import signal
import tempfile
import threading

from node import Node, check, finish, run, until

authority = tempfile.mkdtemp(prefix="kanhe-test.")
node = Node("--authority", "88.118.8,gs1:9521234", "--participant", "maker", "--ca", authority)
walker = None
ten_million = "88.118.8/SN-{0000000..9999999}"


def resolve(id, on=None):
    status, out, err = (on or node).kanhe("resolve", id, "--json")
    return status, json.loads(out)["values"][0]["data"]["value"] if status == 0 else err


try:
    size = lambda: node.request("GET", "/status", token="operator")[1]["registry"]
    before = size()
    status, out, err = node.kanhe("series", "add", ten_million, "URL=https://m.example/{id}?n={number}", "DESC={{pump}} {serial}", "--json")
    check("ten million serials", status == 0 and json.loads(out)["members"] == 10_000_000, out + err)
    after = size()
    check("one entry of the ledger", after["ledger_size"] == before["ledger_size"] + 1, (before, after))
    check("a member", resolve("88.118.8/SN-0000042") == (0, "https://m.example/88.118.8%2FSN-0000042?n=42"), resolve("88.118.8/SN-0000042"))
    check("no member", resolve("88.118.8/SN-42")[0] == 3)
    status, out, err = node.kanhe("series", "show", ten_million)
    check("show", status == 0 and "10000000" in out and "88.118.8/SN-9999999" in out and "{{pump}} {serial}" in out, out + err)
    status, out, err = node.kanhe("series", "show", "--member", "88.118.8/SN-0000042", "--json")
    check("show the series of a member", status == 0 and json.loads(out)["pattern"] == ten_million, out + err)
    status, out, err = node.kanhe("series", "show", "--member", "88.118.8/SN-42")
    check("of none", status == 3 and "no series" in err, out + err)
    status, out, err = node.kanhe("series", "add", "88.118.8/SN-{0000500..0000999}", "URL=x")
    check("an overlap names the other", status == 1 and ten_million in err and "series-overlap" in err, err)
    status, out, err = node.kanhe("series", "add", "88.118.8/SN-{0..10}", "URL=x")
    check("a malformed pattern: rule and offset", status == 1 and "same-width" in err and "@12" in err, err)
    status, out, err = node.kanhe("series", "add", "88.118.8/T-{00..99}", "URL=https://{seriel}/")
    check("an unknown placeholder", status == 1 and "placeholder" in err and "values[0].data" in err, err)
    status, out, err = node.kanhe("series", "add", "88.118.8/T-{00..99}")
    check("no values", status == 2 and "TYPE=DATA" in err, err)
    status, out, err = node.kanhe("series", "splti", ten_million)
    check("a typing error", status == 2 and '"split"' in err, err)
    check("the tokens' role", node.kanhe("series", "list", "88.118.8", "--token", os.path.join(node.folder, "tokens", "operator.token"))[0] == 6)

    status, out, err = node.kanhe("series", "add", "01/0952123{400000..400099}{check}", "URL=https://m.example/{serial}")
    check("items with check digits", status == 0 and "100" in out, out + err)
    check("an item", resolve("(01)09521234000013") == (0, "https://m.example/400001"), resolve("(01)09521234000013"))
    status, out, err = node.kanhe("series", "list", "gs1:9521234", "--json")
    check("list of a company prefix", status == 0 and [s["members"] for s in json.loads(out)["series"]] == [100], out + err)

    # overrides, single members
    status, out, err = node.kanhe("register", "88.118.8/SN-0000007", "URL=https://own.example/")
    check("a record of its own says whose member it was", status == 0 and ten_million in out, out + err)
    check("goes first", resolve("88.118.8/SN-0000007") == (0, "https://own.example/"))
    status, out, err = node.kanhe("series", "retire", ten_million, "--member", "0000008")
    check("retire a member", status == 0, err)
    check("it says so", resolve("88.118.8/SN-0000008")[0] == 3 and node.request("GET", "/resolve/88.118.8/SN-0000008")[0] == 410)
    status, out, err = node.kanhe("series", "show", ten_million)
    check("show counts them", "2" in out.splitlines()[-1], out)

    # a split is whole or not at all, for whoever asks meanwhile
    wrong, over = [], threading.Event()

    def ask():
        while not over.is_set():
            for n in (4999999, 5000000):
                status, got, _ = node.request("GET", f"/resolve/88.118.8/SN-{n}")
                if status != 200 or got["revision"] != 1:
                    wrong.append((n, status, got))
    asker = threading.Thread(target=ask)
    asker.start()
    status, out, err = node.kanhe("series", "split", ten_million, "--at", "5000000")
    over.set()
    asker.join()
    check("split", status == 0 and len(out.splitlines()) == 2, out + err)
    check("nobody saw anything between", not wrong, wrong[:1])
    low, high = "88.118.8/SN-{0000000..4999999}", "88.118.8/SN-{5000000..9999999}"
    status, out, err = node.kanhe("series", "list", "88.118.8")
    check("list", status == 0 and low in out and high in out and ten_million not in out, out)
    status, out, err = node.kanhe("series", "retire", high, "--revision", "9")
    check("another revision", status == 1 and "412" in err, err)
    status, out, err = node.kanhe("series", "retire", high, "--revision", "1")
    check("retire a series", status == 0, err)
    status, out, err = node.kanhe("series", "show", high, "--history")
    check("history", status == 0 and re.findall(r"series\.\w+", out) == ["series.registered", "series.split", "series.retired"], out + err)
    def then(member, at):
        status, out, err = node.kanhe("history", f"88.118.8/SN-{member}", "--at", at, "--json")
        return status, json.loads(out), err

    split = json.loads(node.kanhe("history", "88.118.8/SN-0000042", "--json")[1])["history"]
    check("a member's history is what its series did last", [x["entry"]["kind"] for x in split] == ["series.split"], split)
    for at in (split[0]["entry"]["time"], "2999-01-01"):
        status, got, err = then("0000042", at)
        check(f"as of {at}: what the series makes of it", status == 0 and "0000042" in got["record"]["values"][0]["data"]["value"]
              and got["after"] == split[0]["after"] and got["since"] == split[0]["entry"]["time"], (got, err))
    for member in ("0000042", "5000042"):
        status, got, err = then(member, "2020-01-01")
        check(f"{member}: before that, ask its series", status == 3 and "series-changed" in err, err)
    born = json.loads(node.kanhe("series", "show", high, "--history", "--json")[1])["history"][0]["entry"]
    for member in ("0000042", "5000042", "0000007", "0000008"):
        status, got, err = then(member, born["time"])
        check(f"{member}: what the whole series made of it, before it was cut, retired or had a record of its own", born["kind"] == "series.registered"
              and status == 0 and got["since"] == born["time"] and got["revision"] == 1 and member in got["record"]["values"][0]["data"]["value"], (got, err))
    status, got, err = then("00", "2999-01-01")
    check("no member never was", status == 3 and "(registered" in err, err)
    status, got, err = then("5000042", "2999-01-01")
    check("a member of a retired series", status == 0 and got["record"]["status"] == "retired", (got, err))
    own = json.loads(node.kanhe("history", "88.118.8/SN-0000008", "--json")[1])["history"]
    status, got, err = then("0000008", own[0]["entry"]["time"])
    check("what it was before it was retired by itself, by its digest", status == 0 and got["after"] == own[0]["after"]
          and "0000008" in got["record"]["values"][0]["data"]["value"], (got, err))
    status, out, err = node.kanhe("status", "--json")
    metrics = node.request("GET", "/metrics", token="operator")[1].decode()
    check("members are counted apart", 'kanhe_resolver_series_members{prefix="88.118.8",status="active"} 5000000' in metrics
          and 'kanhe_resolver_series_members{prefix="88.118.8",status="retired"} 5000000' in metrics
          and 'kanhe_resolver_identifiers{prefix="88.118.8",status="active"} 1' in metrics, re.findall(r"kanhe_resolver_(?:series|ident).*", metrics))

    # what was acknowledged is there after a restart, and after a kill
    seen = {id: node.request("GET", f"/resolve/{id}")[:2] for id in
            ("88.118.8/SN-0000042", "88.118.8/SN-0000007", "88.118.8/SN-0000008", "88.118.8/SN-5000000", "88.118.8/SN-00", "01/09521234000013")}
    strip = lambda answers: {id: (s, {k: v for k, v in a.items() if k not in ("request_id", "proof")}) for id, (s, a) in answers.items()}
    again = lambda: {id: node.request("GET", f"/resolve/{id}")[:2] for id in seen}
    node.kanhe("node", "restart")
    check("after a restart", strip(again()) == strip(seen), again())
    worker = node.worker()
    node.kanhe("series", "add", "88.118.8/KILL-{000..999}", "URL=https://k.example/{serial}")
    os.kill(worker, signal.SIGKILL)
    until(lambda: node.worker() not in (0, worker) and node.kanhe("status")[0] == 0)
    check("after a kill", strip(again()) == strip(seen), again())
    check("and what was acknowledged just before", resolve("88.118.8/KILL-123") == (0, "https://k.example/123"), resolve("88.118.8/KILL-123"))

    # a recursive node verifies members as it does records
    walker = Node("--authority", "88.118.9", "--recursive", "--anchor-node", node.folder, "--ca", authority)
    for id, want in (("88.118.8/SN-0000042", 200), ("88.118.8/SN-0000042", 200), ("88.118.8/SN-00", 404), ("88.118.8/SN-0000008", 410)):
        status, got, h = walker.request("GET", f"/resolve/{id}")
        check(f"through a recursive node: {id}", status == want and h.get("Kanhe-State") == "secure", (status, got, h.get("Kanhe-State")))
    status, got, h = walker.request("POST", "/resolve", {"ids": [f"88.118.8/SN-{n:07}" for n in range(50, 60)]})
    check("a batch through it", status == 200 and all(a["status"] == 200 and a["state"] == "secure" for a in got["answers"]), got)

    status, out, err = node.kanhe("register", "88.118.8/BRACES-{00..99}", "URL=x")
    check("braces in one identifier are asked about", status == 0 and "kanhe series add" in err, out + err)
    status, out, err = node.kanhe("register", "88.118.8/BRACES-{00..99}", "--retire")
    check("but not when it goes", status == 0 and not err, out + err)

    # several ranges in one series: every combination, and nothing else
    lots = "01/09521234000013/10/LOT{01..20}/21/{0001..9999}"
    before = size()["ledger_size"]
    status, out, err = node.kanhe("series", "add", lots, "URL=https://m.example/lot/{1}/{2}?s={serial}", "--json")
    check("several ranges: one entry of the ledger", status == 0 and json.loads(out)["members"] == 20 * 9999 and size()["ledger_size"] == before + 1, out + err)
    canonical = json.loads(out)["pattern"]
    check("a member", resolve("(01)09521234000013(10)LOT07(21)0042") == (0, "https://m.example/lot/07/0042?s=0042"), resolve("(01)09521234000013(10)LOT07(21)0042"))
    for id in ("(01)09521234000013(10)LOT00(21)0042", "(01)09521234000013(10)LOT21(21)0042", "(01)09521234000013(10)LOT07(21)0000",
               "(01)09521234000013(10)LOT07(21)00042", "(01)09521234000013(10)LOT07"):
        check(f"{id} is none", resolve(id)[0] == 3, resolve(id))
    status, out, err = node.kanhe("series", "add", "01/09521234000013/10/LOT{20..30}/21/{0001..9999}", "URL=x")
    check("an overlap names it", status == 1 and "series-overlap" in err and canonical in err, err)
    status, out, err = node.kanhe("series", "add", "01/09521234000013/10/LOT{21..30}/21/{0001..9999}", "URL={number}")
    check("{number} is of one range", status == 1 and "placeholder" in err, err)
    status, out, err = node.kanhe("series", "split", lots, "--at", "(01)09521234000013(10)LOT11(21)0500")
    check("not cut in both ranges at once; a place is named", status == 1 and "split-point" in err and "https://id.gs1.org/01/09521234000013/10/LOT11/21/0001" in err, err)
    status, out, err = node.kanhe("series", "split", lots, "--at", "(01)09521234000013(10)LOT11(21)0001", "--json")
    check("cut in the first", status == 0 and [x["members"] for x in json.loads(out)["series"]] == [10 * 9999, 10 * 9999], out + err)
    check("members stay", resolve("(01)09521234000013(10)LOT07(21)0042") == (0, "https://m.example/lot/07/0042?s=0042")
          and resolve("(01)09521234000013(10)LOT11(21)0001") == (0, "https://m.example/lot/11/0001?s=0001"))
    late = "01/09521234000013/10/LOT{11..20}/21/{%s}"
    status, out, err = node.kanhe("series", "split", late % "0001..9999", "--at", "(01)09521234000013(10)LOT11(21)0500", "--json")
    check("cut in the second", status == 0 and [x["members"] for x in json.loads(out)["series"]] == [10 * 499, 10 * 9500], out + err)
    status, out, err = node.kanhe("series", "retire", late % "0001..0499", "--reason", "recalled {1}")
    check("a part is retired, and another overridden", status == 0 and node.kanhe("series", "add", late % "0500..9999", "URL=https://new.example/{1}/{2}")[0] == 0, err)
    check("each member is of its part", resolve("(01)09521234000013(10)LOT12(21)0500") == (0, "https://new.example/12/0500")
          and resolve("(01)09521234000013(10)LOT20(21)0499")[0] == 3 and resolve("(01)09521234000013(10)LOT10(21)0499")[0] == 0
          and resolve("(01)09521234000013(10)LOT20(21)9999") == (0, "https://new.example/20/9999"))
    status, out, err = node.kanhe("series", "show", late % "0001..0499", "--history")
    check("and its history says why", status == 0 and "series.retired" in out and "recalled {1}" in out, out + err)
    status, out, err = node.kanhe("series", "show", late % "0001..0499")
    check("so does the series where it is shown", status == 0 and re.search(r"RETIRED +recalled \{1\}\n", out), out + err)
    status, out, err = node.kanhe("series", "show", late % "0001..0499", "--json")
    check("and for programs", status == 0 and [(v["type"], v["data"]["value"]) for v in json.loads(out)["values"]] == [("RETIRED", "recalled {1}")], out + err)
    check("and a member of it", "retired: recalled {1}" in node.kanhe("resolve", "(01)09521234000013(10)LOT20(21)0499")[2])
    status, out, err = node.kanhe("series", "retire", late % "0500..9999", "--reason", "two\nlines")
    check("a reason is one line", status == 1 and "one line" in err, err)
    half = "01/09521234000013/10/LOT{01..10}/21/{0001..9999}"
    status, out, err = node.kanhe("series", "retire", half, "--member", "(01)09521234000013(10)LOT07(21)0042", "--reason", "burst & scrapped")
    check("with its reason", "burst & scrapped" in node.kanhe("resolve", "(01)09521234000013(10)LOT07(21)0042")[2])
    check("one of it is retired", status == 0 and resolve("(01)09521234000013(10)LOT07(21)0042")[0] == 3 and resolve("(01)09521234000013(10)LOT07(21)0043")[0] == 0, err)
    status, out, err = node.kanhe("series", "show", half, "--json")
    check("and counted", status == 0 and json.loads(out)["overrides"] == 1, out + err)
    status, out, err = walker.kanhe("resolve", "88.118.8/SN-0000061", "--json")
    check("a walk still finds members", status == 0, err)
    status, out, err = node.kanhe("series", "add", "88.118.8/A{0..9}{0..9}{0..9}{0..9}{0..9}", "URL=x")
    check("five ranges are too many", status == 1 and "ranges" in err and "@" in err, err)
finally:
    if walker:
        walker.close()
    node.close()
    shutil.rmtree(authority, ignore_errors=True)
finish()
