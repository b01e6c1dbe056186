"""Scores a Parquet of files on a Ray cluster.   python3 cluster.py FILES.parquet SCORES.parquet [MODEL]

FILES has the columns `name` and `bytes`; SCORES has `name`, `nll` (nats per frame) and `problem`, of which one is null.
It needs ray[data] and surprisal-client.
"""

import os
import sys

import ray
from surprisal_client import Client

URL = os.environ.get("SURPRISAL_URL", "http://127.0.0.1:8787")


class Scorer:
    """One client for each worker; `batch` keeps a few requests under way."""

    def __init__(self, model: str) -> None:
        self.client, self.model = Client(URL, retries=8), model

    def __call__(self, rows):
        inputs = ({"input": bytes(data)} for data in rows["bytes"])
        answers = list(self.client.batch(inputs, models=[self.model]))
        nll = [a["scores"][0]["nll"] if "scores" in a else None for a in answers]
        problem = [a["problem"]["detail"] if "problem" in a else None for a in answers]
        return {"name": list(rows["name"]), "nll": nll, "problem": problem}


model = sys.argv[3] if len(sys.argv) > 3 else "jsb/gru"
files = ray.data.read_parquet(sys.argv[1])  # columns: name, bytes
files.map_batches(Scorer, fn_constructor_args=[model], batch_size=256, concurrency=(1, 64)).write_parquet(sys.argv[2])
