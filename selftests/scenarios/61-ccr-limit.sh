# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Three of four controllers are lost at once, and the fourth takes fewer resets at a time
# than that (CCRL). Who finds no slot waits for one, and is reset then: not by time.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="three controllers are lost, and there are slots for two resets, or one"
# shellcheck disable=SC2034
VARIANTS="two:fence one:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

LOST="1 2 3"
# The path that stays
LAST=4

# lose_three WAY CCRL: the writes are spread over all paths.
lose_three() {
	local path
	target_start
	target_set ccrl "$2"
	fence_load_as "$1" || bail "the module does not load"
	for path in $LOST; do
		proxy_start "$path" 1
		path_connect "$path" keep_alive_tmo=20,reconnect_delay=60
		path_io_timeout "$path" 3000
	done
	connect_to $LAST 127.0.0.2 keep_alive_tmo=20
	DEVICE=$(head_device)
	echo round-robin >"$(echo /sys/class/nvme-subsystem/nvme-subsys*/iopolicy)"
	trace_start
	writer_start --blocks 16 --writes 4 --readers
	for path in $LOST; do
		proxy "$path" hold
	done
	writer_go
	for path in $LOST; do
		proxy "$path" wait host-closed all
	done
	sleep 2
	for path in $LOST; do
		proxy "$path" deliver --wait
	done
	writer_wait
}

evidence_of_all() {
	local path
	for path in $LOST; do
		fence_attr "$path" evidence
	done | sort -u
}

# slots CCRL
slots() {
	plan 7
	lose_three auto "$1"
	check "no ghost write" registers_verify
	expect_eq "all three held something" 3 \
		"$(grep -o 'nvme_fence_hold: nvme[0-9]* ' "$TRACE/trace" | sort -u | wc -l)"
	expect_eq "all three were reset" ccr "$(evidence_of_all)"
	expect_eq "as many at a time as there are slots" "$1" \
		"$(resets_at_once "$(path_ctrl $LAST)")"
	expect_eq "so the target never had to say that it has none" 0 \
		"$(trace_count ' nvme_fence_reset: .* step=limit-exceeded$')"
	expect_between "no write waited for the time rule" 3000000000 "$(late_ns 10000000000)" \
		"$(report_ns writes max_ns)"
	note_results
}

# For the table of the demonstration
note_results() {
	local path held=0
	for path in $LOST; do
		held=$((held + $(fence_counter "$path" held)))
	done
	result ghost_write none
	result held $held
	result released_by "$(evidence_of_all)"
	result write_ns "$(report_ns writes max_ns)"
	result read_ns "$(report_ns reads max_ns)"
}

variant_two() { slots 2; }
variant_one() { slots 1; }

variant_control() {
	plan 2
	lose_three off 2
	check "the ghost writes are there" eval '! registers_verify'
}
