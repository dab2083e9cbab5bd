# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# What nvmet can not report: a quiesce time, a keep alive that only Keep Alive commands
# feed. The host must wait for what the target says, and the target keeps its word: when
# the host releases, it has dropped what it held.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="the host waits for the times that the target reports"
# shellcheck disable=SC2034
VARIANTS="traffic:fence command:fence bad_target:fence control:fence"
# shellcheck disable=SC2034
MACHINES="uml qemu"

CQT_MS=3000

# reported WAY OPTION...: controller 1 is lost with two writes
reported() {
	local way="$1"
	shift
	scene_set_scripted "$way" keep_alive_tmo=5 --cqt-ms "$CQT_MS" "$@"
	writer_start --blocks 2 --writes 2
	lose_controller_1
}

# expect_wait N: N times the keep-alive timeout, and the quiesce time
expect_wait() {
	writer_wait
	expect_eq "the quiesce time is that of the controller" controller \
		"$(field nvme_fence_deadline cqt_source)"
	expect_eq "of $CQT_MS ms" "$CQT_MS" "$(field nvme_fence_deadline cqt_ms)"
	expect_eq "behind $1 keep-alive timeouts" "$1" "$(field nvme_fence_deadline n)"
	expect_between "the writes were released then" -1000 "$STEP_NS" \
		$(($(release_ns) - $(release_expected_ns)))
}

# expect_kept_word: the target dropped the writes when it had said, and before the release
expect_kept_word() {
	local queue lost dropped
	queue=$(grep -m 1 '"dropped".*"cntlid":1,' /out/target.json | sed -E 's/.*("queue":[0-9]+),.*/\1/')
	lost=$(target_ns "\"connection-lost\".*\"cntlid\":1,$queue")
	dropped=$(target_ns "\"dropped\".*\"cntlid\":1,$queue")
	expect_between "the target dropped them $CQT_MS ms after it had lost the connection" \
		$((CQT_MS * 1000000)) $((CQT_MS * 1000000 + STEP_NS)) $((dropped - lost))
	check "which was before the host released them" [ "$dropped" -lt "$(release_ns)" ]
	check "no ghost write" registers_verify
}

variant_traffic() {
	plan 8
	reported time
	expect_wait 3
	expect_kept_word
}

variant_command() {
	plan 8
	reported time --keep-alive command
	expect_wait 2
	expect_kept_word
}

# A target that does not keep its word is one that no waiting helps against: what protects
# in the other variants is what the target does.
variant_bad_target() {
	plan 6
	reported time --quiesce-ms 3600000
	expect_wait 3
	scripted_target release all
	check "the ghost write is there" eval '! registers_verify'
}

# The target has time to release them by hand.
variant_control() {
	plan 3
	reported off --quiesce-ms 3600000
	writer_wait
	expect_eq "nothing was held by the host" 0 "$(fence_counter 1 held)"
	scripted_target release all
	check "the ghost write is there" eval '! registers_verify'
}
