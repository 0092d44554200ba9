#!/usr/bin/env python3
"""Sums up a run of ctest: what failed, what was skipped, what a sanitizer said about a daemon.

usage: summary.py BUILD [REPORTS]

BUILD is the build folder ctest ran in, with --output-junit Testing/junit.xml; REPORTS a folder with the sanitizers' reports on programs
whose own output nobody sees. Cases are counted where a test tells them (cmocka, or a last line
"N passed, N failed"), else the test itself. The last line is "N passed, N failed, N skipped";
exits 1 if anything failed or nothing passed.
"""

import glob
import os
import re
import sys

# ctest's own log has what was printed in full, its JUnit file what became of each test.
BLOCK = re.compile(r"^\d+/\d+ Test: (\S+)\n.*?^Output:\n-+\n(.*?)<end of output>\n", re.M | re.S)
VERDICT = re.compile(r'<testcase name="([^"]*)"[^>]* status="(\w+)">\s*(?:<skipped message="([^"]*)")?')
JUNIT = "Testing/junit.xml"
# A signal sent from outside (a test that crashes a worker on purpose) finds a process asleep.
ASLEEP = re.compile(r"SEGV.*?#0 \S+ in (?:__)?(?:internal_)?(?:epoll_p?wait|p?poll|futex|pthread_cond|nanosleep|clock_nanosleep|read|"
                    r"wait4|sigwait|sem_wait|__syscall)", re.S)


def number(pattern, text):
    return sum(int(n) for n in re.findall(pattern, text, re.M))


def count(output, status, why):
    """(passed, failed, skipped) of one test."""
    if status != "run" and why.startswith(("SKIP_", "Disabled")) or status == "disabled":
        return 0, 0, 1
    good = status == "run"
    told = re.search(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", output, re.M)
    if "[==========]" in output:
        passed = number(r"^\[  PASSED  \] (\d+) test", output)
        failed = number(r"^\[  FAILED  \] (\d+) test", output)
        skipped = number(r"^\[  SKIPPED \] (\d+) test", output)
    elif told:
        passed, failed, skipped = (int(n or 0) for n in told.groups())
    else:
        passed, failed, skipped = int(good), int(not good), 0
    # a case that says SKIPPED and returns has tested nothing
    more = max(0, len(skips(output)) - skipped)
    more = min(more, passed)
    passed, skipped = passed - more, skipped + more
    if not good:
        failed = max(failed, 1)  # it crashed, leaked or hung before it could tell
    return passed, failed, skipped


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def skips(output):
    return re.findall(r"SKIPPED: (.*)", output)


def main(argv):
    if len(argv) not in (1, 2) or argv[0] == "--help":
        print(__doc__, end="")
        return 0 if argv == ["--help"] else 2
    outputs = dict(BLOCK.findall(read(os.path.join(argv[0], "Testing/Temporary/LastTest.log"))))
    total = [0, 0, 0]
    for name, status, why in VERDICT.findall(read(os.path.join(argv[0], JUNIT))):
        output = outputs.get(name, "")
        counts = count(output, status, why)
        total = [a + b for a, b in zip(total, counts)]
        if counts[1]:
            print(f"FAILED:  {name}: {counts[1]} of {sum(counts)}{': ' + why if why else ''}")
        for what in skips(output):
            print(f"SKIPPED: {name}: {what}")
    for path in sorted(glob.glob(os.path.join(argv[1], "*"))) if len(argv) == 2 else []:
        report = read(path)
        if not ASLEEP.search(report):
            total[1] += 1
            print(f"FAILED:  a sanitizer's report: {path}\n{report[:4000]}")
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
