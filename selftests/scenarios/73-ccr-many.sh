# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Sixteen controllers are lost at once, and there are two sources with four slots each.
# All sixteen are reset, and no source is ever asked for more than it can.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="16 controllers are lost, and two sources have 4 slots each"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

LOST=16
SOURCES="17 18"

lose_sixteen() {
	local path
	scripted_target_start --quiesce-ms 3600000 --ccrl 4 --reset-ms 100
	fence_load_as "$1" || bail "the module does not load"
	for path in $(seq $LOST); do
		connect_to "$path" 127.0.0.1 \
			duplicate_connect,keep_alive_tmo=20,reconnect_delay=600
		path_io_timeout "$path" 3000
	done
	for path in $SOURCES; do
		connect_to "$path" 127.0.0.2 duplicate_connect,keep_alive_tmo=20
	done
	DEVICE=$(head_device)
	echo round-robin >"$(echo /sys/class/nvme-subsystem/nvme-subsys*/iopolicy)"
	trace_start
	scripted_target rule 'kato : ignore' >/dev/null
	scripted_target rule 'quiesce : ignore' >/dev/null
	writer_start --blocks 128 --writes 3
	scripted_target rule 'write port=1 queue=io : hold=before-execution' >/dev/null
	writer_go
	writer_wait
	ccr_execute_late
}

variant_fence() {
	local path evidence=''
	plan 8
	lose_sixteen auto
	check "no ghost write" registers_verify
	expect_eq "all sixteen held something" $LOST \
		"$(grep -o 'nvme_fence_hold: nvme[0-9]* ' "$TRACE/trace" | sort -u | wc -l)"
	for path in $(seq $LOST); do
		evidence="$evidence $(fence_attr "$path" evidence)"
	done
	expect_eq "and were reset" "$(yes ccr | head -n $LOST | tr '\n' ' ')" "${evidence# } "
	for path in $SOURCES; do
		# With two processors they are not lost in the same instant.
		expect_between "path $path had four resets in progress, and never more" \
			"$([ "$MACHINE_SLACK_MS" = 0 ] && echo 4 || echo 1)" 4 \
			"$(resets_at_once "$(path_ctrl "$path")")"
	done
	expect_eq "no source had to say that it has no slot" 0 \
		"$(trace_count ' step=limit-exceeded$')"
	# Two rounds of 100 ms
	expect_between "the last write waited for its timeout and two resets" \
		3200000000 "$(late_ns 4700000000)" "$(report_ns writes max_ns)"
}

variant_control() {
	plan 2
	lose_sixteen off
	check "the ghost writes are there" eval '! registers_verify'
}
