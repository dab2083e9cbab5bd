# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Without multipath a write is retried on the same path. If no association answers it, it
# must fail after as many tries as without a fence. And if fast_io_fail_tmo passes meanwhile,
# it must not be sent when the path is back.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="without multipath, a write that is never answered fails in the end"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence stock:stock answered:fence failfast:fence failfast_control:fence"
# shellcheck disable=SC2034
PARAMETERS="nvme_core.multipath=N"

# max_retries of nvme_core is 5.
SENDS=6

# connect WAY [OPTION,...]
connect() {
	scripted_target_start
	[ "$1" = none ] || fence_load_as "$1" || bail "the module does not load"
	path_connect_direct 1 "nr_io_queues=1,reconnect_delay=1${2:+,$2}"
	path_io_timeout 1 3000
	DEVICE=/dev/nvme0n1
	write_block $DEVICE 0 0 || bail "the path does not work"
	trace_start block:block_rq_complete block:block_rq_error
}

swallow_writes() { scripted_target rule write : hold=before-execution >/dev/null; }

writes_sent() { trace_count 'nvme_setup_cmd: .*nvme_cmd_write'; }

attribute() { cat "/sys/block/nvme0n1/diag/$1"; }

# sectors_in_trace EVENT: those of the events of the block layer that have an error, which is
# EIO here
sectors_in_trace() {
	sed -nE "s/.* $1: .* \+ ([0-9]+) .* \[-5\]\$/\1/p" "$TRACE/trace" | paste -s -d ' '
}

expect_failed() {
	local errors retries
	errors=$(attribute command_error_count)
	retries=$(attribute command_retries_count)
	swallow_writes
	check "a write fails" eval '! write_block $DEVICE 0 A'
	expect_eq "it was sent $SENDS times" $SENDS "$(writes_sent)"
	expect_eq "the retries are counted" $((SENDS - 1)) \
		$(($(attribute command_retries_count) - retries))
	expect_eq "and one error" 1 $(($(attribute command_error_count) - errors))
}

# A limit: the request has lost its bio when it ends, so there is no event for errors.
variant_fence() {
	plan 8
	connect time
	expect_failed
	expect_eq "it was held each time" $SENDS "$(fence_counter 1 held)"
	check "the kernel's log tells of the write that failed" \
		eval 'dmesg | grep "nvme0n1: WRITE, 4096 bytes at sector 0, failed (sct 0x3 / sc 0x71)"'
	expect_eq "the block trace has one error, of 8 sectors" 8 \
		"$(sectors_in_trace block_rq_complete)"
	expect_eq "and no event for errors" "" "$(sectors_in_trace block_rq_error)"
}

# unheld WAY
unheld() {
	plan 6
	connect "$1"
	expect_failed
	expect_eq "the block trace has one error, of 8 sectors" 8 \
		"$(sectors_in_trace block_rq_complete)"
	expect_eq "and an event for errors" 8 "$(sectors_in_trace block_rq_error)"
}

variant_control() { unheld off; }
variant_stock() { unheld none; }

# The last try but one is answered.
variant_answered() {
	plan 4
	connect time
	swallow_writes
	write_block $DEVICE 0 A &
	WRITER=$!
	for _ in $(seq 600); do
		sleep 1
		[ "$(writes_sent)" -lt $((SENDS - 1)) ] || break
	done
	scripted_target forget all
	scripted_target release all
	wait $WRITER && STATUS=0 || STATUS=$?
	expect_eq "a write succeeds" 0 "$STATUS"
	expect_eq "at the last try but one" $((SENDS - 1)) "$(writes_sent)"
	expect_eq "its data is there" A "$(read_block $DEVICE 0)"
	check "another one succeeds" write_block $DEVICE 0 B
}

# lose_for_long WAY: the path goes with a write, and comes back when it should have failed.
# Sets STATUS.
lose_for_long() {
	connect "$1" keep_alive_tmo=20,fast_io_fail_tmo=10
	swallow_writes
	write_block $DEVICE 0 A &
	WRITER=$!
	await 10 eval '[ "$(writes_sent)" = 1 ]' || bail "it is not sent"
	scripted_target refuse 1
	sleep 20
	scripted_target forget all
	scripted_target accept 1
	wait_state "$(path_ctrl 1)" live || bail "the path does not come back"
	wait $WRITER && STATUS=0 || STATUS=$?
}

variant_failfast() {
	plan 4
	lose_for_long time
	check "the write fails" [ "$STATUS" != 0 ]
	expect_eq "when there is evidence" time "$(fence_attr 1 evidence)"
	expect_eq "it was sent once" 1 "$(writes_sent)"
	expect_eq "its data is not there" 0 "$(read_block $DEVICE 0)"
}

variant_failfast_control() {
	plan 3
	lose_for_long off
	check "the write fails" [ "$STATUS" != 0 ]
	expect_eq "it was sent once" 1 "$(writes_sent)"
	expect_eq "its data is not there" 0 "$(read_block $DEVICE 0)"
}
