"""The README's data space founded with Kanhe alone, as it is printed, in both languages: copied into a shell."""
import os
import re
import shutil
import subprocess
import tempfile

from node import KANHE, check, finish, run
from ports import free_port

HERE = os.path.dirname(os.path.abspath(__file__))
# between the lines: what was approved is delivered a moment later
AROUND = r"""
kanhe() {
  command kanhe "$@" || return
  case "$*" in "credential approve"*)
    for i in $(seq 600); do
      command kanhe outbox --node founder --json | grep -q '"waiting":\[\]' && break
      sleep 0.1
    done;;
  esac
}
"""


def block(file, chapter):
    text = open(os.path.join(HERE, "../..", file), encoding="utf-8").read()
    return re.search(r"```sh\n(.*?)```", text[text.index(chapter):], re.S)[1]


def follow(file, chapter, language):
    top = tempfile.mkdtemp(prefix="kanhe-founding.")
    ports = {port: str(free_port()) for port in ("7501", "7502", "7503")}
    script = re.sub("|".join(ports), lambda m: ports[m[0]], block(file, chapter))
    try:
        p = subprocess.run(["bash", "-e", "-c", AROUND + script], cwd=top, capture_output=True, text=True, timeout=240,
                           env={**os.environ, "LC_ALL": language, "PATH": os.path.dirname(KANHE) + ":" + os.environ["PATH"]})
        said = (p.stdout + p.stderr)[-1500:]
        check(f"{file}: the member's data arrive", open(os.path.join(top, "got.json"), encoding="utf-8").read().startswith('{"permission"')
              if os.path.exists(os.path.join(top, "got.json")) else False, said)
        check(f"{file}: the catalog shows what a member needs", 'MembershipCredential.level eq "gold"' in p.stdout, said)
        check(f"{file}: only the last line is refused, because of the revocation", p.returncode == 1 and any(w in p.stderr.strip().splitlines()[-1] for w in ("was revoked", "已被吊销"))
              and sum(line.startswith("kanhe ") for line in p.stderr.splitlines()) == 1, said)
    finally:
        for name in ("founder", "maker", "buyer"):
            if os.path.exists(os.path.join(top, name)):
                run("node", "stop", "--quiet", "--node", os.path.join(top, name))
        shutil.rmtree(top, ignore_errors=True)


follow("README.md", "### A data space founded with Kanhe alone", "C.UTF-8")
follow("README.zh-CN.md", "### 仅用 Kanhe 建立数据空间", "zh_CN.UTF-8")
finish()
