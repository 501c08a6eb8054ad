#!/bin/sh
# SPDX-License-Identifier: MIT
# curl.sh OUT URL...: all of them at once, into files in the directory OUT; proxy variables switched off.
out=$1
shift
exec curl --proxy '' -sSfL --parallel --parallel-immediate --remote-name-all --output-dir "$out" "$@"
