"""Two participants trade: commands that must do their work, and what becomes of transfers."""
import json

from node import check, until


def ok(node, *args):
    status, out, err = node.kanhe(*args)
    check(" ".join(args[:3]), status == 0, (out, err))
    return out


def show(node, pid):
    return json.loads(node.kanhe("transfer", pid, "--json")[1])


def becomes(node, pid, state):
    return check(f"{pid[-6:]} becomes {state}", bool(until(lambda: show(node, pid)["state"] == state)), show(node, pid))
