"""The whole story, with the programs of a build: tools/quickstart on ports of its own."""
import os
import subprocess
import sys

from ports import free_ports

QUICKSTART = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/quickstart")
sys.exit(subprocess.run([QUICKSTART, "--build", sys.argv[1], "--port", str(free_ports(5))], stdin=subprocess.DEVNULL).returncode)
