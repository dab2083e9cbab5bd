# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Path 1 is lost with a flush on its way. Whoever waits for it must not be told that it
# is done before one was, on the other path. That is a fix of its own, which needs no
# module (drivers/nvme/patches/*/fixes).

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a flush that is lost with its path is done on the other one"
# shellcheck disable=SC2034
VARIANTS="fixed:fence joined:fence no_scheduler:fence error:fence do_not_retry:fence stock:stock"
# shellcheck disable=SC2034
MACHINES="uml qemu"

flushes_on() { trace_count " nvme_setup_cmd: $(path_ctrl "$1"): .*nvme_cmd_flush"; }

connect_with_cache() {
	target_start file
	proxy_start 1
	path_connect 1 nr_io_queues=1,keep_alive_tmo=20
	path_connect_direct 2 nr_io_queues=1,keep_alive_tmo=20
	DEVICE=$(head_device)
	path_io_timeout 1 3000
	trace_start
}

# flush: call fsync(), with nothing written; its status
flush() { dd if=/dev/null of="$DEVICE" conv=notrunc,fsync; }

# lose_flush: the same while path 1 swallows everything
lose_flush() {
	proxy 1 hold
	proxy 1 refuse
	flush
}

# errors: commands that failed on either path, by the count that the host keeps
errors() { cat /sys/class/nvme/nvme*/nvme*c*n1/diag/command_error_count | paste -s -d ' '; }

variant_fixed() {
	plan 5
	connect_with_cache
	check "fsync succeeds" lose_flush
	expect_eq "a flush was sent on path 1" 1 "$(flushes_on 1)"
	expect_eq "and, as it was lost, on path 2" 1 "$(flushes_on 2)"
	expect_eq "no error is in the kernel log" "" "$(dmesg | grep -i 'error, dev\|I/O Cmd.*sct')"
	expect_eq "nor was one counted" "0 0" "$(errors)"
}

# Two more that come while the flush is under way wait for the next one.
variant_joined() {
	local pids='' pid failures=0
	plan 3
	connect_with_cache
	proxy 1 hold
	proxy 1 refuse
	for _ in 1 2 3; do
		flush 2>/dev/null &
		pids="$pids $!"
		sleep 0.5
	done
	for pid in $pids; do
		wait "$pid" || failures=$((failures + 1))
	done
	expect_eq "three fsync succeed" 0 $failures
	expect_eq "a flush was sent on path 1" 1 "$(flushes_on 1)"
	expect_between "and on path 2 one for the first, and for the others" 2 3 "$(flushes_on 2)"
}

variant_no_scheduler() {
	plan 3
	connect_with_cache
	echo none | tee /sys/class/nvme/nvme*/nvme*c*n1/queue/scheduler >/dev/null
	check "fsync succeeds" lose_flush
	expect_eq "a flush was sent on path 1" 1 "$(flushes_on 1)"
	expect_eq "and, as it was lost, on path 2" 1 "$(flushes_on 2)"
}

# scene_with_answer STATUS: a scripted target, which gives it to the first flush, on
# whichever path that comes
scene_with_answer() {
	scene_set_scripted none keep_alive_tmo=20 --write-cache
	scripted_target rule flush times=1 : "answer=$1" >/dev/null
}

# flushes WHAT: how many the target has executed, or not-executed
flushes() { grep -c "\"event\":\"$1\",.*\"opcode\":\"flush\"" /out/target.json; }

# The path is there, but by this status another one should be tried.
variant_error() {
	plan 3
	scene_with_answer 0x370
	check "fsync succeeds" flush
	expect_eq "a flush failed with a path error" 1 "$(flushes not-executed)"
	expect_eq "and was done then" 1 "$(flushes executed)"
}

variant_do_not_retry() {
	plan 3
	scene_with_answer 0x4370
	check "fsync fails" eval '! flush'
	expect_eq "a flush failed, not to be retried" 1 "$(flushes not-executed)"
	expect_eq "and was not" 0 "$(flushes executed)"
}

variant_stock() {
	plan 3
	connect_with_cache
	check "fsync says that it succeeded" lose_flush
	expect_eq "a flush was sent on path 1" 1 "$(flushes_on 1)"
	expect_eq "but none on path 2" 0 "$(flushes_on 2)"
}
