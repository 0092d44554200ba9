"""What the tests of China's application interfaces share: a node for their prefixes, calls, identities, signatures."""
import base64
import datetime
import hashlib
import json
import os
import struct
import subprocess
import sys
import urllib.parse

from node import Node, check

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared/vectors/china/node-api-examples.json")
if not os.path.exists(FILE):
    print("SKIPPED: ../shared/vectors/china is absent")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)
EXAMPLES = [c["json"] for c in json.load(open(FILE))["cases"]]

PREFIXES = ["88.1021.150", "88.101.0042", "88.101.5", "86.709.612", "88.608.8899", "88.608.8889", "88.608.5288", "88.608.6688"]
node = Node("--authority", ",".join(PREFIXES))


def call(method, path, body=None, token=None):
    headers = {"Authorization": "Bearer " + token} if token else {}
    status, got, _ = node.request(method, path, body, headers=headers)
    return got if status == 200 else {"http": status, "answer": got}


def native(method, path, body, token):
    status, got, _ = node.request(method, path, body, headers={"Authorization": "Bearer " + token})
    check(f"{method} {path}", status in (200, 201, 204), f"{status} {got}")


def china_time():
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=8)


def is_token(text):
    """A JWT for a day."""
    part = text.split(".")
    if len(part) != 3:
        return False
    claims = json.loads(base64.urlsafe_b64decode(part[1] + "=" * (-len(part[1]) % 4)))
    return claims["exp"] - claims["iat"] == 24 * 3600


def credential(name, roles, scope):
    status, out, err = node.kanhe("node", "token", "add", name, roles, "--scope", scope)
    assert status == 0, err
    return out.strip()


SECRET = credential("admin", "registrar", " ".join(PREFIXES))
KEY = os.path.join(node.top, "app.pem")
subprocess.run(["openssl", "genrsa", "-out", KEY, "2048"], check=True, capture_output=True)


def hs_pubkey():
    out = subprocess.run(["openssl", "rsa", "-in", KEY, "-noout", "-modulus"], check=True, capture_output=True, text=True).stdout
    modulus = b"\0" + bytes.fromhex(out.strip().split("=")[1])
    field = lambda b: struct.pack(">I", len(b)) + b
    return field(b"RSA_PUB_KEY") + b"\0\0" + field(b"\1\0\1") + field(modulus) + b"\0\0\0\0"


def identity(handle, name="", company=""):
    """An identity as an operator sets it up: a credential, and a record with its key. Returns its secret."""
    prefix, suffix = handle.split("/")
    secret = credential(f"{suffix}@{prefix}", "enterprise", prefix)
    values = [{"index": 300, "type": "HS_PUBKEY", "data": {"format": "base64", "value": base64.b64encode(hs_pubkey()).decode()}}]
    if name:
        values.append({"index": 1, "type": "NAME", "data": name})
    if company:
        values.append({"index": 2, "type": "COMPANY", "data": company})
    native("PUT", "/registry/" + handle, {"values": values}, SECRET)
    return secret


def sign(nonce):
    out = subprocess.run(["openssl", "dgst", "-sha256", "-sign", KEY], input=nonce.encode(), check=True, capture_output=True).stdout
    return base64.b64encode(out).decode()


def log_in(handle):
    nonce = call("GET", "/api/v1/doip/public/challenge?handle=" + handle)["data"]
    got = call("POST", "/api/v1/doip/public/verify-response", {"handle": handle, "signature": sign(nonce)})
    return got["data"]["token"]


def template(prefix, version, attributes, token=None, **more):
    native("PUT", f"/templates/{prefix}/{version}", {"attributes": attributes, **more}, token or SECRET)


def doip(op, target, body=None, token=None, method="POST"):
    return call(method, "/api/v1/doip?" + urllib.parse.urlencode({"targetId": target, "operationId": op}), body, token)


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def today():
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=8)).strftime("%Y-%m-%d")
