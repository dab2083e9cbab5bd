# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Path 1 goes silent, and in the target its connections die one after another, each before
# the keep alive timer expires. That must not keep the controller alive: 3 x KATT after the
# last command the host sends the writes down path 2, and the connection on which they
# were sent first still is to deliver them.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="the queues of a lost path die one after another"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence stock:stock"

KATO=5
# Connections of path 1.
ADMIN=1 WRITES=2 READS=3

# scene WAY
scene() {
	scene_set "$1" keep_alive_tmo=$KATO,nr_write_queues=1
	path_io_timeout 1 1000
	writer_start --blocks 2 --writes 2
}

keep_alives() { trace_count 'nvme_setup_cmd: nvme0: .*nvme_admin_keep_alive'; }
more_keep_alives_than() { [ "$(keep_alives)" -gt "$1" ]; }

# Just after a Keep Alive command, with which the target starts its timer.
silence_path_1() {
	await 10 more_keep_alives_than "$(keep_alives)" || bail "there is no keep alive"
	proxy 1 freeze
	proxy 1 refuse
	writer_go
}

# The timer expires 5, 10, 15 s after it was started. It starts again for the Keep Alive the
# first time, then for a queue each.
kill_queues() {
	sleep 7
	proxy 1 drop $READS
	sleep 5
	proxy 1 drop $ADMIN
}

# The last command that the host submitted on path 1
last_command_ns() { grep ' nvme_setup_cmd: nvme0: ' "$TRACE/trace" | tail -n 1 | stamp_ns; }

three_katt_are_over() { [ "$(now_ns)" -gt $(($(last_command_ns) + 3 * KATO * 1000000000)) ]; }

# late_writes: have the target get what was sent first; prints what it does then
late_writes() { proxy 1 deliver --wait $WRITES | sed 's/.*target=//'; }

variant_fence() {
	plan 4
	scene time
	fence_set cqt_override_ms 100
	silence_path_1
	kill_queues
	writer_wait
	expect_between "the writes waited for 3 x KATT + CQT after the last command" \
		-1000 "$STEP_NS" $(($(release_ns) - $(release_expected_ns)))
	expect_eq "then the target has closed their connection" closed "$(late_writes)"
	check "no ghost write" registers_verify
}

variant_control() {
	plan 3
	scene off
	silence_path_1
	writer_wait
	expect_eq "before that it executes them" answered "$(late_writes)"
	check "the ghost write is there" eval '! registers_verify'
}

# What the stock target does when that time is over.
variant_stock() {
	plan 3
	scene none
	silence_path_1
	kill_queues
	writer_wait
	await 10 three_katt_are_over || bail "time does not pass"
	expect_eq "it still executes them" answered "$(late_writes)"
	check "the ghost write is there" eval '! registers_verify'
}
