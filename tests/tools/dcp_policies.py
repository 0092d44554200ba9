"""What verified credentials say decides: a partner with the credential that a policy asks for negotiates and fetches,
another is refused and the clause is named; participants of one node believe different issuers."""
import json
import os
import tempfile
import uuid

from member import Member
from node import check, close_all, finish

TOP = tempfile.mkdtemp(prefix="kanhe-policies.")
CA = os.path.join(TOP, "ca")


def member(issuer, n, *claims):
    jwt = issuer.ok("issue", "credential", "issue", n.did, "MembershipCredential", *claims).strip()
    n.ok("hold", "credential", "add", "-", stdin=jwt)
    return jwt


def negotiate(n, provider, dataset):
    status, out, err = n.kanhe("negotiate", provider, dataset, "--json")
    try:
        return json.loads(out)
    except ValueError:
        return {"state": "", "reason": out + err}


def refused(what, n, provider, dataset, *words):
    got = negotiate(n, provider, dataset)
    check(what, got["state"] != "FINALIZED" and all(w in json.dumps(got) for w in words), got)


def policy(*constraints):
    path = os.path.join(TOP, uuid.uuid4().hex + ".json")
    rows = [dict(zip(("leftOperand", "operator", "rightOperand"), c)) if isinstance(c, tuple) else c for c in constraints]
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"permission": [{"action": "use", "constraint": rows}]}, f)
    return path


founder, guild, maker, gold, silver, none = nodes = [Member(x, CA) for x in ("founder", "guild", "maker", "gold", "silver", "none")]
try:
    maker.configure(accept="did dcp", issuers=f"{founder.did}=MembershipCredential", ask="MembershipCredential")
    for n in nodes:
        n.start()
    data = os.path.join(TOP, "data.csv")
    with open(data, "w", encoding="utf-8") as f:
        f.write("a,b\n1,2\n")
    level = ("MembershipCredential.level", "eq", "gold")
    for name, p in (("free", policy()), ("members", policy(("Membership", "eq", "active"))), ("gold", policy(level)),
                    ("either", policy({"or": [dict(zip(("leftOperand", "operator", "rightOperand"), c)) for c in
                                              (level, ("MembershipCredential.region", "isAnyOf", ["eu", "uk"]))]})),
                    ("both", policy(level, ("purpose", "eq", "maintenance")))):
        maker.ok(f"publish {name}", "publish", data, "--id", name, "--title", name, "--policy", p)
    status, out, err = maker.kanhe("publish", data, "--id", "odd", "--title", "odd", "--policy", policy(("Weather", "eq", "fine")))
    check("what nobody can know is still no condition", status != 0 and "Weather" in out + err, out + err)
    gold_jwt = member(founder, gold, "level=gold", "region=us")
    member(founder, silver, "level=silver", "region=eu")

    # ---- who may negotiate
    for n in (gold, silver, none):
        check(f"{n.name} has what is free", negotiate(n, maker.did, "free")["state"] == "FINALIZED")
    for n in (gold, silver):
        check(f"{n.name} is a member", negotiate(n, maker.did, "members")["state"] == "FINALIZED")
    agreed = negotiate(gold, maker.did, "gold")
    check("gold has what is for gold", agreed["state"] == "FINALIZED", agreed)
    refused("silver has not, and the clause is named", silver, maker.did, "gold", "MembershipCredential.level eq gold", "silver")
    refused("who has no credential is told which is missing", none, maker.did, "gold", "MembershipCredential.level eq gold")
    refused("nor is it a member", none, maker.did, "members", "MembershipCredential eq active")
    check("one of two conditions", negotiate(silver, maker.did, "either")["state"] == "FINALIZED")
    refused("none of the two", none, maker.did, "either")
    events = maker.request("GET", "/participants/maker/audit?limit=200", token="auditor")[1]["entries"]
    check("nothing was agreed with those", not any(e["kind"] == "negotiation-agreed" and e.get("peer") == none.did and e.get("dataset") != "free" for e in events))

    # ---- who may fetch
    out = gold.ok("gold fetches", "pull", agreed["agreement"], "--json")
    check("it arrives", json.loads(out)["state"] == "COMPLETED", out)
    both = negotiate(gold, maker.did, "both")
    check("a purpose comes with the transfer", both["state"] == "FINALIZED", both)
    status, out, err = gold.kanhe("pull", both["agreement"])
    check("another purpose does not do", status != 0 and "purpose" in out + err, out + err)
    gold.ok("the purpose does", "pull", both["agreement"], "--purpose", "maintenance")

    # ---- revoked in between
    vid = [x["id"] for x in json.loads(founder.ok("list", "credential", "list", "--json"))["issued"] if x["subject"] == gold.did][0]
    founder.ok("revoke", "credential", "revoke", vid)
    status, out, err = gold.kanhe("pull", agreed["agreement"])
    check("an agreement does not outlive the credential", status != 0 and "revoked" in out + err, out + err)

    # ---- participants of one node believe different issuers
    maker.ok("second", "node", "participant", "second")
    second = f"did:web:127.0.0.1%3A{maker.port}:p:second"
    status, out, err = maker.kanhe("node", "token", "add", "second-owner", "owner", "--scope", "@second", "--json")
    token = json.loads(out)["token"]
    path = os.path.join(TOP, "second.token")
    with open(path, "w", encoding="utf-8") as f:
        f.write(token + "\n")
    as_second = ("--as", "second", "--token", path)
    maker.ok("publish", "publish", data, "--id", "gold", "--title", "gold", "--policy", policy(level), *as_second)
    guild_jwt = member(guild, none, "level=gold")
    refused("the guild's member is nobody here", none, second, "gold", "MembershipCredential.level eq gold")
    maker.ok("second believes the guild", "credential", "trust", guild.did, "MembershipCredential", *as_second)
    check("to second it is a member", negotiate(none, second, "gold")["state"] == "FINALIZED")
    refused("to maker it is not", none, maker.did, "gold", "MembershipCredential.level eq gold")
    listed = json.loads(maker.ok("trust", "credential", "trust", "--json", *as_second))["issuers"]
    check("it is listed", [(x["issuer"], x["types"]) for x in listed] == [(guild.did, ["MembershipCredential"])], listed)
    check("the maker's own list is empty", json.loads(maker.ok("trust", "credential", "trust", "--json"))["issuers"] == [])
    refused("who has its own issuers does not believe the node's", silver, second, "gold", "MembershipCredential.level eq gold")
    maker.ok("another type", "credential", "trust", guild.did, "OtherCredential", *as_second)
    refused("trust is by type", none, second, "gold", "MembershipCredential.level eq gold")
    maker.ok("distrust", "credential", "distrust", guild.did, *as_second)
    check("once", maker.kanhe("credential", "distrust", guild.did, *as_second)[0] == 3)
    events = maker.request("GET", "/participants/second/audit?limit=200", token="auditor")[1]["entries"]
    check("the ledger tells", [e["detail"]["what"] for e in events if e["kind"] == "issuer-trust"] == ["trusted", "trusted", "distrusted"])
    check("no DID, no trust", maker.request("POST", "/participants/maker/trusted-issuers", {"issuer": "guild"}, token="owner")[0] == 400)
finally:
    close_all(TOP, *nodes)
finish()
