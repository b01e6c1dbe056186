"""Scores a MIDI or audio file and prints nats per frame (audio: per step) of each model.   python3 score.py FILE [MODELS]"""

import json
import os
import sys
import urllib.parse
import urllib.request

URL = os.environ.get("SURPRISAL_URL", "http://127.0.0.1:8787")


def score(path, models=None):
    """The answer of /score to a file, which the server recognises by its first bytes.

    Raises urllib.error.HTTPError, whose body is a problem document, when the file cannot be scored.
    """
    query = "?" + urllib.parse.urlencode({"models": models}) if models else ""
    with open(path, "rb") as file:
        body = file.read()
    headers = {"Content-Type": "application/octet-stream"}
    with urllib.request.urlopen(urllib.request.Request(f"{URL}/v1/score{query}", body, headers)) as response:
        return json.load(response)


if __name__ == "__main__":
    answer = score(sys.argv[1], *sys.argv[2:3])
    for each in answer["scores"]:
        print(f"{each['model']}\t{each['nll']:.3f}")
    if answer["best"] is not None:
        print(f"best: {answer['best']}")
    else:  # models of several frame rates read the piece, and their frames cannot be compared
        for each in answer["bestByFrameRate"]:
            print(f"best at {each['framesPerQuarter']} per quarter note: {each['model']}")
