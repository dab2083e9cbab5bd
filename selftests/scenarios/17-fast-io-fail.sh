# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The only path is lost with a write, and stays away for longer than fast_io_fail_tmo. A
# cluster relies on that: what could not be written by then will not be written by this
# host. Another host takes over and writes, the path comes back, and the fence opens.
#
# delayed_removal_secs is such a promise, too: it says how long the multipath device waits for
# a path when the last one was disconnected.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a held write that fast_io_fail_tmo or delayed_removal_secs has failed is not sent later"
# shellcheck disable=SC2034
VARIANTS="fence:fence in_time:fence control:fence stock:stock removed:fence removed_in_time:fence
	removed_control:fence removed_stock:stock"
# shellcheck disable=SC2034
MACHINES="uml qemu"

IO_CONNECTION=2
FAST_IO_FAIL=10
DELAYED_REMOVAL=20
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

# disconnect_lost WAY: as lose_path, but it is delayed_removal_secs that counts, and the path
# is disconnected.
disconnect_lost() {
	FAST_IO_FAIL=-1
	lose_path "$1"
	echo $DELAYED_REMOVAL >"/sys/block/${DEVICE##*/}/delayed_removal_secs"
	REMOVED=$(now_ms)
	path_disconnect 1
	proxy 1 accept
}

path_is_gone() { ! head_node; }

# Another host takes over when this one has given the device up.
another_host_writes() {
	await $((DELAYED_REMOVAL + 5)) path_is_gone || bail "the multipath device stays"
	REMOVED=$(($(now_ms) - REMOVED))
	write_block $BACKING 0 B || bail "the other host can not write"
}

connect_again() {
	path_connect 1 nr_io_queues=1,keep_alive_tmo=20
	DEVICE=$(head_device)
}

removed_held() { cat /sys/module/nvme_fence/removed/held; }

variant_removed() {
	plan 8
	disconnect_lost time
	another_host_writes
	expect_between "the multipath device waits for as long as it was told to" \
		$((DELAYED_REMOVAL * 1000)) "$(late_ms $((DELAYED_REMOVAL * 1000 + 500)))" "$REMOVED"
	expect_eq "the write is held" 1 "$(removed_held)"
	connect_again
	writer_ends
	check "it fails" [ "$STATUS" != 0 ]
	expect_eq "when there is evidence" time "$(field nvme_fence_release evidence)"
	expect_between "and not before" -1 "$(late_ms 1000)" \
		$((BEGUN + TOOK - $(release_expected_ns) / 1000000))
	expect_eq "the log says why" 1 \
		"$(dmesg | grep -c 'no available path while it was held - failing I/O')"
	expect_eq "it was sent once, on the lost association" 1 "$(writes_sent)"
	expect_eq "the other host's data is there" B "$(read_block "$DEVICE" 0)"
}

# The path is connected again before the multipath device is removed.
variant_removed_in_time() {
	plan 5
	disconnect_lost time
	connect_again
	expect_eq "the write is held" 1 "$(removed_held)"
	writer_ends
	expect_eq "it succeeds" 0 "$STATUS"
	expect_between "when there is evidence, which is later than that" \
		$((DELAYED_REMOVAL * 1000)) "$(late_ms 75000)" "$TOOK"
	expect_eq "it was sent once more" 2 "$(writes_sent)"
	expect_eq "its data is there" A "$(read_block "$DEVICE" 0)"
}

# removed_unheld WAY
removed_unheld() {
	plan 4
	disconnect_lost "$1"
	writer_ends
	check "the write fails" [ "$STATUS" != 0 ]
	expect_between "when the multipath device is removed" \
		$((DELAYED_REMOVAL * 1000)) "$(late_ms $((DELAYED_REMOVAL * 1000 + 5000)))" "$TOOK"
	another_host_writes
	connect_again
	expect_eq "it was sent once" 1 "$(writes_sent)"
	expect_eq "the other host's data is there" B "$(read_block "$DEVICE" 0)"
}

variant_removed_control() { removed_unheld off; }
variant_removed_stock() { removed_unheld none; }
