# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# There is one path. Its I/O connection swallows a write, the path is lost and comes
# back long before the lost association is fenced. The new association carries new I/O,
# and the write waits. Without the fence it goes out again at once, newer data follows,
# and then the old controller executes its copy.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a path that comes back carries new I/O, and held writes wait"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# Connections are numbered as they come: 1 is the admin queue, 2 the I/O queue.
IO_CONNECTION=2

lose_and_reconnect() {
	scene_set_single "$1"
	DEVICE=$(head_device)
	writer_start --blocks 1 --writes 3
	proxy 1 hold $IO_CONNECTION
	writer_go
	proxy 1 wait host-closed $IO_CONNECTION
	wait_state "$(path_ctrl 1)" live 10
	sleep 1
}

variant_fence() {
	local begun
	plan 9
	lose_and_reconnect time
	check "the path is live again" in_state "$(path_ctrl 1)" live
	expect_eq "the write is held" 1 "$(fence_attr 1 held)"
	expect_eq "the lost association is being fenced" fencing "$(fence_attr 1 state)"
	begun=$(now_ms)
	check "another block is written" write_block "$DEVICE" 100 N
	expect_between "at once" 0 "$(late_ms 10)" $(($(now_ms) - begun))
	proxy 1 deliver --wait $IO_CONNECTION
	writer_wait
	check "no ghost write" registers_verify
	expect_eq "the write was released by time" time "$(fence_attr 1 evidence)"
	expect_eq "and the path is just open" open "$(fence_attr 1 state)"
}

variant_control() {
	plan 4
	lose_and_reconnect off
	check "the path is live again" in_state "$(path_ctrl 1)" live
	expect_eq "nothing is held" 0 "$(fence_attr 1 held)"
	writer_wait
	proxy 1 deliver --wait $IO_CONNECTION
	check "the ghost write is there" eval '! registers_verify'
}
