# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The wait is what TP4129 says, from the last command that was submitted, to one
# scheduling step and the time that TCP may take to acknowledge it: 3 x KATT (the target's keep alive is traffic based) + CQT. The target
# reports CQT 0, so it is the default or the override that counts. What this target can
# not report is tested on the policy crate.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="the wait is exactly 3 x KATT + CQT after the last command"
# shellcheck disable=SC2034
VARIANTS="kato_5:fence kato_30:fence default_20s:fence override_3s:fence override_an_hour:fence control:fence"
# shellcheck disable=SC2034
TIMEOUT=4000
# shellcheck disable=SC2034
TARGET_CQT_MS=0

# The last command submitted on path 1 before the host gave it up.
last_command_ns() {
	awk '/ nvme_fence_deadline: / { exit }
		/ nvme_setup_cmd: nvme0: / { last = $0 }
		END { print last }' "$TRACE/trace" | stamp_ns
}

# time_rule WAY KATO CQT_DEFAULT_MS CQT_OVERRIDE_MS
time_rule() {
	scene_set "$1" keep_alive_tmo="$2"
	fence_set cqt_default_ms "$3"
	fence_set cqt_override_ms "$4"
	path_io_timeout 1 3000
	writer_start --blocks 2 --writes 2
	proxy 1 hold
	proxy 1 refuse
	writer_go
	writer_wait
}

# The host takes the last sign of life for the time of the last command. TCP delays an
# acknowledgement by 40 ms, TCP_DELACK_MIN, and by one scheduling step.
delayed_ack_ns() { echo $((40000000 + STEP_NS)); }

# expect_wait EXPECTED_MS
expect_wait() {
	local waited=$(($(event_ns " nvme_fence_release: ") - $(last_command_ns)))
	expect_between "the writes were released $1 ms after the last command" \
		$(($1 * 1000000)) $(($1 * 1000000 + $(delayed_ack_ns) + STEP_NS)) $waited
	expect_between "and so says their deadline" -1000 "$STEP_NS" \
		$(($(event_ns " nvme_fence_release: ") - $(release_expected_ns)))
	expect_eq "all of them" 2 "$(field nvme_fence_release commands)"
}

variant_kato_5() {
	plan 5
	time_rule time 5 10000 0
	expect_wait 25000
	expect_eq "by the default" default "$(field nvme_fence_deadline cqt_source)"
}

variant_kato_30() {
	plan 5
	time_rule time 30 10000 0
	expect_wait 100000
	expect_eq "the host was told so when it connected" 1 \
		"$(dmesg | grep -c 'nvme0: when its path is lost, writes are held for up to 100000 ms$')"
}

variant_default_20s() {
	plan 5
	time_rule time 5 20000 0
	expect_wait 35000
	expect_eq "by the default" default "$(field nvme_fence_deadline cqt_source)"
}

variant_override_3s() {
	plan 5
	time_rule time 10 10000 3000
	expect_wait 33000
	expect_eq "by the override" override "$(field nvme_fence_deadline cqt_source)"
}

variant_override_an_hour() {
	plan 4
	time_rule time 5 10000 3600000
	expect_wait 3615000
}

variant_control() {
	plan 3
	time_rule off 5 10000 0
	expect_eq "nothing was held" 0 "$(fence_counter 1 held)"
	expect_between "the writes were not kept longer than they took to time out" \
		3000000000 5000000000 "$(report_ns writes max_ns)"
}
