#!/bin/sh
# Scores a MIDI or audio file and prints the answer as JSON.   sh score.sh FILE [MODELS]
set -eu
curl -sS --fail-with-body "${SURPRISAL_URL:-http://127.0.0.1:8787}/v1/score" \
  -F "file=@$1" ${2:+-F "models=$2"}
