"""The control plane's role of Data Plane Signaling: two nodes trade, data planes outside move the data."""
import datetime
import json
import os
import tempfile

from node import Node, check, finish, until
from planes import PULL, PUSH, Caller, Plane, address
from trade import becomes, ok, show

top = tempfile.mkdtemp(prefix="kanhe-planes.")
maker = Node("--authority", "88.118.8", "--participant", "maker", "--ca", top)
buyer = Node("--authority", "88.118.9", "--participant", "buyer", "--ca", top)
source, sink = Plane(), Plane()  # of the maker, of the buyer
late_source, late_sink = Plane(), Plane()
did = f"did:web:127.0.0.1%3A{maker.port}:p:maker"
buyer_did = f"did:web:127.0.0.1%3A{buyer.port}:p:buyer"


def started(*more):
    """A transfer that the buyer wants through its data plane: (pid at the buyer, at the maker)."""
    pid = json.loads(ok(buyer, "pull", agreement, "--plane", "sink", "--no-wait", "--json", *more))["pid"]
    return pid


def still(node):
    """Its state once no letter waits: then only what is done to it changes it."""
    until(lambda: not json.loads(node.kanhe("outbox", "--json")[1])["waiting"])
    return node.state()


def at_maker(pid):
    return until(lambda: show(buyer, pid).get("peer_pid"))


def pulled():
    source.addresses = {"start": address(PULL, "first"), "resume": address(PULL, "second")}
    pid = started()
    m, flow = sink.next("prepare")
    check("prepare names the transfer", m["processId"] == pid == flow, m)
    check("and both sides", (m["participantId"], m["counterPartyId"]) == (buyer_did, did), m)
    check("dataset, agreement, profile", (m["datasetId"], m["agreementId"], m["profile"]) == ("line", agreement, PULL), m)
    check("no address goes with it", "dataAddress" not in m)
    m, theirs = source.next("start")
    check("start names the maker's transfer", theirs == at_maker(pid) and m["counterPartyId"] == buyer_did, m)
    check("no address of a pull", "dataAddress" not in m, m)
    m, _ = sink.next("started")
    check("the consumer's data plane has the provider's address", m["dataAddress"] == address(PULL, "first"), m)
    check("with a token of the participant's", all(a.startswith("Bearer ey") for a in sink.authorizations + source.authorizations))
    becomes(buyer, pid, "STARTED")
    check("as the maker shows it", until(lambda: show(maker, theirs)["dataflow"] == "STARTED"), show(maker, theirs))

    # the provider pauses and goes on
    ok(maker, "transfer", "suspend", theirs, "--reason", "maintenance")
    m, _ = source.next("suspend")
    check("with its reason", m["reason"] == "maintenance", m)
    m, _ = sink.next("suspend")
    becomes(buyer, pid, "SUSPENDED")
    check("the consumer does not resume", buyer.kanhe("transfer", "resume", pid)[0] == 1)
    becomes(maker, theirs, "SUSPENDED")
    check("resumed once the data plane has answered", bool(until(lambda: maker.kanhe("transfer", "resume", theirs)[0] == 0)))
    source.next("resume")
    m, _ = sink.next("resume")
    check("the consumer's data plane has the new address", m["dataAddress"] == address(PULL, "second"), m)
    becomes(buyer, pid, "STARTED")
    becomes(maker, theirs, "STARTED")

    # the consumer pauses and goes on
    source.addresses["resume"] = address(PULL, "third")
    ok(buyer, "transfer", "suspend", pid)
    sink.next("suspend")
    source.next("suspend")
    becomes(buyer, pid, "SUSPENDED")
    check("the provider does not resume", maker.kanhe("transfer", "resume", theirs)[0] == 1)
    check("resumed", bool(until(lambda: buyer.kanhe("transfer", "resume", pid)[0] == 0)))
    source.next("resume")
    m, _ = sink.next("resume")
    if m["dataAddress"] != address(PULL, "third"):  # it was told before the provider's answer came
        m, _ = sink.next("started", "the consumer's data plane gets the address that came afterwards")
    check("which is the new one", m["dataAddress"] == address(PULL, "third"), m)

    # everything has come
    still(buyer)
    before = still(maker)
    s, got = calls.call(pid, "completed", "COMPLETED", credential=secrets["source"])
    check("not with another's credential", s == 401, (s, got))
    s, got = calls.call(pid, "completed", "COMPLETED", credential=secrets["late"])
    check("not of another data plane's transfer", s == 404, (s, got))
    s, got = theirs_calls.call(pid, "completed", "COMPLETED")
    check("not of a transfer elsewhere", s == 404, (s, got))
    check("foreign callbacks change nothing", maker.state() == before)
    check("nothing is said of use", "said" not in show(buyer, pid) and show(buyer, pid)["metered"] is False, show(buyer, pid))
    s, got = calls.call(pid, "completed", "COMPLETED", **{"kanhe:usage": {"requests": 3}})
    check("half a word is refused by name", s == 400 and "kanhe:usage.octets" in json.dumps(got), (s, got))
    s, got = calls.call(pid, "completed", "COMPLETED", **{"kanhe:usage": {"requests": 3, "octets": 7000}})
    check("the data plane tells that it is complete", s == 200, (s, got))
    becomes(buyer, pid, "COMPLETED")
    becomes(maker, theirs, "COMPLETED")
    source.next("completed")
    sink.quiet("who told it is not told")
    check("what it says is kept as its word", show(buyer, pid)["said"]["octets"] == 7000 and show(buyer, pid)["octets"] == 0, show(buyer, pid))
    m = json.loads(ok(maker, "agreements", agreement, "--meters", "--json"))["meters"][0]
    check("the meter says what it has not counted", m["outside"] == {"transfers": 1, "said": 0, "requests": 0, "octets": 0} and m["transfers"] == 0, m)
    check("told again: nothing", calls.call(pid, "completed", "COMPLETED")[0] == 200)
    return pid


def pushed():
    sink.addresses = {"prepare": address(PUSH, "in-token", "https://sink.example/in")}
    source.addresses = {}
    pid = started("--format", "HttpData-PUSH")
    sink.next("prepare")
    m, theirs = source.next("start")
    check("the provider's data plane gets the sink's address", m["dataAddress"] == sink.addresses["prepare"], m)
    m, _ = sink.next("started")
    check("nothing to fetch", "dataAddress" not in m, m)
    becomes(buyer, pid, "STARTED")
    becomes(maker, theirs, "STARTED")
    s, got = theirs_calls.call(theirs, "completed", "COMPLETED")
    check("the provider's data plane has sent all", s == 200, (s, got))
    sink.next("completed")
    becomes(buyer, pid, "COMPLETED")
    becomes(maker, theirs, "COMPLETED")


def slow():
    """202, and the callbacks that follow."""
    sink.plan["prepare"] = [(202, {"messageId": "x", "dataFlowId": "own-name", "state": "PREPARING"})]
    source.plan["start"] = [(503, None), (202, {"messageId": "x", "dataFlowId": "theirs", "state": "STARTING"})]
    source.addresses = {}
    pid = started()
    sink.next("prepare")
    check("it waits for its data plane", bool(until(lambda: show(buyer, pid).get("dataflow") == "PREPARING")), show(buyer, pid))
    check("and has not asked yet", "peer_pid" not in show(buyer, pid))
    for what, more, status in (("another flow", {"flow": "x"}, 400), ("another state", {"state": "STARTED"}, 400)):
        before = still(buyer)
        s, got = calls.call(pid, "prepared", **{"state": "PREPARED", "flow": "own-name", **more})
        check(f"refused: {what}", s == status, (s, got))
        check(f"{what}: nothing changed", buyer.state() == before)
    check("nor is it started before", calls.call(pid, "started", "STARTED", "own-name")[0] == 400)
    check("nor complete", calls.call(pid, "completed", "COMPLETED", "own-name")[0] == 400)
    check("no JSON", calls.send(pid, "prepared", b"{")[0] == 400)
    s, got = calls.send(pid, "prepared", {"messageId": "big", "dataFlowId": "own-name", "state": "PREPARED", "error": "x" * 70000})
    check("too large", s == 413, (s, got))
    message = {"messageId": "once", "dataFlowId": "own-name", "state": "PREPARED"}
    check("prepared", calls.send(pid, "prepared", message)[0] == 200)
    check("said again", calls.send(pid, "prepared", message)[0] == 200)
    m, theirs = source.next("start", "once asked, the provider's data plane is told, again after 503")
    check("once", sum(1 for k, p, b in source.got if k == "start" and b["processId"] == theirs) == 2, len(source.got))
    check("STARTING", bool(until(lambda: show(maker, theirs).get("dataflow") == "STARTING")), show(maker, theirs))
    check("REQUESTED meanwhile", show(maker, theirs)["state"] == "REQUESTED")
    s, got = theirs_calls.call(theirs, "started", "STARTED", "theirs", dataAddress=address(PULL, "late"))
    check("started", s == 200, (s, got))
    m, flow = sink.next("started")
    check("by the name that the data plane gave", flow == "own-name", flow)
    check("with the address of the callback", m["dataAddress"] == address(PULL, "late"), m)
    s, got = calls.agreement(pid)
    check("the agreement is had by its data plane", s == 200 and got["@id"] == agreement and got["@context"], (s, got))
    check("and by no other", calls.agreement(pid, secrets["source"])[0] == 401 and theirs_calls.agreement(pid)[0] == 404)
    s, got = calls.call(pid, "errored", "STARTED", "own-name", error="disk full")
    check("an error is kept", s == 200 and show(buyer, pid)["dataflow_error"] == "disk full", show(buyer, pid))
    check("and changes nothing", show(buyer, pid)["state"] == "STARTED" and show(maker, theirs)["state"] == "STARTED")
    ok(buyer, "transfer", "terminate", pid, "--reason", "enough")
    m, _ = sink.next("terminate")
    check("why", m["reason"] == "enough", m)
    source.next("terminate")
    becomes(maker, theirs, "TERMINATED")
    check("no callback after the end", calls.call(pid, "completed", "COMPLETED", "own-name")[0] == 400)


def refused():
    sink.plan["prepare"] = [(400, {"detail": "no room"})]
    pid = started()
    sink.next("prepare")
    becomes(buyer, pid, "TERMINATED")
    check("with the reason", "no room" in show(buyer, pid)["reason"], show(buyer, pid))
    dead = json.loads(ok(buyer, "outbox", "--json"))["dead"]
    check("the letter is kept", any(x["kind"] == "SIGNAL" and x["pid"] == pid for x in dead), dead)

    source.plan["start"] = [(422, {"detail": "no such table"})]
    pid = started()
    sink.next("prepare")
    source.next("start")
    becomes(buyer, pid, "TERMINATED")
    check("the partner hears of it", "no such table" in show(buyer, pid)["reason"], show(buyer, pid))
    sink.next("terminate")
    source.quiet("a data plane that refused is told no more")

    source.plan["start"] = [(200, {"state": "COMPLETED"}), (200, [])]
    for what in ("a state that does not follow", "no message"):
        pid = started()
        sink.next("prepare")
        source.next("start")
        becomes(buyer, pid, "TERMINATED")
        sink.next("terminate", f"{what}: terminate")

    # what does not stop is ended
    source.addresses = {"start": address(PULL)}
    pid = started()
    sink.next("prepare")
    source.next("start")
    sink.next("started")
    becomes(buyer, pid, "STARTED")
    theirs = at_maker(pid)
    becomes(maker, theirs, "STARTED")
    source.plan["suspend"] = [(400, {"detail": "cannot"})]
    ok(maker, "transfer", "suspend", theirs)
    source.next("suspend")
    source.next("terminate", "a data plane that does not suspend is told to end")
    becomes(maker, theirs, "TERMINATED")
    becomes(buyer, pid, "TERMINATED")
    while not sink.signals.empty():
        sink.signals.get()


def wishes():
    for what, args in (("an unknown data plane", ("--plane", "none")), ("a format it does not serve", ("--plane", "sink", "--format", "mqtt"))):
        before = still(buyer)
        status, out, err = buyer.kanhe("pull", agreement, "--no-wait", *args)
        check(f"refused: {what}", status in (1, 2), (out, err))
        check(f"{what}: nothing changed", buyer.state() == before)
    for what, body, at in (("no profiles", {"profiles": []}, "profiles"), ("a file", {"endpoint": "file:///etc/passwd"}, "endpoint"),
                           ("a user in its URL", {"endpoint": "http://a@b.example/"}, "endpoint"),
                           ("another authorization", {"authorization": {"type": "basic"}}, "authorization.type"),
                           ("a name with blanks", {"dataplaneId": "a b"}, "dataplaneId")):
        good = {"dataplaneId": "d", "endpoint": "https://d.example", "profiles": [PULL], "authorization": {}}
        before = still(maker)
        s, got, _ = maker.request("PUT", "/participants/maker/dataplanes", {**good, **body}, token="owner")
        check(f"refused: {what}", s == 400 and f'"{at}"' in json.dumps(got), (s, got))
        check(f"{what}: nothing changed", maker.state() == before)
    s = maker.request("PUT", "/participants/maker/dataplanes", good, token="auditor")[0]
    check("an auditor may not", s == 403, s)
    check("nor is there such a dataset's plane", maker.kanhe("publish", "--plane", "none", "--id", "x")[0] in (1, 2))
    check("no content beside it", maker.request("PUT", "/participants/maker/datasets/line/content", b"x", token="owner")[0] == 409)


def timed():
    """A transfer whose time ends while it runs at data planes of its own; looked at when the other things are done."""
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=25)
    ok(maker, "dataplane", "register", "late-source", late_source.url)
    secrets["late"] = ok(buyer, "dataplane", "register", "late-sink", late_sink.url).strip()
    ok(maker, "publish", "--plane", "late-source", "--id", "timed", "--until", end.strftime("%Y-%m-%dT%H:%M:%SZ"))
    timed = json.loads(ok(buyer, "negotiate", did, "timed", "--json"))["agreement"]
    pid = json.loads(ok(buyer, "pull", timed, "--plane", "late-sink", "--no-wait", "--json"))["pid"]
    late_sink.next("prepare")
    late_source.next("start")
    late_sink.next("started")
    return pid


def time_out(pid):
    theirs = at_maker(pid)
    check("it runs until its time is over", bool(until(lambda: show(maker, theirs)["state"] == "TERMINATED", 60)), show(maker, theirs))
    check("because of it", "dateTime" in show(maker, theirs)["reason"], show(maker, theirs))
    late_source.next("terminate", "its data plane is told")
    becomes(buyer, pid, "TERMINATED")
    late_sink.next("terminate")


def crash():
    """The node dies while its data plane is being told."""
    source.plan["start"] = [(503, None)] * 3
    pid = started()
    sink.next("prepare")
    check("it is told, and refuses", bool(until(lambda: len(source.plan["start"]) < 3)))
    os.kill(maker.worker(), 9)
    source.next("start")
    sink.next("started")
    becomes(buyer, pid, "STARTED")
    return pid


def removed(pid):
    theirs = at_maker(pid)
    becomes(maker, theirs, "STARTED")
    check("listed", "source" in ok(maker, "dataplane", "planes"))
    ok(maker, "dataplane", "remove", "source")
    source.next("terminate")
    becomes(maker, theirs, "TERMINATED")
    becomes(buyer, pid, "TERMINATED")
    sink.next("terminate")
    check("its credential has ended", theirs_calls.call(theirs, "completed", "COMPLETED")[0] == 401)
    check("it is gone", maker.kanhe("dataplane", "remove", "source")[0] == 3)


try:
    secrets = {"source": ok(maker, "dataplane", "register", "source", source.url).strip(),
               "sink": ok(buyer, "dataplane", "register", "sink", sink.url).strip()}
    check("credentials", all(len(s) == 43 for s in secrets.values()), secrets)
    calls, theirs_calls = Caller(buyer, "buyer", secrets["sink"]), Caller(maker, "maker", secrets["source"])
    ok(maker, "publish", "--plane", "source", "--id", "line", "--title", "Line 7", "--count", "20")
    catalog = json.loads(ok(buyer, "catalog", did, "--json"))
    text = json.dumps(catalog)
    check("offered in the formats of its data plane", "HttpData-PULL" in text and "HttpData-PUSH" in text, text[:500])
    agreement = json.loads(ok(buyer, "negotiate", did, "line", "--json"))["agreement"]
    wishes()
    timely = timed()
    pulled()
    pushed()
    slow()
    refused()
    time_out(timely)
    removed(crash())
    kinds = ok(maker, "audit", "--json")
    check("all of it is in the ledger", all(k in kinds for k in ("data-plane-signal", "data-plane")), kinds[-300:])
finally:
    maker.close()
    buyer.close()
    for plane in (source, sink, late_source, late_sink):
        plane.close()
finish()
