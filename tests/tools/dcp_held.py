"""What a wallet holds is looked after: revoked, suspended and expired credentials are noticed, told, and not presented; a
list that cannot be had or believed changes nothing."""
import json
import os
import tempfile
import threading
import time
import urllib.parse

from member import Member
from node import check, close_all, finish, until
from party import DCP, SCOPE, Host, Key, Party, claims_of, did_key

TOP = tempfile.mkdtemp(prefix="kanhe-held.")
CA = os.path.join(TOP, "ca")
MEMBER = SCOPE + "MembershipCredential:read"

# patient: looks again after 15 minutes; eager: at every query and all the time; careless: never; each alone with what it holds
patient, eager, careless, maker = nodes = [Member(name, CA) for name in ("patient", "eager", "careless", "maker")]
host = Host(CA)
issuer, asker, other = Party(host, "issuer"), Party(host, "asker"), Party(host, "other")
secrets = {}


def hold(n, page="list", index=7, **more):
    """The id of a new credential in the node's wallet."""
    jwt = issuer.credential(n.did, status=issuer.status_entry(index, page=page, purpose=more.pop("purpose", "revocation")), **more)
    n.ok("a credential is held", "credential", "add", "-", stdin=jwt)
    return claims_of(jwt)["vc"]["id"]


def presented(n):
    """Ids of the credentials that the node shows to a partner."""
    if n.name not in secrets:
        secrets[n.name] = n.request("POST", f"/participants/{n.name}/token-clients", {"client_id": "c", "types": []}, token="owner")[1]["client_secret"]
    form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": "c", "client_secret": secrets[n.name],
                                   "audience": asker.did, "bearer_access_scope": MEMBER}).encode()
    si = n.request("POST", f"/p/{n.name}/sts/token", form, headers={"Content-Type": "application/x-www-form-urlencoded"})[1]["access_token"]
    body = {"@context": [DCP], "type": "PresentationQueryMessage", "scope": [MEMBER]}
    status, got, _ = n.request("POST", f"/p/{n.name}/dcp/presentations/query", body,
                               headers={"Authorization": "Bearer " + asker.token(n.did, token=claims_of(si)["token"])})
    assert status == 200, (status, got)
    return [claims_of(vc)["vc"]["id"] for vp in got["presentation"] for vc in claims_of(vp)["vp"]["verifiableCredential"]]


def row(n, name):
    return [h for h in n.request("GET", f"/participants/{n.name}/credentials", token="owner")[1]["held"] if h["id"] == name][0]


def drop(n, *names):
    for name in names:
        n.ok("taken out", "credential", "remove", name)


def told(n):
    return [e["detail"].get("status") for e in n.request("GET", f"/participants/{n.name}/audit?limit=1000", token="auditor")[1]["entries"]
            if e["kind"] == "credential-status"]


try:
    eager.configure(recheck="20ms", accept="pinned", partners=f"{asker.did}={did_key(asker.key)[8:]}")
    careless.configure(recheck="0")
    maker.configure(accept="dcp", issuers=f"{issuer.did}=MembershipCredential", require="MembershipCredential")
    for n in nodes:
        n.start()
    issuer.status_list()
    issuer.status_list([7], page="shut")

    # ---- looked at before it is presented, and kept for a while
    good, late = hold(patient), hold(patient, index=9)
    check("what is in force is presented", sorted(presented(patient)) == sorted([good, late]))
    check("after one look at their list", host.asked("/issuer/list") == 1, host.asked("/issuer/list"))
    check("which is kept", len(presented(patient)) == 2 and host.asked("/issuer/list") == 1, host.asked("/issuer/list"))
    issuer.status_list(page="brief", subject={"ttl": 1})
    brief = hold(patient, page="brief")
    check("one with a ttl is not kept beyond it", all(brief in presented(patient) for _ in range(2)) and host.asked("/issuer/brief") == 2, host.asked("/issuer/brief"))
    drop(patient, brief)
    shut = hold(patient, page="shut")
    check("a revoked one is noticed before it is presented for the first time", shut not in presented(patient))
    check("the others are", sorted(presented(patient)) == sorted([good, late]))
    check("it is marked", row(patient, shut)["status"] == "revoked" and "noticed" in row(patient, shut) and "status" not in row(patient, good), row(patient, shut))
    check("until when they are valid is told", all(row(patient, i)["validUntil"].startswith("20") for i in (good, late, shut)))
    out = patient.ok("list", "credential", "list")
    check("it is listed as such", [line.split()[-1] for line in out.splitlines() if shut in line] == ["revoked"], out)
    check("nobody else is", not any(line.endswith("revoked") for line in out.splitlines() if shut not in line), out)
    out = patient.ok("list in Chinese", "credential", "list", env={"LC_ALL": "zh_CN.UTF-8"})
    check("in Chinese too", [line.split()[-1] for line in out.splitlines() if shut in line] == ["已吊销"], out)
    check("the ledger tells, once", told(patient) == ["revoked"], told(patient))
    check("so does the log", f"credential={shut} status=revoked" in patient.log(), patient.log()[-800:])

    # ---- what comes in place of a revoked one is not presented beside it, though the list was kept
    issuer.status_list(page="renewed")
    old = hold(patient, page="renewed", index=3)
    check("the list is had", old in presented(patient))
    issuer.status_list([3], page="renewed")
    new = hold(patient, page="renewed", index=4)
    shown = presented(patient)
    check("something new has the lists looked at again", new in shown and old not in shown, shown)
    drop(patient, old, new)

    # ---- remembered without the issuer; it closes no door beside a good one, and alone it is named
    drop(patient, good, late)
    patient.kanhe("node", "stop", "--quiet")
    host.page("/issuer/shut", b"", status=503)
    patient.start()
    check("it is still not presented after a restart, its issuer gone", presented(patient) == [] and row(patient, shut)["status"] == "revoked")
    status, out, err = patient.kanhe("catalog", maker.did)
    check("a partner's refusal names what was withheld", status != 0 and "MembershipCredential held here was revoked" in out + err, out + err)
    status, out, err = patient.kanhe("negotiate", maker.did, "d")
    check("in a negotiation too", status != 0 and "MembershipCredential held here was revoked" in out + err, out + err)
    status, out, err = patient.kanhe("catalog", maker.did, env={"LC_ALL": "zh_CN.UTF-8"})
    check("in Chinese too", status != 0 and "需要受信签发方签发的 MembershipCredential；此处持有的 MembershipCredential 已被吊销，故未出示" in out + err, out + err)
    drop(patient, shut)
    long = hold(patient, page="shut2", kind="数据空间成员资格凭证甲乙丙丁戊己庚辛", index=1)
    issuer.status_list([1], page="shut2")
    patient.kanhe("node", "stop", "--quiet")
    patient.start()
    check("a long name in Chinese is noticed too", until(lambda: row(patient, long).get("status") == "revoked"))
    status, out, err = patient.kanhe("catalog", maker.did)
    check("and told in whole characters", status != 0 and "the 数据空间成员资格凭证甲乙丙 held here was revoked" in out + err, out + err)
    status, out, err = patient.kanhe("catalog", eager.did)
    check("unless it refuses for something else", status != 0 and "by their key alone" in out + err and "held here" not in out + err, out + err)
    hold(patient)
    patient.ok("a good one beside it opens", "catalog", maker.did)

    # ---- on schedule
    held = hold(eager)
    check("in force", presented(eager) == [held])
    issuer.status_list([7])
    check("revoked: noticed by itself", until(lambda: row(eager, held).get("status") == "revoked"))
    check("and not presented", presented(eager) == [])
    issuer.status_list()
    check("an issuer that was wrong", until(lambda: "status" not in row(eager, held)) and presented(eager) == [held])
    check("the ledger tells both", told(eager) == ["revoked", None], told(eager))
    issuer.status_list([7], key=Key(host.folder))
    check("a list that another signed is not believed", until(lambda: "signature" in row(eager, held).get("unchecked", "")) and presented(eager) == [held])
    out = eager.ok("list", "credential", "list")
    check("which is listed", "whether it was revoked cannot be told" in out, out)
    other.status_list([7])
    host.pages["/issuer/list"] = host.pages["/other/list"]
    check("nor another issuer's", until(lambda: "another issuer" in row(eager, held).get("unchecked", "")) and presented(eager) == [held])
    host.page("/issuer/list", b"", status=404)
    check("nor none", until(lambda: "404" in row(eager, held).get("unchecked", "")) and presented(eager) == [held])
    host.page("/issuer/list", {"type": ["VerifiableCredential", "StatusList2021Credential"], "proof": {}})
    check("nor one with a proof embedded in JSON-LD, which is said", until(lambda: "JSON-LD" in row(eager, held).get("unchecked", "")) and presented(eager) == [held])
    issuer.status_list()
    check("a list that is back", until(lambda: "unchecked" not in row(eager, held)) and presented(eager) == [held])
    check("none of which is in the ledger", told(eager) == ["revoked", None], told(eager))
    drop(eager, held)

    # ---- lists at addresses that are nobody's are not called
    for url in ("https://169.254.169.254/list", "file:///etc/passwd", "gopher://127.0.0.1:6379/_x"):
        jwt = issuer.credential(eager.did, status={**issuer.status_entry(7), "statusListCredential": url})
        eager.ok("held", "credential", "add", "-", stdin=jwt)
        held = claims_of(jwt)["vc"]["id"]
        check(f"a list at {url}", until(lambda: "cannot be had" in row(eager, held).get("unchecked", "")) and presented(eager) == [held], row(eager, held))
        drop(eager, held)

    # ---- suspended, and not any more
    issuer.status_list([3], purpose="suspension", page="pause")
    held = hold(eager, page="pause", index=3, purpose="suspension")
    check("suspended", presented(eager) == [] and row(eager, held)["status"] == "suspended", row(eager, held))
    issuer.status_list(purpose="suspension", page="pause")
    check("and in force again", until(lambda: "status" not in row(eager, held)) and presented(eager) == [held])
    drop(eager, held)

    # ---- expired
    held = hold(eager, exp=int(time.time()) + 3)
    check("expired", until(lambda: row(eager, held).get("status") == "expired" and "noticed" in row(eager, held)) and presented(eager) == [])
    check("the ledger tells that too", told(eager)[-1] == "expired", told(eager))
    drop(eager, held)

    # ---- a list that does not come keeps nobody waiting for ever
    gate = threading.Event()
    host.pages["/issuer/slow"] = lambda *a: gate.wait(120) and None
    held = hold(patient, page="slow")
    check("presented while its list does not come", held in presented(patient) and not gate.is_set())
    gate.set()

    # ---- switched off
    held = hold(careless, page="list2", index=1)
    issuer.status_list([1], page="list2")
    check("recheck = 0: all is presented, nothing is looked at", presented(careless) == [held] and host.asked("/issuer/list2") == 0)
    status, out, err = careless.kanhe("catalog", maker.did)
    check("the verifier looks for itself", status != 0 and "MembershipCredential was revoked" in out + err, out + err)
finally:
    close_all(TOP, *nodes, host)
finish()
