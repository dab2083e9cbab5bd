# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The result of a reset is in a log page, and an event says when to look. Events may be
# lost, late or doubled. And not every entry is about what was asked for: what is wrong,
# foreign or older releases nothing.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="events and log pages of Cross-Controller Resets"
# shellcheck disable=SC2034
VARIANTS="lost:fence late:fence doubled:fence no_event:fence failed:fence never:fence ciu:fence icid:fence invalid:fence omitted:fence too_long:fence stale:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# The rule or made-up entry is told to the target before the path is lost.
variant_lost() {
	plan 5
	ccr_scene auto
	scripted_target rule 'event event=ccr : lose' >/dev/null
	ccr_lose_path_1
	by_reset 1000 1100
	expect_eq "the log page was looked at" "asked accepted reported-success" "$(steps)"
}

variant_late() {
	plan 5
	ccr_scene auto
	scripted_target rule 'event event=ccr : delay=700' >/dev/null
	ccr_lose_path_1
	by_reset 700 800
	expect_eq "when the event came" "asked accepted reported-success" "$(steps)"
}

variant_doubled() {
	plan 6
	ccr_scene auto
	scripted_target rule 'event event=ccr : double' >/dev/null
	ccr_lose_path_1
	by_reset 0 100
	expect_eq "it was reported once" "asked accepted reported-success" "$(steps)"
	expect_eq "and released once" 1 "$(trace_count ' nvme_fence_release: ')"
}

variant_no_event() {
	plan 5
	ccr_scene auto --no-ccr-event
	ccr_lose_path_1
	by_reset 1000 1100
	expect_eq "the log page was looked at" "asked accepted reported-success" "$(steps)"
}

variant_failed() {
	plan 5
	ccr_scene auto
	scripted_target rule 'reset times=2 : fail retry=3' >/dev/null
	ccr_lose_path_1
	by_reset 10000 10100
	expect_eq "it was asked again, each time after five seconds" \
		"asked accepted reported-failed asked accepted reported-failed asked accepted reported-success" "$(steps)"
}

# The log page says "in progress" for ever.
variant_never() {
	plan 5
	ccr_scene auto
	scripted_target rule 'reset : never' >/dev/null
	ccr_lose_path_1
	by_time
	expect_eq "the source was asked once" 1 "$(trace_count ' step=asked$')"
	# Once a second, for the 60 or 70 seconds of the wait
	expect_between "and its log page was read now and then" 50 75 \
		"$(trace_count ' step=reported-in-progress$')"
}

# disguised RULE ENTRY: the reset succeeds, but its entry is not what it should be. So the
# source is asked once more, and says that there is nothing left to reset.
disguised() {
	plan 6
	ccr_scene auto
	scripted_target rule "entry : $1" >/dev/null
	ccr_lose_path_1
	by_reset 5000 5100
	expect_eq "the entry was no evidence" "asked accepted $2 asked gone" "$(steps)"
	expect_eq "entries about nobody" "$3" "$(fence_counter 2 ccr_unmatched)"
}

variant_ciu() { disguised ciu=9 not-reported 1; }
variant_icid() { disguised icid=77 not-reported 1; }
variant_invalid() { disguised ccrs=7 reported-invalid 0; }
variant_omitted() { disguised omit not-reported 0; }

# More entries than a log page has room for: none of them is believed.
variant_too_long() {
	plan 5
	ccr_scene auto
	scripted_target rule 'entry : ne=600' >/dev/null
	ccr_lose_path_1
	by_time
	expect_eq "nothing was reported" "asked accepted" "$(steps)"
	expect_between "it was read again, once a second" 50 75 \
		"$(fence_counter 2 ccr_log_errors)"
}

# An entry says that the very instance was reset. It is older than the reset that was
# asked for, which takes two seconds.
variant_stale() {
	plan 4
	ccr_scene auto --reset-ms 2000
	scripted_target entry 2 icid=1 ciu=1 ccrs=1
	ccr_lose_path_1
	by_reset 2000 2100
}

variant_control() {
	plan 2
	ccr_scene off
	ccr_lose_path_1
	ccr_execute_late
	check "the ghost write is there" eval '! registers_verify'
}
