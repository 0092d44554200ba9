"""The command line: help, typing errors, exit statuses, JSON, both languages."""
import json
import os
import re
import tempfile

from node import KANHED, Node, check, finish, run

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/kanhe/command.h")
COMMANDS = re.findall(r"^\tX\((\w+), command_", open(TABLE).read(), re.M)
check("the table of commands is read", len(COMMANDS) > 30, COMMANDS)


def told(c, text):
    return re.search(rf"^  {c} ", text, re.M)

for c in COMMANDS:
    status, out, err = run(c, "--help")
    check(f"{c} --help", status == 0 and out.startswith(f"Usage: kanhe {c}") and "Example" in out and not err, out + err)
    check(f"{c} --help names the common options", "--json" in out and "--node" in out)
    status, out, err = run(c, "--help", env={"LC_ALL": "zh_CN.UTF-8"})
    check(f"{c} --help in Chinese", status == 0 and out.startswith(f"用法：kanhe {c}"), out)
    status, out, err = run(c, "--no-such-option")
    check(f"{c}: unknown option", status == 2 and "--help" in err and not out, err)

status, out, err = run()
check("no command", status == 2 and all(told(c, err) for c in COMMANDS))
status, out, err = run("--help")
check("overview", status == 0 and all(told(c, out) for c in COMMANDS), [c for c in COMMANDS if not told(c, out)])
status, out, err = run("--help", env={"LC_ALL": "zh_CN.UTF-8"})
check("overview in Chinese", status == 0 and all(told(c, out) for c in COMMANDS), [c for c in COMMANDS if not told(c, out)])
for wrong, right in (("resolv", "resolve"), ("regster", "register"), ("pul", "pull"), ("audti", "audit"), ("verfy", "verify")):
    status, out, err = run(wrong)
    check(f"typing error {wrong}", status == 2 and f'"{right}"' in err, err)
status, out, err = run("qqqqqq")
check("no far-fetched suggestion", status == 2 and "mean" not in err, err)
status, out, err = run("resolve", "--trase", "x")
check("typing error in an option", status == 2 and "--trace" in err, err)
status, out, err = run("init", "/nonexistent/x", "--participant", "x", "--tokens", "RSA")
check("tokens of a kind that is none", status == 2 and "takes one of EdDSA|ES256" in err, err)
with tempfile.TemporaryDirectory(prefix="kanhe-test.") as folder:
    with open(os.path.join(folder, "kanhed.conf"), "w", encoding="utf-8") as f:
        f.write("[node]\nurl = http://127.0.0.1:1\n[space]\nparticipant = p\n")
    for words, near in ((("credential", "isue"), "issue"), (("credential", "type", "ad"), "add"), (("credential", "client", "lst"), "list"), (("dataplane", "registr"), "register"),
                        (("outbox", "rerty"), "retry"), (("negotiation", "terminat", "urn:x"), "terminate"), (("inbox", "aprove", "urn:x"), "approve"),
                        (("transfer", "suspnd", "urn:x"), "suspend"), (("agreement", "verfy", "urn:x"), "verify"), (("node", "partcipant"), "participant")):
        status, out, err = run(*words, "--node", folder)
        check(f"typing error {words}", status == 2 and f'"{near}"' in err and "missing" not in err, err)
    status, out, err = run("credential", "--node", folder)
    check("a verb is missing", status == 2 and "issue|add" in err, err)
    status, out, err = run("credential", "add", os.path.join(folder, "none.jwt"), "--node", folder, env={"LC_ALL": "zh_CN.UTF-8"})
    check("a file that is not there, in Chinese", status == 1 and "无法读取" in err, err)
status, out, err = run("resolve", "88.1/x", "--node", "/nonexistent")
check("no node there", status == 2 and "KANHE_NODE" in err, err)
status, out, err = run("resolve", "88.1/x", "--node", "http://127.0.0.1:1")
check("nobody listens", status == 5, err)

with tempfile.TemporaryDirectory(prefix="kanhe-test.") as folder:
    at = os.path.join(folder, "node")
    status, out, err = run("init", at, "--anchor", "88=z6Mk…@https://top.example:8443")
    check("init refuses an anchor that is none, and leaves nothing", status != 0 and "z6Mk…" in err and not os.listdir(folder), err)

status, out, err = run("--help", program=KANHED)
check("kanhed --help", status == 0 and "--check" in out)
status, out, err = run("--chek", program=KANHED)
check("kanhed: unknown option", status == 2)

node = Node("--authority", "88.118.8", "--participant", "maker")
try:
    status, out, err = node.kanhe("register", "88.118.8/A", "URL=https://a.example/")
    check("register", status == 0, err)
    status, out, err = node.kanhe("resolve", "88.118.8/A", "--json")
    check("resolve --json is one value", status == 0 and json.loads(out)["id"] == "88.118.8/A", out)
    status, out, err = node.kanhe("register", "88.118.8/B", "URL=x", "--token", "/nonexistent.token")
    check("a token file that is not there: told once, nothing is asked", status == 1 and "401" not in err and "/nonexistent.token" in err, err)
    for words, verbs in ((("enterprise", "account", "remove", "X"), "add|list|revoke"), (("enterprise", "aprove", "X"), "apply|list|show|approve|"), (("value", "ad", "88.1/x"), "add|set|remove|apply|show"),
                         (("template", "lst"), "list|show|add|put|delete|classes"), (("identity", "list"), "add|remove"), (("series", "cut"), "add|show|list|split|retire"),
                         (("node", "stpo"), "start|stop|restart|token|participant"), (("report", "sned"), "status|send|compare|received|copy")):
        status, out, err = node.kanhe(*words)
        check(f"{words}: what it can is told", status == 2 and verbs in err, err)
    status, out, err = node.kanhe("list", "88.118.8", "--limit", "0")
    check("0 is a number, but none of a limit", status == 2 and "from 1" in err, err)
    status, out, err = node.kanhe("list", "88.999")
    check("a prefix of another node is no empty list", status == 1 and "not authoritative" in err, (status, err))
    status, out, err = node.kanhe("list", "88.118.8", "--since", "2026-11-27", "--until", "2026-11-26")
    check("nor is a time that ends before it begins", status == 1 and "until" in err, err)
    for words in (("history", "88.118.8/NONE"), ("enterprise", "show", "91350100M000100Y43")):
        status, out, err = node.kanhe(*words)
        check(f"{words}: what is not found is told", status == 3 and ("was ever registered" in err or "has applied" in err), err)
    status, out, err = node.kanhe("enterprise", "account", "add", "91350100M000100Y43", "x", "--days", "3")
    check("an option that means nothing here is not ignored", status == 2 and "--expires" in err, err)
    out_file = os.path.join(node.folder, "line.token")
    status, out, err = node.kanhe("node", "token", "add", "line", "enterprise", "--scope", "88.118.8", "--out", out_file)
    check("a token in a file of its own", status == 0 and os.stat(out_file).st_mode & 0o777 == 0o600 and "kt_" not in out and open(out_file).read().startswith("kt_"), out + err)
    status, out, err = node.kanhe("register", "88.118.8/LINE", "URL=x", "--token", out_file)
    check("which is good", status == 0, err)
    status, out, err = run("resolve", "88.118.8/A", "--node", node.url, env={"HOME": node.folder})
    check("an authority that is not known: what to do", status == 5 and "--ca FILE" in err, err)
    status, out, err = node.kanhe("resolve", "88.118.8/NONE")
    check("not found is 3", status == 3 and not out, err)
    status, out, err = node.kanhe("resolve", "88.118.8")
    check("no identifier: the rule is named", status == 1 and "offset" in err or "@" in err, err)
    status, out, err = node.kanhe("register", "88.118.8/B", "URL")
    check("not TYPE=DATA", status == 2 and "URL" in err, err)
    status, out, err = node.kanhe("register", "88.999/B", "URL=x")
    check("a foreign prefix is refused", status in (1, 6) and err, err)
    before = node.state()
    status, out, err = node.kanhe("load", "/dev/null")
    check("an empty file is told", status == 1 and "empty" in err, err)
    series = os.path.join(node.folder, "series")
    for what, text in (("NDJSON", '{"id":"88.118.8/L","values":[]}\n{"pattern":"88.118.8/S-{00..99}","values":[]}\n'),
                       ("CSV", "id,URL,pattern\n88.118.8/L,https://l.example/,\n"), ("CSV without ids", "pattern,URL\n")):
        open(series, "w").write(text)
        status, out, err = node.kanhe("load", series)
        check(f"a series in {what}: who takes it is named", status == 1 and "kanhe import" in err, err)
    status, out, err = node.kanhe("load", series, env={"LC_ALL": "zh_CN.UTF-8"})
    check("in Chinese too", "系列须以 kanhe import" in err, err)
    check("and changes nothing", node.state() == before)
    lines = [json.dumps({"id": f"88.118.8/L{i}", "values": [{"type": "URL", "data": f"https://l.example/{i}"}]}) for i in range(5500)]
    path = os.path.join(node.folder, "many.ndjson")
    open(path, "w").write("\n".join(lines))
    status, out, err = node.kanhe("load", path, "--json")
    check("batches on their way at once are all registered", status == 0 and json.loads(out)["registered"] == 5500, out + err)
    status, out, err = node.kanhe("resolve", "88.118.8/L5499", "--json")
    check("the last of them too", status == 0 and json.loads(out)["values"][0]["data"]["value"] == "https://l.example/5499", out + err)
    lines[4321] = '{"id": "88.118.8/L4321", "values": [{"type": 7}]}'
    open(path, "w").write("\n".join(line.replace("88.118.8/L", "88.118.8/M") for line in lines))
    status, out, err = node.kanhe("load", path)
    check("a bad record: line and member are named", status == 1 and ":4322: values[0].type" in err, err)
    lines[4321], lines[2500] = lines[4320].replace("L4320", "L4321"), lines[2500].replace("88.118.8", "88.999")
    open(path, "w").write("\n".join(line.replace("88.118.8/L", "88.118.8/N") for line in lines))
    status, out, err = node.kanhe("load", path)
    check("a refused batch fails the load", status in (1, 6) and "records[499].id" in err, err)
    status, out, err = node.kanhe("resolve", "88.118.8/N999")
    check("and nothing of it is registered: they go in order of their keys", status == 3, out + err)
    twice = [json.dumps({"id": "88.118.8/TWICE", "values": [{"type": "URL", "data": f"https://t.example/{i}"}]}) for i in range(6)]
    open(path, "w").write("\n".join(line for i in range(6) for line in [twice[i]] + [x.replace("/L", f"/O{i}") for x in lines[:300]]))
    status, out, err = node.kanhe("load", path, "--json")
    check("an identifier that comes again", status == 0 and json.loads(out)["registered"] == 1806, out + err)
    status, out, err = node.kanhe("resolve", "88.118.8/TWICE", "--json")
    check("is what the last of them says", status == 0 and json.loads(out)["values"][0]["data"]["value"] == "https://t.example/5"
          and json.loads(out)["revision"] == 6, out + err)
    status, out, err = node.kanhe("register", "88.118.8/ESC", "DESC=\x1b[31mred")
    if status == 0:
        status, out, err = node.kanhe("resolve", "88.118.8/ESC")
        check("escape sequences do not reach the terminal", "\x1b[31m" not in out, repr(out))
    status, out, err = node.kanhe("register", "88.118.8/A", "--retire")
    check("retire", status == 0, err)
    status, out, err = node.kanhe("resolve", "88.118.8/A")
    check("retired is 3", status == 3 and err, err)
    form = os.path.join(node.folder, "form.json")
    open(form, "w").write(json.dumps({"prefix": "88.118.8", "version": "v1", "title": "Valve", "attributes": [
        {"name": "bore", "type": "number", "min": "1", "max": "500", "required": True}]}))
    status, out, err = node.kanhe("template", "add", form, "--json")
    check("template add", status == 0 and json.loads(out)["revision"] == 1, out + err)
    status, out, err = node.kanhe("template", "add", form)
    check("template add: twice is refused", status == 1 and err, err)
    status, out, err = node.kanhe("template", "put", form)
    check("template put replaces", status == 0 and "2" in out, out + err)
    status, out, err = node.kanhe("template", "list", "88.118.8")
    check("template list", status == 0 and "v1" in out and "Valve" in out, out + err)
    status, out, err = node.kanhe("template", "show", "88.118.8", "v1", "--json")
    check("template show --json", status == 0 and json.loads(out)["attributes"][0]["index"] == 2000, out + err)
    record = os.path.join(node.folder, "record.json")
    open(record, "w").write(json.dumps({"values": [{"index": 1001, "type": "TEMPLATE", "data": "v1"}, {"index": 2000, "type": "bore", "data": "900"}]}))
    status, out, err = node.kanhe("register", "88.118.8/V", "--file", record)
    check("the failing attribute is named", status == 1 and "bore" in err, err)
    open(record, "w").write(json.dumps({"values": [{"index": 1001, "type": "TEMPLATE", "data": "v1"}, {"index": 2000, "type": "bore", "data": "90"}]}))
    status, out, err = node.kanhe("register", "88.118.8/V", "--file", record)
    check("a record that keeps to it", status == 0, err)
    status, out, err = node.kanhe("value", "set", "88.118.8/V", "2000", "bore=900")
    check("single values are held to it as well", status == 1 and "bore" in err, err)
    status, out, err = node.kanhe("value", "remove", "88.118.8/V", "2000")
    check("what is required cannot be removed", status == 1 and "bore" in err, err)
    status, out, err = node.kanhe("template", "delete", "88.118.8", "v1")
    check("a template in use is kept", status == 1 and "use" in err, err)
    status, out, err = node.kanhe("value", "remove", "88.118.8/V", "1001")
    check("a record may leave its template", status == 0, err)
    status, out, err = node.kanhe("template", "delete", "88.118.8", "v1")
    check("template delete", status == 0, err)
    status, out, err = node.kanhe("template", "show", "88.118.8", "v1")
    check("and it is gone", status == 3, err)
    status, out, err = node.kanhe("template", "lst", "88.118.8")
    check("typing error in a verb", status == 2 and "list" in err, err)
    status, out, err = node.kanhe("status", "--json")
    check("status --json", status == 0 and json.loads(out)["registry"]["ledger_size"] > 0, out)
    status, out, err = node.kanhe("status", "--token", "/dev/null")
    check("no token is 6", status == 6, err)
    status, out, err = node.kanhe("config", "--json")
    check("config --json", status == 0 and json.loads(out)["node"]["url"]["source"] == "file", out[:200])
    status, out, err = node.kanhe("config", "--set", "net.shards=many")
    check("a bad setting is named", status == 1 and "net.shards" in err, err)
    status, out, err = node.kanhe("node", "token", "add", "both", "enterprise", "--scope", "88.118.8.1", "--scope", "88.118.8.2")
    check("an option given twice is wrong usage: half of it would be dropped", status == 2 and "--scope is given twice" in err, err)
    status, out, err = node.kanhe("node", "token", "add", "both", "enterprise", "--scope", "88.118.8.1,88.118.8.2")
    check("a scope has blanks between prefixes, not commas", status == 1 and "not by commas (blanks" in err, err)
    status, out, err = node.kanhe("node", "token", "add", "both", "enterprise", "--scope", "88.118.8.1,88.118.8.2", env={"LC_ALL": "zh_CN.UTF-8"})
    check("in Chinese as well", status == 1 and "作用域中的前缀以空格分隔，不用逗号" in err, err)
    status, out, err = node.kanhe("node", "token", "list")
    check("and gives no token", "both" not in out, out)
    status, out, err = node.kanhe("node", "token", "add", "line-4", "enterprise", "--scope", "88.118.8")
    check("token add", status == 0 and out.startswith("kt_"), err)
    status, out, err = node.kanhe("node", "token", "list")
    check("token list", status == 0 and "line-4" in out and "kt_" not in out, out)
    status, out, err = node.kanhe("node", "token", "revoke", "line-4")
    check("token revoke", status == 0, err)
    for words in (("transfer", "urn:x"), ("negotiation", "show", "urn:x"), ("negotiation", "urn:x"), ("agreement", "show", "urn:x"), ("credential", "revoke", "urn:x"),
                  ("dataplane", "remove", "urn:x"), ("outbox", "show", "77")):
        status, out, err = node.kanhe(*words)
        check(f"{words}: what is not there is named, and where", status == 3 and words[-1] in err and node.url in err, err)
    for words, english, chinese in (
            (("outbox", "show", "12"), "there is no letter 12 in the outbox", "发件箱中没有消息 12"), (("outbox", "retry", "12"), "there is no letter 12 in the outbox", "发件箱中没有消息 12"),
            (("outbox", "drop", "12"), "there is no letter 12 in the outbox", "发件箱中没有消息 12"), (("transfer", "urn:x"), "there is no transfer urn:x", "没有传输 urn:x"),
            (("negotiation", "urn:x"), "there is no negotiation urn:x", "没有协商 urn:x"), (("agreement", "show", "urn:x"), "there is no agreement urn:x", "没有合约 urn:x"),
            (("inbox", "show", "urn:x"), "nothing called urn:x waits for a decision", "没有编号为 urn:x 的待决请求"),
            (("dataplane", "remove", "line-9"), "no data plane line-9 is registered", "没有登记数据平面 line-9"),
            (("dataplane", "dismiss", "hall-9"), "no control plane hall-9 is admitted", "没有接入控制平面 hall-9"),
            (("dataplane", "content", "f-9"), "there is no data flow f-9", "没有数据流 f-9"),
            (("credential", "remove", "urn:x"), "no credential urn:x is held", "未持有凭证 urn:x"),
            (("credential", "revoke", "urn:x"), "no credential urn:x was issued", "未签发过凭证 urn:x"),
            (("credential", "approve", "urn:x"), "there is no credential request urn:x", "没有凭证请求 urn:x"),
            (("credential", "type", "remove", "urn:x"), "no type of the id urn:x is issued", "没有编号为 urn:x 的签发类型")):
        for language, text in (("C.UTF-8", english), ("zh_CN.UTF-8", chinese)):
            status, out, err = node.kanhe(*words, env={"LC_ALL": language})
            check(f"{words}: the thing is named ({language})", status == 3 and text in err and node.url in err, err)
    for words in (("catalog", "nonsense"), ("negotiate", "nonsense", "x"), ("catalog", "--crawl", "nonsense")):
        status, out, err = node.kanhe(*words)
        check(f"{words}: how a partner is named", status == 1 and "DID" in err and "https://" in err, err)
    for did, why in (("did:web:127.0.0.1%3A1:p:x", "connect"), (f"did:web:127.0.0.1%3A{node.port}:p:none", "answered 404")):
        for words in (("catalog", did), ("credential", "request", did, "X")):
            status, out, err = node.kanhe(*words)
            check(f"{words}: why there is no DID document", status == 1 and why in err and "DID document" in err, err)
    kept = os.path.join(node.folder, "kept")
    open(kept, "w").write("as it was")
    status, out, err = node.kanhe("dataplane", "content", "none", "--to", kept)
    check("what is not had leaves a file as it was", status == 3 and open(kept).read() == "as it was", err)
    status, out, err = node.kanhe("dataplane", "content", "none", "--to", os.path.join(node.folder, "fresh"))
    check("and makes none", status == 3 and not os.path.exists(os.path.join(node.folder, "fresh")), err)
    data = os.path.join(node.folder, "data.csv")
    open(data, "w").write("a\n")
    status, out, err = node.kanhe("node", "participant", "second", "--title", "Second", "--tokens", "ES256")
    check("a second participant, and how to act for it", status == 0 and ":p:second" in out and "--scope @second" in err, out + err)
    rows = json.loads(node.kanhe("node", "participant", "--json")[1])["participants"]
    check("participants with what pins them", [(p["id"], p["tokens"]) for p in rows] == [("maker", "EdDSA"), ("second", "ES256")]
          and rows[0]["pin"] == f"{rows[0]['did']}={rows[0]['key']}@{rows[0]['dsp']}" and rows[0]["key"][:4] == "z6Mk" and rows[1]["key"][:3] == "zDn", rows)
    status, out, err = node.kanhe("node", "participant", "list")
    check("for people", status == 0 and rows[1]["pin"] in out and rows[0]["pin"] in out, out)
    status, out, err = node.kanhe("verify", "/etc/hostname")
    check("no bundle is 4", status == 4, err)
finally:
    node.close()
finish()
