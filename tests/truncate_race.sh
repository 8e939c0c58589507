#!/bin/bash
# SPDX-License-Identifier: MIT
# truncate_race.sh RULE: no reader sees a byte that was never written, or a
# signal, while another process truncates and rewrites the file, and dies.
# each rule
. "${0%/*}/lib.sh"

shim timeout $([ "${LONG:-}" ] && echo 600 || echo 100) \
    "$BIN/truncate_race" -k $([ "${LONG:-}" ] && echo 500 || echo 25) "$PREFIX/f"
