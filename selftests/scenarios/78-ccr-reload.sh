# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=busybox
#
# The module is unloaded while a command is outstanding that it has sent, and loaded again.
# The answer is not for the new one, whose records have the same numbers.

# shellcheck disable=SC2034 # read by whoever runs scenarios
DESCRIPTION="a late answer is not for a module that was loaded meanwhile"
# shellcheck disable=SC2034
VARIANTS="reload:fence control:fence"

# asked_and_released: path 2 is lost, path 1 (record 1) is asked to have it reset and does not
# answer, and the administrator releases the write
asked_and_released() {
	PATH_2_OPTIONS=reconnect_delay=600
	ccr_scene auto
	path_io_timeout 2 3000
	scripted_target ana 1 non-optimized
	await 5 eval '[ "$(cat "/sys/class/nvme/$(path_ctrl 1)"/nvme*/ana_state)" = non-optimized ]'
	# shellcheck disable=SC2034 # for registers_verify
	writer_start --blocks 1 --writes 3
	scripted_target rule 'write port=2 queue=io : hold=before-execution' >/dev/null
	scripted_target rule 'ccr : hold=before-completion answer=0x140' >/dev/null
	writer_go
	await 20 eval '[ "$(fence_attr 2 held)" = 1 ] && [ "$(steps 2)" = asked ]'
	expect_eq "the source was asked" asked "$(steps 2)"
	await 20 nvme-fence release --force "$(path_ctrl 2)"
	writer_wait
}

# The answer, that the log page is full, would make who asked read the log page.
log_reads() { trace_count 'nvme_setup_cmd: .*get_log_page'; }

# answered_late: how often the log page is read because of the answer
answered_late() {
	local before
	before=$(log_reads)
	scripted_target release all >/dev/null
	sleep 1
	echo $(($(log_reads) - before))
}

variant_reload() {
	plan 5
	asked_and_released
	check "the module is unloaded" await 5 fence_unload
	check "and loaded again" fence_load
	expect_eq "the new one takes no notice of the answer" 0 "$(answered_late)"
}

variant_control() {
	plan 3
	asked_and_released
	expect_between "who has asked does" 1 99 "$(answered_late)"
}
