"""Runs a command in a pseudo-terminal and plays a person: waits for text, types, changes the window's size.

Standard input is JSON: {"command": [...], "steps": [...]}, a step one of
  {"expect": text}            waits until the text has come, behind what earlier steps have seen
  {"type": text}              sends keys
  {"resize": [rows, columns]}
  {"pause": seconds}
Standard output is JSON: {"output": text, "status": exit status or null, "missed": the text that never came or null}.
"""

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios
import time

PATIENCE = 40.0


class Session:
    def __init__(self, command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execvp(command[0], command)
        self.output = b""
        self.seen = 0
        self.ended = False
        self.resize(24, 80)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def gather(self, seconds):
        readable, _, _ = select.select([self.fd], [], [], seconds)
        if not readable:
            return
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.ended = data == b""
        self.output += data

    def expect(self, text):
        until = time.monotonic() + PATIENCE
        while True:
            at = self.output.find(text, self.seen)
            if at >= 0:
                self.seen = at + len(text)
                return True
            if self.ended or time.monotonic() > until:
                return False
            self.gather(0.1)

    def pause(self, seconds):
        until = time.monotonic() + seconds
        while not self.ended and time.monotonic() < until:
            self.gather(0.05)

    def close(self):
        until = time.monotonic() + PATIENCE
        while not self.ended and time.monotonic() < until:
            self.gather(0.1)
        if not self.ended:
            os.kill(self.pid, 9)
        _, status = os.waitpid(self.pid, 0)
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else None


def play(session, steps):
    for step in steps:
        if "expect" in step:
            if not session.expect(step["expect"].encode()):
                return step["expect"]
        elif "type" in step:
            os.write(session.fd, step["type"].encode())
        elif "resize" in step:
            session.resize(*step["resize"])
        else:
            session.pause(step["pause"])
    return None


request = json.load(sys.stdin)
session = Session(request["command"])
missed = play(session, request["steps"])
if missed is not None:
    os.kill(session.pid, 9)
status = session.close()
json.dump({"output": session.output.decode(errors="replace"), "status": status, "missed": missed}, sys.stdout)
