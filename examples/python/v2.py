"""Scores a few chords by the Open Inference Protocol and prints nats per frame.   python3 v2.py [MODEL]

Frames go as bytes after the JSON, and so does what comes back, by the protocol's extension for binary tensor data.
"""

import json
import os
import struct
import sys
import urllib.request

URL = os.environ.get("SURPRISAL_URL", "http://127.0.0.1:8787")
CHORDS = [[48, 64, 67, 72], [53, 65, 69, 72], [43, 65, 71, 74], [48, 64, 67, 72]]


def pitches_of(model):
    """D: the model reads MIDI pitches 1 to D, as its metadata say."""
    with urllib.request.urlopen(f"{URL}/v2/models/{model}") as response:
        frames = json.load(response)["inputs"][0]
    return frames["shape"][-1]


def nll(model, piece):
    """NLL of every frame but the first, in nats. Raises urllib.error.HTTPError, whose body has an `error`."""
    pitches = pitches_of(model)
    frames = b"".join(bytes(int(d + 1 in frame) for d in range(pitches)) for frame in piece)
    shape = [len(piece), pitches]
    parameters = {"binary_data_size": len(frames)}
    header = json.dumps(
        {
            "inputs": [{"name": "frames", "shape": shape, "datatype": "UINT8", "parameters": parameters}],
            "outputs": [{"name": "nll", "parameters": {"binary_data": True}}],
        }
    ).encode()
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(header))}
    request = urllib.request.Request(f"{URL}/v2/models/{model}/infer", header + frames, headers)
    with urllib.request.urlopen(request) as response:
        response.read(int(response.headers["Inference-Header-Content-Length"]))
        return struct.unpack(f"<{len(piece) - 1}d", response.read())


if __name__ == "__main__":
    for surprisal in nll(*(sys.argv[1:2] or ["jsb--gru"]), CHORDS):
        print(f"{surprisal:.3f}")
