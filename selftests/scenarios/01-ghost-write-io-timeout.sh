# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Path 1 swallows writes. They time out, go out on path 2 and are acknowledged, newer
# ones follow; then the controller of path 1 executes what it was sent.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="writes that timed out are executed late"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence stock:stock"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# The keep-alive timeout lets the target keep the association meanwhile.
ghost_write() {
	scene_set "$1" keep_alive_tmo=20
	path_io_timeout 1 3000
	writer_start --blocks 4 --writes 4 --readers
	lose_path_1
	sleep 2
	proxy 1 deliver --wait
	writer_wait
	result write_ns "$(report_ns writes max_ns)"
	result read_ns "$(report_ns reads max_ns)"
}

variant_fence() {
	plan 6
	ghost_write time
	check "no ghost write" registers_verify
	note_ghost_write
	expect_eq "4 writes were held" 4 "$(fence_counter 1 held)"
	expect_eq "and released" 4 "$(fence_counter 1 released)"
	expect_eq "by time" time "$(fence_attr 1 evidence)"
	expect_between "the reads that were stuck only waited for the timeout" \
		0 "$(late_ns 5000000000)" "$(report_ns reads max_ns)"
	result held "$(fence_counter 1 held)"
	result released_by "$(fence_attr 1 evidence)"
}

variant_control() {
	plan 3
	ghost_write off
	check "the ghost write is there" eval '! registers_verify'
	note_ghost_write
	expect_eq "nothing was held" 0 "$(fence_counter 1 held)"
	result held "$(fence_counter 1 held)"
	result released_by -
}

variant_stock() {
	plan 2
	ghost_write none
	check "the ghost write is there" eval '! registers_verify'
	note_ghost_write
	result held -
	result released_by -
}
