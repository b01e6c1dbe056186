"""Mean information content of each file and model in a table of notes.   python3 corpus.py notes.csv

The table is what `surprisal score corpus --out notes.csv --detail notes` writes. Needs pandas.
"""

import sys

import pandas

notes = pandas.read_csv(sys.argv[1])
failed = notes[notes["error"].notna()]
means = notes.groupby(["file", "model"], sort=True)["bits"].mean()
print(means.to_csv(sep="\t", header=False, float_format="%.3f", lineterminator="\n"), end="")
for file, detail in failed[["file", "detail"]].itertuples(index=False):
    print(f"{file}: {detail}", file=sys.stderr)
