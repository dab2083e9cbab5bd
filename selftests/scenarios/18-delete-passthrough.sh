# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The only path is silent and is disconnected, with dirty pages and passthrough commands
# under way. All of them time out while the path is being removed: the pages are held, and
# that has the connections aborted; the passthrough commands are nobody's to hold. Each
# must end once, and nothing may use a queue that is gone. That is a race: lab.seed=N
# chooses the timeouts, lab.rounds=N says how often, each time with other ones, and a machine
# with two processors and KASAN sees what goes wrong.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a path is disconnected while pages and passthrough commands time out"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence stock:stock"
# shellcheck disable=SC2034
MACHINES="uml qemu"
# What the kernel says in one round is 1.5 KB.
# shellcheck disable=SC2034
PARAMETERS="log_buf_len=256K"
# shellcheck disable=SC2034 # for 40 rounds
TIMEOUT=1200

PAGES=4
# Of the commands: before the pages, which have 6 seconds, with them, and after them. The block
# layer is 1.3 s late to see the first one, so there is such a time between it and the others.
TIMEOUTS="3500 5500 6000 6500"
READS=4
# No other reads this block.
BLOCK=1000

# passthrough_read MILLISECONDS: with this timeout
passthrough_read() {
	nvme io-passthru "$DEVICE" --opcode=2 --namespace-id=1 --data-len=4096 --read \
		--cdw10=$BLOCK --timeout="$1"
}

# commands_in_flight ROUND: those of this round, too
commands_in_flight() {
	[ "$(trace_count 'nvme_setup_cmd: .*nvme_cmd_write ')" -ge $(($1 * PAGES)) ] &&
		[ "$(trace_count "nvme_setup_cmd: .*nvme_cmd_read slba=$BLOCK,")" -ge $(($1 * READS)) ]
}

# commands_timed_out: how many did so, each by itself. What is cancelled with others does not.
commands_timed_out() { dmesg | grep -cE 'nvme nvme[0-9]+: I/O tag .* QID [0-9]+ timeout$'; }

path_is_gone() { ! head_node; }

# disconnect ROUND: adds to FAILED the number of writers and commands that ended with an error.
disconnect() {
	local pids pid timeout
	path_connect 1 nr_io_queues=1,ctrl_loss_tmo=600
	path_io_timeout 1 6000
	[ ! -d /sys/module/nvme_fence ] || fence_set cqt_override_ms 100
	DEVICE=$(head_device)
	# The I/O connection: each round has two.
	proxy 1 hold $(($1 * 2))
	write_pages $PAGES 2>/dev/null &
	pids=$!
	for timeout in $TIMEOUTS; do
		passthrough_read $((timeout + (seed * 7 + ($1 - 1) * 53) % 500)) >/dev/null 2>&1 &
		pids="$pids $!"
	done
	await 10 commands_in_flight "$1" || bail "not all commands are under way"
	path_disconnect 1
	for pid in $pids; do
		wait "$pid" || FAILED=$((FAILED + 1))
	done
	await 60 path_is_gone || bail "something is left of the path"
}

# disconnect_each_round WAY: sets ROUNDS and FAILED. WAY is "none" where there is no module.
disconnect_each_round() {
	local seed round
	seed=$(parameter lab.seed 1)
	ROUNDS=$(parameter lab.rounds 1)
	diag "seed $seed, $ROUNDS round(s)"
	target_start
	proxy_start 1
	[ "$1" = none ] || fence_load_as "$1" || bail "the module does not load"
	trace_start
	FAILED=0
	for round in $(seq "$ROUNDS"); do
		disconnect "$round"
	done
}

expect_each_ended() {
	expect_eq "each command has timed out by itself" \
		$((ROUNDS * (PAGES + READS))) "$(commands_timed_out)"
	expect_eq "each command has ended, with an error" $((ROUNDS * (READS + 1))) "$FAILED"
}

variant_fence() {
	plan 5
	disconnect_each_round time
	expect_eq "the pages were held" $((ROUNDS * PAGES)) "$(trace_count ' nvme_fence_hold: ')"
	expect_eq "until their time had come" "$ROUNDS" \
		"$(trace_count ' nvme_fence_release: .* evidence=time ')"
	expect_each_ended
	expect_eq "nothing is held any more" 0 "$(cat /sys/module/nvme_fence/removed/held)"
}

# unheld WAY
unheld() {
	plan 3
	disconnect_each_round "$1"
	expect_eq "nothing was held" 0 "$(trace_count ' nvme_fence_hold: ')"
	expect_each_ended
}

variant_control() { unheld off; }
variant_stock() { unheld none; }
