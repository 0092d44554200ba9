"""Imports and exports: what goes in, what is refused by line, going on after a cut, and the way back."""
import base64
import hashlib
import json
import os
import re
import socket
import ssl
import urllib.error
import urllib.request

from node import Node, check, finish, run, until


def chain(data):
    """The digest of proto/bulk/bulk.h, written from its text."""
    d = bytes(32)
    for i in range(0, len(data), 4096):
        d = hashlib.sha256(d + data[i:i + 4096]).digest()
    return d.hex()


def call(method, path, body=None, token="registrar", node=None, headers=None):
    """(status, octets)"""
    node = node or first
    context = ssl.create_default_context(cafile=os.path.join(node.folder, "tls", "ca.pem"))
    h = dict(headers or {})
    if token:
        h["Authorization"] = "Bearer " + (token if token.startswith("kt_") else node.token(token))
    if body is not None:
        h.setdefault("Content-Type", "application/octet-stream")
    q = urllib.request.Request(node.url + path, data=body, method=method, headers=h)
    try:
        with urllib.request.urlopen(q, context=context, timeout=120) as r:
            return r.status, r.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


def post(query, body, **more):
    status, got = call("POST", "/imports?" + query, body if isinstance(body, bytes) else body.encode(), **more)
    return status, json.loads(got)


def state(name, **more):
    status, got = call("GET", "/imports/" + name, **more)
    return json.loads(got) if status == 200 else status


def value(id_, index=1, node=None):
    status, got = call("GET", "/registry/" + id_, node=node)
    if status != 200:
        return None
    return next((v["data"]["value"] for v in json.loads(got)["values"] if v["index"] == index), None)


def token(name, role, scope):
    status, out, err = first.kanhe("node", "token", "add", name, role, "--scope", scope)
    assert status == 0, err
    return out.split()[0]


def varint(octets):
    """(number, the octets after it)"""
    n = i = 0
    while True:
        n |= (octets[i] & 127) << 7 * i
        i += 1
        if octets[i - 1] < 128:
            return n, octets[i:]


def same_values(x, y):
    key = lambda v: v["index"]
    return sorted(x["values"], key=key) == sorted(y["values"], key=key)


def records(node, prefix):
    status, got = call("GET", f"/exports?prefix={prefix}&format=ndjson", node=node)
    assert status == 200, got
    return {r["id"]: r for r in map(json.loads, got.decode().splitlines())}


def long_record(proto, field):
    """A record with a value that is too long, by the numbers of proto/pb/kanhe.proto."""
    def numbers(message):
        body = re.search(r"message %s \{(.*?)\n\}" % message, proto, re.S).group(1)
        return {name: int(n) for name, n in re.findall(r"(\w+) = (\d+);", body)}

    r, v = numbers("Record"), numbers("Value")
    value = bytes((v["index"] << 3, 1)) + field(v["type"], b"URL") + field(v["data"], b"x" * 70000) + bytes((v["permissions"] << 3, 14))
    return bytes((r["version"] << 3, 1)) + field(r["id"], b"88.118.8/long") + field(r["values"], value)


first, second = Node("--authority", "88.118.8"), Node("--authority", "88.118.8")
try:
    # ---- what goes in and what does not ----------------------------------------------------
    lines = ["id,URL,7:DESC"] + [f"88.118.8/A{i},https://a.example/{i},pump {i}" for i in range(9000)]
    lines[100] = "88.999/foreign,u,d"
    lines[200] = "88.118.8/A7,again,d"         # in the same batch
    lines[8900] = "88.118.8/A8,again,d"        # in another one
    lines[300] = "not an identifier,u,d"
    lines[400] = "88.118.8/few,u"
    lines[500] = '88.118.8/mark,5" pipe,d'
    lines[600] = "88.118.8/long," + "x" * 70000 + ",d"
    status, s = post("name=bad-lines&format=csv", "\n".join(lines))
    check("an import", status == 200 and s["state"] == "finished", s)
    check("every record is counted once", (s["read"], s["created"], s["refused"]) == (9000, 8993, 7), s)
    check("good lines went in", value("88.118.8/A3999", 7) == "pump 3999" and value("88.118.8/A7") == "https://a.example/7")
    check("no foreign identifier", value("88.118.8/few") is None)
    report = json.loads(call("GET", "/imports/bad-lines/report?limit=5")[1])
    more = json.loads(call("GET", "/imports/bad-lines/report?cursor=" + report["next"])[1])
    errors = report["errors"] + more["errors"]
    check("the report has pages", len(report["errors"]) == 5 and "next" not in more)
    want = [(101, "authority"), (201, "id-twice"), (301, None), (401, "columns"), (501, "quotes"), (601, "length"), (8901, "id-twice")]
    check("each is told with its line and rule", [(e["line"], r or e["rule"]) for e, (_, r) in zip(errors, want)] == [(l, r or e["rule"]) for e, (l, r) in zip(errors, want)], errors)
    text = "\n".join(lines).encode()
    check("and where its line begins", all(text[e["offset"]:].startswith(lines[e["line"] - 1][:20].encode()) for e in errors), errors)
    check("and its identifier", [e.get("id") for e in errors][:2] == ["88.999/foreign", "88.118.8/A7"], errors)
    # who asks in Chinese is told in Chinese; names, places and identifiers stay
    chinese = json.loads(call("GET", "/imports/bad-lines/report", headers={"Accept-Language": "zh-CN,en;q=0.5"})[1])["errors"]
    check("in Chinese only the messages differ", [{**e, "message": 0} for e in chinese] == [{**e, "message": 0} for e in errors], chinese)
    check("in Chinese it is the same refusals", [e["message"] for e in chinese] ==
          ["本节点不负责该标识", "该标识已出现在第 9 行", "不属于任何已知的标识体系（handle aas oid urn did ecode iec61406 gs1 uri）", "该行的单元格少于表头",
           "含引号的单元格须加引号", "单元格有 70000 字节，最长 65536 字节", "本次导入已改动过该标识"], [e["message"] for e in chinese])
    check("and English to who does not ask", errors == json.loads(call("GET", "/imports/bad-lines/report", headers={"Accept-Language": "en,zh;q=0.5"})[1])["errors"])
    check("the digest is that of the input", s["digest"] == chain(text) and s["offset"] == len(text), s)
    entries = json.loads(call("GET", "/history/88.118.8/A3999")[1])["history"]
    check("the ledger names the import", entries[0]["entry"]["import"] == "bad-lines" and entries[0]["entry"]["kind"] == "record.batch", entries)

    # ---- errors of the whole ---------------------------------------------------------------
    # a first load's index is made when the loading has ended: that is a change, too
    ready = until(lambda: all(t["state"] == "ready" for t in first.request("GET", "/find/types", token="operator")[1]["types"]))
    check("the index of what was loaded comes to be ready", ready)
    before = first.state()
    for what, query, body, status_wanted, rule in (
            ("no name", "format=csv", "id\n", 400, "required"),
            ("a bad name", "name=a/b&format=csv", "id\n", 400, "name"),
            ("an unknown format", "name=x&format=xml", "id\n", 400, "format"),
            ("no header", "name=x&format=csv", "", 400, "header"),
            ("a header without id", "name=x&format=csv", "URL\nu\n", 400, "id-column"),
            ("a bad length", "name=x&format=protobuf", b"\xff\xff\xff\xff\xff\xff", 400, "length"),
            ("a place where nothing is", "name=x&format=csv&from=10&digest=" + "0" * 64, "88.118.8/x\n", 409, "import-offset"),
            ("a finished one", "name=bad-lines&format=csv", "id,URL\n", 409, "import-finished"),
            ("a bad switch", "name=x&format=csv&more=maybe", "id\n", 400, "value")):
        status, s = post(query, body)
        check(f"{what} is refused", status == status_wanted and s.get("rule") == rule, (status, s))
    check("and nothing has changed", first.state() == before)

    # ---- rights ----------------------------------------------------------------------------
    narrow, auditor, operator = token("narrow", "enterprise", "88.118.8.2"), token("looker", "auditor", "88.118.8"), token("runner", "operator", "88.118.8")
    for who, name in ((None, "nobody"), (auditor, "auditor"), (operator, "operator")):
        status, _ = call("POST", "/imports?name=r&format=csv", b"id\n", token=who)
        check(f"{name} may not import", status == (401 if who is None else 403), status)
        status, _ = call("DELETE", "/imports/bad-lines", token=who)
        check(f"{name} may not remove", status in (401, 403), status)
    for who, name in ((None, "nobody"), (operator, "operator")):
        for path in ("/imports", "/imports/bad-lines", "/imports/bad-lines/report", "/exports?prefix=88.118.8"):
            status, _ = call("GET", path, token=who)
            check(f"{name} may not read {path}", status == (401 if who is None else 403), status)
    check("an import is its credential's", state("bad-lines", token=narrow) == 404)
    check("others' are an auditor's to see", state("bad-lines?of=registrar", token=auditor)["refused"] == 7)
    check("and nobody else's", state("bad-lines?of=registrar", token=narrow) == 403)
    status, s = post("name=scope&format=csv", "id,URL\n88.118.8/out,u\n88.118.8.2/in,u\n", token=narrow)
    check("a scope holds by line", status == 200 and (s["created"], s["refused"]) == (1, 1), s)
    check("a scope holds for exports", call("GET", "/exports?prefix=88.118.8", token=narrow)[0] == 403)
    check("within it they are given", call("GET", "/exports?prefix=88.118.8.2&format=csv", token=narrow)[1].startswith(b"id,1:URL,ttl,timestamp,values\n88.118.8.2/in,u,"))

    # ---- changes of what is there ----------------------------------------------------------
    status, s = post("name=refuse&format=ndjson&existing=refuse",
                     "".join(json.dumps({"id": i, "values": [{"type": "URL", "data": "new"}]}) + "\n" for i in ("88.118.8/A1", "88.118.8/new")))
    check("existing=refuse", (s["created"], s["refused"]) == (1, 1) and value("88.118.8/A1") == "https://a.example/1", s)
    first.request("DELETE", "/registry/88.118.8/A2", token="registrar")
    status, s = post("name=replace&format=csv", "id,URL,7:DESC\n88.118.8/A1,new,x\n88.118.8/A2,new,x\n88.118.8/A3,https://a.example/3,pump 3\n")
    check("replaced, retired, unchanged", (s["replaced"], s["refused"], s["unchanged"]) == (1, 1, 1), s)
    check("a retired one stays so", json.loads(call("GET", "/imports/replace/report")[1])["errors"][0]["error"] == "GONE")

    # ---- what the ledger says of records that are made while they are read ---------------------
    for made in (1, 2, 3):
        text = "".join(json.dumps({"id": f"88.118.8.9/D{made}-{i}", "values": [{"type": "URL", "data": "x" * 70 * i}]}) + "\n" for i in range(made + 1)).encode()
        at = text.index(b"\n") + 1
        status, s = post(f"name=made{made}&format=ndjson&more=1", text[:at])
        status, s = post(f"name=made{made}&format=ndjson&from={at}&digest={s['digest']}", text[at:])
        entry = json.loads(call("GET", f"/history/88.118.8.9/D{made}-1")[1])["history"][0]["entry"]
        rows, exported = b"", call("GET", "/exports?prefix=88.118.8.9/&format=protobuf")[1]
        while exported:
            n, exported = varint(exported)
            packed, exported = exported[:n], exported[n:]
            id_ = packed[4:4 + packed[3]]
            if not id_.startswith(b"88.118.8.9/D%d-" % made) or id_.endswith(b"-0"):
                continue
            key = b"\x01" + id_.replace(b"/", b"./")
            rows += len(key).to_bytes(2, "big") + key + bytes(32) + hashlib.sha256(packed).digest()
        check(f"the digest of {made} of them", entry["n"] == made and entry["digest"] == hashlib.sha256(rows).hexdigest(), entry)

    # ---- going on --------------------------------------------------------------------------
    text = ("id,URL\n" + "".join(f"88.118.8/G{i},https://g.example/{i}\n" for i in range(9000))).encode()
    cut = len(text) // 2
    status, s = post("name=parts&format=csv&more=1", text[:cut])
    check("a part ends with its last whole line", status == 200 and s["state"] == "open" and s["offset"] == text[:cut].rindex(b"\n") + 1, s)
    check("its digest can be reckoned", s["digest"] == chain(text[:s["offset"]]))
    at = s["offset"]
    for what, query, wanted, rule in (("from another place", f"from={at - 1}&digest={s['digest']}", 409, "import-offset"),
                                      ("from the beginning", "", 409, "import-offset"),
                                      ("without a digest", f"from={at}", 400, "required"),
                                      ("of another file", f"from={at}&digest={chain(b'other')}", 412, "import-digest")):
        status, e = post(f"name=parts&format=csv&{query}", text[at:])
        check(f"it does not go on {what}", status == wanted and e["rule"] == rule, e)
    status, e = post(f"name=parts&format=ndjson&from={at}&digest={s['digest']}", text[at:])
    check("nor in another format", status == 409 and e["rule"] == "import-format", e)
    status, s = post(f"name=parts&format=csv&from={at}&digest={s['digest']}", text[at:])
    check("it goes on where it was", status == 200 and s["state"] == "finished" and (s["created"], s["lines"]) == (9000, 9001), s)

    # two of the same name, by two clients, of which one changes what the other has before it comes to it
    clerk = token("clerk", "enterprise", "88.118.8")
    begun = "id,URL\n88.118.8/O1,https://o.example/mine\n"
    status, s = post("name=shared&format=csv&more=1", begun)
    check("one begins", status == 200 and s["created"] == 1, s)
    status, other = post("name=shared&format=csv", "id,URL\n88.118.8/O2,https://o.example/theirs\n", token=clerk)
    check("another has an import of the same name", status == 200 and other["created"] == 1, other)
    rest = "88.118.8/O2,https://o.example/mine\n88.118.8/O1,https://o.example/twice\n"
    status, s = post(f"name=shared&format=csv&from={s['offset']}&digest={s['digest']}", rest)
    check("what the other wrote is no line of this one, what it wrote itself is", status == 200 and (s["replaced"], s["refused"]) == (1, 1), s)
    check("and is told where it stands", json.loads(call("GET", "/imports/shared/report")[1])["errors"][0]["rule"] == "id-twice")

    # a client that dies in the middle of a streaming body
    context = ssl.create_default_context(cafile=os.path.join(first.folder, "tls", "ca.pem"))
    s = context.wrap_socket(socket.create_connection(("127.0.0.1", first.port)), server_hostname="127.0.0.1")
    text = ("id,URL\n" + "".join(f"88.118.8/K{i},https://k.example/{i}\n" for i in range(9000))).encode()
    s.sendall(f"POST /imports?name=cut&format=csv HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {first.token('registrar')}\r\n"
              f"Content-Length: {len(text)}\r\n\r\n".encode() + text[:200000])
    got = until(lambda: isinstance(state("cut"), dict) and state("cut")["read"] > 2000 and state("cut"))
    check("what arrived is durable while more is to come", bool(got), got)
    s.close()
    s = state("cut")
    status, s2 = post(f"name=cut&format=csv&from={s['offset']}&digest={s['digest']}", text[s["offset"]:])
    while status == 409 and s2["rule"] in ("import-offset", "import-moved"):  # the last batch was still under way
        s = state("cut")
        status, s2 = post(f"name=cut&format=csv&from={s['offset']}&digest={s['digest']}", text[s["offset"]:])
    check("and the rest goes in once", status == 200 and (s2["created"], s2["refused"], s2["lines"]) == (9000, 0, 9001), s2)

    # a slow client: pieces of a few octets, each line cut
    s = context.wrap_socket(socket.create_connection(("127.0.0.1", first.port)), server_hostname="127.0.0.1")
    body = 'id,T\n88.118.8/S1,"two\nlines"\n88.118.8/S2,"a ""b"""'
    s.sendall(f"POST /imports?name=slow&format=csv HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {first.token('registrar')}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for i in range(0, len(body), 5):
        piece = body[i:i + 5]
        s.sendall(f"{len(piece):x}\r\n{piece}\r\n".encode())
    s.sendall(b"0\r\n\r\n")
    check("a chunked body in small pieces", b" 200 " in s.recv(65536).split(b"\r\n")[0])
    s.close()
    check("is read as a whole", value("88.118.8/S1") == "two\nlines" and value("88.118.8/S2") == 'a "b"')

    # an error is told although the client goes on sending
    status, e = post("name=early&format=csv", b"URL\n" + b"x,y\n" * 200000)
    check("a bad header is told in the middle of a long body", status == 400 and e["rule"] == "id-column", e)
    status, s = post("name=too-long&format=csv", b"id,URL\n88.118.8/T1," + b"x" * 3000000 + b"\n88.118.8/T2,u\n")
    check("a line of 3 MB is one refusal", status == 200 and (s["created"], s["refused"], s["lines"]) == (1, 1, 3), s)

    # ---- a credential that ends -------------------------------------------------------------
    brief = token("brief", "enterprise", "88.118.8")
    s = context.wrap_socket(socket.create_connection(("127.0.0.1", first.port)), server_hostname="127.0.0.1")
    s.sendall(f"POST /imports?name=revoked&format=csv HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {brief}\r\nContent-Length: 100000\r\n\r\nid,URL\n".encode())
    first.kanhe("node", "token", "revoke", "brief")
    answer = []

    def feed():
        try:
            s.sendall(b"88.118.8/R,u\n")
            s.settimeout(0.05)
            answer.append(s.recv(65536))
        except (TimeoutError, ssl.SSLError, OSError):
            pass
        return answer and answer[0]
    check("a credential that is revoked ends its import", b" 401 " in (until(feed) or b"").split(b"\r\n")[0], answer)
    s.close()

    # ---- limits ----------------------------------------------------------------------------
    busy = []
    for i in range(2):
        q = context.wrap_socket(socket.create_connection(("127.0.0.1", first.port)), server_hostname="127.0.0.1")
        q.sendall(f"POST /imports?name=busy{i}&format=csv HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {first.token('registrar')}\r\nContent-Length: 100000\r\n\r\nid,URL\n88.118.8/B{i},u\n".encode())
        busy.append(q)
    until(lambda: all(isinstance(state(f"busy{i}"), dict) for i in range(2)))
    status, e = post("name=third&format=csv", "id\n")
    check("two at once of one credential", status == 429 and e["rule"] == "imports-running", e)
    status, s = post("name=other&format=csv", "id,URL\n88.118.8.2/o,u\n", token=narrow)
    check("another credential has its own", status == 200, s)
    for q in busy:
        q.close()

    # ---- there and back --------------------------------------------------------------------
    odd = {"id": '88.118.8.5/"odd, one"', "values": [
        {"index": 1, "type": "URL", "data": {"format": "string", "value": 'https://x/?a="1",2'}, "ttl": 3600},
        {"index": 2, "type": "BIN", "data": {"format": "base64", "value": base64.b64encode(bytes(range(256))).decode()}},
        {"index": 3, "type": "HS_ADMIN", "data": {"format": "string", "value": "x"}, "permissions": "1100",
         "references": [{"handle": "0.NA/88.118.8", "index": 300}, {"handle": "88.118.8/A1", "index": 1}]},
        {"index": 4, "type": "UNTIL", "data": {"format": "string", "value": "水泵\nzwei"}, "ttl": "2030-01-01T00:00:00Z"},
        {"index": 5, "type": "EMPTY", "data": {"format": "string", "value": ""}, "ttl": 0},
        {"index": 9, "type": "HIDDEN", "data": {"format": "string", "value": "secret"}, "permissions": "0000"},
        {"index": 2000, "type": 'a,"b"', "data": {"format": "string", "value": " blanks "}}]}
    many = [odd] + [{"id": f"88.118.8.5/M{i}", "values": [{"index": k + 1, "type": f"T{k}", "data": {"format": "string", "value": f"v{i}-{k}"},
                                                         "ttl": 60 * (1 + k // 2)} for k in range(i % 4 + 1)]} for i in range(700)]
    status, s = post("name=many&format=ndjson", "\n".join(map(json.dumps, many)))
    check("odd records", status == 200 and s["created"] == 701, s)
    first.request("DELETE", "/registry/88.118.8.5/M9", token="registrar")
    original = records(first, "88.118.8.5/")
    check("a retired identifier is left out", len(original) == 700 and "88.118.8.5/M9" not in original)
    check("a value that nobody may read as well", len(original[odd["id"]]["values"]) == 6)
    for form in ("csv", "ndjson", "protobuf"):
        status, text = call("GET", f"/exports?prefix=88.118.8.5/&format={form}")
        status, s = post(f"name=back-{form}&format={form}", text, node=second)
        check(f"{form}: there and back", status == 200 and s["created"] == 700, s)
        again = records(second, "88.118.8.5/")
        differ = [i for i in original if i not in again or not same_values(original[i], again[i])]
        check(f"{form}: equal records", len(again) == 700 and not differ, (differ[:3], original.get(differ[0]) if differ else "", again.get(differ[0]) if differ else ""))
        wipe = "id,X\n" + "".join('"' + i.replace('"', '""') + '",gone\n' for i in original)
        post(f"name=wipe-{form}&format=csv", wipe, node=second)
        check(f"{form}: replaced", all(v["values"][0]["type"] == "X" for v in records(second, "88.118.8.5/").values()))
        status, s = post(f"name=over-{form}&format={form}", text, node=second)
        again = records(second, "88.118.8.5/")
        check(f"{form}: and over others", s["replaced"] == 700 and all(same_values(original[i], again[i]) for i in original), s)
        second.close()
        second = Node("--authority", "88.118.8")
    # ---- tombstones ------------------------------------------------------------------------
    call("DELETE", "/registry/88.118.8.5/M10?reason=lost%2C%20%22and%22%20gone")
    before = {i: r for i, r in records(first, "88.118.8.5/").items()}
    for form in ("csv", "ndjson", "protobuf"):
        status, text = call("GET", f"/exports?prefix=88.118.8.5/&format={form}&status=all")
        status, s = post(f"name=all-{form}&format={form}", text, node=second)
        check(f"{form}: with tombstones", status == 200 and s["created"] == 701 and not s["refused"], s)
        again = records(second, "88.118.8.5/")
        check(f"{form}: the others are equal", set(again) == set(before) and all(same_values(before[i], again[i]) for i in before))
        check(f"{form}: what is retired stays so", [call("GET", "/resolve/88.118.8.5/" + i, token=None, node=second)[0] for i in ("M9", "M10", "M11")] == [410, 410, 200])
        dead = [json.loads(x) for x in call("GET", "/exports?prefix=88.118.8.5/&format=ndjson&status=retired", node=second)[1].splitlines()]
        why = {r["id"]: [v["data"]["value"] for v in r["values"]] for r in dead}
        check(f"{form}: for the reason given", why == {"88.118.8.5/M9": [], "88.118.8.5/M10": ['lost, "and" gone']}, why)
        status, s = post(f"name=again-{form}&format={form}", text, node=second)
        check(f"{form}: a second time nothing changes", s["unchanged"] == 701, s)
        status, got = call("GET", "/count?prefix=88.118.8", node=second)
        check(f"{form}: they are counted", (json.loads(got)["active"], json.loads(got)["retired"]) == (699, 2), got)
        # of what is registered there
        status, s = post(f"name=kill-{form}&format=ndjson", json.dumps({"id": "88.118.8.5/M11", "status": "retired", "values": []}), node=second)
        check(f"{form}: retires what was active", s["replaced"] == 1 and call("GET", "/resolve/88.118.8.5/M11", token=None, node=second)[0] == 410, s)
        second.close()
        second = Node("--authority", "88.118.8")
    status, s = post("name=bad-tombs&format=ndjson", "\n".join(map(json.dumps, (
        {"id": "88.118.8.5/N1", "status": "gone", "values": []},
        {"id": "88.118.8.5/N1", "status": "retired", "values": [{"type": "URL", "data": "https://x/"}]},
        {"id": "88.118.8.5/N1", "status": "retired", "values": [{"type": "RETIRED", "data": "x" * 501}]}))))
    check("bad tombstones are refused", s["refused"] == 3 and call("GET", "/resolve/88.118.8.5/N1", token=None)[0] == 404, s)
    status, got = call("GET", "/imports/bad-tombs/report")
    check("with their rules", [x in got.decode() for x in ("\"status\"", "tombstone", "reason")] == [True] * 3, got)
    status, out, err = first.kanhe("export", "88.118.8.5/", "--status", "retired", "--format", "csv")
    check("the command line exports them", status == 0 and len(out.splitlines()) == 3 and out.splitlines()[1].startswith("88.118.8.5/M10,") and out.rstrip().endswith(",retired"), out)
    status, text = call("GET", "/exports?prefix=88.118.8.5/&format=csv&status=x")
    check("another status is refused", status == 400 and json.loads(text)["field"] == "status", text)
    status, text = call("GET", "/exports?prefix=88.118.8.5/&format=csv&columns=2:T1")
    check("columns that are named", text.startswith(b"id,2:T1,ttl,timestamp,values\n"), text[:80])
    for query, rule in (("format=csv", "required"), ("prefix=88.118.8&format=xml", "format"), ("prefix=88..&format=csv", None), ("prefix=88.118.8&format=csv&columns=0:X", "index")):
        status, e = call("GET", "/exports?" + query)
        check(f"export {query} is refused", status == 400 and (not rule or json.loads(e)["rule"] == rule), e)

    # ---- a first load ----------------------------------------------------------------------
    path = os.path.join(first.top, "load.ndjson")
    with open(path, "w") as f:
        for i in range(20000):
            k = i * 7919 % 20000
            f.write(json.dumps({"id": f"88.118.8.7/L{k:05d}", "values": [{"index": 1, "type": "URL", "data": f"https://l.example/{k % 5000}"}, {"index": 3, "type": "TTL", "data": "x" * (k % 300), "ttl": k}]}) + "\n")
    status, out, err = second.kanhe("import", path, "--sort", "--name", "load", "--json")
    check("a sorted load into an empty node", status == 0 and json.loads(out)["created"] == 20000, out + err)
    metrics = second.request("GET", "/metrics", token="operator")[1].decode()
    direct = [int(line.split()[1]) for line in metrics.splitlines() if line.startswith("kanhe_registry_direct_commits_total ")]
    check("went past the journal", len(direct) == 1 and direct[0] >= 1, direct)
    status, s = call("GET", "/count?prefix=88.118.8.7", node=second)
    check("all of it is counted", json.loads(s)["active"] == 20000, s)
    check("and there", [call("GET", f"/resolve/88.118.8.7/L{k:05d}", token=None, node=second)[0] for k in (0, 3999, 4000, 12345, 19999)] == [200] * 5)
    url = "/find?type=URL&value=https%3A%2F%2Fl.example%2F77"
    check("and found, once it is sorted", until(lambda: call("GET", url, token=None, node=second)[0] != 503))
    status, s = call("GET", url, token=None, node=second)
    check("by what it points to", [x["id"] for x in json.loads(s)["identifiers"]] == [f"88.118.8.7/L{k:05d}" for k in range(77, 20000, 5000)], s)
    status, s = call("GET", "/history/88.118.8.7/L12345", node=second)
    once = json.loads(s)["history"]
    check("its history has one change", status == 200 and len(once) == 1, s)
    unsorted = Node("--authority", "88.118.8")
    status, out, err = unsorted.kanhe("import", path, "--name", "load", "--json")
    check("the same as it stands", status == 0 and json.loads(out)["created"] == 20000, out + err)
    alike = [records(n, "88.118.8.7/") for n in (second, unsorted)]
    bare = [{i: [{k: w for k, w in v.items() if k != "timestamp"} for v in r["values"]] for i, r in x.items()} for x in alike]
    check("the same records by both ways", len(bare[0]) == 20000 and bare[0] == bare[1])
    unsorted.close()
    status, s = post("name=again&format=ndjson", open(path).read(), node=second)
    check("again: nothing changes", s["unchanged"] == 20000, s)
    status, s = post("name=more&format=ndjson", json.dumps({"id": "88.118.8.7/L12345", "values": [{"index": 1, "type": "URL", "data": "https://new.example"}]}), node=second)
    check("one is replaced", s["replaced"] == 1 and value("88.118.8.7/L12345", node=second) == "https://new.example", s)
    status, s = call("GET", "/history/88.118.8.7/L12345", node=second)
    twice = json.loads(s)["history"]
    check("which goes on from the first", len(twice) == 2 and twice[1]["before"] == once[0]["after"], s)

    # ---- the command line ------------------------------------------------------------------
    path = os.path.join(first.top, "things.csv")
    rows = [f"88.118.8/C{i * 7919 % 20000:05d},https://c.example/{i * 7919 % 20000}" for i in range(20000)]
    with open(path, "w") as f:
        f.write("id,URL\n" + "\n".join(rows) + "\n")
    status, out, err = first.kanhe("import", path, "--json")
    s = json.loads(out)
    check("kanhe import", status == 0 and s["created"] == 20000 and s["records_per_second"] > 0, out + err)
    check("no progress without a terminal", err == "", err)
    before = first.state()
    status, out, err = first.kanhe("import", path, "--json")
    check("again: done already", status == 0 and json.loads(out)["records_now"] == 0 and first.state() == before, out + err)
    with open(path, "r+b") as f:
        f.seek(len(b"id,URL\n"))
        f.write(b"89")
    status, out, err = first.kanhe("import", path)
    check("another file under the name is noticed", status == 1 and "another file" in err and first.state() == before, err)
    status, out, err = first.kanhe("import", path, "--name", "changed", "--report", path + ".report")
    check("a refused line: 1, and it is told", status == 1 and " 1 refused" in out and "89.118.8/C00000" in err, out + err)
    check("and in the report", json.loads(open(path + ".report").read())["rule"] == "authority", open(path + ".report").read())
    zh = {"LC_ALL": "zh_CN.UTF-8"}
    status, out, err = first.kanhe("import", path, "--name", "changed", "--report", path + ".report", env=zh)
    check("in Chinese, told", "第 2 行：89.118.8/C00000：本节点不负责该标识\n" in err, err)
    check("and written", json.loads(open(path + ".report").read())["message"] == "本节点不负责该标识", open(path + ".report").read())
    with open(path + ".bad", "w") as f:
        f.write("id,URL\n88.118.8/W1,https://w.example/\n88.118.8/W2\n")
    for language, want in (({}, "line 3: 88.118.8/W2: the line has fewer cells than the header\n"), (zh, "第 3 行：88.118.8/W2：该行的单元格少于表头\n")):
        status, out, err = first.kanhe("import", path + ".bad", "--sort", "--report", path + ".report", env=language)
        check("found while sorting, told", status == 1 and want in err, err)
        check("found while sorting, written", json.loads(open(path + ".report").read())["message"] in want)
    status, out, err = first.kanhe("import", path, "--sort", "--memory", "1", "--name", "sorted", "--json")
    s = json.loads(out)
    check("sorted in small memory", s["state"] == "finished" and s["read"] + s["refused_before_sending"] == 20000, out + err)
    check("what was there is unchanged", s["unchanged"] >= 19990, out)
    status, out, err = first.kanhe("import", path, "--sort", "--name", "sorted", "--json")
    check("sorting gives the same again, also in other memory", json.loads(out)["records_now"] == 0, out + err)
    status, out, err = first.kanhe("import", "-", "--format", "ndjson", "--name", "piped", "--json", stdin='{"id":"88.118.8/P1","values":[{"type":"URL","data":"p"}]}\n{"id":"88.118.8/P2"}\n')
    check("standard input", status == 1 and json.loads(out)["created"] == 1 and value("88.118.8/P1") == "p", out + err)
    status, out, err = first.kanhe("import", "--errors", "piped")
    check("--errors", status == 0 and json.loads(out)["line"] == 2 and json.loads(out)["field"] == "values", out + err)
    status, out, err = first.kanhe("import", "--list", "--json")
    check("--list", status == 0 and {"piped", "sorted", "changed"} <= {i["name"] for i in json.loads(out)["imports"]}, out)
    status, out, err = first.kanhe("import", "--status", "piped", "--json")
    check("--status", status == 0 and json.loads(out)["state"] == "finished", out)
    status, out, err = first.kanhe("import", "--remove", "piped")
    check("--remove", status == 0 and state("piped") == 404 and value("88.118.8/P1") == "p", err)
    check("none such is 3", first.kanhe("import", "--remove", "piped")[0] == 3 and first.kanhe("import", "--status", "piped")[0] == 3)
    for args, text in ((("-",), "--format"), (("-", "--format", "csv"), "--name"), ((path, "--format", "xml"), "xml"), ((path, "--memory", "x", "--sort"), "x"), ((path, "--name", ""), "--name"), ((), "FILE")):
        status, out, err = first.kanhe("import", *args, stdin="")
        check(f"import {args} is a typing error", status == 2 and text in err, err)
    status, out, err = first.kanhe("import", "/nonexistent.csv")
    check("no such file", status == 1 and "nonexistent" in err, err)
    target = os.path.join(first.top, "out.csv")
    status, out, err = first.kanhe("export", "88.118.8", "-o", target, "--json")
    n = sum(1 for _ in open(target)) if status == 0 else 0
    check("kanhe export", status == 0 and json.loads(out)["format"] == "csv" and n > 20000 and not os.path.exists(target + ".part"), out + err)
    status, out, err = first.kanhe("export", "88.118.8.5/", "--format", "ndjson")
    check("to standard output", status == 0 and len(out.splitlines()) == 699, err)
    with open(os.path.join(first.top, "narrow.token"), "w") as f:
        f.write(narrow)
    status, out, err = first.kanhe("export", "88.118.8", "-o", target + "2", "--token", f.name)
    check("what the scope does not cover is 6", status == 6 and not os.path.exists(target + "2") and not os.path.exists(target + "2.part"), err)
    status, out, err = second.kanhe("import", target, "--name", "all")
    check("what was written goes in elsewhere", status == 0 and records(second, "88.118.8").keys() >= records(first, "88.118.8.5/").keys(), out + err)

    # ---- a message that the end of input cuts, in the first batch and in a later one ----------
    for name, prefix in (("few", "88.118.8.5/"), ("many", "88.118.8")):
        octets = call("GET", f"/exports?prefix={prefix}&format=protobuf")[1]
        starts, at = [], 0
        while at < len(octets):
            head = octets[at:at + 5]
            n, rest = varint(head)
            starts.append(at)
            at += len(head) - len(rest) + n
        for k, end in enumerate((len(octets) - 1, starts[-1] + 1)):
            status, s = post(f"name=cut-{name}{k}&format=protobuf", octets[:end])
            check(f"what is whole of {name} goes in", status == 200 and s["state"] == "finished" and (s["unchanged"] + s["replaced"], s["refused"]) == (len(starts) - 1, 1), s)
            errors = json.loads(call("GET", f"/imports/cut-{name}{k}/report")[1]).get("errors")
            check("and what is cut is told with its place", errors and [(e["rule"], e["line"], e["offset"]) for e in errors] == [("cut", len(starts), starts[-1])], errors)
    check("more than a batch was many", len(starts) > 5000, len(starts))

    # ---- refusals that name the limit and what was found ---------------------------------------
    def one(octets):
        return bytes((len(octets) & 127 | 128, len(octets) >> 7 & 127 | 128, len(octets) >> 14)) + octets

    def field(number, octets):
        n, out = len(octets), bytes((number << 3 | 2,))
        while n > 127:
            out, n = out + bytes((n & 127 | 128,)), n >> 7
        return out + bytes((n,)) + octets

    def refusal(name, octets, form="protobuf", **more):
        post(f"name={name}&format={form}", octets)
        return json.loads(call("GET", f"/imports/{name}/report", **more)[1])["errors"][0]

    whole = call("GET", "/exports?prefix=88.118.8/P1&format=protobuf")[1]
    chinese = {"Accept-Language": "zh"}
    for name, data, form, english, zh in (
            ("pb", None, "protobuf", "values[0].data has 70000 octets, 0 to 65536 are allowed", "values[0].data 有 70000 字节，须为 0 至 65536 字节"),
            ("csv", b"id,URL\n88.118.8/long," + b"x" * 70000 + b"\n", "csv", "the cell has 70000 octets, at most 65536 are allowed", "单元格有 70000 字节，最长 65536 字节"),
            ("json", json.dumps({"id": "88.118.8/long", "values": [{"type": "URL", "data": "x" * 70000}]}).encode(), "ndjson",
             "values[0].data has 70000 octets, at most 65536 are allowed", None),
            ("kind", json.dumps({"id": "88.118.8/long", "values": [{"type": "URL", "data": 7}]}).encode(), "ndjson",
             "values[0].data must be a string or an object of format and value", None)):
        if form == "protobuf":
            proto = open(os.path.join(os.path.dirname(__file__), "../../proto/pb/kanhe.proto")).read()
            data = one(long_record(proto, field))
        e = refusal("limit-" + name, data, form)
        check(f"{name} names the limit and what was found", e["message"] == english, e)
        told = refusal("limit-" + name, data, form, headers=chinese)["message"]
        check(f"{name} in Chinese", told == zh if zh else told != english, told)
    status, out, err = first.kanhe("import", path, "--existing", "foo")
    check("--existing names what it takes", status == 2 and all(w in err for w in ("foo", "replace", "refuse")), err)
    status, out, err = first.kanhe("import", path, "--existing", "replace", "--name", "existing-replace", "--quiet")
    check("and takes the one that is so anyway", status in (0, 1) and state("existing-replace")["state"] == "finished", err)

    # ---- an export of what is another node's ---------------------------------------------------
    for prefix in ("88.999", "gs1:9521234", "88.999/"):
        status, got = call("GET", f"/exports?prefix={prefix}")
        check(f"an export of {prefix} is refused", status == 421 and json.loads(got).get("rule") == "authority", (status, got))
    status, out, err = first.kanhe("export", "88.999", "-o", target + "3")
    check("kanhe says so, and makes no file", status == 1 and "prefix" in err and not os.path.exists(target + "3"), (status, err))
    for prefix in ("88.118.8.77/", "88"):
        status, got = call("GET", f"/exports?prefix={prefix}")
        check(f"{prefix} is exported", status == 200, (status, got))

    # ---- while it serves -------------------------------------------------------------------
    metrics = first.request("GET", "/metrics", token="operator")[1].decode()
    check("counted", "kanhe_resolver_import_records_total" in metrics and "kanhe_resolver_export_records_total" in metrics and "\nkanhe_resolver_imports_running 0\n" in metrics)
finally:
    first.close()
    second.close()
finish()
