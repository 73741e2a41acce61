#!/usr/bin/env python3
"""Reads a folder of event files as TensorBoard does, and prints what it would show as one JSON object. Needs the package tensorboard.

    scripts/read_tensorboard.py FOLDER

"reader" is what TensorBoard's own reader finds there, and "page" what its server answers to a browser: by tag, a list of [step, value].
"text" is the text on the page, and "files" is the number of event files.
"""

import json
import logging
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import quote

from tensorboard import program
from tensorboard.backend.event_processing import plugin_event_accumulator
from tensorboard.util import tensor_util

RUN = "."


def reader(folder):
    accumulator = plugin_event_accumulator.EventAccumulator(folder)
    accumulator.Reload()
    scalars = {}
    for tag in accumulator.Tags()["tensors"]:
        metadata = accumulator.SummaryMetadata(tag)
        if metadata.plugin_data.plugin_name == "scalars":
            events = accumulator.Tensors(tag)
            scalars[tag] = [[event.step, float(tensor_util.make_ndarray(event.tensor_proto))] for event in events]
    return scalars


def page(folder):
    board = program.TensorBoard()
    board.configure(argv=[None, "--logdir", folder, "--host", "127.0.0.1", "--port", "0"])
    url = board.launch()

    def ask(path):
        with urllib.request.urlopen(url + "data/plugin/" + path) as answer:
            return json.load(answer)

    for _ in range(120):  # it answers before it has read the files
        tags = ask("scalars/tags").get(RUN, {})
        if tags and ask("text/tags").get(RUN):
            break
        time.sleep(0.25)
    scalars = {tag: [row[1:] for row in ask(f"scalars/scalars?run={RUN}&tag={quote(tag, '')}")] for tag in tags}
    text = ask(f"text/text?run={RUN}&tag=recipe")[-1]["text"]
    return scalars, text


def main():
    logging.disable(logging.WARNING)
    folder = sys.argv[1]
    scalars, text = page(folder)
    files = len(list(Path(folder).iterdir()))
    print(json.dumps({"reader": reader(folder), "page": scalars, "text": text, "files": files}))


if __name__ == "__main__":
    main()
