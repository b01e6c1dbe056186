#!/bin/sh
# Samples 16 frames that follow a MIDI file and writes them as a MIDI file.   sh predict.sh FILE OUTPUT
set -eu
curl -sS --fail-with-body "${SURPRISAL_URL:-http://127.0.0.1:8787}/v1/predict" \
  -H 'Accept: audio/midi' -F "file=@$1" -F models=jsb/gru -F steps=16 -F seed=7 -o "$2"
