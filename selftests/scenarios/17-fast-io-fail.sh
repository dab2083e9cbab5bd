# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The only path is lost with a write, and stays away for longer than fast_io_fail_tmo. A
# cluster relies on that: what could not be written by then will not be written by this
# host. Another host takes over and writes, the path comes back, and the fence opens.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a held write that fast_io_fail_tmo has failed is not sent later"
# shellcheck disable=SC2034
VARIANTS="fence:fence in_time:fence control:fence stock:stock"
# shellcheck disable=SC2034
MACHINES="uml qemu"

IO_CONNECTION=2
FAST_IO_FAIL=10
# What the other host writes to.
BACKING=/dev/ram0

# lose_path WAY: the path swallows a write of 'A', and is lost. Sets BEGUN.
lose_path() {
	target_start
	proxy_start 1
	[ "$1" = none ] || fence_load_as "$1" || bail "the module does not load"
	path_connect 1 nr_io_queues=1,keep_alive_tmo=20,reconnect_delay=1
	# Not every nvme-cli has an option for it.
	echo $FAST_IO_FAIL >"/sys/class/nvme/$(path_ctrl 1)/fast_io_fail_tmo"
	path_io_timeout 1 3000
	DEVICE=$(head_device)
	trace_start
	write_block "$DEVICE" 0 0 || bail "the path does not work"
	: >"$TRACE/trace"
	proxy 1 hold $IO_CONNECTION
	proxy 1 refuse
	BEGUN=$(now_ms)
	write_block "$DEVICE" 0 A &
	WRITER=$!
	proxy 1 wait host-closed $IO_CONNECTION
}

come_back() {
	proxy 1 accept
	wait_state "$(path_ctrl 1)" live || bail "the path does not come back"
}

# Sets TOOK and STATUS.
writer_ends() {
	wait "$WRITER" && STATUS=0 || STATUS=$?
	TOOK=$(($(now_ms) - BEGUN))
}

writes_sent() { trace_count 'nvme_setup_cmd: .*nvme_cmd_write'; }

variant_fence() {
	plan 6
	lose_path time
	sleep $((FAST_IO_FAIL + 5))
	expect_eq "the write is held" 1 "$(fence_attr 1 held)"
	write_block $BACKING 0 B || bail "the other host can not write"
	come_back
	writer_ends
	check "it fails" [ "$STATUS" != 0 ]
	expect_eq "when there is evidence" time "$(field nvme_fence_release evidence)"
	# A millisecond is what was cut off.
	expect_between "and not before" -1 "$(late_ms 1000)" \
		$((BEGUN + TOOK - $(release_expected_ns) / 1000000))
	expect_eq "it was sent once, on the lost association" 1 "$(writes_sent)"
	expect_eq "the other host's data is there" B "$(read_block "$DEVICE" 0)"
}

# The limit has not passed.
variant_in_time() {
	plan 4
	lose_path time
	sleep $((FAST_IO_FAIL - 5))
	come_back
	expect_eq "the write is held" 1 "$(fence_attr 1 held)"
	writer_ends
	expect_eq "it succeeds" 0 "$STATUS"
	expect_eq "it was sent once more" 2 "$(writes_sent)"
	expect_eq "its data is there" A "$(read_block "$DEVICE" 0)"
}

expect_failed_at_the_limit() {
	writer_ends
	check "the write fails" [ "$STATUS" != 0 ]
	expect_between "when the limit has passed" 13000 "$(late_ms 16000)" "$TOOK"
	write_block $BACKING 0 B || bail "the other host can not write"
	come_back
	expect_eq "it was sent once" 1 "$(writes_sent)"
	expect_eq "the other host's data is there" B "$(read_block "$DEVICE" 0)"
}

variant_control() {
	plan 4
	lose_path off
	expect_failed_at_the_limit
}

variant_stock() {
	plan 4
	lose_path none
	expect_failed_at_the_limit
}
