# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Somebody resets a controller that is well and busy. The host does that itself, and must
# not have another controller reset it at the same time: the target would end the connection
# on which the host waits for CSTS.RDY, and the path be gone until the admin timeout.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a busy controller is reset by its host alone"
# shellcheck disable=SC2034
VARIANTS="fence:fence time:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

ROUNDS=20

# A write takes 500 ms below the namespace, so some are always on their way.
slow_target_start() {
	local namespace="$TARGET/subsystems/$NQN/namespaces/1" size
	target_start
	size=$(cat /sys/block/ram0/size)
	echo 0 >"$namespace/enable"
	dmsetup create slow --noudevsync --table "0 $size delay /dev/ram0 0 0 /dev/ram0 0 500" ||
		bail "no dm-delay"
	echo /dev/dm-0 >"$namespace/device_path"
	echo 1 >"$namespace/enable"
}

writes_under_way() { [ "$(awk '{ print $2 }' "/sys/block/nvme0c0n1/inflight")" -gt 0 ]; }

# reset_often WAY: LONGEST_MS is how long the longest reset took
reset_often() {
	local round begun took
	slow_target_start
	fence_load_as "$1" || bail "the module does not load"
	path_connect_direct 1 keep_alive_tmo=20
	path_connect_direct 2 keep_alive_tmo=20
	DEVICE=$(head_device)
	echo round-robin | tee /sys/class/nvme-subsystem/nvme-subsys*/iopolicy >/dev/null
	trace_start
	writer_start --blocks 8 --writes 1000
	writer_go
	LONGEST_MS=0
	for round in $(seq "$ROUNDS"); do
		await 10 writes_under_way || bail "round $round: nothing is written on path 1"
		begun=$(now_ms)
		echo 1 >"/sys/class/nvme/$(path_ctrl 1)/reset_controller"
		wait_state "$(path_ctrl 1)" live 120 || bail "round $round: path 1 does not come back"
		took=$(($(now_ms) - begun))
		[ "$took" -le "$LONGEST_MS" ] || LONGEST_MS=$took
	done
	kill "$WRITER"
	wait "$WRITER"
}

expect_own_resets() {
	expect_between "no reset took much longer than the write that it waits for" \
		1 "$(late_ms 1500)" "$LONGEST_MS"
	expect_between "each time, writes were held" "$ROUNDS" 100000 "$(fence_counter 1 held)"
	expect_eq "the evidence was that the controller was disabled" "$ROUNDS" \
		"$(fence_counter 1 disabled)"
	expect_eq "nobody else was asked to reset it" 0 "$(fence_counter 1 ccr_asked)"
}

variant_fence() {
	plan 4
	reset_often auto
	expect_own_resets
}

variant_time() {
	plan 4
	reset_often time
	expect_own_resets
}
