# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# What is not to be had from the target is made up for by time: a target that reports its
# Command Quiesce Time but resets nothing, and one that does neither.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="without Cross-Controller Reset the time rule holds"
# shellcheck disable=SC2034
VARIANTS="cqt:fence neither:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# 3 x KATT
KEEP_ALIVE_NS=60000000000

# play WAY CCRL CQT: the target gets what it was sent 20 seconds later
play() {
	target_start
	target_set ccrl "$2"
	target_set cqt "$3"
	proxy_start 1
	fence_load_as "$1" || bail "the module does not load"
	path_connect 1 keep_alive_tmo=20,reconnect_delay=100
	path_connect_direct 2 keep_alive_tmo=20
	path_io_timeout 1 3000
	DEVICE=$(head_device)
	trace_start
	writer_start --blocks 1 --writes 3
	proxy 1 hold
	writer_go
	proxy 1 wait host-closed all
	sleep 20
	proxy 1 deliver --wait
	writer_wait
}

# by_time QUIESCE_NS: it is fenced so long after 3 x KATT
by_time() {
	check "no ghost write" registers_verify
	expect_eq "the write was held" 1 "$(fence_counter 1 held)"
	expect_eq "until time was over" time "$(fence_attr 1 evidence)"
	expect_between "which was at the deadline" -1000 "$STEP_NS" \
		$(($(release_ns) - $(release_expected_ns)))
	expect_between "the quiesce time behind the keep alive wait" \
		$((KEEP_ALIVE_NS + $1)) $((KEEP_ALIVE_NS + $1 + 10000000)) \
		$(($(field nvme_fence_deadline deadline_ns) - $(field nvme_fence_deadline t_last_ns)))
}

variant_cqt() {
	plan 8
	play auto 0 65000
	by_time 65000000000
	expect_eq "the target said how long" controller "$(field nvme_fence_deadline cqt_source)"
	expect_eq "nobody was asked for a reset" 0 "$(fence_counter 1 ccr_asked)"
}

variant_neither() {
	plan 8
	play auto 0 0
	by_time 10000000000
	expect_eq "the administrator said how long" default "$(field nvme_fence_deadline cqt_source)"
	expect_eq "nobody was asked for a reset" 0 "$(fence_counter 1 ccr_asked)"
}

variant_control() {
	plan 2
	play off 0 65000
	check "the ghost write is there" eval '! registers_verify'
}
