#!/bin/sh
# Scores every MIDI file of a folder under one model: a line of JSON for each, with its name.   sh folder.sh FOLDER [MODEL]
# A file that cannot be scored gives a problem document in its line, and the exit code 1 in the end.
set -u
failed=0
for file in "$1"/*.mid; do
  printf '{"file": "%s", "answer": ' "$(basename "$file")"
  curl -sS --fail-with-body "${SURPRISAL_URL:-http://127.0.0.1:8787}/v1/score" \
    -F "file=@$file" -F "models=${2:-jsb/gru}" || failed=1
  printf '}\n'
done
exit "$failed"
