"""The registry's benches in short form: that they run, and what of their results is no matter of time."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from node import BUILD, check, finish

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/bench/registry")
missing = [tool for tool in ("chrt", "h2load", "taskset") if not shutil.which(tool)]
if missing or os.cpu_count() < 2:
    print("SKIPPED: the benches want two cores, and", *missing)
    sys.exit(77)

COUNT = 10_000
top = tempfile.mkdtemp(prefix="kanhe-benches.")
try:
    p = subprocess.run([sys.executable, "-B", BENCH, "-n", str(COUNT), "--requests", "1000", "--passes", "bulk,scattered", "--build", BUILD,
                        "--folder", top, "--json"], capture_output=True, text=True, timeout=600)
    check("tools/bench/registry runs", p.returncode == 0, p.stderr[-1000:])
    got = json.loads(p.stdout) if p.returncode == 0 else {}
    ratios = got.get("ratios", {})
    for name in ("bulk_rate_vs_lmdb_append", "scattered_rate_vs_lmdb_random"):
        check(f"it tells {name}", (ratios.get(name) or 0) > 0, ratios)
    check("and random resolves beside LMDB's own", str(COUNT) in got.get("resolves", {}), got.keys())
    check("octets on disk are at most 1.3 times those of keys and values with the index", 1 < ratios.get("bulk_file_vs_key_and_value_with_index", 0) <= 1.3, ratios)
    check("it leaves nothing behind", os.listdir(top) == [], os.listdir(top))

    p = subprocess.run([os.path.join(BUILD, "bin", "bench-series"), "--short"], capture_output=True, text=True, timeout=600)
    check("bench-series runs", p.returncode == 0, p.stderr[-1000:])
    check("and tells members beside records", len(re.findall(r"^plain record [\d.]+ us, .* member [\d.]+ us", p.stdout, re.M)) == 6, p.stdout)
finally:
    shutil.rmtree(top, ignore_errors=True)
finish()
