# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The only path is silent, pages are being written, and the path is disconnected. Its
# namespaces go first, which waits for the pages, and they wait for the end of the
# association. So the connections must be terminated before the namespaces are gone.
# Several requests time out together, and each must be completed once, or they time out one
# after the other, some of them when the connections are terminated already. Where nothing is
# held, all of that must be as on a stock kernel.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a path that holds dirty pages is disconnected"
# shellcheck disable=SC2034
VARIANTS="fence:fence file_system:fence control:fence stock:stock late:fence late_core_alone:fence
	late_control:fence late_stock:stock"
# shellcheck disable=SC2034
MACHINES="uml qemu"

IO_CONNECTION=2
PAGES=8
# Seconds between two writes: the block layer may be 1.3 s late to see that one has timed out.
APART=2
MOUNT=/tmp/mount

# connect WAY: WAY is "none" where there is no module.
connect() {
	target_start
	proxy_start 1
	[ "$1" = none ] || fence_load_as "$1" || bail "the module does not load"
	path_connect 1 nr_io_queues=1,keep_alive_tmo=20,ctrl_loss_tmo=600
	path_io_timeout 1 3000
	DEVICE=$(head_device)
	trace_start
}

# disconnect COMMAND...: path 1, when the command, which writes, is under way. Sets TOOK
# to the milliseconds until both have ended.
disconnect() {
	local begun
	proxy 1 hold $IO_CONNECTION
	"$@" 2>/dev/null &
	WRITER=$!
	await 10 writes_in_flight || bail "nothing is written"
	begun=$(now_ms)
	path_disconnect 1
	wait $WRITER && STATUS=0 || STATUS=$?
	TOOK=$(($(now_ms) - begun))
}

# write_page N: and wait for it
write_page() {
	dd if=/dev/zero of="$DEVICE" bs=4096 count=1 seek=$(($1 * 64)) conv=notrunc,fsync
}

# write_apart: two pages, one after the other, neither of which waits for the other. It fails
# if both do.
write_apart() {
	local first
	write_page 0 &
	first=$!
	sleep $APART
	write_page 1 && return
	wait $first
}

# commands_timed_out: how many did so, each by itself. What is cancelled with others does not.
commands_timed_out() { dmesg | grep -cE 'nvme nvme[0-9]+: I/O tag .* QID [0-9]+ timeout$'; }

writes_in_flight() {
	[ "$(trace_count 'nvme_setup_cmd: .*nvme_cmd_write')" -ge "${WRITES:-1}" ]
}

variant_fence() {
	plan 5
	connect time
	WRITES=$PAGES
	disconnect write_pages $PAGES
	expect_eq "the writes were held" $PAGES "$(trace_count ' nvme_fence_hold: ')"
	expect_eq "until its time had come" time "$(field nvme_fence_release evidence)"
	expect_between "which was counted from the end of the connections" -1000 "$STEP_NS" \
		$(($(release_ns) - $(release_expected_ns)))
	expect_between "the path is gone then" 60000 "$(late_ms 75000)" "$TOOK"
	check "and the writer knows that there is an error" [ "$STATUS" != 0 ]
}

variant_file_system() {
	plan 3
	connect time
	/usr/sbin/mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$DEVICE" >/dev/null 2>&1 || bail "no file system"
	mkdir $MOUNT
	mount -t ext4 "$DEVICE" $MOUNT || bail "it is not mounted"
	# What is needed for it must not be read later.
	echo old >$MOUNT/file && sync
	: >"$TRACE/trace"
	disconnect eval 'echo new 1<>$MOUNT/file; sync'
	check "writes were held" [ "$(trace_count ' nvme_fence_hold: ')" -gt 0 ]
	# Each write that it waits for may be sent before the one before is given up.
	expect_between "the path is gone when their time has come" 60000 "$(late_ms 160000)" "$TOOK"
	umount $MOUNT
	expect_eq "nothing is held any more" 0 "$(cat /sys/module/nvme_fence/removed/held)"
}

# disconnect_unheld LOWEST HIGHEST COMMAND...: where nothing is held, the path is gone so
# many milliseconds after it was disconnected.
disconnect_unheld() {
	local lowest="$1" highest="$2"
	shift 2
	disconnect "$@"
	expect_eq "nothing is held" 0 "$(trace_count ' nvme_fence_hold: ')"
	expect_between "the path is gone when the last write has timed out" \
		"$lowest" "$(late_ms "$highest")" "$TOOK"
	check "and the writer knows that there is an error" [ "$STATUS" != 0 ]
}

# together_unheld WAY: 3 s are the timeout, and the block layer is 1.3 s late.
together_unheld() {
	plan 3
	connect "$1"
	WRITES=$PAGES
	disconnect_unheld 3000 4600 write_pages $PAGES
}

variant_control() { together_unheld off; }
variant_stock() { together_unheld none; }

# history: what became of what is held, and of its association, in this order
history() {
	sed -nE 's/.* nvme_fence_(hold|deadline|release): .*/\1/p' "$TRACE/trace" | paste -s -d ' '
}

variant_late() {
	plan 7
	connect time
	WRITES=2
	disconnect write_apart
	expect_eq "each write has timed out by itself" 2 "$(commands_timed_out)"
	expect_eq "the second one was held after the end of its association" \
		"hold deadline hold release" "$(history)"
	expect_eq "both were released together" 2 "$(field nvme_fence_release commands)"
	expect_eq "when their time had come" time "$(field nvme_fence_release evidence)"
	expect_between "which was counted from the end of the connections" -1000 "$STEP_NS" \
		$(($(release_ns) - $(release_expected_ns)))
	check "and the writers know that there is an error" [ "$STATUS" != 0 ]
	expect_eq "nothing is held any more" 0 "$(cat /sys/module/nvme_fence/removed/held)"
}

# No module is loaded.
variant_late_core_alone() {
	plan 5
	connect none
	WRITES=2
	disconnect write_apart
	expect_eq "each write has timed out by itself" 2 "$(commands_timed_out)"
	expect_core_holds "one was held when the association ended" 1 70000
	expect_eq "both were released together" 1 "$(core_said 'fenced, 2 command(s) released')"
	expect_between "the path is gone then" 70000 "$(late_ms 74000)" "$TOOK"
	check "and the writers know that there is an error" [ "$STATUS" != 0 ]
}

# apart_unheld WAY: the second write was sent right before the path is disconnected.
apart_unheld() {
	plan 4
	connect "$1"
	WRITES=2
	disconnect_unheld 2600 3400 write_apart
	expect_eq "each write has timed out by itself" 2 "$(commands_timed_out)"
}

variant_late_control() { apart_unheld off; }
variant_late_stock() { apart_unheld none; }
