"""A drive server that may open few files: `server_with_few_files.py TRANSPORT N`.

Prints its port, ends with its input.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[3])

from tests.support.running_server import running_server


def main() -> None:
    transport, n_files = sys.argv[1], int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_NOFILE, (n_files, n_files))
    with running_server(transport=transport) as server:
        print(server.port, flush=True)  # noqa: T201 - for the test
        sys.stdin.read()


if __name__ == "__main__":
    main()
