"""The ``furlough`` command."""

import shutil
import signal
import sys
from pathlib import Path

from ._furlough import command


def main() -> None:
    """Does what the command line asks, and ends the process with its exit code."""
    # Python's own handler would only note a Ctrl-C, and never come to raise it. A signal that was ignored when
    # the process began stays ignored.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    program = Path(sys.argv[0]).name.removesuffix(".exe")
    found = shutil.which(program)
    typed = program if found and Path(found).resolve() == Path(sys.argv[0]).resolve() else sys.argv[0]
    sys.exit(command([typed, *sys.argv[1:]]))
