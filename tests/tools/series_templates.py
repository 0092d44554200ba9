"""Metadata templates that series use: kept while they are used, by series as by records, through splits and retirement;
and no member of a series that was taken breaks its template."""
import json
import urllib.parse

from node import Node, check, finish

node = Node("--authority", "88.118.8,gs1:9521234")


def call(method, path, body=None):
    status, got, _ = node.request(method, path, body, "registrar")
    return status, got


def template(version, *attributes):
    status, got = call("PUT", f"/templates/88.118.8/{version}", {"published": True, "attributes": list(attributes)})
    assert status in (200, 201), got


def path(pattern):
    return "/series/" + urllib.parse.quote(pattern, safe="")


def put(pattern, version, *values):
    """values: (index, type, data)"""
    all = [{"index": 1000, "type": "TEMPLATE_ID", "data": f"88.118.8/{version}"}] if version else []
    return call("PUT", path(pattern), {"values": all + [{"index": i, "type": t, "data": d} for i, t, d in values]})


def uses(version):
    got = call("GET", f"/templates/88.118.8/{version}")[1]
    return got["uses"], got["series"]


def remove(version):
    status, got = call("DELETE", f"/templates/88.118.8/{version}")
    return status, got.get("rule") if isinstance(got, dict) else None


try:
    # ---- a template in use
    template("v1", {"name": "serial", "index": 2000, "required": True})
    template("v2", {"name": "serial", "index": 2000})
    check("a series of a template", put("88.118.8/A-{0000..9999}", "v1", (2000, "serial", "{serial}"))[0] == 201)
    check("is a use", uses("v1") == (0, 1) and uses("v2") == (0, 0))
    check("so the template stays", remove("v1") == (409, "template-in-use"))
    status, got = call("PUT", "/templates/88.118.8/v1", {"published": True, "attributes": [{"name": "other", "index": 2001}]})
    check("and its rules too", status == 409 and got["rule"] == "template-in-use", got)
    check("the same again is one use", put("88.118.8/A-{0000..9999}", "v1", (2000, "serial", "{serial}"))[0] == 200 and uses("v1") == (0, 1))
    check("changed values are one use", put("88.118.8/A-{0000..9999}", "v1", (2000, "serial", "x{serial}"))[0] == 200 and uses("v1") == (0, 1))
    status, got = call("POST", "/series/split", {"pattern": "88.118.8/A-{0000..9999}", "at": "5000"})
    check("split: two uses", status == 200 and uses("v1") == (0, 2), got)
    status, got = call("PUT", "/registry/88.118.8%2FA-0007", {"values": [{"index": 1000, "type": "TEMPLATE_ID", "data": "88.118.8/v1"},
                                                                    {"index": 2000, "type": "serial", "data": "own"}]})
    check("a record of its own is one more", status in (200, 201) and uses("v1") == (1, 2), got)
    check("another template", put("88.118.8/A-{0000..4999}", "v2", (2000, "serial", "{serial}"))[0] == 200 and uses("v1") == (1, 1) and uses("v2") == (0, 1))
    check("retired: no use", call("DELETE", path("88.118.8/A-{5000..9999}"))[0] == 200 and uses("v1") == (1, 0))
    check("the record still is one", remove("v1") == (409, "template-in-use"))
    check("and then nothing is", call("DELETE", "/registry/88.118.8%2FA-0007")[0] == 200 and remove("v1")[0] in (200, 204))
    check("without a template", put("88.118.8/A-{0000..4999}", None, (1, "URL", "x"))[0] == 200 and uses("v2") == (0, 0) and remove("v2")[0] in (200, 204))
    status, got = put("88.118.8/A-{0000..4999}", "v2", (2000, "serial", "{serial}"))
    check("one that is gone cannot be named", status == 400 and got["rule"] == "template-known", got)
    template("v3")
    status, got = put("88.118.8/N-{1..3}", "v{serial}")
    check("all members have one template", status == 400 and got["rule"] == "template-name" and got["field"] == "values[0].data", got)
    body = json.dumps({"pattern": "88.118.8/I-{00..99}", "values": [{"index": 1000, "type": "TEMPLATE_ID", "data": "88.118.8/v3"}]}) + "\n"
    status, got = call("POST", "/imports?name=one&format=ndjson", body.encode())
    check("a line of an import is a use", status == 200 and got["created"] == 1 and uses("v3") == (0, 1), got)

    # ---- every member keeps to it
    template("w", {"name": "free", "index": 2000}, {"name": "short", "index": 2001, "max_length": 5},
             {"name": "number", "index": 2002, "type": "number", "min": "10", "max": "5000"},
             {"name": "date", "index": 2003, "type": "date"}, {"name": "month", "index": 2004, "type": "enum", "choices": [f"{i:02}" for i in range(1, 13)]},
             {"name": "coded", "index": 2005, "pattern": "[0-4][0-9]{3}"}, {"name": "box", "index": 2006, "type": "reference"},
             {"name": "ratio", "index": 2007, "type": "number", "decimals": 2}, {"name": "hex", "index": 2008, "type": "number"})
    cases = [
        ("decided by the ends", "{0010..5000}", 2002, "number", "{number}", None),
        ("the last is too great", "{0010..5001}", 2002, "number", "{number}", "template-range"),
        ("the first is too small", "{0009..5000}", 2002, "number", "{serial}", "template-range"),
        ("the first and last are numbers, those between are not", "{0000..9999:0-9A-F}", 2008, "hex", "{serial}", "template-number"),
        ("decimals do not grow", "{0000..9999}", 2007, "ratio", "0.{number}", "template-decimals"),
        ("decimals of one width do", "{00..99}", 2007, "ratio", "0.{serial}", None),
        ("{number} as decimals is looked at", "{00..99}", 2007, "ratio", "1.{number}", None),
        ("length", "{00000..99999}", 2001, "short", "{serial}", None),
        ("too long", "{00000..99999}", 2001, "short", "x{serial}", "template-length"),
        ("too long only at the end", "{00000..99999}", 2001, "short", "x{number}", "template-length"),
        ("each member of a short series: dates", "{01..31}", 2003, "date", "2026-01-{serial}", None),
        ("31 is none in April, 01 and 30 are", "{01..31}", 2003, "date", "2026-04-{serial}", "template-date"),
        ("ends are dates, one between is not", "{01-28..03-01}", 2003, "date", "2026-{serial}", "template-date"),
        ("choices", "{01..12}", 2004, "month", "{serial}", None),
        ("ends are choices, none between", "{01..12:0-9A-F}", 2004, "month", "{serial}", "template-choice"),
        ("a pattern in a short series", "{4000..4999}", 2005, "coded", "{serial}", None),
        ("a pattern that one breaks", "{4000..4099:0-9A}", 2005, "coded", "{serial}", "template-pattern"),
        ("a pattern in a long series", "{0000..4999}", 2005, "coded", "{serial}", None),
        ("a pattern that one member of many breaks", "{0000..5000}", 2005, "coded", "{serial}", "template-pattern"),
        ("dates of several ranges in a long series", "{2023..2026}-{01..12}-{01..28}-{0000..9999}", 2003, "date", "{1}-{2}-{3}", None),
        ("29 February of a common year", "{2023..2026}-{01..12}-{01..29}-{0000..9999}", 2003, "date", "{1}-{2}-{3}", "template-date"),
        ("choices of one range of a long series", "{01..12}-{0000000..9999999}", 2004, "month", "{1}", None),
        ("more than there are choices", "{0000000..9999999}", 2004, "month", "{number}", "template-choice"),
        ("what nobody can tell of a long series", "{000000..999999}", 2006, "box", "https://b.example/{serial}", "template-series"),
        ("references to Handles", "{00000..99999}", 2006, "box", "88.118.8/BOX-{serial}", None),
        ("no identifier", "{00000..99999}", 2006, "box", "{serial}", "template-reference"),
        ("free text", "{000000..999999}", 2000, "free", "{id} {serial}", None),
        ("the same for all needs no look", "{0000000..9999999}", 2003, "date", "2026-04-30", None)]
    for k, (what, range, index, type, data, rule) in enumerate(cases):
        status, got = put(f"88.118.8/K{k:02}-{range}", "w", (index, type, data))
        check(what, status == 201 if rule is None else status == 400 and got["rule"] == rule, (status, got))
    state = node.state()
    status, got = put("88.118.8/Q-{0000..4999}", "w", (1, "URL", "u"), (2006, "box", "https://b.example/{serial}"))
    check("named by its value, and what to do", got["field"] == "values[2].data" and "box" in got["detail"] and "1000" in got["detail"] and node.state() == state, got)
    status, got = put("88.118.8/Q-{0000..4999:0-9A}", "w", (2005, "coded", "{serial}"))
    check("the member that breaks it is named", status == 400 and "88.118.8/Q-0A00" in got["detail"] and node.state() == state, got)

    # refusals say what they measure by, in whole characters
    name = "a" + "颜色" * 12
    template("zh", {"name": name, "index": 2000, "type": "enum", "choices": ["x" + "红色" * 30, "蓝"]}, {"name": "p", "index": 2001, "pattern": "[红黄蓝绿]" * 12},
             {"name": "d", "index": 2002, "type": "date", "max": "2026-12-31"}, {"name": "n", "index": 2003, "type": "number", "max": "100"})
    for index, type, data, said in ((2000, name, "绿", "choices: x红色"), (2001, "p", "绿", "pattern [红黄蓝绿]"), (2002, "d", "2026-02-30", "format YYYY-MM-DD"),
                                    (2002, "d", "2027-01-01", "date 2026-12-31"), (2003, "n", "101", "maximum 100")):
        status, got = put("88.118.8/" + "长" * 20 + "-{000..999}", "zh", (index, type, data))
        check(f"said by what: {said}", status == 400 and said in got["detail"] and "\ufffd" not in got["detail"], got)
    status, out, err = node.kanhe("template", "list", "88.118.8")
    shown = {v: call("GET", f"/templates/88.118.8/{v}")[1] for v in (line.split()[1] for line in out.splitlines())}
    check("the list tells how many identifiers and series use each", any(t["series"] for t in shown.values()) and all(
        f"  {v}  attributes: {len(t['attributes'])}  identifiers: {t['uses']}  series: {t['series']}  " in out for v, t in shown.items()), (out, shown))
    status, out, err = node.kanhe("template", "show", "88.118.8", "zh")
    check("template show tells the rules", status == 0 and 'max "100"' in out and "choices" in out and "[红黄蓝绿]" in out, out + err)
    status, out, err = node.kanhe("template", "show", "88.118.8", "none")
    check("no such template is told", status == 3 and "88.118.8/none" in err, err)
    status, got = call("PUT", "/templates/88.118.8/typo", {"attributes": [{"name": "x", "index": 2000, "type": "nmber"}]})
    check("the known types are told", status == 400 and "number" in got["detail"] and "boolean" in got["detail"], got)

    # what was taken: every member of some series, registered by itself as it answers, is taken too
    bad = []
    for pattern, ids in (("88.118.8/K10-{01..31}", [f"88.118.8/K10-{i:02}" for i in (1, 9, 17, 31)]),
                         ("88.118.8/K15-{4000..4999}", ["88.118.8/K15-4000", "88.118.8/K15-4567", "88.118.8/K15-4999"]),
                         ("88.118.8/K00-{0010..5000}", ["88.118.8/K00-0010", "88.118.8/K00-0100", "88.118.8/K00-5000"])):
        for id in ids:
            values = node.request("GET", f"/resolve/{id}")[1]["values"]
            status, got = call("PUT", "/registry/" + id.replace("/", "%2F"), {"values": [{k: v[k] for k in ("index", "type", "data")} for v in values]})
            if status not in (200, 201):
                bad.append((id, got))
    check("members' records are good records", not bad, bad)
finally:
    node.close()
finish()
