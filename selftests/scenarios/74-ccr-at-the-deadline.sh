# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The answer that a controller is reset comes in the very instant in which the wait of the
# time rule is over. Either is evidence, and what is held is released once.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a reset succeeds at the deadline"
# shellcheck disable=SC2034
VARIANTS="fence:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

# until_ns NANOSECONDS: sleep until then
until_ns() {
	local left=$(($1 - $(now_ns)))
	sleep "$((left / 1000000000)).$(printf %09d $((left % 1000000000)))"
}

# The deadline comes before the source is given up for not answering.
answer_at_the_deadline() {
	KATO=10
	ccr_scene "$1" --ccr immediate
	writer_start --blocks 1 --writes 3
	scripted_target rule 'ccr : hold=before-completion' >/dev/null
	scripted_target rule 'write port=1 queue=io : hold=before-execution' >/dev/null
	writer_go
}

variant_fence() {
	plan 6
	answer_at_the_deadline auto
	await 10 eval '[ "$(trace_count " nvme_fence_deadline: ")" = 1 ]'
	until_ns "$(release_expected_ns)"
	scripted_target release all >/dev/null
	writer_wait
	check "no ghost write" registers_verify
	expect_eq "one evidence" 1 "$(trace_count ' nvme_fence_evidence: ')"
	expect_eq "one release" 1 "$(trace_count ' nvme_fence_release: ')"
	expect_eq "of one write" 1 "$(fence_counter 1 released)"
	expect_between "at the deadline" -1000 "$STEP_NS" \
		$(($(release_ns) - $(release_expected_ns)))
}

variant_control() {
	plan 2
	answer_at_the_deadline off
	writer_wait
	ccr_execute_late
	check "the ghost write is there" eval '! registers_verify'
}
