# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# While writes are held, reads are served at once: those that were cancelled with the
# writes, and new ones, of the very blocks that are being written.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="reads do not wait for the fence"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

lose() {
	scene_set "$1"
	path_io_timeout 1 3000
	writer_start --blocks 4 --writes 2 --readers --read-interval-ms 10
	lose_path_1
	sleep 1
}

# How long 20 new reads take, in milliseconds.
new_reads_ms() {
	local begun block
	begun=$(now_ms)
	for block in $(seq 20); do
		read_block "$DEVICE" $((block % 4)) >/dev/null || return
	done
	echo $(($(now_ms) - begun))
}

variant_fence() {
	plan 8
	lose time
	expect_eq "4 writes are held" 4 "$(fence_attr 1 held)"
	expect_eq "path 1 is being fenced" fencing "$(fence_attr 1 state)"
	expect_between "20 new reads take no time" 0 "$(late_ms 10)" "$(new_reads_ms)"
	expect_eq "and the writes are still held" 4 "$(fence_attr 1 held)"
	writer_wait
	expect_between "no read waited longer than for the timeout" \
		3000000000 "$(late_ns 5000000000)" "$(report_ns reads max_ns)"
	expect_between "hardly any read waited at all" 0 "$(late_ns 10000000)" "$(report_ns reads p99_ns)"
	expect_between "but the writes did" 20000000000 40000000000 "$(report_ns writes max_ns)"
}

variant_control() {
	plan 4
	lose off
	expect_eq "no write is held" 0 "$(fence_attr 1 held)"
	expect_between "20 new reads take no time" 0 "$(late_ms 10)" "$(new_reads_ms)"
	writer_wait
	expect_between "the writes were released early" \
		3000000000 "$(late_ns 5000000000)" "$(report_ns writes max_ns)"
}
