# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The controller closes all connections itself. If the administrator believes that, it has
# noticed, so there is no keep alive to wait for, only the quiesce time.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="if the controller closes its connections and is believed, only CQT is waited"
# shellcheck disable=SC2034
VARIANTS="fence:fence disbelieved:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# controller_closes WAY [notification]: whether that counts
controller_closes() {
	scene_set "$1" keep_alive_tmo=20
	# shellcheck disable=SC2086 # a word or none
	fence_believe $2
	writer_start --blocks 4 --writes 2
	proxy 1 hold
	proxy 1 refuse
	writer_go
	await 10 eval '[ "$(trace_count "nvme_setup_cmd: nvme0: .*nvme_cmd_write .*")" -ge 8 ]'
	CLOSED_NS=$(now_ns)
	proxy 1 drop
	writer_wait
}

variant_fence() {
	plan 5
	controller_closes time notification
	expect_eq "4 writes were held" 4 "$(fence_counter 1 held)"
	expect_eq "the rule is that of the notification" notification \
		"$(field nvme_fence_deadline rule)"
	expect_between "they waited for the quiesce time, and no longer" \
		10000000000 $((10000000000 + STEP_NS)) \
		$(($(event_ns " nvme_fence_release: ") - CLOSED_NS))
	check "the data is there" registers_verify
}

# Something in the middle could have closed it.
variant_disbelieved() {
	plan 4
	controller_closes time
	expect_eq "4 writes were held" 4 "$(fence_counter 1 held)"
	expect_eq "the rule is that of keep alive" traffic "$(field nvme_fence_deadline rule)"
	expect_between "they waited for all of it" -1000 "$STEP_NS" \
		$(($(event_ns " nvme_fence_release: ") - $(release_expected_ns)))
}

variant_control() {
	plan 3
	controller_closes off notification
	expect_eq "nothing was held" 0 "$(fence_counter 1 held)"
	expect_between "no write waited" 0 "$(late_ns 1000000000)" "$(report_ns writes max_ns)"
}
