"""The Python rank of sessions/mixed.ron: works for shell scripts, and leaves children behind."""

import subprocess
import time


def worker(jobs, results, count):
    """Answers `count` jobs, which a shell script put, with text that a shell script can read."""
    # What a careless program does: one child is forgotten, another even leaves the process group.
    subprocess.Popen(["sleep", "300"])
    subprocess.Popen(["sleep", "300"], start_new_session=True)
    for _ in range(count):
        job = jobs.get()
        time.sleep(0.2)
        print(f"worked on {job}", flush=True)
        results.put(f"{job} is done")
