"""Drives our websockets through the cases of the Autobahn testsuite, on both transports; exits 1 if one fails.

usage: python tests/fuzz_websockets.py [--transport threading] [--quick]
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import logging
from collections import Counter
from collections.abc import Iterable
from typing import Literal

from simulator_bridge.cli.text_table import TextColumn, text_table
from simulator_bridge.transport.websocket_frames import CLOSE
from tests.support.websockets.echo_websocket import echo_server
from tests.support.websockets.raw_websocket import Frame, RawWebSocket, frame
from tests.websocket_cases import NORMAL, SECTIONS, Case, Reply, cases, quick_cases

Verdict = Literal["passed", "non-strict", "informational", "failed"]
VERDICTS: tuple[Verdict, ...] = ("passed", "non-strict", "informational", "failed")
UNREAD_S = 3.0  # for a server that is expected to close at once


def judge(port: int, case: Case) -> tuple[Verdict, str]:
    """Run one case against an echo server; returns the verdict and, if it is not "passed", why."""
    replies: list[Frame] = []
    with RawWebSocket(port) as peer:
        ended_late, ending = _drive(peer, case, replies)
    if case.is_informational:
        return "informational", f"closed with {_close_code(ending)}"
    fault = _fault(case, replies, ending)
    if fault is not None:
        return "failed", fault
    if ended_late:
        return "non-strict", "it closed late"
    if tuple(replies) != case.replies:
        return "non-strict", "it dropped what was legal, too"
    return "passed", ""


def _drive(peer: RawWebSocket, case: Case, replies: list[Frame]) -> tuple[bool, Frame | None]:
    """Take the steps, fill in the replies; returns whether the end came late, and the close frame if there was one."""
    ended_late = False
    for step in case.steps:
        if isinstance(step, bytes):
            peer.write(step)
        elif step is Reply:
            got = peer.read()
            if got is None or got.opcode == CLOSE:
                return False, got
            replies.append(got)
        else:
            ended_late = not peer.has_more(UNREAD_S)
    while True:
        if case.we_close and len(replies) == len(case.replies):
            peer.write(frame(CLOSE, NORMAL.to_bytes(2, "big")))
        got = peer.read()
        if got is None or got.opcode == CLOSE:
            return ended_late, got
        replies.append(got)


def _fault(case: Case, replies: list[Frame], ending: Frame | None) -> str | None:
    if tuple(replies) != case.replies and not (case.or_no_replies and not replies):
        return f"expected {len(case.replies)} replies, got {[(reply.opcode, reply.payload[:20]) for reply in replies]}"
    if ending is None:
        return "it hung up without a close frame" if case.is_clean else None
    code = _close_code(ending)
    if code is not None and code not in case.codes:
        return f"expected the close code {' or '.join(map(str, case.codes))}, got {code}"
    return None


def _close_code(ending: Frame | None) -> int | None:
    return int.from_bytes(ending.payload[:2], "big") if ending and ending.payload else None


def judge_all(port: int, chosen: Iterable[Case]) -> tuple[dict[int, Counter[Verdict]], list[str]]:
    """Run the cases; returns how many of each section got each verdict, and a line for each that did not pass."""
    counts: dict[int, Counter[Verdict]] = {}
    lines = []
    for case in chosen:
        verdict, why = judge(port, case)
        counts.setdefault(case.section, Counter())[verdict] += 1
        if why:
            lines.append(f"{case.number} {verdict}: {why}")
    return counts, lines


def main() -> int:
    parser = argparse.ArgumentParser(description="Drive our websockets through the cases of the Autobahn testsuite.")
    parser.add_argument("--transport", choices=("both", "eventlet", "threading"), default="both")
    parser.add_argument("--quick", action="store_true", help="without section 9, limits and performance")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    transports = ("threading", "eventlet") if arguments.transport == "both" else (arguments.transport,)
    has_failed = False
    columns = [TextColumn("section", numeric=False), *(TextColumn(verdict, 0) for verdict in VERDICTS)]
    for transport in transports:
        with echo_server(transport) as server:
            counts, lines = judge_all(server.port, quick_cases() if arguments.quick else cases())
        rows = [
            [f"{n} {SECTIONS[n]}", *(found[verdict] for verdict in VERDICTS)] for n, found in sorted(counts.items())
        ]
        print(text_table(columns, rows, title=f"websocket cases, {transport}"))  # noqa: T201
        print("\n".join(lines), end="\n\n")  # noqa: T201
        has_failed |= any(found["failed"] for found in counts.values())
    print("12, 13: compression is never agreed to")  # noqa: T201
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main())
