"""Scores every MIDI file of a folder under one model, the least surprising first.   python3 folder.py FOLDER [MODEL]

Four requests are under way at a time. A file that cannot be scored is named on standard error with the reason.
"""

import json
import os
import pathlib
import sys
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

URL = os.environ.get("SURPRISAL_URL", "http://127.0.0.1:8787")


def score(path, model):
    """Nats per frame, or the problem document that says why there is no score."""
    query = urllib.parse.urlencode({"models": model})
    headers = {"Content-Type": "audio/midi"}
    request = urllib.request.Request(f"{URL}/v1/score?{query}", path.read_bytes(), headers)
    try:
        with urllib.request.urlopen(request) as response:
            return json.load(response)["scores"][0]["nll"]
    except urllib.error.HTTPError as error:
        return json.load(error)


if __name__ == "__main__":
    model = sys.argv[2] if len(sys.argv) > 2 else "jsb/gru"
    files = sorted(pathlib.Path(sys.argv[1]).glob("*.mid"))
    with ThreadPoolExecutor(4) as pool:
        answers = dict(zip(files, pool.map(lambda file: score(file, model), files)))
    scores = {file: answer for file, answer in answers.items() if isinstance(answer, float)}
    for file, nll in sorted(scores.items(), key=lambda item: item[1]):
        print(f"{nll:.3f}\t{file.name}")
    problems = {file: answer for file, answer in answers.items() if file not in scores}
    for file, problem in problems.items():
        print(f"{file.name}: {problem['detail']}", file=sys.stderr)
    sys.exit(1 if problems else 0)
