"""Samples 16 frames that follow a MIDI file and writes them as a MIDI file.   python3 predict.py FILE OUTPUT"""

import os
import sys
import urllib.parse
import urllib.request

URL = os.environ.get("SURPRISAL_URL", "http://127.0.0.1:8787")


def continuation(path, model="jsb/gru", steps=16, seed=7):
    """The bytes of a MIDI file; the same seed gives the same continuation."""
    query = urllib.parse.urlencode({"models": model, "steps": steps, "seed": seed})
    with open(path, "rb") as file:
        body = file.read()
    headers = {"Content-Type": "audio/midi", "Accept": "audio/midi"}
    with urllib.request.urlopen(urllib.request.Request(f"{URL}/v1/predict?{query}", body, headers)) as response:
        return response.read()


if __name__ == "__main__":
    with open(sys.argv[2], "wb") as file:
        file.write(continuation(sys.argv[1]))
