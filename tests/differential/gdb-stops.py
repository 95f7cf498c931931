# Run by gdb-multiarch: prints, for every stop at a breakpoint, the frames with their variables as one
# line of JSON. `$stops` in the environment bounds how many.
import json
import os

import gdb


def text(symbol, frame):
    try:
        return symbol.value(frame).format_string(
            max_elements=200, repeat_threshold=10, static_members=False, deref_refs=True
        )
    except gdb.error as error:
        return "<error: " + str(error) + ">"


def variables(frame):
    found = []
    try:
        block = frame.block()
    except RuntimeError:
        return found
    while block is not None:
        for symbol in block:
            if symbol.is_argument or symbol.is_variable or symbol.is_constant:
                found.append([symbol.name, text(symbol, frame), str(symbol.type)])
        if block.function is not None:
            break
        block = block.superblock
    return found


def describe(frame):
    place = frame.find_sal()
    return {
        "name": frame.name(),
        "pc": frame.pc(),
        "inlined": frame.type() == gdb.INLINE_FRAME,
        "signal": frame.type() == gdb.SIGTRAMP_FRAME,
        "file": place.symtab.filename if place.symtab else None,
        "line": place.line,
        "variables": variables(frame),
    }


def frames():
    found = []
    frame = gdb.newest_frame()
    while frame is not None:
        found.append(describe(frame))
        frame = frame.older()
    return found


for _ in range(int(os.environ["stops"])):
    gdb.execute("continue", to_string=True)
    if not gdb.selected_inferior().threads():
        break
    print("STOP " + json.dumps(frames()))
