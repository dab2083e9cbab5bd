# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# There is one port, and one path. It is lost with a write and comes back: the new
# association is what the old one is reset through.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a path that comes back has its own past reset"
# shellcheck disable=SC2034
VARIANTS="fence:fence time:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# The first connection of an association is the admin queue.
IO_CONNECTION=2

flap() {
	target_start
	proxy_start 1
	fence_load_as "$1" || bail "the module does not load"
	path_connect 1 nr_io_queues=1,keep_alive_tmo=20,reconnect_delay=2
	path_io_timeout 1 3000
	DEVICE=$(head_device)
	trace_start
	writer_start --blocks 1 --writes 3
	proxy 1 hold $IO_CONNECTION
	writer_go
	proxy 1 wait host-closed $IO_CONNECTION
	wait_state "$(path_ctrl 1)" live
	sleep 1
	proxy 1 deliver --wait $IO_CONNECTION
	writer_wait
}

variant_fence() {
	plan 6
	flap auto
	check "no ghost write" registers_verify
	expect_eq "one write was held" 1 "$(fence_counter 1 held)"
	expect_eq "until its association was reset" ccr "$(fence_attr 1 evidence)"
	expect_eq "through the next one of the same path" \
		"1 2 $(path_ctrl 1)" "$(field nvme_fence_reset record) $(field nvme_fence_reset source_record) $(field nvme_fence_reset source)"
	expect_between "as soon as that was there" 0 "$(late_ns 8000000000)" \
		"$(report_ns writes max_ns)"
}

variant_time() {
	plan 4
	flap told
	check "no ghost write" registers_verify
	expect_eq "by time" time "$(fence_attr 1 evidence)"
	# The next controller lists the last one as lost.
	expect_between "after the quiesce time" 13000000000 "$(late_ns 25000000000)" \
		"$(report_ns writes max_ns)"
}

variant_control() {
	plan 2
	flap off
	check "the ghost write is there" eval '! registers_verify'
}
