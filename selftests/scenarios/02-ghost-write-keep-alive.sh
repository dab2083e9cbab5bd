# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Path 1 goes silent, in both directions, while writes are on their way. The host
# notices when its keep-alive goes unanswered. The controller has not noticed yet
# when the writes arrive: its own timer is traffic based, and so up to twice as long.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="writes lost with a silent path are executed late"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence stock:stock"
# shellcheck disable=SC2034
MACHINES="uml qemu"

ghost_write() {
	scene_set "$1" keep_alive_tmo=5
	writer_start --blocks 4 --writes 4 --readers
	proxy 1 freeze
	proxy 1 refuse
	writer_go
	proxy 1 wait host-closed all
	sleep 0.2
	proxy 1 deliver --wait
	writer_wait
	expect_eq "the host gave up for want of a keep-alive" 1 \
		"$(dmesg | grep -c 'opcode 0x18 .* QID 0 timeout')"
}

variant_fence() {
	plan 6
	ghost_write time
	check "no ghost write" registers_verify
	expect_eq "4 writes were held" 4 "$(fence_counter 1 held)"
	expect_eq "and released" 4 "$(fence_counter 1 released)"
	expect_eq "by time" time "$(fence_attr 1 evidence)"
}

variant_control() {
	plan 4
	ghost_write off
	check "the ghost write is there" eval '! registers_verify'
	expect_eq "nothing was held" 0 "$(fence_counter 1 held)"
}

variant_stock() {
	plan 3
	ghost_write none
	check "the ghost write is there" eval '! registers_verify'
}
