# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# An array arbitrates paths itself: its namespaces are optimized through port 1 and inaccessible
# through port 2, and move there only when nothing can execute any more of what came through
# port 1. Not all arrays are like that, not even all of which it is said.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="an array that has moved what is held is evidence, if it arbitrates paths itself"
# shellcheck disable=SC2034
VARIANTS="fence:fence unbelieved:fence several:fence back:fence replaced:fence shared:fence adopted:fence liar:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

MOVE_MS=1000
KATO=20

# array_start PARAMETER [OPTION...]: the target (with these options), the module, both paths.
# PATH_1_OPTIONS may be set before.
array_start() {
	local parameter="$1"
	shift
	array_target "$@"
	fence_load "$parameter" || bail "the module does not load"
	array_connect
	trace_start
}

array_target() {
	# shellcheck disable=SC2034 # for scripted_target_start
	PORT_2_STATE=inaccessible
	scripted_target_start --ccrl 0 --quiesce-ms 3600000 "$@"
}

array_connect() {
	path_connect_direct 1 "keep_alive_tmo=$KATO,${PATH_1_OPTIONS:-reconnect_delay=600}"
	path_connect_direct 2 "keep_alive_tmo=$KATO"
	path_io_timeout 1 3000
	DEVICE=$(head_device)
	scripted_target rule 'kato : ignore' >/dev/null
	scripted_target rule 'quiesce : ignore' >/dev/null
}

# array_lose: path 1, with a write that is stuck in the array
array_lose() {
	writer_start --blocks "${1:-1}" --writes 3
	scripted_target rule 'write port=1 queue=io : hold=before-execution' >/dev/null
	writer_go
	await 30 in_state "$(path_ctrl 1)" connecting || bail "path 1 is not lost"
	await 10 eval '[ "$(fence_attr 1 state)" = fencing ]' || bail "it is not closed"
}

# still_held TEXT: after a second, in which it could have left
still_held() {
	sleep 1
	expect_eq "$1" fencing "$(fence_attr 1 state)"
}

# by_target: that the array has moved it was the evidence
by_target() {
	writer_wait
	expect_eq "that the array moved it was the evidence" target "$(fence_attr 1 evidence)"
	expect_eq "and is counted" 1 "$(fence_counter 1 target)"
}

# shared_warnings: how often it was said that the array is not of this kind
shared_warnings() { dmesg | grep -c 'could be used through another port as well'; }

# The host adds no wait.
variant_fence() {
	plan 5
	array_start evidence=time,target --move-after-ms $MOVE_MS
	array_lose
	by_target
	expect_between "it left when the array had moved it" $MOVE_MS \
		"$(late_ms $((MOVE_MS + 500)))" "$(waited_ms)"
	ccr_execute_late
	check "no ghost write" registers_verify
}

# By default it is no evidence.
variant_unbelieved() {
	plan 4
	array_start hold=all --move-after-ms $MOVE_MS
	array_lose
	await 10 path_optimized 2 || bail "the array has not moved the namespace"
	still_held "that the array moved it is no evidence"
	writer_wait
	expect_eq "the evidence was another one" time "$(fence_attr 1 evidence)"
	ccr_execute_late
	check "no ghost write" registers_verify
}

# Something is held for two namespaces, which move one after the other.
variant_several() {
	local second second_writer
	plan 6
	array_start evidence=time,target --namespaces 2
	second=${DEVICE%1}2
	wait_for_file "$second" || bail "there is no second namespace"
	writer_start --blocks 1 --writes 3
	scripted_target rule 'write port=1 queue=io : hold=before-execution' >/dev/null
	(exec 4>&- && write_block "$second" 0 B) &
	second_writer=$!
	writer_go
	await 30 eval '[ "$(fence_attr 1 held)" = 2 ]' || bail "not both writes are held"
	await 10 eval '[ "$(fence_attr 1 state)" = fencing ]' || bail "it is not closed"
	scripted_target move 2 1 >/dev/null
	await 10 eval 'write_block "$DEVICE" 1 C' || bail "the first namespace has not moved"
	still_held "one has not moved: what was lost with the same path waits"
	scripted_target move 2 2 >/dev/null
	by_target
	ccr_execute_late
	check "no ghost write" registers_verify
	wait "$second_writer"
	expect_eq "nor on the other namespace" B "$(read_block "$second" 0)"
}

# The path that was lost is back first. It has another controller, but the array has moved nothing.
variant_back() {
	PATH_1_OPTIONS=reconnect_delay=2
	plan 5
	array_start evidence=time,target
	array_lose
	await 20 in_state "$(path_ctrl 1)" live || bail "path 1 is not back"
	still_held_commands "that the same path is back proves nothing"
	scripted_target forget all >/dev/null
	scripted_target move 2 >/dev/null
	by_target
	ccr_execute_late
	check "no ghost write" registers_verify
}

# still_held_commands TEXT: as still_held, where the path is in use again
still_held_commands() {
	sleep 1
	expect_eq "$1" 1 "$(fence_attr 1 held)"
}

# The host is connected to another controller behind the port that was lost.
variant_replaced() {
	plan 4
	array_start evidence=time,target
	array_lose
	connect_to 3 127.0.0.1 "keep_alive_tmo=$KATO,duplicate_connect"
	await 10 path_optimized 3 || bail "controller 3 is no usable path"
	still_held "another controller behind the same port proves nothing"
	scripted_target forget all >/dev/null
	scripted_target move 2 >/dev/null
	by_target
}

# Both ports can be used: it is said of an array that does not arbitrate.
variant_shared() {
	plan 7
	scripted_target_start --ccrl 0 --quiesce-ms 3600000
	fence_load evidence=time,target || bail "the module does not load"
	array_connect
	trace_start
	array_lose 2
	expect_eq "two writes are held" 2 "$(fence_attr 1 held)"
	expect_eq "that the array is not of this kind is said once" 1 "$(shared_warnings)"
	scripted_target move 2 >/dev/null
	still_held "that it moves something proves nothing"
	fence_set evidence "time target"
	scripted_target event 2 ana >/dev/null
	still_held "nor does it for what was held when a setting is written"
	writer_wait
	expect_eq "the evidence was another one" time "$(fence_attr 1 evidence)"
	expect_eq "nothing more was said" 1 "$(shared_warnings)"
}

# The module comes when the paths are there already.
variant_adopted() {
	plan 5
	array_target --move-after-ms $MOVE_MS
	array_connect
	fence_load evidence=time,target || bail "the module does not load"
	trace_start
	array_lose
	by_target
	ccr_execute_late
	check "no ghost write" registers_verify
	expect_eq "nothing is held any more" 0 "$(fence_attr 1 held)"
}

# What is taken for granted: the array has fenced what it moves.
variant_liar() {
	plan 4
	array_start evidence=time,target
	scripted_target rule 'move : ignore' >/dev/null
	array_lose
	scripted_target move 2 >/dev/null
	by_target
	ccr_execute_late
	check "the ghost write is there" eval '! registers_verify'
}

# The same array without a fence
variant_control() {
	plan 3
	array_start hold=none
	scripted_target rule 'move : ignore' >/dev/null
	writer_start --blocks 1 --writes 3
	scripted_target rule 'write port=1 queue=io : hold=before-execution' >/dev/null
	writer_go
	await 30 in_state "$(path_ctrl 1)" connecting || bail "path 1 is not lost"
	scripted_target move 2 >/dev/null
	writer_wait
	expect_eq "nothing was held" 0 "$(fence_counter 1 held)"
	ccr_execute_late
	check "the ghost write is there" eval '! registers_verify'
}
