"""A greeting from every rank."""

import os
import socket


def hello_world():
    rank, ranks = os.environ.get("DRAGON_TUI_RANK", "0"), os.environ.get("DRAGON_TUI_NPROC", "1")
    print(f"hello from rank {rank} of {ranks} on {socket.gethostname()}!")
