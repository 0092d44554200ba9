"""An enterprise goes from one secondary node to another: everything it has, with the proof, and resolvers are led there.
A superior, the node that gives it away, the node that takes it over, and a recursive node that asks from above."""
import json
import os
import shutil
import tempfile

from exported import bare
from node import Node, check, finish, run

CODE = "91350100M000100Y43"
walker = None
authority = tempfile.mkdtemp(prefix="kanhe-test.")  # one authority of TLS for all
top = Node("--authority", "88", "--ca", authority)
old = Node("--authority", "88.118", "--ca", authority)
new = Node("--authority", "88.118.5,88.118.6", "--ca", authority)


def kanhe(*words, node=old, **more):
    return node.kanhe("enterprise", *words, **more)


def good(*words, node=old):
    status, out, err = kanhe(*words, node=node)
    assert status == 0, (words, out, err)
    return out


def call(method, path, body=None, node=old, token="registrar"):
    status, got, _ = node.request(method, path, body, token)
    return status, got


def code(first):
    """With its check character (GB 32100)."""
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    return first + letters[-sum(letters.index(c) * pow(3, i, 31) for i, c in enumerate(first)) % 31]


def all_of(node, prefix):
    status, out, err = node.kanhe("export", prefix, "--status", "all")
    assert status == 0, err
    return [bare(x) for x in out.splitlines()]


def change(path, old_text, new_text):
    """One member changed in a copy of the folder."""
    copy = tempfile.mkdtemp(prefix="kanhe-test.", dir=old.top)
    shutil.copytree(folder, copy, dirs_exist_ok=True)
    name = os.path.join(copy, path)
    text = open(name).read()
    assert old_text in text, (path, old_text)
    open(name, "w").write(text.replace(old_text, new_text, 1))
    return copy


try:
    for child in ((old, "88.118"),):
        status, out, err = top.kanhe("delegate", child[1], "--to", child[0].folder)
        assert status == 0, err

    # ---- what it has
    key = os.path.join(old.top, "works.key")
    good("key", "new", key)
    good("apply", CODE, "Example Works", "--person", "Li", "--phone", "0591", "--email", "li@works.example", "--prefix", "88.118.5", "--key", key)
    good("approve", CODE, "--review", "licence seen", "--quota", "40")
    good("prefix", CODE, "--prefix", "88.118.6")
    call("PUT", "/templates/88.118.5/v1", {"published": True, "title": "pump", "attributes": [{"name": "power", "index": 2000, "type": "number"}]})
    call("PUT", "/classifications/88.118.5", {"classes": [{"code": "A", "name": "machines"}]})
    for i in range(20):
        status, got = call("PUT", f"/registry/88.118.5%2FE{i}", {"values": [{"type": "URL", "data": f"https://w.example/{i}"}]})
        assert status == 201, got
    status, got = call("PUT", "/registry/88.118.5%2Fpump", {"values": [{"index": 1000, "type": "TEMPLATE_ID", "data": "88.118.5/v1"},
                                                                    {"index": 2000, "type": "power", "data": "7"}]})
    assert status == 201, got
    call("PUT", "/registry/88.118.6%2Fother", {"values": [{"type": "URL", "data": "https://o.example/"}]})
    call("DELETE", "/registry/88.118.5%2FE3")
    for pattern in ("88.118.5/S-{0000..9999}", "88.118.6/T-{00..99}"):
        status, out, err = old.kanhe("series", "add", pattern, "URL=https://s.example/{serial}")
        assert status == 0, err
    old.kanhe("series", "retire", "88.118.6/T-{00..99}")
    old.kanhe("series", "retire", "88.118.5/S-{0000..9999}", "--member", "0007")
    old.kanhe("register", "88.118.5/S-0008", "URL=https://own.example/")
    before = json.loads(good("show", CODE, "--json"))["used"]
    status, out, err = old.kanhe("series", "add", "88.118.6/CUT-{00..99}", "URL=https://cut.example/{serial}")
    status, out, err = old.kanhe("series", "split", "88.118.6/CUT-{00..99}", "--at", "50")
    check("each part of a series that is cut counts", status == 0 and json.loads(good("show", CODE, "--json"))["used"] == before + 2, out + err)
    used = json.loads(good("show", CODE, "--json"))["used"]
    main = os.path.join(old.top, "main.token")
    good("account", "add", CODE, "main", "--out", main)

    # ---- written down
    folder = os.path.join(old.top, "dossier")
    status, out, err = kanhe("dossier", CODE, "--out", folder)
    check("only of one that changes nothing any more", status == 1 and "enterprise-state" in err and "suspended" in err, err)
    good("suspend", CODE, "--reason", "moves to another node")
    before = old.state()
    status, out, err = kanhe("dossier", CODE, "--out", folder, "--token", os.path.join(old.folder, "tokens", "auditor.token"))
    check("not by an auditor", status == 6 and old.state() == before, err)
    status, out, err = kanhe("dossier", "91110000600037341L", "--out", folder + "x")
    check("not of one that is none", status == 3, err)
    status, out, err = kanhe("dossier", CODE, "--out", folder)
    n = len(open(os.path.join(folder, "records.ndjson")).readlines())
    check("a dossier", status == 0 and n == 28 and f"{n} series and records, 2 templates" in err, (n, err))
    check("is for its owner only", os.stat(folder).st_mode & 0o777 == 0o700 and not any(os.stat(os.path.join(folder, f)).st_mode & 0o077 for f in os.listdir(folder)))
    told = json.load(open(os.path.join(folder, "dossier.json")))
    check("the ledger tells of it", json.loads(told["entries"][-1]["entry"])["kind"] == "enterprise.exported"
          and [json.loads(e["entry"])["kind"] for e in told["entries"]][:2] == ["enterprise.applied", "enterprise.approved"], told["entries"][-1])
    check("no secret is in it", all(open(main).read().strip() not in open(os.path.join(folder, f)).read() for f in os.listdir(folder)))
    for body in ({}, {"records": {"lines": 1, "sha256": "x"}, "templates": {"lines": 0, "sha256": "00" * 32}}, {"records": 1}):
        before = old.state()
        status, got = call("POST", f"/enterprises/{CODE}/dossier", body)
        check(f"a bad wish {body}", status == 400 and got["rule"] and old.state() == before, got)

    # ---- checked, without a network and without a node
    node = old.request("GET", "/.well-known/kanhe-node")[1]
    pin = f"{node['did']}={node['keys'][0]}"
    status, out, err = run("enterprise", "verify", folder, pin, "--json")
    got = json.loads(out) if status == 0 else {}
    check("it holds", status == 0 and got["verified"] and got["key_known"] and got["records"]["lines"] == n and got["name"] == "Example Works", out + err)
    status, out, err = run("enterprise", "verify", folder)
    check("by its own word, which is told", status == 0 and node["keys"][0] in out, out + err)
    status, out, err = run("enterprise", "verify", folder, "--from", pin)
    check("the key may stand behind --from too", status == 0 and "by the key that it names" not in out, out + err)
    stranger = top.request("GET", "/.well-known/kanhe-node")[1]
    entries = told["entries"]
    for what, copy in (
            ("another record", change("records.ndjson", "https://w.example/1", "https://w.example/X")),
            ("a line less", change("records.ndjson", open(os.path.join(folder, "records.ndjson")).readline(), "")),
            ("another template", change("templates.ndjson", "pump", "dump")),
            ("another name in an entry", change("dossier.json", r'name\":\"Example Works', r'name\":\"Another Works')),
            ("another name that people read", change("dossier.json", '"name":"Example Works"', '"name":"Another Works"')),
            ("another person that people read", change("dossier.json", '"person":"Li"', '"person":"Mi"')),
            ("a prefix more that people read", change("dossier.json", '"prefixes":[', '"prefixes":["88.118.9",')),
            ("another prefix that people read", change("dossier.json", '"prefixes":["88.118.5"', '"prefixes":["88.118.9"')),
            ("another row", change("dossier.json", told["row"], told["row"][:40] + ("A" if told["row"][40] != "A" else "B") + told["row"][41:])),
            ("another salt", change("dossier.json", entries[0]["salt"], "AAAA" + entries[0]["salt"][4:])),
            ("another place", change("dossier.json", f'"index":{entries[-1]["index"]}', f'"index":{entries[-1]["index"] - 1}')),
            ("another node", change("dossier.json", node["did"], stranger["did"])),
            ("another key", change("dossier.json", node["keys"][0], stranger["keys"][0])),
            ("a checkpoint without its signature", change("dossier.json", told["checkpoint"].strip().split("\n")[-1][-12:], "AAAAAAAAAAA=")),
            ("no JSON", change("dossier.json", "{", "["))):
        status, out, err = run("enterprise", "verify", copy, pin)
        check(f"{what}: it does not hold", status == 4, (status, out, err))
    text = open(os.path.join(folder, "dossier.json")).read()
    cut = tempfile.mkdtemp(prefix="kanhe-test.", dir=old.top)
    shutil.copytree(folder, cut, dirs_exist_ok=True)
    x = json.loads(text)
    x["entries"] = x["entries"][:-1]
    json.dump(x, open(os.path.join(cut, "dossier.json"), "w"))
    status, out, err = run("enterprise", "verify", cut, pin)
    check("without its last entry it does not hold", status == 4 and "written down" in err, err)
    status, out, err = run("enterprise", "verify", folder, f"{stranger['did']}={stranger['keys'][0]}")
    check("of a node whose key is another", status == 4, err)
    status, out, err = run("enterprise", "verify", cut, pin, env={"LC_ALL": "zh_CN.UTF-8"})
    check("in Chinese too", status == 4 and "最后一条账目未载明写下的内容" in err, err)
    status, out, err = run("enterprise", "verify", os.path.join(old.top, "nothing"))
    check("no folder", status == 1, err)

    # ---- what the node's own key signs must be this enterprise's story, whole and in its order
    second, folder2 = code("91350100M000101G0"), os.path.join(old.top, "second")
    good("apply", second, "Second Works", "--person", "Wu", "--phone", "0592", "--email", "wu@second.example", "--prefix", "88.118.7")
    good("approve", second, "--review", "licence seen")
    good("suspend", second, "--reason", "moves")
    good("dossier", second, "--out", folder2 + "a")
    good("reinstate", second)
    good("suspend", second, "--reason", "moves after all")
    good("dossier", second, "--out", folder2)
    was, now = (json.load(open(os.path.join(x, "dossier.json"))) for x in (folder2 + "a", folder2))
    size = int(now["checkpoint"].split("\n")[1])

    def leaf(index):
        got = old.request("GET", f"/ledger/registry/leaf/{index}?size={size}", token="auditor")[1]
        return {k: got[k] for k in ("index", "salt", "entry", "proof")}

    story = [leaf(e["index"]) for e in now["entries"]]
    check("the dossier's entries are the ledger's", story == now["entries"], story[:1])
    foreign = sorted(story + [leaf(entries[0]["index"])], key=lambda e: e["index"])
    for what, told2, words in (
            ("entries of another enterprise among them", {"entries": foreign}, "another enterprise"),
            ("an entry twice", {"entries": story[:1] + story}, "does not stand where"),
            ("entries in another order", {"entries": story[1:-1] + story[:1] + story[-1:]}, "does not stand where"),
            ("the row as it was once", {"row": was["row"]}, "as its last entry"),
            ("the checkpoint of the other ledger", {"checkpoint": old.request("GET", "/ledger/space/checkpoint")[1].decode()}, "another ledger")):
        shutil.copytree(folder2, folder2 + "x", dirs_exist_ok=True)
        json.dump({**now, **told2}, open(os.path.join(folder2 + "x", "dossier.json"), "w"))
        status, out, err = run("enterprise", "verify", folder2 + "x", pin)
        check(f"{what}: it does not hold", status == 4 and words in err, (status, out, err))

    # ---- taken over
    status, out, err = kanhe("take-over", folder, node=new)
    check("not by its own word", status == 2 and "--from" in err, err)
    before = new.state()
    status, out, err = kanhe("take-over", change("records.ndjson", "https://w.example/1", "https://w.example/X"), "--from", old.folder, node=new)
    check("not when it does not hold", status == 4 and new.state() == before, err)
    status, out, err = kanhe("take-over", folder, "--from", top.folder, node=new)
    check("not as another node's", status == 4 and new.state() == before, err)
    status, out, err = kanhe("take-over", folder, "--from", old.folder, node=new)
    check("taken over", status == 0 and f" 0 refused" in out and "Example Works" in out, out + err)
    x = json.loads(good("show", CODE, "--json", node=new))
    check("the enterprise is there", x["state"] == "approved" and x["prefixes"] == ["88.118.5", "88.118.6"] and x["quota"] == 40 and x["used"] == used
          and x["contact"] == {"person": "Li", "phone": "0591", "email": "li@works.example"} and "taken over from " + node["did"] in x["review"], x)
    for prefix in ("88.118.5/", "88.118.6/"):
        here, there = all_of(old, prefix), all_of(new, prefix)
        check(f"{prefix} all of it, the same", here == there and len(here) > 1, (here, there))
    got = call("GET", "/templates/88.118.5/v1", node=new)[1]
    check("its template, in use", got["title"] == "pump" and got["uses"] == 1, got)
    check("its classes", call("GET", "/classifications/88.118.5", node=new)[1]["classes"] == [{"code": "A", "name": "machines"}])
    before = new.state()
    status, out, err = kanhe("take-over", folder, "--from", old.url, "--json", node=new)
    check("once more, named by its URL, which is trusted as the node's own folder says: nothing is done twice", status == 0 and json.loads(out.splitlines()[-1])["records_now"] == 0
          and json.loads(good("show", CODE, "--json", node=new))["used"] == used, out + err)

    # ---- led there
    walker = Node("--authority", "99", "--recursive", "--anchor-node", top.folder, "--ca", authority)
    before = walker.kanhe("resolve", "88.118.5/E1", "--json")
    check("a recursive node finds it at the old one", before[0] == 0 and "https://w.example/1" in before[1], before)
    check("until then the old node answers", old.request("GET", "/resolve/88.118.5/E1")[0] == 200)
    status, out, err = kanhe("hand-over", CODE, "--to", new.folder)
    check("handed over", status == 0 and "handed-over" in out, out + err)
    status, out, err = kanhe("hand-over", CODE, "--to", new.folder, "--days", "30")
    check("once more is safe, and renews the delegation", status == 0 and "handed-over" in out, out + err)
    status, out, err = kanhe("hand-over", CODE, "--to", top.folder)
    check("but to nobody else", status == 1, out + err)
    for id, want in (("88.118.5/E1", 200), ("88.118.5/S-0042", 200), ("88.118.5/E3", 410), ("88.118.5/S-0007", 410), ("88.118.6/T-42", 410), ("88.118.5/none", 404)):
        got = old.request("GET", f"/resolve/{id}?rd=0")
        check(f"{id}: the old node refers", got[0] == 421 and got[1]["referral"]["url"] == new.url, got[:2])
        got = new.request("GET", f"/resolve/{id}")
        check(f"{id}: the new one answers", got[0] == want, got[:2])
    walker.kanhe("node", "restart")  # what it remembers of before is good for its term still
    status, out, err = walker.kanhe("resolve", "88.118.5/E2", "--trace")
    check("from above the walk ends there, and is proved", status == 0 and "https://w.example/2" in out + err and new.url in out + err, out + err)
    got = call("PUT", "/registry/88.118.5%2FE1", {"values": [{"type": "URL", "data": "x"}]})
    check("nobody changes it at the old node", got[0] == 421, got)
    check("its old credentials are gone", old.kanhe("register", "88.118.5/E1", "URL=x", "--token", main)[0] in (5, 6))

    # ---- the enterprise goes on with the key that it had
    token = os.path.join(new.top, "works.token")
    status, out, err = kanhe("prove", CODE, "--key", key, "--out", token, node=new)
    check("its key gives it a credential", status == 0, out + err)
    status, out, err = new.kanhe("register", "88.118.5/E1", "URL=https://new.example/", "--token", token)
    check("with which it registers", status == 0 and new.request("GET", "/resolve/88.118.5/E1")[1]["values"][0]["data"]["value"] == "https://new.example/", err)
    status, out, err = new.kanhe("register", "88.118.5/E3", "URL=again", "--token", token)
    check("what was retired stays retired", status == 3 and "retired" in err and new.request("GET", "/resolve/88.118.5/E3")[0] == 410, err)
    left = 40 - used
    codes = [new.kanhe("register", f"88.118.5/N{i}", "URL=x", "--token", token)[0] for i in range(left + 1)]
    check("its quota goes on where it was", codes == [0] * left + [1], (left, codes))
    status, out, err = new.kanhe("statistics", "--prefixes")
    check("each prefix is counted once", status == 0 and out.count("88.118.5") == 1, out)
    mine = json.loads(new.kanhe("statistics", "--prefix", "88.118.5", "--token", token, "--json")[1])["total"]
    lines = len(all_of(new, "88.118.5/"))  # among them a tombstone, two members of the series
    check("and what was registered too", mine["registered"] == lines - 3, (mine, lines))
    status, out, err = kanhe("hand-over", CODE, "--to", old.folder, node=new)
    check("what is all of a node is its superior's to hand over", status == 1 and "superior" in err, err)
    status, out, err = kanhe("history", CODE, "--json")
    check("the history of the old node ends with it", [json.loads(out)["history"][i]["entry"]["kind"] for i in (-3, -2, -1)] == ["enterprise.exported", "enterprise.handed-over", "enterprise.handed-over"], out)
finally:
    for n in (top, old, new, walker or new):
        n.close()
    shutil.rmtree(authority, ignore_errors=True)
finish()
