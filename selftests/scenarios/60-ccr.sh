# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Path 1 swallows writes and is lost. Its sibling on path 2 is asked to reset it, and
# what was held goes out as soon as that has happened: not after the wait of the time
# rule. What the lost path was sent is delivered then, and executed by nobody.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a lost controller is reset through its sibling"
# shellcheck disable=SC2034
VARIANTS="fence:fence time:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

play() {
	scene_set "$1" keep_alive_tmo=20,reconnect_delay=1
	path_io_timeout 1 3000
	IDENTITY=$(fence_attr 1 ciu):$(fence_attr 1 cirn)
	writer_start --blocks 4 --writes 4 --readers
	proxy 1 hold
	writer_go
	proxy 1 wait host-closed all
	sleep 2
	proxy 1 deliver --wait
	writer_wait
	result write_ns "$(report_ns writes max_ns)"
	result read_ns "$(report_ns reads max_ns)"
}

is_live_again() {
	wait_state "$(path_ctrl 1)" live &&
		[ "$(fence_attr 1 ciu):$(fence_attr 1 cirn)" != "$IDENTITY" ]
}

variant_fence() {
	plan 16
	play auto
	check "no ghost write" registers_verify
	note_ghost_write
	# What is cancelled after the reset need not be held any more.
	expect_between "writes were held" 1 4 "$(fence_counter 1 held)"
	expect_eq "and released" "$(fence_counter 1 held)" "$(fence_counter 1 released)"
	expect_eq "because the controller was reset" ccr "$(fence_attr 1 evidence)"
	expect_eq "for which its sibling was asked once" 1 "$(fence_counter 1 ccr_asked)"
	expect_eq "nothing else was in its log page" 0 "$(fence_counter 2 ccr_unmatched)"
	expect_eq "which could be read" 0 "$(fence_counter 2 ccr_log_errors)"
	expect_between "a held write waited for its timeout, and not much longer" \
		3000000000 "$(late_ns 5000000000)" "$(report_ns writes max_ns)"
	expect_between "no release before the evidence" 0 "$STEP_NS" \
		$(($(release_ns) - $(event_ns ' nvme_fence_evidence: .* evidence=ccr ')))
	expect_between "and no evidence before the reset" 0 1000000000 \
		$(($(event_ns ' nvme_fence_evidence: ') - $(event_ns ' nvme_fence_reset: .* step=asked')))
	check "the path is live again, as another instance" is_live_again
	expect_eq "controllers have an instance" 0 "$(cat /sys/class/nvme/nvme*/fence/ciu | grep -c '^0$')"
	expect_eq "whose secret is root's" 400 "$(stat -c %a "/sys/class/nvme/$(path_ctrl 1)/fence/cirn")"
	expect_eq "and a limit for resets" 4 "$(fence_attr 1 ccrl)"
	expect_eq "and a quiesce time" "$TARGET_CQT_MS" "$(fence_attr 1 cqt)"
	result held "$(fence_counter 1 held)"
	result released_by "$(fence_attr 1 evidence)"
}

variant_time() {
	plan 5
	play told
	check "no ghost write" registers_verify
	expect_eq "by time" time "$(fence_attr 1 evidence)"
	expect_eq "no sibling was asked" 0 "$(fence_counter 1 ccr_asked)"
	# The target lists the controller as lost when it has been delivered what was stuck.
	expect_between "the writes waited for the quiesce time" 13000000000 "$(late_ns 20000000000)" \
		"$(report_ns writes max_ns)"
}

variant_control() {
	plan 4
	play off
	check "the ghost write is there" eval '! registers_verify'
	note_ghost_write
	expect_eq "nothing was held" 0 "$(fence_counter 1 held)"
	expect_eq "no sibling was asked" 0 "$(fence_counter 1 ccr_asked)"
}
