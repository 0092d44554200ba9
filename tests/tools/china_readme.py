"""The README's block for applications written for China's nodes, as it is printed, in both languages: copied into a shell."""
import datetime
import hashlib
import json
import os
import re
import subprocess

from node import KANHE, Node, check, finish

HERE = os.path.dirname(os.path.abspath(__file__))
OK = {"message": "success", "status": 1, "data": True}


def follow(file, chapter, language):
    text = open(os.path.join(HERE, "../..", file), encoding="utf-8").read()
    script = re.search(r"```sh\n(.*?)```", text[text.index(chapter):], re.S)[1]
    node = Node("--authority", "88.608.8889")
    try:
        for told, ours in (("--node maker", "--node " + node.folder), ("https://maker.example:8443", node.url)):
            check(f"{file}: {told} stands in it", told in script)
            script = script.replace(told, ours)
        around = f"curl() {{ command curl -sS --cacert {node.folder}/tls/ca.pem \"$@\"; }}\n"
        p = subprocess.run(["bash", "-e", "-c", around + script], cwd=node.top, capture_output=True, text=True, timeout=120,
                           env={**os.environ, "LC_ALL": language, "PATH": os.path.dirname(KANHE) + ":" + os.environ["PATH"]})
        said = (p.returncode, p.stdout, p.stderr)
        answers = [json.loads(a) for a in re.findall(r"\{.*?\}(?=\{|\n|$)", p.stdout) if "code" in a or "status" in a]
        check(f"{file}: every line goes well", p.returncode == 0, said)
        check(f"{file}: SNMS registers one", answers[:1] == [OK], said)
        check(f"{file}: metadata, published, and an object of it", [a.get("code") for a in answers[1:]] == [1, 10000, 10000], said)
        for handle, data in (("P-1", "SN-1"), ("P-7", "7")):
            status, out, err = node.kanhe("resolve", "88.608.8889/" + handle, "--token", os.path.join(node.folder, "tokens", "registrar.token"))
            check(f"{file}: {handle} is there", status == 0 and data in out, (out, err))
        secret = open(os.path.join(node.top, "secret")).read().strip()
        today = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=8)).strftime("%Y-%m-%d")
        digest = lambda t: hashlib.sha256(t.encode()).hexdigest()
        body = {"username": "88.608.8889/App_erp", "password": digest(digest(secret) + today)}
        got = node.request("POST", "/identity/token/v1", body)[1]
        check(f"{file}: the digest of the day is what it says", got.get("status") == 1, got)
    finally:
        node.close()


follow("README.md", "### Applications written for China's nodes", "C.UTF-8")
follow("README.zh-CN.md", "### 为国内节点编写的应用", "zh_CN.UTF-8")
finish()
