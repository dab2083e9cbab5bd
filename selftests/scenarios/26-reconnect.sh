# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# There is one path, and no Cross-Controller Reset. It is lost with a write, and back after
# five seconds. A target that gives out the same Controller ID again has cleaned up before:
# what was held leaves when the path is back, not when the keep alive timeouts and CQT are over.
# Not all targets are like that.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="that a controller is connected again is evidence, if its IDs can be believed"
# shellcheck disable=SC2034
VARIANTS="fence:fence by_id:fence nameless:fence same_instance:fence another_id:fence liar:fence liar_by_id:fence nvmet:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

RECONNECT_MS=5000

# one_path EVIDENCE [RULE...]: the path to the scripted target is lost with a write, which is
# stuck in the controller, and back after 5 s; the rules say what the new controller is
one_path() {
	local rule
	scripted_target_start --ccrl 0 --quiesce-ms 3600000
	fence_load "$1" || bail "the module does not load"
	shift
	path_connect_direct 1 keep_alive_tmo=20,reconnect_delay=$((RECONNECT_MS / 1000))
	DEVICE=$(head_device)
	path_io_timeout 1 3000
	trace_start
	writer_start --blocks 1 --writes 3
	for rule in 'kato : ignore' 'quiesce : ignore' \
		'write queue=io times=1 : hold=before-execution' "$@"; do
		scripted_target rule "$rule" >/dev/null
	done
	writer_go
}

# waited_ms: from the loss to the release
waited_ms() {
	echo $((($(release_ns) - $(event_ns ' nvme_fence_lost: nvme[0-9]+ record=1 ')) / 1000000))
}

# execute_late: what is still stuck is executed now
execute_late() {
	scripted_target release all >/dev/null
	sleep 1
}

# by_reconnect EVIDENCE: it left when the path was back
by_reconnect() {
	writer_wait
	expect_eq "the write was held" 1 "$(fence_counter 1 held)"
	expect_eq "that it is connected again was the evidence" "$1" "$(fence_attr 1 evidence)"
	expect_eq "and is counted" 1 "$(fence_counter 1 "$(echo "$1" | tr - _)")"
	expect_between "it left when the path was back" $RECONNECT_MS \
		"$(late_ms $((RECONNECT_MS + 500)))" "$(waited_ms)"
}

# by_time: it was no evidence. The controller executes late what was stuck, but before CQT is over.
by_time() {
	await 20 in_state "$(path_ctrl 1)" connecting
	wait_state "$(path_ctrl 1)" live 10
	execute_late
	writer_wait
	expect_eq "the write was held" 1 "$(fence_counter 1 held)"
	expect_eq "that it is connected again was no evidence" time "$(fence_attr 1 evidence)"
	check "no ghost write" registers_verify
}

variant_fence() {
	plan 6
	one_path hold=all 'assign : cntlid=old cleanup'
	by_reconnect reconnect
	execute_late
	check "no ghost write" registers_verify
}

# A target that knows nothing of instances, and an administrator who knows the target
variant_by_id() {
	plan 6
	one_path evidence=time,reconnect-by-id 'assign : cntlid=old cleanup identity=none'
	by_reconnect reconnect-by-id
	execute_late
	check "no ghost write" registers_verify
}

# By default an ID alone is not believed, and rightly so with this target.
variant_nameless() {
	plan 4
	one_path hold=all 'assign : cntlid=old identity=none'
	by_time
}

# Nor is it if the instance is the same.
variant_same_instance() {
	plan 4
	one_path hold=all 'assign : cntlid=old identity=same'
	by_time
}

# Another ID says nothing about the lost controller.
variant_another_id() {
	plan 4
	one_path evidence=time,reconnect,reconnect-by-id
	by_time
}

# What is taken for granted of a target that names instances: if it gives out the ID while the
# old instance can still execute, there is a ghost. An address that has moved to another node,
# which gives out the same IDs, is such a target if nobody has fenced the first node.
variant_liar() {
	plan 6
	one_path hold=all 'assign : cntlid=old'
	by_reconnect reconnect
	execute_late
	check "the ghost write is there" eval '! registers_verify'
}

# The same for an administrator who believes IDs.
variant_liar_by_id() {
	plan 6
	one_path evidence=time,reconnect-by-id 'assign : cntlid=old identity=none'
	by_reconnect reconnect-by-id
	execute_late
	check "the ghost write is there" eval '! registers_verify'
}

# The real target: when the host was gone, it let go of the controller, and of its ID with it.
variant_nvmet() {
	plan 7
	target_start
	proxy_start 1
	fence_load || bail "the module does not load"
	path_connect 1 nr_io_queues=1,keep_alive_tmo=20,reconnect_delay=$((RECONNECT_MS / 1000))
	DEVICE=$(head_device)
	path_io_timeout 1 3000
	trace_start
	writer_start --blocks 1 --writes 3 --readers
	proxy 1 hold 1
	proxy 1 hold 2
	writer_go
	proxy 1 wait host-closed all
	proxy 1 drop
	by_reconnect reconnect
	expect_eq "it has the same ID" "1 1" "$(controller_ids)"
	check "no ghost write" registers_verify
	note_ghost_write
	result held "$(fence_counter 1 held)"
	result released_by "$(fence_attr 1 evidence)"
	result write_ns "$(report_ns writes max_ns)"
	result read_ns "$(report_ns reads max_ns)"
}

# controller_ids: of what was lost, and of what is connected now
controller_ids() {
	echo "$(field nvme_fence_lost cntlid) $(fence_attr 1 identity | sed -E 's/^cntlid=([0-9]+) .*/\1/')"
}

variant_control() {
	plan 3
	one_path hold=none 'assign : cntlid=old'
	writer_wait
	expect_eq "nothing was held" 0 "$(fence_counter 1 held)"
	execute_late
	check "the ghost write is there" eval '! registers_verify'
}
