"""/find and series: what a template says of all members, of some and of one; after every change of a series; against a model."""
import http.client
import itertools
import json
import os
import random
import urllib.parse

from node import Node, check, finish, until

node = Node("--authority", "88.118.8,gs1:9521234")
kept = http.client.HTTPConnection("127.0.0.1", node.clear_port)


def get(path, token):
    """Over one connection: there are many."""
    kept.request("GET", path, headers={"Authorization": "Bearer " + node.token(token)} if token else {})
    r = kept.getresponse()
    return r.status, json.loads(r.read())


def find(value=None, begins=None, type="URL", token=None, limit=1000, prefix=None):
    """Everything found, by as many pages as it takes."""
    what = {"type": type, "limit": limit, **({"begins": begins} if begins is not None else {"value": value}), **({"prefix": prefix} if prefix else {})}
    found, cursor = [], ""
    while True:
        status, got = get("/find?" + urllib.parse.urlencode({**what, **({"cursor": cursor} if cursor else {})}, quote_via=urllib.parse.quote), token)
        assert status == 200, (what, status, got)
        found += got["identifiers"]
        cursor = got.get("next", "")
        if not cursor:
            return found


def names(found):
    return sorted(x.get("id") or x["series"] for x in found)


def put(pattern, *values, revision=None, status=(200, 201)):
    """values: (type, data) or (type, data, permissions)."""
    body = {"values": [{"index": i + 1, "type": v[0], "data": v[1], "permissions": v[2] if len(v) > 2 else "1110"} for i, v in enumerate(values)]}
    got = node.request("PUT", "/series/" + urllib.parse.quote(pattern, safe=""), body, token="registrar", headers={"If-Match": str(revision)} if revision else {})
    assert got[0] in status, (pattern, got)
    return got[1]


def add(pattern, *values):
    return put(pattern, *values)


try:
    # ---- all members, one member -----------------------------------------------------------
    pumps = "88.118.8/SN-{0000000..9999999}"
    add(pumps, ("SUPPLIER", "Wuxi Bearings"), ("URL", "https://m.example/{serial}"), ("BATCH", "secret {number}", "1100"))
    got = find("Wuxi Bearings", type="SUPPLIER")
    check("a value of all members is one entry, of the series", got == [{"series": pumps, "members": 10_000_000, "index": 1, "public": True}], got)
    got = find("https://m.example/0000042")
    check("a member by its own URL", got == [{"id": "88.118.8/SN-0000042", "series": pumps, "index": 2, "public": True}], got)
    check("not one digit more, not one less, not another", not find("https://m.example/00000420") and not find("https://m.example/000004") and not find("https://m.example/000004x"))
    check("types are compared without case", names(find("https://m.example/0000042", type="url")) == ["88.118.8/SN-0000042"])
    status, out, err = node.kanhe("find", "URL", "https://m.example/0000042")
    check("kanhe find tells the member", status == 0 and out == "88.118.8/SN-0000042\n", out + err)
    status, out, err = node.kanhe("find", "SUPPLIER", "Wuxi Bearings")
    check("kanhe find tells the series, and how many it is", status == 0 and out.startswith(pumps + "  ") and "10000000" in out, out + err)
    status, out, err = node.kanhe("find", "SUPPLIER", "Wuxi Bearings", env={"LC_ALL": "zh_CN.UTF-8"})
    check("in Chinese too", status == 0 and "10000000 个标识" in out, out + err)

    # ---- visibility ------------------------------------------------------------------------
    check("who may not see it finds nothing", not find("secret 42", type="BATCH"))
    got = find("secret 42", type="BATCH", token="registrar")
    check("who may finds the member", got == [{"id": "88.118.8/SN-0000042", "series": pumps, "index": 3, "public": False}], got)
    check("no number has zeros in front", not find("secret 042", type="BATCH", token="registrar") and names(find("secret 0", type="BATCH", token="registrar")) == ["88.118.8/SN-0000000"])
    status, out, err = node.kanhe("node", "token", "add", "narrow", "enterprise", "--scope", "88.118.8.7")
    assert status == 0, err
    with open(os.path.join(node.folder, "tokens", "narrow.token"), "w") as f:
        f.write(out.split()[0])
    check("nor does a credential of another prefix", not find("secret 42", type="BATCH", token="narrow"))
    add("88.118.8.7/N-{00..99}", ("BATCH", "secret 42", "1100"))
    check("it sees its own", names(find("secret 42", type="BATCH", token="narrow")) == ["88.118.8.7/N-{00..99}"])
    check("who sees both: one page each", names(find("secret 42", type="BATCH", token="registrar", limit=1)) == ["88.118.8.7/N-{00..99}", "88.118.8/SN-0000042"])

    # ---- single members --------------------------------------------------------------------
    status, out, err = node.kanhe("register", "88.118.8/SN-0000007", "URL=https://own.example/7")
    assert status == 0, err
    check("a member with a record of its own is found by that alone", not find("https://m.example/0000007") and names(find("https://own.example/7")) == ["88.118.8/SN-0000007"])
    status, out, err = node.kanhe("series", "retire", pumps, "--member", "0000008")
    assert status == 0, err
    check("a retired member is found no more", not find("https://m.example/0000008"))

    # ---- beginnings ------------------------------------------------------------------------
    got = find(begins="https://m.exam")
    check("all members' values begin so", [(x["series"], x["value"]) for x in got] == [(pumps, "https://m.example/{serial}")], got)
    got = find(begins="https://m.example/00000")
    check("those of some", [x["series"] for x in got] == [pumps] and "members" in got[0], got)
    got = find(begins="https://m.example/0000042")
    check("that of one", [(x["id"], x["value"]) for x in got] == [("88.118.8/SN-0000042", "https://m.example/0000042")], got)
    check("of none", not find(begins="https://m.example/x") and not find(begins="https://m.example/00000420"))
    check("hidden ones are for who sees all", not find(begins="secret", type="BATCH", token="narrow") and names(find(begins="secret 4", type="BATCH", token="registrar")) == ["88.118.8.7/N-{00..99}", pumps])

    # ---- items: check digits, percent-encoding ---------------------------------------------
    items = "01/0952123{400000..400099}{check}"
    add(items, ("URL", "at {id:raw}"), ("LOT", "L{serial}/{id:raw}"))
    item = "https://id.gs1.org/01/09521234000013"
    check("the check digit is part of the identifier", names(find("at " + item)) == [item], find("at " + item))
    check("a wrong one is none", not find("at " + item[:-1] + "4"))
    check("two of one value must agree", names(find("L400001/" + item, type="LOT")) == [item] and not find("L400002/" + item, type="LOT"))
    check("a prefix that has it", names(find("at " + item, prefix="gs1:9521234")) == [item])
    check("one that has not", not find("at " + item, prefix="88.118.8"))

    # ---- several ranges --------------------------------------------------------------------
    lots = "88.118.8/LOT{2023..2025}-{0001..9999}"
    add(lots, ("URL", "https://l.example/{1}/{2}"), ("BATCH_LOT", "year {1}"))
    check("by both ranges", names(find("https://l.example/2024/0042")) == ["88.118.8/LOT2024-0042"])
    check("no such year, no such number", not find("https://l.example/2026/0042") and not find("https://l.example/2024/0000"))
    check("what many have is the series", names(find("year 2024", type="BATCH_LOT")) == [lots] and not find("year 2022", type="BATCH_LOT"))
    check("some years begin so", names(find(begins="year 202", type="BATCH_LOT")) == [lots] and not find(begins="year 2026", type="BATCH_LOT"))

    # ---- changes ---------------------------------------------------------------------------
    status, out, err = node.kanhe("series", "split", pumps, "--at", "5000000")
    assert status == 0, err
    low, high = "88.118.8/SN-{0000000..4999999}", "88.118.8/SN-{5000000..9999999}"
    check("the halves of a split", names(find("Wuxi Bearings", type="SUPPLIER")) == [low, high])
    check("page by page", names(find("Wuxi Bearings", type="SUPPLIER", limit=1)) == [low, high])
    check("each has its members", [find(f"https://m.example/{n}")[0]["series"] for n in (4999999, 5000000)] == [low, high])
    put(low, ("SUPPLIER", "Ningbo Pumps"), ("URL", "https://n.example/{serial}"), revision=1)
    check("another template", names(find("Ningbo Pumps", type="SUPPLIER")) == [low] and names(find("Wuxi Bearings", type="SUPPLIER")) == [high]
          and names(find("https://n.example/0000042")) == ["88.118.8/SN-0000042"] and not find("https://m.example/0000042"))
    check("and nothing hidden is left of the old one", names(find("secret 42", type="BATCH", token="registrar")) == ["88.118.8.7/N-{00..99}"])
    status, out, err = node.kanhe("series", "retire", high, "--reason", "recalled")
    assert status == 0, err
    check("a retired series is found no more", not find("Wuxi Bearings", type="SUPPLIER") and not find("https://m.example/5000000"))

    # ---- among plain records, page by page -------------------------------------------------
    for i in range(3):
        node.kanhe("register", f"88.118.8/plain{i}", "SUPPLIER=Both")
        add(f"88.118.8/both{i}-{{0..9}}", ("SUPPLIER", "Both"))
    want = [f"88.118.8/plain{i}" for i in range(3)] + [f"88.118.8/both{i}-{{0..9}}" for i in range(3)]
    for limit in (1, 2, 3, 4, 6):
        check(f"plain records first, then series, {limit} a page", [x.get("id") or x["series"] for x in find("Both", type="SUPPLIER", limit=limit)] == want)
        check(f"by a beginning, {limit} a page", [x.get("id") or x["series"] for x in find(begins="Bot", type="SUPPLIER", limit=limit)] == want)
    status, got, _ = node.request("GET", "/find?type=SUPPLIER&value=Both&limit=4")
    for cursor in (got["next"][:-4], "c" + got["next"][1:], "dAE"):
        status, got, _ = node.request("GET", "/find?type=SUPPLIER&value=Both&cursor=" + cursor)
        check("a cursor that nobody gave leads nowhere else", status == 400 or all(x["public"] for x in got["identifiers"]), (status, got))

    # ---- long values -----------------------------------------------------------------------
    long = "https://long.example/" + "x" * 300
    add("88.118.8/long-{000..999}", ("URL", long + "/{serial}"), ("EMAIL", "y" * 300))
    check("longer than what the index keeps", names(find(long + "/042")) == ["88.118.8/long-042"] and not find(long + "y/042") and names(find("y" * 300, type="EMAIL")) == ["88.118.8/long-{000..999}"]
          and not find("y" * 299, type="EMAIL") and names(find(begins="y" * 299, type="EMAIL")) == ["88.118.8/long-{000..999}"])

    # ---- built anew, and for what is switched on later -------------------------------------
    before = [find("Both", type="SUPPLIER"), find(long + "/042"), find("https://l.example/2024/0042")]
    status, out, err = node.kanhe("find", "--rebuild")
    assert status == 0, err
    ready = lambda: all(t["state"] == "ready" for t in node.request("GET", "/find/types", token="operator")[1]["types"])
    check("the index is built anew", until(ready))
    check("and says the same", [find("Both", type="SUPPLIER"), find(long + "/042"), find("https://l.example/2024/0042")] == before)
    add("88.118.8/later-{00..99}", ("COLOUR", "red"))
    node.kanhe("node", "stop", "--quiet")
    with open(os.path.join(node.folder, "kanhed.conf"), "a") as f:
        f.write("\n[resolver]\nfind_types = URL SUPPLIER COLOUR\n")
    node.start()
    kept.close()  # it is opened anew
    check("a type that is switched on", until(ready) and names(find("red", type="COLOUR")) == ["88.118.8/later-{00..99}"])

    # ---- against a model -------------------------------------------------------------------
    rng = random.Random(20261127)
    templates = ["https://r.example/{serial}", "https://r.example/{id}", "https://r.example/{number}", "r {1}", "r {1}{1}", "{id:raw}", "same", "same {{x}}", "{serial}-{number}",
                 "https://r.example/0{serial}", "https://r.example/{number}/x"]
    model = {}

    def range_of():
        width = rng.choice((1, 2, 2, 3))
        if rng.random() < 0.3:
            alphabet = "0123456789ABCDEF"
            low, high = sorted("".join(rng.choice(alphabet) for _ in range(width)) for _ in range(2))
            return f"{{{low}..{high}:0-9A-F}}", ["".join(s) for s in itertools.product(alphabet, repeat=width) if low <= "".join(s) <= high], False
        low, high = sorted(rng.randrange(10 ** width) for _ in range(2))
        return f"{{{low:0{width}}..{high:0{width}}}}", [f"{n:0{width}}" for n in range(low, high + 1)], True

    for i in range(60):
        parts = [range_of() for _ in range(rng.choice((1, 1, 1, 2)))]
        numeric = len(parts) == 1 and parts[0][2]
        pattern = f"88.118.8/r{i}-" + "/".join(p[0] for p in parts)
        values = [("URL", rng.choice([t for t in templates if numeric or "{number}" not in t]), rng.choice(("1110", "1110", "1100"))) for _ in range(rng.choice((1, 2, 3)))]
        status, got, _ = node.request("PUT", "/series/" + urllib.parse.quote(pattern, safe=""),
                                      {"values": [{"index": k + 1, "type": v[0], "data": v[1], "permissions": v[2]} for k, v in enumerate(values)]}, token="registrar")
        if status != 201:
            check("a random series is refused for a reason", status == 400 and got.get("rule"), (pattern, status, got))
            continue
        members = {}
        for serials in itertools.islice(itertools.product(*(p[1] for p in parts)), 0, None):
            members[f"88.118.8/r{i}-" + "/".join(serials)] = serials
        model[got.get("pattern", pattern)] = (members, values)
    own = set()
    for members, _ in rng.sample(sorted(model.values(), key=lambda m: len(m[0])), 10):
        one = rng.choice(sorted(members))
        own.add(one)
        assert node.kanhe("register", one, "DESC=its own")[0] == 0
    encode = lambda s: urllib.parse.quote(s, safe="-._~")

    def filled(template, id, serials):
        url = "://" in template
        number = serials[-1].lstrip("0") or "0"
        return (template.replace("{{", "\0").replace("}}", "\1").replace("{serial}", serials[-1]).replace("{number}", number).replace("{1}", serials[0])
                .replace("{id:raw}", id).replace("{id}", encode(id) if url else id).replace("\0", "{").replace("\1", "}"))

    texts = {(pattern, i): [(filled(v[1], m, s), m) for m, s in members.items()] for pattern, (members, values) in model.items() for i, v in enumerate(values)}

    def expected(data, begins):
        """[(name, index, public)]: of each series the members that have it, or itself."""
        want = []
        for pattern, (_, values) in model.items():
            told = set()
            for public in (True, False):
                for index, (_, template, permissions) in enumerate(values):
                    if (permissions == "1110") != public:
                        continue
                    all = texts[pattern, index]
                    has = [m for text, m in all if text.startswith(data)] if begins else [m for text, m in all if text == data]
                    name = None if not has else has[0] if len(has) == 1 and "{" in template.replace("{{", "") else pattern
                    if name is None or name in told or (name in own and name != pattern):
                        continue
                    told.add(name)
                    want.append((name, index + 1, public))
        return sorted(want)

    def agrees(got, want):
        """A beginning that leaves one member may be told as its series: it does not say which."""
        one = lambda x: (next((p for p in model if x[0] in model[p][0]), x[0]), *x[1:])
        return got == want or sorted(map(one, got)) == sorted(map(one, want)) and all(x in want or x[0] in model for x in got)

    asked = {"same", "same {x}", "r 1", "https://r.example/", "https://r.example/0", "", "https://r.example/00", "x"}
    for members, values in model.values():
        for one in rng.sample(sorted(members), 1):
            for _, template, _ in values:
                data = filled(template, one, members[one])
                asked |= {data, data[:-1], data + "0"}
    wrong = []
    for data in sorted(asked):
        for begins in (False, True) if data else (False,):
            got = find(**({"begins": data} if begins else {"value": data}), token="registrar")
            got = sorted((x.get("id") or x["series"], x["index"], x["public"]) for x in got if x["series"].startswith("88.118.8/r")) if all("series" in x for x in got) else None
            if not (agrees if begins else list.__eq__)(got, expected(data, begins)):
                wrong.append((data, begins, got, expected(data, begins)))
    check(f"{len(asked)} questions among {len(model)} series are answered as the model says", not wrong and len(model) > 40, (len(wrong), len(model), wrong[:3]))
finally:
    node.close()
finish()
