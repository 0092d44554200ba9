"""Two real daemons: requests that people decide, letters that nobody takes, processes that owners end."""
import json
import os
import shutil
import subprocess
import tempfile

import node as t

POLICY_FILE = b"id,value\n1,2\n"


def js(answer):
    assert answer[0] == 0, answer
    return json.loads(answer[1])


def negotiate(buyer, provider, dataset, *more):
    return js(buyer.kanhe("negotiate", provider, dataset, "--no-wait", "--json", *more))["pid"]


def waiting(maker):
    return js(maker.kanhe("inbox", "--json"))["inbox"]


def kinds(n):
    return [(e["kind"], e.get("who")) for e in js(n.kanhe("audit", "--json"))["entries"]]


def approval(maker, buyer, provider):
    watch = subprocess.Popen([t.KANHE, "inbox", "--watch", "--json", "--node", maker.folder],
                             stdout=subprocess.PIPE, text=True)
    try:
        pid = negotiate(buyer, provider, "asked")
        line = json.loads(watch.stdout.readline())
        t.check("the watch shows the new request", line["dataset"] == "asked" and line["peer"], line)
    finally:
        watch.kill()
        watch.communicate()
    one = waiting(maker)
    t.check("one request waits", len(one) == 1, one)
    t.check("with who asks, since and until when", all(one[0].get(k) for k in ("peer", "since", "until", "verified_by")), one)
    shown = js(maker.kanhe("inbox", "show", one[0]["pid"], "--json"))
    t.check("show shows it", shown["pid"] == one[0]["pid"])
    path = f"/participants/maker/inbox/{one[0]['pid']}/approve"
    t.check("an auditor may not decide", maker.request("POST", path, {}, "auditor")[0] == 403)
    t.check("nobody else either", maker.request("POST", path, {})[0] == 401)
    status, out, err = maker.kanhe("inbox", "approve", one[0]["pid"], "--reason", "known")
    t.check("approve answers", status == 0 and one[0]["pid"] in out, (out, err))
    done = t.until(lambda: (lambda n: n if n["state"] == "FINALIZED" else None)(
        js(buyer.kanhe("negotiation", "show", pid, "--json"))))
    t.check("the negotiation is final", done)
    t.check("the inbox is empty", waiting(maker) == [])
    t.check("the decision is in the ledger with who", any(k == "request-approved" and who for k, who in kinds(maker)))
    status, out, err = maker.kanhe("inbox", "approve", one[0]["pid"])
    t.check("a second decision is refused", status == 3, (status, out, err))


def decline(maker, buyer, provider):
    pid = negotiate(buyer, provider, "asked")
    one = t.until(lambda: waiting(maker))
    status, _, err = maker.kanhe("inbox", "decline", one[0]["pid"], "--reason", "not this year")
    t.check("decline answers", status == 0, err)
    done = t.until(lambda: (lambda n: n if n["state"] == "TERMINATED" else None)(
        js(buyer.kanhe("negotiation", "show", pid, "--json"))))
    t.check("the consumer is told why", done and done["reason"] == "not this year", done)
    t.check("declined is in the ledger", any(k == "request-declined" for k, _ in kinds(maker)))


def vanished(maker, buyer, provider):
    pid = negotiate(buyer, provider, "asked")
    one = t.until(lambda: waiting(maker))
    buyer.kanhe("node", "stop", "--quiet")
    maker.kanhe("inbox", "approve", one[0]["pid"], "--quiet")
    tried = t.until(lambda: [x for x in js(maker.kanhe("outbox", "--json"))["waiting"] if x["attempts"] > 0])
    t.check("the letter waits with a reason", tried and tried[0]["reason"] and tried[0]["leads_to"] == "AGREED", tried)
    letter = tried[0]["letter"]
    t.check("show has the message", "message" in js(maker.kanhe("outbox", "show", letter, "--json")))
    t.check("retry is possible", maker.kanhe("outbox", "retry", letter)[0] == 0)
    buyer.start()
    maker.kanhe("outbox", "retry", letter)  # it may be delivered by now
    done = t.until(lambda: js(buyer.kanhe("negotiation", "show", pid, "--json"))["state"] == "FINALIZED")
    t.check("and goes on when the partner is back", done)


def dropped(maker, buyer, provider):
    negotiate(buyer, provider, "asked")
    one = t.until(lambda: waiting(maker))
    buyer.kanhe("node", "stop", "--quiet")
    maker.kanhe("inbox", "approve", one[0]["pid"], "--quiet")
    letter = t.until(lambda: js(maker.kanhe("outbox", "--json"))["waiting"])[0]["letter"]
    t.check("drop answers", maker.kanhe("outbox", "drop", letter, "--reason", "they left")[0] == 0)
    n = js(maker.kanhe("negotiation", "show", one[0]["pid"], "--json"))
    t.check("its process ended with the reason", n["state"] == "TERMINATED" and n["reason"] == "they left", n)
    buyer.start()


def proven(maker, buyer):
    one = js(buyer.kanhe("agreements", "--json"))["agreements"][0]["id"]
    shown = buyer.kanhe("agreement", "show", one, "--json")
    path = os.path.join(buyer.top, "agreement.json")
    open(path, "w").write(shown[1])
    got = js(t.run("agreement", "verify", path, "--json"))
    t.check("both parties are proven offline", got["verified"] and [p["verified"] for p in got["parties"]] == [True, True], got)
    altered = json.loads(shown[1])
    altered["agreement"]["target"] = "another"
    open(path, "w").write(json.dumps(altered))
    t.check("an altered one is bogus", t.run("agreement", "verify", path)[0] == 4)
    altered = json.loads(shown[1])
    altered["agreement"]["proof"] = altered["agreement"]["proof"][0]
    open(path, "w").write(json.dumps(altered))
    status, out, _ = t.run("agreement", "verify", path)
    t.check("who has not signed is told", status == 0 and "has not signed" in out, out)
    t.check("in Chinese too", "提供方" in t.run("agreement", "verify", path, env={"LC_ALL": "zh_CN.UTF-8"})[1])
    del altered["agreement"]["proof"]
    open(path, "w").write(json.dumps(altered))
    for language, words in (("C.UTF-8", "nothing is proven"), ("zh_CN.UTF-8", "未经任何证明")):
        status, out, _ = t.run("agreement", "verify", path, env={"LC_ALL": language})
        t.check(f"what nobody has signed is not taken for proven ({language})", status == 4 and words in out, (status, out))
    t.check("as JSON too", t.run("agreement", "verify", path, "--json")[0] == 4)
    maker.kanhe("revoke", one, "--reason", "breach")
    t.check("the consumer still thinks it active", js(buyer.kanhe("agreement", "show", one, "--json"))["state"] == "ACTIVE")
    t.check("a transfer is refused", buyer.kanhe("pull", one, "--quiet")[0] == 1)
    now = js(buyer.kanhe("agreement", "show", one, "--json"))
    t.check("then it knows who revoked it and why", now["state"] == "REVOKED" and now["ended_by"].endswith("maker")
            and "breach" in now["reason"], now)


def terminated(maker, buyer, provider):
    pid = negotiate(buyer, provider, "asked")
    t.until(lambda: waiting(maker))
    status, out, err = buyer.kanhe("negotiation", "terminate", pid, "--reason", "changed my mind")
    t.check("terminate answers", status == 0, (out, err))
    t.check("what waited waits no longer", t.until(lambda: not waiting(maker)))


authority = tempfile.mkdtemp(prefix="kanhe-test-ca.")
maker = t.Node("--participant", "maker", "--ca", authority)
buyer = t.Node("--participant", "buyer", "--ca", authority)
try:
    file = os.path.join(maker.top, "data.csv")
    open(file, "wb").write(POLICY_FILE)
    out = js(maker.kanhe("publish", file, "--id", "asked", "--approval", "--json"))
    t.check("the dataset asks for approval", out.get("approval") is True, out)
    provider = f"did:web:127.0.0.1%3A{maker.port}:p:maker"
    approval(maker, buyer, provider)
    decline(maker, buyer, provider)
    vanished(maker, buyer, provider)
    dropped(maker, buyer, provider)
    terminated(maker, buyer, provider)
    proven(maker, buyer)
    metrics = maker.request("GET", "/metrics", token="operator")[1]
    t.check("metrics tell of dead letters", b"kanhe_space_messages_dead_total 1" in metrics
            if isinstance(metrics, bytes) else False, metrics[-300:])
finally:
    maker.close()
    buyer.close()
    shutil.rmtree(authority, ignore_errors=True)
t.finish()
