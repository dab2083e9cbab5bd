# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# A scene with the scripted target, for scenarios about Cross-Controller Reset: what path 1
# is sent is stuck in its controller, and will be executed when the target is told so.

# ccr_scene WAY [OPTION...]: the target (with these options), the module, both paths.
# KATO, PATH_2_ADDRESS and PATH_2_OPTIONS may be set before.
ccr_scene() {
	local way="$1"
	shift
	scripted_target_start --quiesce-ms 3600000 "$@"
	fence_load_as "$way" || bail "the module does not load"
	path_connect_direct 1 "keep_alive_tmo=${KATO:=20},reconnect_delay=600"
	connect_to 2 "${PATH_2_ADDRESS:-127.0.0.2}" \
		"keep_alive_tmo=$KATO${PATH_2_OPTIONS:+,$PATH_2_OPTIONS}"
	path_io_timeout 1 3000
	# shellcheck disable=SC2034 # for scenarios
	DEVICE=$(head_device)
	trace_start
	scripted_target rule 'kato : ignore' >/dev/null
	scripted_target rule 'quiesce : ignore' >/dev/null
}

# ccr_lose_path_1 [KEY]: with a write; returns when that has been written on another path.
# The path is what has this key for the target, all of port 1 if none is named.
ccr_lose_path_1() {
	writer_start --blocks 1 --writes 3
	scripted_target rule "write ${1:-port=1} queue=io : hold=before-execution" >/dev/null
	writer_go
	writer_wait
}

# ccr_execute_late: what is still stuck is executed now
ccr_execute_late() {
	scripted_target release all >/dev/null
	sleep 1
}

# steps [RECORD]: how the resets went, in one line
steps() {
	sed -nE "s/.* nvme_fence_reset: nvme[0-9]+ record=${1:-1} .* step=(.*)$/\1/p" "$TRACE/trace" |
		tr '\n' ' ' | sed 's/ $//'
}

# waited_ms: from the loss to the release
waited_ms() {
	echo $((($(release_ns) - $(event_ns ' nvme_fence_lost: nvme[0-9]+ record=1 ')) / 1000000))
}

# by_reset LOWEST HIGHEST: it was fenced by a reset, after so many milliseconds
by_reset() {
	ccr_execute_late
	check "no ghost write" registers_verify
	expect_eq "a reset was the evidence" ccr "$(fence_attr 1 evidence)"
	expect_between "$1 to $2 ms after the loss" "$1" "$(late_ms "$2")" "$(waited_ms)"
}

# by_time: it was fenced by time, at the deadline
by_time() {
	expect_eq "time was the evidence" time "$(fence_attr 1 evidence)"
	expect_between "at the deadline" -1000 "$STEP_NS" \
		$(($(release_ns) - $(release_expected_ns)))
}
