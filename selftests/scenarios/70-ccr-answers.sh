# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# What a source may answer to a Cross-Controller Reset command, and what the host makes of
# it. None but success with IRS=1 is evidence by itself.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="each answer to a Cross-Controller Reset command"
# shellcheck disable=SC2034
VARIANTS="immediate:fence accepted:fence in_progress:fence log_full:fence limit:fence refused:fence failed:fence ignored:fence
	aborted:fence deaf:fence unread:fence late:fence control:fence"
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

# The answer may take until the lost controller has noticed and come to rest, 31 s here. Then
# the source is asked to abort the command. It says that it can not, which is an answer: it
# is alive, and its path stays.
variant_ignored() {
	plan 6
	ccr_scene auto
	scripted_target rule 'ccr : ignore' >/dev/null
	ccr_lose_path_1
	by_time
	expect_eq "what was answered in time" asked "$(steps)"
	expect_between "the source was to abort it after KATO + CQT" 31 37 "$(aborted_after)"
	source_stays
}

# The source does abort it: it is alive, and not asked again.
variant_aborted() {
	plan 5
	ccr_scene auto
	scripted_target rule 'ccr : hold=before-execution' >/dev/null
	ccr_lose_path_1
	by_time
	expect_eq "what was answered" "asked unanswered" "$(steps)"
	source_stays
}

# Who does not answer an Abort either is dead.
variant_deaf() {
	plan 4
	ccr_scene auto
	scripted_target rule 'ccr : ignore' >/dev/null
	scripted_target rule 'abort : ignore' >/dev/null
	ccr_lose_path_1
	by_time
	# Each look takes time of the host, and there were thousands before the Abort times out, too.
	sleep 20
	wait_state "$(path_ctrl 2)" connecting 60
	expect_between "the source is lost when the Abort has timed out, too" 91 103 \
		"$(source_lost_after)"
}

# The reset succeeds, but the log page that says so is never sent.
variant_unread() {
	plan 6
	ccr_scene auto
	scripted_target rule 'get-log port=2 lid=30 times=1 : ignore' >/dev/null
	ccr_lose_path_1
	by_time
	expect_eq "what was answered" "asked accepted" "$(steps)"
	expect_between "the source was to abort the read" 60 66 "$(aborted_after)"
	source_stays
}

# aborted_after: seconds from the command to the first Abort that the source was sent
aborted_after() {
	local aborted
	aborted=$(event_ns "nvme_setup_cmd: $(path_ctrl 2): .*(abort|opcode=0x8)")
	[ -z "$aborted" ] || echo $(((aborted - $(event_ns ' step=asked$')) / 1000000000))
}

# source_lost_after: seconds from the command to the loss of the source, if it was lost
source_lost_after() {
	local lost
	lost=$(event_ns ' nvme_fence_lost: nvme[0-9]+ record=2 ')
	[ -z "$lost" ] || echo $(((lost - $(event_ns ' step=asked$')) / 1000000000))
}

# source_stays: also later
source_stays() {
	sleep 120
	expect_eq "the source is never lost" "" "$(source_lost_after)"
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
