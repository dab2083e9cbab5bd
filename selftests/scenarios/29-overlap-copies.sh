# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# nvme-tcp does not copy what it sends: on loopback, packets in the receive queue of the
# other end refer to the pages of the write. Here nobody reads them until the write was
# acknowledged on path 2, and its memory used for something else. Then they are read.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="memory of a write that was sent again is used for something else"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence"

IO_CONNECTION=2

is_stopped() { grep -q '^State:.*stopped' "/proc/$1/status"; }

# reuse WAY: block 0 and 1 are written from the same memory, and path 1 is lost with the
# first. Sets FOUND to what block 0 is when path 1 has executed what it was sent.
reuse() {
	local proxy_pid
	scene_set "$1" nr_io_queues=1,keep_alive_tmo=20
	path_io_timeout 1 3000
	proxy_pid=$(pidof ghost)
	proxy 1 hold $IO_CONNECTION
	kill -STOP "$proxy_pid"
	await 5 is_stopped "$proxy_pid" || bail "the proxy goes on"
	# dd has one buffer, and reads B into it when A is written.
	{
		head -c 4096 /dev/zero | tr '\0' A
		head -c 4096 /dev/zero | tr '\0' B
	} | dd of="$DEVICE" bs=4096 count=2 iflag=fullblock oflag=direct 2>/dev/null
	expect_eq "both blocks are written" "A B" "$(read_block "$DEVICE" 0) $(read_block "$DEVICE" 1)"
	kill -CONT "$proxy_pid"
	proxy 1 deliver --wait $IO_CONNECTION
	FOUND=$(read_block "$DEVICE" 0)
}

variant_fence() {
	plan 3
	reuse overlap
	expect_eq "the write was sent again at once" 1 "$(fence_counter 1 repeated)"
	expect_eq "executed late, it has written what it was" A "$FOUND"
}

variant_control() {
	plan 2
	reuse off
	expect_eq "executed late, it has written what is in its memory now" B "$FOUND"
}
