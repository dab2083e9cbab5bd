# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The only path is silent and is disconnected, with dirty pages and passthrough commands
# under way. All of them time out while the path is being removed: the pages are held, and
# that has the connections aborted; the passthrough commands are nobody's to hold. Each
# must end once, and nothing may use a queue that is gone. That is a race: lab.seed=N
# chooses the timeouts, and a machine with two processors and KASAN sees what goes wrong.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a path is disconnected while pages and passthrough commands time out"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

IO_CONNECTION=2
PAGES=4
READS=4

# passthrough_read MILLISECONDS: with this timeout
passthrough_read() {
	nvme io-passthru "$DEVICE" --opcode=2 --namespace-id=1 --data-len=4096 --read \
		--cdw10=0 --timeout="$1"
}

commands_in_flight() {
	[ "$(trace_count 'nvme_setup_cmd: .*nvme_cmd_write')" -ge $PAGES ] &&
		[ "$(trace_count 'nvme_setup_cmd: .*nvme_cmd_read')" -ge $READS ]
}

# disconnect WAY: sets FAILED to the number of writers and commands that ended with an
# error.
disconnect() {
	local pids pid number seed
	seed=$(parameter lab.seed 1)
	target_start
	proxy_start 1
	fence_load_as "$1" || bail "the module does not load"
	path_connect 1 nr_io_queues=1,ctrl_loss_tmo=600
	path_io_timeout 1 3000
	fence_set cqt_override_ms 100
	DEVICE=$(head_device)
	trace_start
	proxy 1 hold $IO_CONNECTION
	write_pages $PAGES 2>/dev/null &
	pids=$!
	for number in $(seq $READS); do
		# Before the pages, with them, and after them.
		passthrough_read $((1500 + 500 * number + seed * 7 % 500)) >/dev/null 2>&1 &
		pids="$pids $!"
	done
	await 10 commands_in_flight || bail "not all commands are under way"
	path_disconnect 1
	FAILED=0
	for pid in $pids; do
		wait "$pid" || FAILED=$((FAILED + 1))
	done
}

variant_fence() {
	plan 4
	disconnect time
	expect_eq "the pages were held" $PAGES "$(trace_count ' nvme_fence_hold: ')"
	expect_eq "until its time had come" time "$(field nvme_fence_release evidence)"
	expect_eq "each command has ended, with an error" $((READS + 1)) $FAILED
	expect_eq "nothing is held any more" 0 "$(cat /sys/module/nvme_fence/removed/held)"
}

variant_control() {
	plan 2
	disconnect off
	expect_eq "nothing was held" 0 "$(trace_count ' nvme_fence_hold: ')"
	expect_eq "each command has ended, with an error" $((READS + 1)) $FAILED
}
