# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# A write that may not be retried fails upward. Whoever gets the error may write
# elsewhere, or again: it must not hear of it before the write can not execute any more.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a write that fails upward waits before it fails"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# failing_write_ms WAY: how long a write takes that fails
failing_write_ms() {
	local begun
	scene_set "$1"
	echo 0 >/sys/module/nvme_core/parameters/max_retries
	path_io_timeout 1 3000
	proxy 1 hold
	proxy 1 refuse
	begun=$(now_ms)
	if write_block "$DEVICE" 0 A; then
		bail "the write did not fail"
	fi
	took=$(($(now_ms) - begun))
}

variant_fence() {
	local took
	plan 4
	failing_write_ms time
	expect_eq "the write was held" 1 "$(fence_counter 1 held)"
	expect_eq "and released by time" time "$(fence_attr 1 evidence)"
	expect_between "when its time had come" -1000 "$STEP_NS" \
		$(($(event_ns " nvme_fence_release: ") - $(release_expected_ns)))
	expect_between "only then did it fail" 20000 40000 "$took"
}

variant_control() {
	local took
	plan 2
	failing_write_ms off
	expect_eq "the write was not held" 0 "$(fence_counter 1 held)"
	expect_between "it failed when it had timed out" 3000 "$(late_ms 5000)" "$took"
}
