"""How long a node tries and waits is a setting: letters that nobody takes, requests that nobody decides. A change
is taken over at SIGHUP; what cannot be is refused."""
import json
import os
import shutil
import signal
import tempfile
import uuid
from datetime import datetime, timedelta

from node import KANHED, Node, check, finish, run, until
from partner import Partner

TOP = tempfile.mkdtemp(prefix="kanhe-patience.")
CA = os.path.join(TOP, "ca")
node = Node("--participant", "maker", "--ca", CA, start=False, clear=False)
conf = os.path.join(node.folder, "kanhed.conf")
plain = open(conf, encoding="utf-8").read()
peer = Partner(TOP, CA)


def configure(*lines):
    with open(conf, "w", encoding="utf-8") as f:
        f.write(plain.replace("[space]\n", "[space]\n" + "".join(line + "\n" for line in lines)))


def waiting():
    return json.loads(node.kanhe("inbox", "--json")[1])["inbox"]


def ask():
    """The partner's request that waits for a decision: its pid at our node."""
    status, dataset = peer.call(node, "maker", "/catalog/datasets/d1")
    check("the offer is read", status == 200, (status, dataset))
    offer = {**dataset["hasPolicy"][0], "target": "d1"}
    status, got = peer.call(node, "maker", "/negotiations/request", peer.message(
        "ContractRequestMessage", consumerPid=f"urn:uuid:{uuid.uuid4()}", callbackAddress=peer.base, offer=offer))
    check("the request is taken", status == 201, (status, got))
    return got["providerPid"]


def hang_up():
    old = node.worker()
    os.kill(node.pid(), signal.SIGHUP)
    check("SIGHUP takes it over", until(lambda: node.worker() not in (0, old), 60))
    check("and it serves", until(lambda: answers(), 60))


def answers():
    try:
        return node.request("GET", "/healthz")[0] == 200
    except OSError:
        return False


try:
    for what, line in (("an age below a minute", "outbox_age = 59s"), ("a first pause above ten seconds", "outbox_retry = 11s"),
                       ("a longest pause below ten seconds", "outbox_retry_max = 9s"), ("no attempt", "outbox_tries = 0"),
                       ("no time for a decision", "inbox_wait = 0s"), ("a word", "inbox_wait = soon")):
        configure(line)
        status, out, err = run("--check", conf, program=KANHED)
        check(f"{what} is refused by name", status != 0 and line.split()[0] in out + err, (status, out, err))
    configure("outbox_tries = 2", "outbox_retry = 10ms")
    node.start()
    data = os.path.join(TOP, "data.csv")
    with open(data, "w", encoding="utf-8") as f:
        f.write("a,b\n1,2\n")
    status, out, err = node.kanhe("publish", data, "--id", "d1", "--title", "t", "--approval")
    check("publish", status == 0, out + err)
    first = ask()
    one = waiting()[0]
    times = [datetime.fromisoformat(one[k].replace("Z", "+00:00")) for k in ("since", "until")]
    check("seven days unless told otherwise", times[1] - times[0] == timedelta(days=7), one)
    check("it says how the partner is known", one["verified_by"] == "key of its DID document", one)

    configure("outbox_tries = 2", "outbox_retry = 10ms", "inbox_wait = 1s")
    hang_up()
    second = ask()
    end = peer.take("/termination")
    check("nobody decides within the new time: the partner is told", end["providerPid"] == second and end["code"] == "NOT_DECIDED", end)
    check("what waited before keeps its time", [(x["pid"], x["until"]) for x in waiting()] == [(first, one["until"])], waiting())

    taken = []

    def gone(h, body):
        taken.append(h.path)
        return 404, {}

    peer.answers["/dsp"] = gone
    status, out, err = node.kanhe("inbox", "approve", first)
    check("approve", status == 0, out + err)
    letters = until(lambda: [x for x in json.loads(node.kanhe("outbox", "--json")[1]).get("dead", []) if x["pid"] == first], 60)
    check("as many attempts as the setting says, then a dead letter", letters and letters[0]["attempts"] == 2 and
          len([p for p in taken if p.endswith("/agreement")]) == 2, (letters, taken, node.kanhe("outbox", "--json")))
    out = node.kanhe("config")[1]
    check("kanhe config shows what is in force", "outbox_tries = 2" in out and "inbox_wait = 1s" in out, out)
finally:
    peer.close()
    node.close()
    shutil.rmtree(TOP, ignore_errors=True)
finish()
