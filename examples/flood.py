"""A rank that writes far more than anybody can read, and one that hardly writes."""

import sys
import time

LINE = "step {:08d} loss 0.123456 lr 0.001 grad-norm 1.2345 tokens/s 123456 memory 12345 MiB of 81920 ok\n"


def loud(megabytes):
    """Writes `megabytes` million bytes of log lines as fast as they are taken."""
    size = len(LINE.format(0))
    lines = megabytes * 1_000_000 // size
    for start in range(0, lines, 500):
        # Whole lines, many at once: what is measured is the reader, not this loop.
        some = range(start, min(start + 500, lines))
        sys.stdout.write("".join(map(LINE.format, some)))
    print(f"loud: {lines} lines, {lines * size} bytes", flush=True)


def quiet(lines):
    """Five lines a second; they must not drown."""
    for number in range(lines):
        print(f"quiet line {number + 1} of {lines}", flush=True)
        time.sleep(0.2)
