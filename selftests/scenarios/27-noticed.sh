# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# Who has lost touch with the host is listed in log page 1Fh of the other controllers, and a
# Cross-Controller Reset that failed may say that it had begun (CLRI). Then the controller has
# noticed: of the wait only CQT is left, 2 seconds here, not 62.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a controller that is known to have noticed the loss is only waited for as long as it quiesces"
# shellcheck disable=SC2034
VARIANTS="fence:fence event:fence lost_event:fence before:fence unanswered:fence wrong_instance:fence another_controller:fence unread:fence disbelieved:fence liar:fence clri:fence no_clri:fence nowhere:fence elsewhere:fence named:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

CQT_MS=2000

# lose WAY [OPTION...]: path 1 is lost with a write, and path 2 goes on
lose() {
	local way="$1"
	shift
	ccr_scene "$way" --cqt-ms $CQT_MS "$@"
}

# by_quiescing RULE: it was fenced CQT after the loss
by_quiescing() {
	expect_eq "time was the evidence" time "$(fence_attr 1 evidence)"
	expect_eq "and the deadline was moved" "traffic $1" "$(rules)"
	expect_eq "which is counted" 1 "$(fence_counter 1 noticed)"
	expect_between "only CQT was waited" $CQT_MS "$(late_ms $((CQT_MS + 1500)))" "$(waited_ms)"
}

# by_keep_alive: all of it was waited
by_keep_alive() {
	expect_eq "time was the evidence" time "$(fence_attr 1 evidence)"
	expect_eq "by the rule that it began with" traffic "$(rules)"
	expect_between "3 x KATO and CQT were waited" $((3 * KATO * 1000 - 5000)) \
		"$(late_ms $((3 * KATO * 1000 + CQT_MS)))" "$(waited_ms)"
}

# rules: by which the deadlines of the first record were found, one after the other
rules() {
	sed -nE 's/.* nvme_fence_deadline: nvme[0-9]+ record=1 rule=([a-z-]*) .*/\1/p' \
		"$TRACE/trace" | tr '\n' ' ' | sed 's/ $//'
}

# The controller executes late what was stuck, but before CQT is over.
variant_fence() {
	plan 7
	lose time --lost-log
	writer_start --blocks 1 --writes 3
	scripted_target rule 'write port=1 queue=io : hold=before-execution' >/dev/null
	writer_go
	await 100 eval '[ "$(fence_attr 1 state)" = fencing ]' || bail "it is not closed"
	ccr_execute_late
	writer_wait
	by_quiescing lost-host-log
	check "no ghost write" registers_verify
	# It was one event.
	await 5 eval 'lost_host_reads | grep -q T'
	check "while it was waited for, the event was retained, and then taken" \
		eval 'lost_host_reads | grep -qE "^R+T$"'
}

# lost_host_reads: a letter for each read of the log page, as the target has it: R if the event
# was retained, T if it was taken
lost_host_reads() {
	sed -nE '/"event":"log-read".*"lid":31/ { s/.*event retained.*/R/; s/^[^R].*/T/; p }' \
		/out/target.json | tr -d '\n'
}

# shortest_pause_ms: between two reads of the log page
shortest_pause_ms() {
	sed -nE '/get_log_page cdw10=1f /s/.* ([0-9]+)\.([0-9]{3})[0-9]{3}: .*/\1\2/p' "$TRACE/trace" |
		awk 'NR > 1 && (pause == "" || $1 - last < pause) { pause = $1 - last }
			{ last = $1 } END { print pause }'
}

# The event has the log page read at once, and not only with the next poll, a second later.
variant_event() {
	plan 3
	lose time --lost-log
	scripted_target rule 'event event=lost-host times=1 : lose' >/dev/null
	scripted_target rule 'lost-entry cntlid=1 : cntlid=7' >/dev/null
	writer_start --blocks 1 --writes 3
	scripted_target rule 'write port=1 queue=io : hold=before-execution' >/dev/null
	writer_go
	await 100 eval '[ "$(fence_attr 1 state)" = fencing ]' || bail "it is not closed"
	# In the middle between two polls
	READS=$(lost_host_reads)
	await 5 eval '[ "$(lost_host_reads)" != "$READS" ]' || bail "the page was not read again"
	sleep 0.3
	expect_between "it is polled" 1000 "$(late_ms 1100)" "$(shortest_pause_ms)"
	READS=$(lost_host_reads)
	scripted_target event 2 lost-host >/dev/null
	await 5 eval '[ "$(lost_host_reads)" != "$READS" ]' || bail "the page was not read again"
	sleep 0.3
	expect_between "with the event it was read at once" 0 900 "$(shortest_pause_ms)"
	echo 1 >"/sys/class/nvme/$(path_ctrl 1)/fence/release"
	writer_wait
}

# There was an event before the module came: until somebody takes it, there is no other one.
variant_before() {
	plan 2
	scripted_target_start --lost-log
	path_connect_direct 1
	path_connect_direct 2
	scripted_target event 2 lost-host >/dev/null
	sleep 1
	expect_eq "nobody reads the log page" "" "$(lost_host_reads)"
	fence_load_as told || bail "the module does not load"
	await 5 eval 'lost_host_reads | grep -q T'
	expect_eq "both paths have it looked at, and taken" "RTRT" \
		"$(lost_host_reads | sed 's/RRTT/RTRT/')"
}

# The read of the log page is not answered. It is given up, and not tried again: the path stays.
variant_unanswered() {
	plan 6
	lose time --lost-log
	scripted_target rule 'get-log port=2 lid=31 : ignore=until-abort' >/dev/null
	ccr_lose_path_1
	by_keep_alive
	expect_eq "it was asked once" 1 \
		"$(grep '"event":"ignored"' /out/target.json | grep -c get-log)"
	expect_eq "the path is in use" live "$(host_state "$(path_ctrl 2)")"
}

# The event is lost: the log page is read all the same.
variant_lost_event() {
	plan 5
	lose time --lost-log
	scripted_target rule 'event event=lost-host : lose' >/dev/null
	ccr_lose_path_1
	by_quiescing lost-host-log
}

# Another instance of the controller was lost, one that had the ID before.
variant_wrong_instance() {
	plan 5
	lose time --lost-log
	scripted_target rule 'lost-entry cntlid=1 : ciu=9' >/dev/null
	ccr_lose_path_1
	by_keep_alive
	check "the entry is there, and about another instance" \
		grep -q '"event":"log-read".*"lid":31' /out/target.json
}

# Another controller was lost, perhaps another host's.
variant_another_controller() {
	plan 4
	lose time --lost-log
	scripted_target rule 'lost-entry cntlid=1 : cntlid=7' >/dev/null
	ccr_lose_path_1
	by_keep_alive
}

# The log page can not be read.
variant_unread() {
	plan 5
	lose time --lost-log
	scripted_target rule 'lost-entry cntlid=1 : ne=600' >/dev/null
	ccr_lose_path_1
	by_keep_alive
	check "that is counted" [ "$(fence_counter 2 ccr_log_errors)" -gt 0 ]
}

# What time proves does not count.
variant_disbelieved() {
	plan 4
	lose time --lost-log
	fence_set evidence disabled
	ccr_lose_path_1_and_release
	expect_eq "the administrator had to release it" admin "$(fence_attr 1 evidence)"
	expect_eq "there was no deadline" none "$(rules)"
}

# ccr_lose_path_1_and_release: as nothing else would release it
ccr_lose_path_1_and_release() {
	writer_start --blocks 1 --writes 3
	scripted_target rule 'write port=1 queue=io : hold=before-execution' >/dev/null
	writer_go
	await 100 eval '[ "$(fence_attr 1 state)" = fencing ]' || bail "it is not closed"
	sleep 10
	expect_eq "it is held after CQT" 1 "$(fence_attr 1 held)"
	echo 1 >"/sys/class/nvme/$(path_ctrl 1)/fence/release"
	writer_wait
}

# What is taken for granted: a controller that is listed executes nothing when CQT is over.
variant_liar() {
	plan 6
	lose time --lost-log
	ccr_lose_path_1
	by_quiescing lost-host-log
	ccr_execute_late
	check "the ghost write is there" eval '! registers_verify'
}

# A reset fails when the controller had begun with it: that can not be undone.
variant_clri() {
	plan 5
	lose auto
	scripted_target rule 'reset cntlid=1 : fail v clri retry=3' >/dev/null
	ccr_lose_path_1
	by_quiescing ccr-failed
}

variant_no_clri() {
	plan 4
	lose auto
	scripted_target rule 'reset cntlid=1 : fail v retry=3' >/dev/null
	ccr_lose_path_1
	by_keep_alive
}

# asked: who was asked to reset controller 1, one after the other
asked() {
	sed -nE 's/.* nvme_fence_reset: nvme[0-9]+ record=1 source=(nvme[0-9]+) .* step=asked$/\1/p' \
		"$TRACE/trace" | tr '\n' ' ' | sed 's/ $//'
}

# three_paths RULE: all through different controllers, and the reset of the first one fails
three_paths() {
	lose auto
	connect_to 3 127.0.0.2 "keep_alive_tmo=$KATO,duplicate_connect" ||
		bail "there is no third path"
	scripted_target rule "$1" >/dev/null
	ccr_lose_path_1
	expect_eq "time was the evidence" time "$(fence_attr 1 evidence)"
}

# There is no use in asking again, whoever is asked.
variant_nowhere() {
	plan 3
	three_paths 'reset cntlid=1 : fail retry=0'
	expect_eq "one was asked, once" 1 "$(asked | wc -w)"
}

# Another one is to be asked, and this one not again.
variant_elsewhere() {
	plan 3
	three_paths 'reset cntlid=1 : fail retry=2'
	expect_eq "both were asked, once" "2 2" \
		"$(asked | wc -w) $(asked | tr ' ' '\n' | sort -u | wc -l)"
}

# Only the controller that is named is to be asked.
variant_named() {
	plan 3
	three_paths 'reset cntlid=1 : fail retry=1 acid=3'
	expect_eq "the one that was named was asked next" "$(path_ctrl 3)" \
		"$(asked | cut -d ' ' -f 2)"
}

variant_control() {
	plan 3
	lose off --lost-log
	ccr_lose_path_1
	expect_eq "nothing was held" 0 "$(fence_counter 1 held)"
	ccr_execute_late
	check "the ghost write is there" eval '! registers_verify'
}
