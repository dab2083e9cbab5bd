# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# What a source may answer to a Cross-Controller Reset command, and what the host makes of
# it. None but success with IRS=1 is evidence by itself.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="each answer to a Cross-Controller Reset command"
# shellcheck disable=SC2034
VARIANTS="immediate:fence accepted:fence in_progress:fence log_full:fence limit:fence refused:fence failed:fence ignored:fence late:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# Answered as soon as the reset is over, which takes half a second.
variant_immediate() {
	plan 5
	ccr_scene auto --ccr immediate --reset-ms 500
	ccr_lose_path_1
	by_reset 500 600
	expect_eq "what was answered" "asked immediate" "$(steps)"
}

variant_accepted() {
	plan 5
	ccr_scene auto --ccr event --reset-ms 500
	ccr_lose_path_1
	by_reset 500 600
	expect_eq "what was answered" "asked accepted reported-success" "$(steps)"
}

# The answer says that somebody else's reset is in progress. There is none: the log page
# does not list it, and the source is asked again.
variant_in_progress() {
	plan 5
	ccr_scene auto
	scripted_target rule 'ccr times=1 : answer=0x13f' >/dev/null
	ccr_lose_path_1
	by_reset 6000 6200
	expect_eq "what was answered" \
		"asked in-progress not-reported asked accepted reported-success" "$(steps)"
}

# Path 2 has one place in its log page, and that is taken.
variant_log_full() {
	plan 5
	ccr_scene auto --ccr-log-entries 1
	scripted_target entry 2 icid=99 ciu=9 ccrs=2
	ccr_lose_path_1
	by_reset 0 1100
	expect_eq "what was answered" "asked log-full asked accepted reported-success" "$(steps)"
}

variant_limit() {
	plan 5
	ccr_scene auto
	scripted_target rule 'ccr times=2 : answer=0x141' >/dev/null
	ccr_lose_path_1
	by_reset 2000 2100
	expect_eq "what was answered" \
		"asked limit-exceeded asked limit-exceeded asked accepted reported-success" "$(steps)"
}

variant_refused() {
	plan 4
	ccr_scene auto
	scripted_target rule 'ccr : answer=0x4002' >/dev/null
	ccr_lose_path_1
	by_time
	expect_eq "what was answered" "asked refused" "$(steps)"
}

variant_failed() {
	plan 5
	ccr_scene auto
	scripted_target rule 'ccr times=1 : answer=0x6' >/dev/null
	ccr_lose_path_1
	by_reset 5000 5100
	expect_eq "what was answered" "asked failed asked accepted reported-success" "$(steps)"
}

# The source is not reset for it before nvme-core's own timeout.
variant_ignored() {
	plan 5
	ccr_scene auto
	scripted_target rule 'ccr : ignore' >/dev/null
	ccr_lose_path_1
	by_time
	expect_eq "what was answered in time" asked "$(steps | cut -d ' ' -f 1)"
	expect_between "the source was left alone for a minute" 60 70 "$(source_lost_after)"
}

# source_lost_after: seconds from the command to the loss of the source, if it was lost
source_lost_after() {
	local lost
	lost=$(event_ns ' nvme_fence_lost: nvme[0-9]+ record=2 ')
	[ -z "$lost" ] || echo $(((lost - $(event_ns ' step=asked$')) / 1000000000))
}

# Answered after the host has stopped hoping for it.
variant_late() {
	plan 5
	ccr_scene auto --ccr immediate
	scripted_target rule 'ccr : hold=before-completion/8000' >/dev/null
	ccr_lose_path_1
	by_reset 8000 8100
	expect_eq "what was answered" "asked immediate" "$(steps)"
}

variant_control() {
	plan 2
	ccr_scene off
	ccr_lose_path_1
	ccr_execute_late
	check "the ghost write is there" eval '! registers_verify'
}
